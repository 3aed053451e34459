"""Matching by order: the file's names say nothing, so the places of its layers must.

The net's order is that of its text. A head's layers may stand anywhere in the file, as long as they
stand together, and the heads in their order; libraries register them at the end. All heads are in
the file or none.

The order is taken only where it is the only one that fits: where a layer could be one of two, it is
refused, and so is an order that tears a layer of the file from the one of the net that has its name
and could be it. A file whose tensors are sorted by name has no order: any would fit as well, so
there each layer must have shapes that no other has.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from netspec_torch.weights.layers import (
    MAP_HELP,
    AmbiguousError,
    Layer,
    MisfitError,
    Shape,
    Sources,
    describe_weight,
    explain_misfit,
    group_heads,
    group_theirs,
    help_without,
    write_shape,
)

Pairs = list[tuple[Layer, Layer]]
"""Every layer of the file with one of the net."""
Heads = Sequence[Sequence[Layer]]
SORTED_HELP = (
    "a safetensors file has its tensors sorted by name, not in the order of the layers; "
    "torch.save(model.state_dict(), FILE) keeps that"
)


def match_by_order(theirs: Mapping[str, Shape], view: Sources, layers: Sequence[Layer]) -> Sources:
    """The weights' tensors, where the layers fit in the file's order; raises MisfitError."""
    return _match(pair_in_order, theirs, view, layers)


def match_by_shapes(theirs: Mapping[str, Shape], view: Sources, layers: Sequence[Layer]) -> Sources:
    """The weights' tensors, where the shapes leave no choice; raises MisfitError."""
    return _match(pair_by_shapes, theirs, view, layers)


def _match(
    pair: Callable[[Sequence[Layer], Sequence[Layer], Heads], Pairs],
    theirs: Mapping[str, Shape],
    view: Sources,
    layers: Sequence[Layer],
) -> Sources:
    found = group_theirs(theirs)
    fits: list[Sources] = []
    misfits: list[MisfitError] = []
    for trunk, heads in list_variants(layers):
        try:
            pairs = pair(found, trunk, heads)
        except AmbiguousError:
            raise
        except MisfitError as misfit:
            misfits.append(misfit)
            continue
        check_names(pairs, view, layers)
        fit = {
            ours.full_name(role): other.full_name(role)
            for other, ours in pairs
            if not ours.is_left_out
            for role in ours.shapes
        }
        if fit not in fits:
            fits.append(fit)
    if not fits:
        raise max(misfits, key=lambda misfit: misfit.progress)
    if len(fits) > 1:
        raise AmbiguousError("it fits with the net's heads in it and without")
    return fits[0]


def list_variants(layers: Sequence[Layer]) -> Iterator[tuple[list[Layer], list[list[Layer]]]]:
    """What the file may have: the net with its heads or without, and of the layers that are left
    out all or none."""
    trunk = [layer for layer in layers if layer.head is None]
    heads = list(group_heads(layers).values())
    leaves_out = any(layer.is_left_out for layer in layers)
    for chosen, has_last in product(
        (heads, []) if heads else ([],), (True, False) if leaves_out else (True,)
    ):
        parts = [
            [layer for layer in part if has_last or not layer.is_left_out]
            for part in (trunk, *chosen)
        ]
        yield parts[0], [head for head in parts[1:] if head]


class Reading(NamedTuple):
    """How far the net is read: layers outside heads, whole heads, layers of the next head."""

    trunk: int = 0
    heads: int = 0
    within: int = 0


Step = tuple[Reading, Layer, Reading]
"""A layer of the net, between how far it was read before and after."""


def pair_in_order(theirs: Sequence[Layer], trunk: Sequence[Layer], heads: Heads) -> Pairs:
    """Read the file layer by layer, keeping every reading of the net that fits so far."""
    readings = [Reading()]
    taken: list[dict[Reading, list[Step]]] = []
    for position, layer in enumerate(theirs):
        steps = [step for reading in readings for step in list_steps(reading, trunk, heads)]
        reached: dict[Reading, list[Step]] = {}
        for step in steps:
            if step[1].fits(layer):
                reached.setdefault(step[2], []).append(step)
        if not reached:
            raise explain_stop(layer, steps, position)
        taken.append(reached)
        readings = list(reached)
    end = Reading(len(trunk), len(heads))
    if end not in readings:
        _, ours, _ = next(list_steps(readings[0], trunk, heads))
        role = next(iter(ours.shapes))
        raise MisfitError(
            f"it ends before {describe_weight(ours, role)}",
            *help_without(ours),
            progress=len(theirs),
        )
    return trace_back(theirs, taken, end)


def list_steps(reading: Reading, trunk: Sequence[Layer], heads: Heads) -> Iterator[Step]:
    """The layers that may come next."""
    if reading.within == 0 and reading.trunk < len(trunk):
        yield reading, trunk[reading.trunk], reading._replace(trunk=reading.trunk + 1)
    if reading.heads < len(heads):
        head = heads[reading.heads]
        is_whole = reading.within + 1 == len(head)
        after = (
            Reading(reading.trunk, reading.heads + 1)
            if is_whole
            else reading._replace(within=reading.within + 1)
        )
        yield reading, head[reading.within], after


def trace_back(
    theirs: Sequence[Layer], taken: Sequence[Mapping[Reading, Sequence[Step]]], end: Reading
) -> Pairs:
    """The pairs on the way to the end; raises AmbiguousError where there are two ways."""
    pairs: Pairs = []
    for layer, steps in zip(reversed(theirs), reversed(taken), strict=True):
        (before, ours, _), *others = steps[end]
        if others:
            names = " or ".join(f"`{step[1].name}`" for step in steps[end])
            raise AmbiguousError(f"it fits in several ways: its `{layer.name}` could be {names}")
        pairs.append((layer, ours))
        end = before
    return pairs[::-1]


def explain_stop(theirs: Layer, steps: Sequence[Step], position: int) -> MisfitError:
    """The first layer of a file that fits nowhere."""
    if steps:
        return explain_misfit(theirs, steps[0][1], position)
    role, shape = next(iter(theirs.shapes.items()))
    return MisfitError(
        f"its `{theirs.full_name(role)}`, {write_shape(shape)}, comes after the last layer of the "
        "net",
        progress=position,
    )


def pair_by_shapes(theirs: Sequence[Layer], trunk: Sequence[Layer], heads: Heads) -> Pairs:
    """Give each layer of the net the one that alone has its shapes."""
    ours = [*trunk, *(layer for head in heads for layer in head)]
    fixed = [layer for layer in ours if not layer.is_left_out]
    for position, layer in enumerate(fixed):
        if not any(layer.fits(other) for other in theirs):
            role = next(iter(layer.shapes))
            raise MisfitError(
                f"no layer of its has the shapes of {describe_weight(layer, role)}",
                *help_without(layer),
                progress=position,
            )
    if len(theirs) != len(ours):
        raise MisfitError(
            f"it has {len(theirs)} layers, and the net {len(ours)}", progress=len(fixed)
        )
    pairs: Pairs = []
    for layer in fixed:
        same = [other for other in theirs if layer.fits(other)]
        if len(same) > 1:
            names = " and ".join(f"`{other.name}`" for other in same[:2])
            role = next(iter(layer.shapes))
            raise AmbiguousError(
                f"its {names} have the same shapes, and either could be "
                f"{describe_weight(layer, role)}",
                SORTED_HELP,
                MAP_HELP,
            )
        pairs.append((same[0], layer))
    used = {other.name for other, _ in pairs}
    left = [layer for layer in theirs if layer.name not in used]
    last = [layer for layer in ours if layer.is_left_out]
    return [*pairs, *zip(left, last, strict=True)]


def check_names(pairs: Pairs, view: Sources, layers: Sequence[Layer]) -> None:
    """Raise AmbiguousError where a layer fits the one of the net that has its name, and was given
    to another."""
    named = {layer.name: layer for layer in layers}
    short = {full.rpartition(".")[0]: name.rpartition(".")[0] for name, full in view.items()}
    for theirs, ours in pairs:
        namesake = named.get(short[theirs.name])
        if namesake and namesake.name != ours.name and namesake.fits(theirs):
            raise AmbiguousError(
                f"by its order its `{theirs.name}` would be `{ours.name}` ({ours.place}), and by "
                f"its name `{namesake.name}` ({namesake.place})"
            )
