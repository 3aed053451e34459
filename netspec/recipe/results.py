"""What a use of trained nets gives: figures on held-out images, and the classes of pictures. Plain
data, whatever computes it.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct, to_builtins

from netspec.recipe.run import Figures


class TestedNet(Struct, frozen=True):
    """A net with the weights of a file, and how well it does."""

    __test__: ClassVar[bool] = False

    weights: str
    """The file."""
    net: str
    update: int | None
    """Updates that it was trained by; None where the file does not say."""
    figures: tuple[Figures, ...]
    """On the centre view, and behind it on several views, where there is such a test."""


class TestReport(Struct, frozen=True):
    """How well nets do on the same images, each alone and all together."""

    __test__: ClassVar[bool] = False

    data: str
    """The data set's name."""
    origin: str
    tested: str
    """Which of its images: `held-out images` or `images`."""
    classes: int
    chance: float
    """The accuracy of always giving the most frequent class."""
    nets: tuple[TestedNet, ...]
    ensemble: tuple[Figures, ...]
    """Of the mean of all nets' probabilities; empty where there is one net."""
    skipped: tuple[tuple[str, str], ...]
    """The images that could not be read: name and reason."""

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        facts: dict[str, Any] = to_builtins(self)
        return facts

    @property
    def images(self) -> int:
        """How many images were tested."""
        return self.nets[0].figures[0].images


class ClassProbability(NamedTuple):
    """A class that a net takes a picture for."""

    name: str
    """Its number, where the weights know no names."""
    number: int
    """Its place among the net's outputs, from 0."""
    probability: float


class Prediction(Struct, frozen=True):
    """What a picture shows."""

    picture: str
    classes: Sequence[ClassProbability]
    """The most probable ones, the first is the best; empty where the picture failed."""
    failure: str = ""
    """Why there is no prediction: completes "PICTURE …"."""

    def to_json(self) -> dict[str, Any]:
        """The prediction as JSON values."""
        if self.failure:
            return {"picture": self.picture, "failure": self.failure}
        return {"picture": self.picture, "classes": [each._asdict() for each in self.classes]}
