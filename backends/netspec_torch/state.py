"""What a run remembers between two updates, beside its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from netspec.recipe.run import Figures


@dataclass(slots=True)
class RunState:
    """Counts and figures so far."""

    update: int = 0
    """Updates done."""
    tested: int = 0
    """Updates done when the held-out images were last tested; 0 before the first test."""
    last: Figures | None = None
    """That test."""
    best: Figures | None = None
    """The test with the fewest errors; of equals, the first with the lowest loss."""
    best_update: int = 0
    loss_sum: float = 0.0
    """Of the updates since the last training line in the metrics."""
    error_sum: float = 0.0
    """Their training errors."""
    loss_count: int = 0

    def note_test(self, figures: Figures) -> bool:
        """Take in a test; true where it is the best so far."""
        self.tested, self.last = self.update, figures
        is_best = self.best is None or _merit(figures) < _merit(self.best)
        if is_best:
            self.best, self.best_update = figures, self.update
        return is_best

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = to_builtins(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RunState":
        figures = {
            name: values[name] and Figures.from_json(values[name]) for name in ("last", "best")
        }
        return cls(**{**values, **figures})


def _merit(figures: Figures) -> tuple[float, float]:
    return figures.error, figures.loss
