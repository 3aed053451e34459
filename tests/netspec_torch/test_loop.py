"""What the loop waits for: not for the device at each update, and not for images, which are read
while an update is computed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from netspec.recipe.run import TrainingError
from netspec.values import Word
from netspec_torch import trainer
from netspec_torch.data.fetching import Fetcher
from netspec_torch.run_folder import RunFolder
from netspec_torch.step import TrainingStep
from tests.netspec_torch.small_runs import TOTAL, UPDATES_PER_EPOCH, Trainer, make_net
from tests.netspec_torch.test_divergence import DEVICES, make_batch, make_step

SECONDS = 60
"""Until a test gives up; no more than a few thousandths of one go by."""
ASKING = {"item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__"}
"""Methods of a tensor for which a GPU is waited for."""
ANSWERED = {
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::masked_select",
    "aten::_unique2",
    "aten::repeat_interleave.Tensor",
}
"""Operations whose result, or its size, depends on what a GPU has computed."""
INDEXING = {"aten::index.Tensor", "aten::index_put_", "aten::index_put"}
"""The same where an index is a mask."""
FUSED = [
    "sgd rate=0.05, momentum=0.9, velocity=step",
    "sgd rate=0.05",
    "adam rate=0.01",
    "adamw rate=0.01",
]


class Questions(TorchFunctionMode):
    """Lists the questions to tensors for which a GPU would be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ASKING:
            self.asked.append(func.__name__)
        return func(*args, **(kwargs or {}))


def is_mask(index: Tensor | None) -> bool:
    return index is not None and index.dtype == torch.bool


class Answers(TorchDispatchMode):
    """Lists the operations for which a GPU would be waited for, wherever they come from."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.given: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name()
        if name in ANSWERED or (name in INDEXING and any(map(is_mask, args[1]))):
            self.given.append(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def list_waits() -> Iterator[list[str]]:
    """Fills a list with what a GPU would be waited for inside."""
    waits: list[str] = []
    with Questions() as questions, Answers() as answers:
        yield waits
    waits += questions.asked + answers.given


def test_waits_are_seen() -> None:
    with list_waits() as waits:
        float(torch.ones(()))
        torch.ones(3).tolist()
        torch.ones(3)[torch.tensor([True, False, True])]
        assert torch.ones(1)
    assert waits == [
        "__float__",
        "tolist",
        "__bool__",
        "aten::_local_scalar_dense",
        "aten::index.Tensor",
        "aten::_local_scalar_dense",
    ]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("word", "arguments"),
    [("sgd", {}), ("adam", {}), ("adamw", {}), ("sgd", {"velocity": Word("step")})],
)
def test_an_update_waits_for_nothing(word: str, arguments: dict[str, Any], device: str) -> None:
    _, step = make_step(word, arguments, device)
    batch = make_batch(device)
    step(*batch, 0)
    with no_synchronization(device), list_waits() as waits:
        for update in range(1, 5):
            step(*batch, update)
    assert waits == []
    assert min(step.losses.fetch()) > 0


@contextmanager
def no_synchronization(device: str) -> Iterator[None]:
    """Where there is a GPU, waiting for it is an error."""
    if device == "cpu":
        yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def rare_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: no loss is shown for a while, and a line of the metrics is for six updates."""
    monkeypatch.setattr(trainer.Trainer, "_is_report_due", lambda self: False)
    monkeypatch.setattr(trainer, "LOGGED_STRETCHES", 2)


@pytest.mark.parametrize("solver", FUSED)
def test_the_loop_waits_only_where_a_figure_is_due(
    run: Trainer, rare_figures: None, monkeypatch: pytest.MonkeyPatch, solver: str
) -> None:
    waits: dict[int, list[str]] = {}
    update = trainer.Trainer._update

    def note(self: trainer.Trainer, images: Tensor, labels: Tensor) -> None:
        with list_waits() as waited:
            update(self, images, labels)
        waits[self._state.update] = waited

    monkeypatch.setattr(trainer.Trainer, "_update", note)
    result = run(make_net(solver, more="n: batchnorm"))
    assert result.updates == len(waits) == TOTAL
    lines = {TOTAL // 2: ["tolist"], TOTAL: ["tolist"]}
    assert {update: waited for update, waited in waits.items() if waited} == lines


def test_a_loss_that_broke_is_told_of_its_own_update(run: Trainer, rare_figures: None) -> None:
    """It is found out some updates later, here before the first test."""
    with pytest.raises(TrainingError, match="the loss of update 2, at a rate of 1e\\+15") as caught:
        run(make_net("sgd rate=1e15", more="fc 9; fc 9"))
    assert caught.value.details[0].startswith("it starts in `fc_2` (tiny.net:7:")


def test_nothing_is_written_of_a_run_that_broke(
    run: Trainer, rare_figures: None, tmp_path: Any
) -> None:
    with pytest.raises(TrainingError, match="diverged"):
        run(make_net("sgd rate=1e15", more="fc 9; fc 9"), snapshot_every=3)
    assert RunFolder(tmp_path / "run").list_snapshots() == [0]


def test_a_batch_is_read_while_another_is_computed(
    run: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each update but the last of an epoch goes on only once the next batch has been read."""
    is_read = [threading.Event() for _ in range(TOTAL)]
    started = iter(is_read)
    fetch, compute = Fetcher.fetch_all, TrainingStep.__call__

    def note_fetch(self: Fetcher, indices: Any) -> Any:
        mine = next(started)
        result = fetch(self, indices)
        mine.set()
        return result

    def wait(self: TrainingStep, images: Tensor, labels: Tensor, update: int) -> Tensor:
        if (update + 1) % UPDATES_PER_EPOCH:
            assert is_read[update + 1].wait(SECONDS), f"batch {update + 1} waits for an update"
        return compute(self, images, labels, update)

    monkeypatch.setattr(Fetcher, "fetch_all", note_fetch)
    monkeypatch.setattr(TrainingStep, "__call__", wait)
    assert run(make_net()).updates == TOTAL
