"""Which tensor of a file becomes which weight of a net, decided by their names and shapes alone.

A layer's tensors stay together: a layer of the file fits a layer of the net where both have the
same tensors (weight, bias, running_mean, running_var), each of the same shape. So a bias never
becomes a running mean, and no shape is bent. `num_batches_tracked`, on which nothing depends, is
left out.

*By a map* (`maps.py`), where one is given, and what it names is out of the rest:

*By name*: the file has all names of the net and no other. A prefix that all its names share, as
`module.`, does not count.

*By order* (`order.py`), only where the file lacks a name of the net: the file's layers, in the
file's order, fit the net's, in the order of the text, at every place.

A head is in the file whole or not at all, and keeps its starting values where it is not. With
`fresh_last` the last layer of the net and of each head keeps them too, whether the file has a layer
in its place or not. Everything else of the net must come from the file, and everything of the file
be used, but for what the map leaves out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from netspec_torch.weights.layers import (
    AmbiguousError,
    Layer,
    MisfitError,
    NetWeight,
    Shape,
    Sources,
    describe_weight,
    explain_shape,
    group_heads,
    group_ours,
    group_theirs,
    help_without,
    write_shape,
)
from netspec_torch.weights.maps import MapLine, expand_map
from netspec_torch.weights.order import match_by_order, match_by_shapes

How = Literal["name", "order", "shapes", "map"]
COUNT_OF_BATCHES = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class Match:
    """Where the weights of a net come from."""

    how: How
    """How those were found that no map names; `map` where there are none."""
    sources: Sources
    fresh: tuple[str, ...]
    """The weights that keep their starting values."""
    unused: tuple[str, ...]
    """The file's tensors that nothing takes."""


def match_weights(
    theirs: Mapping[str, Shape],
    ours: Sequence[NetWeight],
    *,
    keeps_order: bool = True,
    lines: Sequence[MapLine] = (),
    fresh_last: bool = False,
) -> Match:
    """Find where each weight of a net comes from.

    `theirs` are the file's tensors in its order, `ours` the net's weights in the order of the text,
    heads included; `lines` are those of a map. A file whose tensors are sorted by name has no order
    to keep. Raises MisfitError with the first line that does not fit.
    """
    theirs = {n: shape for n, shape in theirs.items() if n.rpartition(".")[2] != COUNT_OF_BATCHES}
    layers = group_ours(ours, fresh_last=fresh_last)
    views = list(strip_prefixes(theirs))
    given, dropped = expand_map(
        lines, {k: v for view in reversed(views) for k, v in view.items()}, layers
    )
    check_shapes(theirs, given, layers)
    gone = {*given.values(), *dropped}
    how, found = match_rest(
        {name: shape for name, shape in theirs.items() if name not in gone},
        [{name: full for name, full in view.items() if full not in gone} for view in views],
        take_away(layers, given),
        keeps_order,
    )
    sources = given | found
    check_heads(sources, layers)
    if not sources:
        raise MisfitError("no weight of the net would come from it")
    used = set(sources.values())
    return Match(
        how if found else "map",
        {weight.name: sources[weight.name] for weight in ours if weight.name in sources},
        fresh=tuple(weight.name for weight in ours if weight.name not in sources),
        unused=tuple(name for name in theirs if name not in used),
    )


def match_rest(
    theirs: Mapping[str, Shape],
    views: Sequence[Sources],
    layers: Sequence[Layer],
    keeps_order: bool,
) -> tuple[How, Sources]:
    """By name, else by order."""
    needed = {name: layer for layer in layers if not layer.head for name in layer.wanted}
    view = max(views, key=lambda view: sum(name in view for name in needed))
    missing = [name for name in needed if name not in view]
    if not missing:
        return "name", match_by_name(theirs, view, layers)
    try:
        if keeps_order:
            return "order", match_by_order(theirs, view, layers)
        return "shapes", match_by_shapes(theirs, view, layers)
    except AmbiguousError:
        raise
    except MisfitError as error:
        if 2 * len(missing) > len(needed):
            raise
        name = missing[0]
        raise MisfitError(
            f"it has no {describe_weight(needed[name], name.rpartition('.')[2])}",
            *help_without(needed[name]),
        ) from error


def take_away(layers: Sequence[Layer], given: Sources) -> list[Layer]:
    """The layers without the weights that are given already."""
    left = []
    for layer in layers:
        shapes = {r: s for r, s in layer.shapes.items() if layer.full_name(r) not in given}
        if shapes:
            left.append(replace(layer, shapes=shapes))
    return left


def strip_prefixes(names: Iterable[str]) -> Iterator[Sources]:
    """The names of a file as they are, then less the first part that all share, and so on; each
    with its name in the file."""
    view = {name: name for name in names}
    yield view
    while all(name.count(".") > 1 for name in view):
        if len({name.partition(".")[0] for name in view}) != 1:
            return
        view = {name.partition(".")[2]: full for name, full in view.items()}
        yield view


def match_by_name(theirs: Mapping[str, Shape], view: Sources, layers: Sequence[Layer]) -> Sources:
    """Each weight from the tensor of its name; raises MisfitError where the file has others."""
    sources = {name: view[name] for layer in layers for name in layer.wanted if name in view}
    check_shapes(theirs, sources, layers)
    check_others(theirs, view, layers)
    return sources


def check_heads(sources: Sources, layers: Sequence[Layer]) -> None:
    """Raise MisfitError where a head is there in part."""
    for head, members in group_heads(layers).items():
        names = [name for layer in members for name in layer.wanted]
        missing = [name for name in names if name not in sources]
        if missing and len(missing) < len(names):
            raise MisfitError(f"it has a part of the head `{head}`, but no `{missing[0]}`")


def check_shapes(theirs: Mapping[str, Shape], sources: Sources, layers: Sequence[Layer]) -> None:
    """Raise MisfitError where a tensor has not its weight's shape."""
    for layer in layers:
        for name in layer.wanted:
            role = name.rpartition(".")[2]
            if name in sources and theirs[sources[name]] != layer.shapes[role]:
                raise explain_shape(sources[name], theirs[sources[name]], layer, role)


def check_others(theirs: Mapping[str, Shape], view: Sources, layers: Sequence[Layer]) -> None:
    """Raise MisfitError where the file has more than the net, but for one layer in the place of
    each that is left out."""
    ours = {layer.full_name(role) for layer in layers for role in layer.shapes}
    others = {full: theirs[full] for name, full in view.items() if name not in ours}
    room = sum(
        layer.is_left_out and not any(layer.full_name(role) in view for role in layer.shapes)
        for layer in layers
    )
    if len(group_theirs(others)) > room:
        name, shape = next(iter(others.items()))
        raise MisfitError(
            f"its `{name}`, {write_shape(shape)}, is no weight of the net",
            f"a line `{name} -` in a --map FILE leaves it out",
        )
