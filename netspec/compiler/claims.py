"""Holds all claims of a net, and refuses those that fail.

Claims are about the net's own defaults: one whose value is another because an argument was changed
is skipped, and counted.
"""

from collections.abc import Iterable, Iterator, Sequence

from netspec.compiler.claims_made import ClaimMade
from netspec.compiler.program import ClaimTally
from netspec.diagnostics import MOST_ERRORS, MOST_EXPLAINED, Diagnostic, Label
from netspec.graph import Node
from netspec.tensor import Shape

CODES = {"shape": "NS301", "params": "NS302", "macs": "NS303"}
WORDS = {"params": "parameters", "macs": "multiply-adds"}


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
