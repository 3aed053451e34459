"""A claim: what a file says a shape or a count is, held against what it is.

A number holds within half a unit of its last written digit.
"""

from fractions import Fraction

from msgspec import Struct

from netspec.syntax import tree
from netspec.tensor import Shape


class ClaimMade(Struct, frozen=True):
    """A claim met during elaboration, with the value it speaks of."""

    claim: tree.Claim
    subject: str
    """What it speaks of, in the reader's words: `conv1`, the net."""
    value: Shape | int
    first: int
    last: int
    """The layers that it speaks of, as a range of the net's."""
    output: str = ""
    """The layer whose shape it speaks of."""
    is_total: bool = False
    """Whether it speaks of a whole net, so that heads do not count."""

    @property
    def place(self) -> tuple[str, int]:
        """Where the text makes it: the same for every pass of a loop."""
        return self.claim.span.source.name, self.claim.span.start

    @property
    def holds(self) -> bool:
        return self.holds_for(self.value)

    def holds_for(self, value: Shape | int) -> bool:
        """Whether it would hold if its value were this."""
        if isinstance(value, int):
            return _count_holds(self.claim, value)
        return _shape_holds(self.claim.value, value)


def _count_holds(claim: tree.Claim, count: int) -> bool:
    assert isinstance(claim.value, tree.Number)
    return abs(Fraction(claim.value.value) - count) <= claim.value.precision / 2


def _shape_holds(claimed: tree.Number | tree.SizeOf, shape: Shape) -> bool:
    if isinstance(claimed, tree.Number):
        return shape.is_vector and claimed.value == shape.channels
    parts = tuple(part.value for part in claimed.parts if isinstance(part, tree.Number))
    return parts == (tuple(shape) if len(parts) == 3 else shape[1:])


def claimed_shape(claim: tree.Claim) -> tuple[int, ...]:
    """The numbers of a claimed shape; none where one is no whole number."""
    value = claim.value
    parts = (value,) if isinstance(value, tree.Number) else value.parts
    numbers = [part.value for part in parts if isinstance(part, tree.Number)]
    return tuple(int(number) for number in numbers if number == number // 1)
