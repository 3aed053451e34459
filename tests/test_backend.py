"""Backends are found by their entry points, and a missing one is told in plain words."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import netspec_torch
from netspec.backend import Backend, MissingBackendError, find_backend


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Install":
    monkeypatch.syspath_prepend(tmp_path)
    return Install(tmp_path, monkeypatch)


class Install:
    """Puts a backend of one module where Python finds it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def __call__(self, name: str, text: str) -> None:
        module = f"backend_of_a_test_{name}"
        (self.folder / f"{module}.py").write_text(text, encoding="utf-8")
        metadata = self.folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: {module}\nVersion: 1.0\n", encoding="utf-8")
        (metadata / "entry_points.txt").write_text(
            f"[netspec.backends]\n{name} = {module}\n", encoding="utf-8"
        )
        self.monkeypatch.delitem(sys.modules, module, raising=False)


def test_torch_is_found() -> None:
    torch: Backend = netspec_torch
    assert find_backend("torch") is torch


def test_another_package_can_bring_a_backend(install: Install) -> None:
    install("paper", "def train(net):\n    return net\n")
    train: Callable[..., object] = find_backend("paper").train
    assert train("by hand") == "by hand"


def test_a_backend_is_imported_only_when_it_is_asked_for(install: Install) -> None:
    install("broken", "raise RuntimeError('imported')\n")
    install("sound", "train = None\n")
    find_backend("sound")
    with pytest.raises(RuntimeError, match="imported"):
        find_backend("broken")


def test_unknown_backend(install: Install) -> None:
    install("paper", "")
    with pytest.raises(MissingBackendError, match=r"no backend `abacus`; installed: .*paper"):
        find_backend("abacus")


def test_missing_package_names_the_extra(install: Install) -> None:
    install("paper", "import pencil_and_rubber.sharp\n")
    with pytest.raises(MissingBackendError) as refusal:
        find_backend("paper")
    assert str(refusal.value) == (
        "the paper backend needs pencil_and_rubber, which is not installed\n"
        'pip install "netspec-compiler[paper]"'
    )


def test_fault_of_the_backend_is_no_missing_package(install: Install) -> None:
    install("paper", "import backend_of_a_test_paper.lost\n")
    with pytest.raises(ModuleNotFoundError, match="lost"):
        find_backend("paper")
