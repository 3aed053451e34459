"""What is known of a tensor before any number in it is: its shape, and for a weight how it starts.

Lowest of the rooms that speak of networks: layers compute with these, graphs hold them. Nothing
here knows of layer kinds or of the language.
"""

from fractions import Fraction
from math import ceil, floor, prod
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from netspec.layers.starting_values import StartingValues


class Shape(NamedTuple):
    """The shape of one image's tensor; a vector of n is n x 1 x 1."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def elements(self) -> int:
        return prod(self)

    @property
    def is_vector(self) -> bool:
        return self.height == self.width == 1

    def __str__(self) -> str:
        return str(self.channels) if self.is_vector else "x".join(map(str, self))


class Weight(Struct, frozen=True):
    """One tensor that a layer owns: learned, or a running average that training keeps."""

    name: str
    """Its name within the layer, PyTorch's word for it: weight, bias, running_mean."""
    shape: tuple[int, ...]
    role: Literal["weight", "bias", "average"]
    """`average` marks running averages: not learned, not counted as parameters."""
    start: "StartingValues"
    fan_in: int
    """Numbers that one output is summed from; starting values scale with it."""
    fan_out: int
    """Output channels, of all groups, times the taps of a kernel; starting values may scale with
    it."""
    rate: float = 1.0
    """Factor on the solver's rate; 0 freezes."""
    decay: float = 1.0
    """Factor on the solver's decay."""

    @property
    def is_learned(self) -> bool:
        return self.role != "average"

    @property
    def elements(self) -> int:
        return prod(self.shape)


class Interval(NamedTuple):
    """A run of channels, rows or columns, `end` excluded."""

    start: int
    end: int


class Reach(NamedTuple):
    """Along one direction, which pixels of an input an output pixel is computed from: pixel p from
    those at step p + first to step p + last, rounded inwards. Some may lie in the padding."""

    step: int | Fraction
    """Input pixels from one output pixel to the next; 0 where every one sees the same."""
    first: int | Fraction
    last: int | Fraction

    def see(self, pixels: Interval) -> Interval:
        """The input pixels that a run of output pixels is computed from."""
        start = ceil(self.step * pixels.start + self.first)
        return Interval(start, floor(self.step * (pixels.end - 1) + self.last) + 1)

    def largest(self, pixels: int) -> int:
        """How many input pixels the one of so many output pixels sees that sees most."""
        seen = (self.see(Interval(pixel, pixel + 1)) for pixel in range(pixels))
        return max(end - start for start, end in seen)


SAME_PIXEL = Reach(1, 0, 0)


def whole_map(shape: Shape) -> tuple[Reach, Reach]:
    """The reach, in rows and in columns, of a layer whose every output sees the whole input."""
    return Reach(0, 0, shape.height - 1), Reach(0, 0, shape.width - 1)
