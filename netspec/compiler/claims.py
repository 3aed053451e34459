"""Claims: what a file says a shape or a count is, held against what it is.

A number holds within half a unit of its last written digit. Claims are about the net's own
defaults: one whose value is another because an argument was changed is skipped, and counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from netspec.compiler.program import ClaimTally
from netspec.diagnostics import MOST_ERRORS, MOST_EXPLAINED, Diagnostic, Label
from netspec.graph import Node
from netspec.syntax import tree
from netspec.tensor import Shape

CODES = {"shape": "NS301", "params": "NS302", "macs": "NS303"}
WORDS = {"params": "parameters", "macs": "multiply-adds"}


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


def check_claims(
    made: Sequence[ClaimMade], originals: Sequence[ClaimMade] | None, nodes: Sequence[Node]
) -> tuple[ClaimTally, list[Diagnostic]]:
    """Hold all claims of a net. `originals` are those of the net with its own defaults, where
    arguments were changed; a value that differs there depends on the change. A claim that a loop
    or block makes many times counts once. `nodes` are the layers that the claims speak of."""
    values = _group_values(made)
    own = _group_values(originals) if originals is not None else values
    skipped = {place for place, value in values.items() if own.get(place) != value}
    failing: dict[tuple[str, int], ClaimMade] = {}
    for each in made:
        if each.place not in skipped and each.place not in failing and not each.holds:
            failing[each.place] = each
    tally = ClaimTally(len(values) - len(skipped) - len(failing), len(skipped))
    return tally, list(_refuse_all(made, list(failing.values()), nodes))


def _group_values(made: Iterable[ClaimMade]) -> dict[tuple[str, int], list[Shape | int]]:
    """The values that each claim of the text speaks of, in the order they came up."""
    values: dict[tuple[str, int], list[Shape | int]] = {}
    for each in made:
        values.setdefault(each.place, []).append(each.value)
    return values


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


def _refuse_all(
    made: Sequence[ClaimMade], failing: Sequence[ClaimMade], nodes: Sequence[Node]
) -> Iterator[Diagnostic]:
    """The errors, the first of them explained; what follows from another is not told."""
    if not failing:
        return
    from netspec.compiler.repairs.claimed import explain_claim  # for mistakes alone
    from netspec.compiler.repairs.consequences import keep_causes
    from netspec.compiler.repairs.history import History

    history = History(nodes)
    for number, (each, followers) in enumerate(keep_causes(failing, nodes)[:MOST_ERRORS]):
        explained = number < MOST_EXPLAINED
        notes, helps = explain_claim(each, history, made) if explained else ((), ())
        if followers:
            more = "another claim fails" if followers == 1 else f"{followers} other claims fail"
            notes = (*notes, f"{more} because of it")
        yield _refuse(each, notes, helps)


def _refuse(made: ClaimMade, notes: tuple[str, ...], helps: tuple[str, ...]) -> Diagnostic:
    claim = made.claim
    written = claim.value.span.text
    about = claim.about.text if claim.about else "shape"
    if isinstance(made.value, Shape):
        headline = f"{made.subject} gives {made.value}, claimed is {written}"
        label = f"it is {made.value}"
    else:
        headline = f"{made.subject} has {made.value:,} {WORDS[about]}, claimed is {written}"
        label = f"it is {made.value:_}"
    return Diagnostic(CODES[about], headline, Label(claim.span, label), notes=notes, help=helps)
