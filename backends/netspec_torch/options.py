"""What a caller says of a run beside the spec."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from msgspec import to_builtins

from netspec.recipe.device import Precision
from netspec.values import Amount


@dataclass(frozen=True, slots=True)
class Options:
    """None where the recipe, the machine or the run that goes on decides."""

    data: str | None = None
    """As `--data`: a folder, or the name of a set that can be fetched."""
    device: str | None = None
    stop: Amount | None = None
    """In place of the recipe's."""
    seed: int | None = None
    """0 unless given."""
    split_seed: int | None = None
    """Draws the held-out images of data that have none of their own; `seed` unless given."""
    precision: Precision | None = None
    """float32 unless given."""
    compile: bool = False
    views: int | None = None
    """Views of the last test, in place of the recipe's."""
    eval_images: int | None = None
    """Held-out images of the tests on the way, and of the test on several views; else all."""
    weights: str | None = None
    """The file that the run begins from, in place of starting values."""
    weights_map: str | None = None
    """Which of its tensors become which weights."""
    fresh_last: bool | None = None
    """Whether the last layer keeps its starting values all the same."""
    watch_layers: bool | None = None
    """Whether the sizes of weights and updates are logged, layer by layer."""
    device_batch: int | None = None
    """The most images that are computed at once; a whole batch unless given."""
    snapshot_every: int | None = None
    """Updates between two snapshots, beside those that are taken anyway."""
    keep: int | None = None
    """The last snapshots that are kept; 2 unless given."""

    @property
    def settled_seed(self) -> int:
        return 0 if self.seed is None else self.seed

    @property
    def settled_split_seed(self) -> int:
        return self.settled_seed if self.split_seed is None else self.split_seed

    @property
    def settled_precision(self) -> Precision:
        return self.precision or "float32"

    @property
    def settled_keep(self) -> int:
        return 2 if self.keep is None else self.keep

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = to_builtins(self)
        return values

    def go_on_from(self, earlier: Mapping[str, Any]) -> "Options":
        """These options, and where they say nothing those of the run that goes on."""
        unsaid = [field.name for field in fields(self) if getattr(self, field.name) is None]
        kept: dict[str, Any] = {name: earlier.get(name) for name in unsaid}
        if kept.get("stop"):
            kept["stop"] = Amount(**kept["stop"])
        return replace(self, **kept)
