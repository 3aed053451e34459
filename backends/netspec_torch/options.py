"""What a caller says of a run beside the spec, and what makes a run the same when it goes on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from netspec.compiler.program import CheckedNet
from netspec.recipe.recipe import Recipe
from netspec.recipe.written import resolve_recipe
from netspec.values import Amount
from netspec_torch.compute import Precision
from netspec_torch.data import DataSet

MAY_CHANGE = ("stop", "views", "test_batch")
"""What of a recipe may be another when a run goes on: nothing that the weights depend on so far."""


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

    @property
    def settled_seed(self) -> int:
        return 0 if self.seed is None else self.seed

    @property
    def settled_precision(self) -> Precision:
        return self.precision or "float32"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def go_on_from(self, earlier: Mapping[str, Any]) -> "Options":
        """These options, and where they say nothing those of the run that goes on."""
        unsaid = [field.name for field in fields(self) if getattr(self, field.name) is None]
        kept: dict[str, Any] = {name: earlier.get(name) for name in unsaid}
        if kept.get("stop"):
            kept["stop"] = Amount(**kept["stop"])
        return replace(self, **kept)


def describe_identity(
    net: CheckedNet, recipe: Recipe, options: Options, data: DataSet
) -> dict[str, Any]:
    """What decides a run's weights, update by update, as JSON values."""
    lines = {f"recipe: {k}": v for k, v in resolve_recipe(recipe).items() if k not in MAY_CHANGE}
    layers = {f"layer {n.name}": _digest([repr(n.layer), n.inputs]) for n in net.graph.nodes}
    return {
        "net": net.name,
        **layers,
        **lines,
        "seed": options.settled_seed,
        "precision": options.settled_precision,
        "data": _digest(data.describe()),
    }


def list_differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same, by name."""
    names = dict.fromkeys([*earlier, *now])
    return [name for name in names if earlier.get(name) != now.get(name)]


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
