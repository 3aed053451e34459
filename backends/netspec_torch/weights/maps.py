"""A map: which tensor of a file becomes which weight, said by hand.

    # theirs                ours
    features.0              conv1_1
    classifier.6.weight     fc8.weight
    aux1                    -

Two names a line, theirs then ours, either of two layers, with all their tensors, or of two tensors.
`-` leaves out what theirs begins or is the name of. `#` begins a comment. Theirs may do without a
prefix that all names of the file share.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from netspec.compiler.suggest import did_you_mean
from netspec.recipe.run import TrainingError
from netspec.render.page import count_noun
from netspec_torch.weights.layers import (
    Layer,
    MisfitError,
    Sources,
    group_theirs,
)

COMMENT = re.compile(r"(?:^|\s)#.*")
NOTHING = "-"
ROLES = frozenset({"weight", "bias", "running_mean", "running_var"})
FORM_HELP = "a line of a map has two words, a name of theirs and one of ours; # begins a comment"
MOST_TOLD = 10
"""Wrong lines of a map that are told one by one."""
MOST_NAMED = 5
"""Names of a file or a net that are listed where one is not among them."""


class MapLine(NamedTuple):
    """A line of a map."""

    theirs: str
    ours: str
    place: str = "the map"
    """`file:line`."""


def parse_map(text: str, file: str) -> list[MapLine]:
    """The lines of a map; raises TrainingError with all that have not two names."""
    lines = []
    mistakes = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = COMMENT.sub("", line).split()
        if len(words) == 2:
            lines.append(MapLine(words[0], words[1], f"{file}:{number}"))
        elif words:
            mistakes.append(f"{file}:{number} has {count_noun(len(words), 'word')}")
    if len(mistakes) == 1:
        raise TrainingError(mistakes[0], FORM_HELP, cause="file")
    if mistakes:
        what = f"{file} has {len(mistakes)} lines that are not two words"
        raise TrainingError(what, FORM_HELP, cause="file", details=cut_short(mistakes))
    return lines


def expand_map(
    lines: Sequence[MapLine], tensors: Sources, layers: Sequence[Layer]
) -> tuple[Sources, set[str]]:
    """What a map says of each weight, and the tensors that it leaves out; raises MisfitError with
    all lines that say what cannot be. `tensors` has for each name that a line may use the one in
    the file."""
    owners = {layer.full_name(role): layer for layer in layers for role in layer.shapes}
    sources: Sources = {}
    dropped: set[str] = set()
    mistakes: list[MisfitError] = []
    for line in lines:
        try:
            if line.ours == NOTHING:
                dropped |= find_below(line, tensors)
            else:
                sources |= read_line(line, tensors, owners, sources)
        except MisfitError as mistake:
            mistakes.append(mistake)
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise MisfitError(
            f"{len(mistakes)} lines of the map say what cannot be",
            *dict.fromkeys(help for mistake in mistakes[:MOST_TOLD] for help in mistake.help),
            details=cut_short([str(mistake) for mistake in mistakes]),
        )
    return sources, dropped


def read_line(
    line: MapLine, tensors: Sources, owners: Mapping[str, Layer], sources: Sources
) -> Sources:
    """What a line gives beside those before it; raises MisfitError."""
    given: Sources = {}
    for source, name in expand_line(line, tensors, owners):
        if owners[name].is_left_out:
            raise MisfitError(
                f"{line.place} gives `{name}`, and --fresh-last leaves it out",
                "take out one of the two",
            )
        if name in sources:
            raise MisfitError(f"{line.place} gives `{name}`, which has a line already")
        check_roles(line, source, name)
        given[name] = tensors[source]
    return given


def find_below(line: MapLine, tensors: Sources) -> set[str]:
    """The tensors whose names are the one of the line, or begin with it."""
    found = {full for name, full in tensors.items() if f"{name}.".startswith(f"{line.theirs}.")}
    if not found:
        raise unknown_name(line, line.theirs, "begins no name of the file", tensors)
    return found


def expand_line(
    line: MapLine, tensors: Sources, owners: Mapping[str, Layer]
) -> list[tuple[str, str]]:
    """The tensors that a line names, each with its weight."""
    ours = {layer.name: layer for layer in owners.values()}
    theirs = {layer.name: layer for layer in group_theirs(dict.fromkeys(tensors, ()))}
    check_kinds(line, tensors, theirs, owners, ours)
    if line.ours in owners:
        if line.theirs not in tensors:
            raise unknown_name(line, line.theirs, "is no tensor of the file", tensors)
        return [(line.theirs, line.ours)]
    if line.ours not in ours:
        raise unknown_name(line, line.ours, "is no layer of the net with weights", [*ours, *owners])
    if line.theirs not in theirs:
        raise unknown_name(line, line.theirs, "is no layer of the file", theirs)
    mine, other = ours[line.ours], theirs[line.theirs]
    if mine.shapes.keys() != other.shapes.keys():
        raise MisfitError(
            f"{line.place} joins `{other.name}`, which has {', '.join(other.shapes)}, and "
            f"`{mine.name}` ({mine.place}), which has {', '.join(mine.shapes)}",
            "a line may also have the names of two tensors",
        )
    return [(other.full_name(role), mine.full_name(role)) for role in mine.shapes]


def check_kinds(
    line: MapLine,
    tensors: Sources,
    theirs: Mapping[str, Layer],
    owners: Mapping[str, Layer],
    ours: Mapping[str, Layer],
) -> None:
    """Raise MisfitError where a line has a tensor of one side and a layer of the other."""
    if line.theirs in tensors and line.ours in ours and line.ours not in owners:
        layer, _, role = line.theirs.rpartition(".")
        wholes, parts = f"{layer} {line.ours}", f"{line.theirs} {line.ours}.{role}"
        what = "a tensor of the file", "a layer of the net"
    elif line.theirs in theirs and line.theirs not in tensors and line.ours in owners:
        layer, _, role = line.ours.rpartition(".")
        wholes, parts = f"{line.theirs} {layer}", f"{line.theirs}.{role} {line.ours}"
        what = "a layer of the file", "a weight of the net"
    else:
        return
    raise MisfitError(
        f"{line.place} joins `{line.theirs}`, {what[0]}, and `{line.ours}`, {what[1]}",
        f"`{wholes}` joins the layers, `{parts}` one tensor",
    )


def check_roles(line: MapLine, source: str, name: str) -> None:
    """Raise MisfitError where a line makes of one kind of tensor another."""
    theirs, ours = source.rpartition(".")[2], name.rpartition(".")[2]
    if theirs != ours and ROLES.issuperset((theirs, ours)):
        raise MisfitError(f"{line.place} makes `{source}` of the file the net's `{name}`")


def cut_short(mistakes: Sequence[str]) -> list[str]:
    """As many as are told."""
    more = len(mistakes) - MOST_TOLD
    return [*mistakes[:MOST_TOLD], *([f"and {more:,} more"] if more > 0 else [])]


def unknown_name(line: MapLine, name: str, reason: str, known: Iterable[str]) -> MisfitError:
    names = list(known)
    more = len(names) - MOST_NAMED
    listed = f"there is {', '.join(names[:MOST_NAMED])}" + (f" and {more} more" * (more > 0))
    return MisfitError(
        f"{line.place} names `{name}`, which {reason}", *(did_you_mean(name, names) or (listed,))
    )
