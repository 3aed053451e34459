"""Options and limits of the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports torch: workers of pytest-xdist share the machine's cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("netspec", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("netspec")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("netspec")
    group.addoption("--golden", action="store_true", help="rewrite the goldens; review the diff")
    group.addoption("--slow", action="store_true", help="run the slow tests too")
    group.addoption("--network", action="store_true", help="run what fetches something too")
    group.addoption(
        "--wheel", action="store_true", help="refuse to test anything but an installed wheel"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--wheel"):
        from netspec import source

        home = Path(source.__file__).parents[1]
        if home.name != "site-packages":
            raise pytest.UsageError(f"--wheel: netspec was imported from {home}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name in ("slow", "network"):
            if item.get_closest_marker(name) and not config.getoption(f"--{name}"):
                item.add_marker(pytest.mark.skip(reason=f"runs with --{name}"))
        if item.get_closest_marker("gpu") and not has_gpu():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> bool:
    """Whether goldens are rewritten instead of compared."""
    return bool(pytestconfig.getoption("--golden"))
