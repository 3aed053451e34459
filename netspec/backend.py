"""Backends: what turns a checked net into something that runs, and how one is found.

A backend is a package behind an entry point of the group `netspec.backends`, under the entry
point's name. It is imported when it is asked for and not before, so that a check never loads a
tensor library. What it makes of a net, and with what, is its own affair.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, TypedDict, Unpack, cast

from netspec.compiler.program import CheckedNet
from netspec.graph import Node
from netspec.recipe.data_report import DataReport, DataTiming, PackReport
from netspec.recipe.device import Precision
from netspec.recipe.results import Prediction, TestReport
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec.recipe.run_facts import RunsFacts
from netspec.recipe.sweep import SweepReport

GROUP = "netspec.backends"
DISTRIBUTION = "netspec-compiler"
"""What pip knows netspec by; it has an extra of each backend's name."""


class Run(Protocol):
    """How a training ended."""

    @property
    def folder(self) -> Path:
        """Where the weights and all else is written."""

    @property
    def updates(self) -> int:
        """Updates done."""

    @property
    def total(self) -> int:
        """Updates planned."""

    @property
    def class_names(self) -> Sequence[str]:
        """The classes that were told apart."""

    @property
    def final(self) -> Figures | None:
        """The last test, on the centre view; None where the run was interrupted."""

    @property
    def final_views(self) -> Figures | None:
        """The test on several views, where there is one."""

    @property
    def chance(self) -> float:
        """The accuracy of always giving the most frequent class."""

    @property
    def skipped(self) -> Sequence[tuple[str, str]]:
        """The images that could not be read: name and reason."""

    @property
    def interrupted(self) -> str:
        """The signal that ended the run early; empty where none did."""


class SeedOptions(TypedDict, total=False):
    """The options of `train` that all runs have alike."""

    data: Path | str | None
    device: str | None
    epochs: float | None
    iterations: int | None
    precision: Precision | None
    compile: bool
    weights: Path | str | None
    weights_map: Path | str | None
    fresh_last: bool
    watch_layers: bool
    device_batch: int | None
    snapshot_every: int | None
    keep: int | None


class SeedsRun(Protocol):
    """How a training of several seeds ended."""

    @property
    def folder(self) -> Path:
        """Where the runs' folders are, and the table of their figures."""

    @property
    def report(self) -> TestReport | None:
        """The test of all; None where the training was interrupted."""

    @property
    def interrupted(self) -> str:
        """The signal that ended the training early; empty where none did."""


class SweepRun(Protocol):
    """How a sweep ended."""

    @property
    def folder(self) -> Path:
        """Where the runs' folders are, the table of their figures and the picture."""

    @property
    def report(self) -> SweepReport:
        """The figures of what was done."""

    @property
    def interrupted(self) -> str:
        """The signal that ended the sweep early; empty where none did."""


class Backend(Protocol):
    """What a backend has."""

    def train(
        self,
        net: CheckedNet,
        *,
        data: Path | str | None = None,
        device: str | None = None,
        out: Path | str | None = None,
        epochs: float | None = None,
        iterations: int | None = None,
        seed: int | None = None,
        split_seed: int | None = None,
        precision: Precision | None = None,
        compile: bool = False,
        views: int | None = None,
        eval_images: int | None = None,
        weights: Path | str | None = None,
        weights_map: Path | str | None = None,
        fresh_last: bool = False,
        watch_layers: bool = False,
        device_batch: int | None = None,
        snapshot_every: int | None = None,
        keep: int | None = None,
        resume: bool = False,
        from_update: int | None = None,
        force: bool = False,
        listener: Listener | None = None,
    ) -> Run:
        """Train a net by its recipe; the arguments are the options of `netspec train`, and None
        leaves the matter to the recipe or the backend. Raises TrainingError and CompileError."""

    def train_seeds(
        self,
        net: CheckedNet,
        count: int,
        *,
        views: int | None = None,
        eval_images: int | None = None,
        seed: int | None = None,
        out: Path | str | None = None,
        resume: bool = False,
        force: bool = False,
        listener: Listener | None = None,
        **options: Unpack[SeedOptions],
    ) -> SeedsRun:
        """Train a net once for each of several seeds and test all together; the other options are
        those of `train`. Raises TrainingError and CompileError."""

    def train_sweep(
        self,
        nets: Sequence[CheckedNet],
        count: int,
        *,
        until_error: float | None = None,
        views: int | None = None,
        eval_images: int | None = None,
        seed: int | None = None,
        out: Path | str | None = None,
        resume: bool = False,
        force: bool = False,
        listener: Listener | None = None,
        **options: Unpack[SeedOptions],
    ) -> SweepRun:
        """Train nets that differ in the values of their parameters, each with several seeds, and
        compare them; the other options are those of `netspec sweep`. Raises TrainingError and
        CompileError."""

    def test(
        self,
        weights: Sequence[Path | str],
        net: CheckedNet | None = None,
        *,
        weights_map: Path | str | None = None,
        data: Path | str | None = None,
        views: int | None = None,
        eval_images: int | None = None,
        all_images: bool = False,
        device: str | None = None,
        precision: Precision = "float32",
        listener: Listener | None = None,
    ) -> TestReport:
        """Test nets on held-out images, each and all together; the arguments are the options of
        `netspec test`. Raises TrainingError and CompileError."""

    def predict(
        self,
        pictures: Iterable[Path | str | bytes],
        weights: Sequence[Path | str],
        net: CheckedNet | None = None,
        *,
        weights_map: Path | str | None = None,
        views: int = 1,
        best: int = 5,
        device: str | None = None,
        precision: Precision = "float32",
        listener: Listener | None = None,
    ) -> Iterator[Prediction]:
        """Say what pictures show; the arguments are the options of `netspec predict`. Raises
        TrainingError and CompileError before the first picture."""

    def inspect_runs(
        self,
        runs: Sequence[Path | str],
        *,
        data: Path | str | None = None,
        eval_images: int | None = None,
        device: str | None = None,
        listener: Listener | None = None,
    ) -> RunsFacts:
        """Say what is known of runs, and test their weights once more; the arguments are the
        options of `netspec report`. Raises TrainingError."""

    def pack(
        self,
        sources: Sequence[Path | str],
        out: Path | str,
        *,
        val: Path | str | None = None,
        val_list: Path | str | None = None,
        side: int = 256,
        quality: int = 90,
        square: bool = False,
        shard_images: int = 4096,
        seed: int = 0,
        threads: int | None = None,
        listener: Listener | None = None,
    ) -> PackReport:
        """Pack a data set into a folder; the arguments are the options of `netspec pack`. Raises
        TrainingError."""

    def inspect_data(
        self,
        path: Path | str,
        *,
        images: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        listener: Listener | None = None,
    ) -> DataReport:
        """Say what is in a data set; the arguments are the options of `netspec data`. Raises
        TrainingError."""

    def time_data(
        self,
        net: CheckedNet,
        *,
        data: Path | str | None = None,
        device: str | None = None,
        precision: Precision | None = None,
        seconds: float = 5,
        listener: Listener | None = None,
    ) -> DataTiming:
        """Time a data set and a training on it. Raises TrainingError and CompileError."""


class MissingBackendError(Exception):
    """A backend that is not there, or lacks a package; the message says what to install."""


class UnsupportedLayerError(TrainingError):
    """A layer that a backend cannot express; the message has its place in the file."""

    def __init__(self, backend: str, node: Node) -> None:
        super().__init__(
            f"{node.span.place}: {node.name} is a layer of kind `{node.layer.kind}`, which the "
            f"{backend} backend does not know",
            cause="file",
        )
        self.node = node


def find_backend(name: str) -> Backend:
    """Import the backend of a name; raises MissingBackendError where that cannot be done."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise MissingBackendError(f"there is no backend `{name}`; installed: {known}")
    try:
        return cast(Backend, found[name].load())
    except ModuleNotFoundError as error:
        if is_part_of(error.name or "", found[name]):
            raise
        raise MissingBackendError(
            f"the {name} backend needs {error.name}, which is not installed\n"
            f'pip install "{DISTRIBUTION}[{name}]"'
        ) from error


def is_part_of(module: str, entry: EntryPoint) -> bool:
    """Whether a module is the backend's own, so that its absence is a fault and no omission."""
    return module.split(".")[0] == entry.module.split(".")[0]
