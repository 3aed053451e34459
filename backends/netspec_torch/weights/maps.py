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
from netspec_torch.weights.layers import (
    MAP_HELP,
    Layer,
    MisfitError,
    Sources,
    group_theirs,
)

COMMENT = re.compile(r"(?:^|\s)#.*")
NOTHING = "-"
ROLES = frozenset({"weight", "bias", "running_mean", "running_var"})


class MapLine(NamedTuple):
    """A line of a map."""

    theirs: str
    ours: str
    place: str = "the map"
    """`file:line`."""


def parse_map(text: str, file: str) -> list[MapLine]:
    """The lines of a map; raises TrainingError at one that has not two names."""
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = COMMENT.sub("", line).split()
        if len(words) == 2:
            lines.append(MapLine(words[0], words[1], f"{file}:{number}"))
        elif words:
            raise TrainingError(
                f"{file}:{number} has {len(words)} words",
                "a line of a map has two, a name of theirs and one of ours; # begins a comment",
                cause="file",
            )
    return lines


def expand_map(
    lines: Sequence[MapLine], tensors: Sources, layers: Sequence[Layer]
) -> tuple[Sources, set[str]]:
    """What a map says of each weight, and the tensors that it leaves out; raises MisfitError where
    it says what cannot be. `tensors` has for each name that a line may use the one in the file."""
    owners = {layer.full_name(role): layer for layer in layers for role in layer.shapes}
    sources: Sources = {}
    dropped: set[str] = set()
    for line in lines:
        if line.ours == NOTHING:
            dropped |= find_below(line, tensors)
            continue
        for source, name in expand_line(line, tensors, owners):
            if owners[name].is_left_out:
                raise MisfitError(
                    f"{line.place} gives `{name}`, and --fresh-last leaves it out",
                    "take out one of the two",
                )
            if name in sources:
                raise MisfitError(f"{line.place} gives `{name}`, which has a line already")
            check_roles(line, source, name)
            sources[name] = tensors[source]
    return sources, dropped


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
    if line.ours in owners:
        if line.theirs not in tensors:
            raise unknown_name(line, line.theirs, "is no tensor of the file", tensors)
        return [(line.theirs, line.ours)]
    ours = {layer.name: layer for layer in owners.values()}
    theirs = {layer.name: layer for layer in group_theirs(dict.fromkeys(tensors, ()))}
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


def check_roles(line: MapLine, source: str, name: str) -> None:
    """Raise MisfitError where a line makes of one kind of tensor another."""
    theirs, ours = source.rpartition(".")[2], name.rpartition(".")[2]
    if theirs != ours and ROLES.issuperset((theirs, ours)):
        raise MisfitError(f"{line.place} makes `{source}` of the file the net's `{name}`")


def unknown_name(line: MapLine, name: str, reason: str, known: Iterable[str]) -> MisfitError:
    return MisfitError(
        f"{line.place} names `{name}`, which {reason}", *(did_you_mean(name, known) or (MAP_HELP,))
    )
