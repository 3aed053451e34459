"""Groups of two and of four processes, which all tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.netspec_torch.distributed.processes import Processes


@pytest.fixture(scope="session")
def pair() -> Iterator[Processes]:
    processes = Processes(2)
    yield processes
    processes.close()


@pytest.fixture(scope="session")
def four() -> Iterator[Processes]:
    processes = Processes(4)
    yield processes
    processes.close()
