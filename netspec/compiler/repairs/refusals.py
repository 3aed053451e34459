"""What is told beside a layer's refusal: the shapes that came to it, and what would mend it."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from netspec.compiler.claims_made import ClaimMade
from netspec.compiler.repairs.changes import (
    find_own_changes,
    list_channels,
    list_even_paddings,
    list_roundings,
    try_changes,
)
from netspec.compiler.repairs.history import History, Shapes, describe_tensor
from netspec.compiler.repairs.upstream import (
    find_branch_changes,
    find_changes,
    find_smallest_input,
    keeps_claims,
)
from netspec.graph import Node
from netspec.layers.base import Layer, LayerError
from netspec.layers.convolution import Conv
from netspec.schema import HeightWidth, Sides
from netspec.source import SourceFile
from netspec.tensor import Shape

MOST_INPUTS = 4
POOLS = ("maxpool", "avgpool")
ONE_BY_ONE = Conv.model_validate({"channels": 1, "size": 1})


class Refusal(NamedTuple):
    """A layer's refusal with what it was given."""

    error: LayerError
    layer: Layer
    names: tuple[str, ...]
    """The layers whose tensors it was given."""
    history: History
    claims: Sequence[ClaimMade]
    source: SourceFile
    """The file that the layer stands in."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(self.history.find(name).shape for name in self.names)

    @property
    def leading(self) -> list[Node]:
        return self.history.list_leading(self.names)

    def accepts(self, shapes: Shapes) -> bool:
        """Whether the layer's rule is met by other shapes above, and the claims there hold."""
        try:
            self.layer.infer_shape([shapes[name] for name in self.names])
        except LayerError:
            return False
        return keeps_claims(self.claims)(shapes)


def tell_inputs(refusal: Refusal) -> Iterator[str]:
    """The chain of shapes of each input."""
    for number, name in enumerate(refusal.names[:MOST_INPUTS], start=1):
        what = "input" if len(refusal.names) == 1 else f"input {number}"
        yield describe_tensor(refusal.history, name, what, refusal.source)


def advise_refusal(refusal: Refusal) -> tuple[str, ...]:
    """The help lines: what was tried and mends it, else what the layer itself says."""
    match refusal.error.code:
        case "NS204" if hasattr(refusal.layer, "spans"):
            found = advise_window(refusal)
        case "NS201":
            found = advise_join(refusal)
        case "NS203":
            found = [*refusal.error.help, *advise_groups(refusal)]
        case _:
            found = []
    return tuple(found) or refusal.error.help


# a window that does not fit


def advise_window(refusal: Refusal) -> list[str]:
    layer, shapes = refusal.layer, refusal.shapes
    if refusal.error.argument == "pad":
        smaller = reversed(list(list_even_paddings(layer)))
        change = try_changes(layer, shapes, chain(list_roundings(layer), smaller), accept_any)
        return [f"with {change.text} every window sees the map"] if change else []
    padded = [f"with {text}" for text in find_own_changes(layer, shapes, accept_any)[:1]]
    is_pool = layer.kind in POOLS
    ways = [] if is_pool else padded
    if is_pool and is_larger_pool(layer, shapes[0]):
        ways.append(f"as `{layer.kind} global`")
    smallest = find_smallest_input(refusal.history, refusal.leading, refusal.accepts)
    if smallest:
        ways.append(f"with {smallest}")
    if not smallest and shapes[0].is_vector:
        return ["its input is a vector, which is one pixel: only a window of 1x1 fits"]
    ways = ways or padded
    return [f"it fits {join_or(ways)}"] if ways else []


def accept_any(layer: Layer, shape: Shape) -> bool:
    return True


def is_larger_pool(layer: Any, shape: Shape) -> bool:
    """Whether a pool's window covers the map in both directions, so that all of it may be meant."""
    if layer.size.height < shape.height or layer.size.width < shape.width:
        return False
    whole = layer.model_copy(update={"size": "global", "stride": None, "pad": Sides(0, 0, 0, 0)})
    output: Shape = whole.infer_shape((shape,))
    return output == Shape(shape.channels)


# channels that do not split


def advise_groups(refusal: Refusal) -> list[str]:
    """Channels that the groups would divide: of the layer itself, or of the one they come from."""
    layer: Any = refusal.layer
    groups = layer.groups
    counts = [layer.channels] if getattr(layer, "channels", 0) % groups else []
    if counts:
        change = try_changes(
            layer,
            refusal.shapes,
            list_channels(layer, list_multiples(counts[0], groups)),
            accept_any,
        )
        if change:
            return [f"{change.text} would split into {groups}"]
        return []
    for node in reversed(refusal.leading):
        if "channels" in type(node.layer).model_fields:
            wanted = list_multiples(node.shape.channels, groups)
            changes = ((node, change) for change in list_channels(node.layer, wanted))
            found = find_changes(
                refusal.history, refusal.leading, changes, refusal.accepts, refusal.source
            )
            return [f"with {found[0]} it splits into {groups}"] if found else []
        if node.inputs and node.shape.channels != node.input_shapes[0].channels:
            break
    return []


def list_multiples(count: int, divisor: int) -> list[int]:
    """The multiples of a divisor next to a count, the nearer one first."""
    below = count - count % divisor
    return sorted((each for each in (below, below + divisor) if each), key=lambda n: abs(n - count))


# tensors that do not join


def advise_join(refusal: Refusal) -> list[str]:
    """Changes within one branch that bring the inputs to shapes that join."""
    above = [refusal.history.list_leading([name]) for name in refusal.names[:MOST_INPUTS]]
    names = [{node.name for node in nodes} for nodes in above]
    shared = {name for each in names for name in each if sum(name in n for n in names) > 1}
    found = find_branch_changes(
        refusal.history, refusal.leading, shared, refusal.accepts, refusal.source
    )
    helps = [f"with {join_or(found)} they join"] if found else []
    if refusal.layer.kind == "concat":
        return helps
    inserted = advise_projection(refusal)
    return helps + inserted


def advise_projection(refusal: Refusal) -> list[str]:
    """A 1x1 conv that brings one input to the shape of the other."""
    for small, large in ((1, 0), (0, 1)):
        if len(refusal.names) != 2:
            break
        wanted, shape = refusal.shapes[large], refusal.shapes[small]
        steps = {-(-has // needs) for has, needs in zip(shape[1:], wanted[1:], strict=True)}
        step = steps.pop()
        layer = ONE_BY_ONE.model_copy(
            update={"channels": wanted.channels, "stride": HeightWidth(step, step)}
        )
        if steps or layer.infer_shape((shape,)) != wanted:
            continue
        stride = f", stride={step}" if step > 1 else ""
        line = f"`conv {wanted.channels}, 1x1{stride}`"
        return [f"{line} would bring input {small + 1} to {wanted}"]
    return []


def join_or(texts: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
