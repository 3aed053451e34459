"""Changes further up that mend what is wrong below: the rounding, padding or stride of a window, or
another size of the input. Each is run down from there before it is offered.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from netspec.compiler.claims_made import ClaimMade
from netspec.compiler.repairs.changes import (
    Change,
    has_window,
    list_even_paddings,
    list_roundings,
    list_strides,
)
from netspec.compiler.repairs.history import History, Shapes, name_layer, tell_place
from netspec.graph import Node
from netspec.layers.input import Input
from netspec.source import SourceFile
from netspec.tensor import Shape

Accepts = Callable[[Shapes], bool]
"""Whether the shapes of the layers that were run again mend what is wrong."""
FURTHEST_SIZE = 40
"""How many pixels larger or smaller an input is tried."""
LARGEST_INPUT = 4096
FEW_CHANNELS = 4
MOST_WINDOWS = 12
MOST_FOUND = 3


def keeps_claims(claims: "Iterable[ClaimMade]") -> Accepts:
    """Whether all claims of shapes that hold as it is would still hold."""
    held = [made for made in claims if isinstance(made.value, Shape) and made.holds]

    def keeps(shapes: Shapes) -> bool:
        return all(made.holds_for(shapes[made.output]) for made in held if made.output in shapes)

    return keeps


def is_uneven(node: Node) -> bool:
    """Whether a layer has a window that does not come out even, so that rounding decides."""
    if not has_window(node.layer) or not hasattr(node.layer, "spans"):
        return False
    spans = node.layer.spans(node.input_shapes[0])
    return any(span.room % span.stride for span in spans)


def find_other_roundings(
    history: History, nodes: Sequence[Node], accepts: Accepts, source: SourceFile
) -> list[str]:
    """Windows above that round the other way, the nearest first."""
    windows = [node for node in reversed(nodes) if is_uneven(node)]
    changes = ((node, change) for node in windows for change in list_roundings(node.layer))
    return find_changes(history, nodes, changes, accepts, source)


def find_branch_changes(
    history: History,
    nodes: Sequence[Node],
    shared: set[str],
    accepts: Accepts,
    source: SourceFile,
) -> list[str]:
    """Windows above that round, pad or step otherwise, those left out that are shared."""
    windows = [n for n in reversed(nodes) if n.name not in shared and has_window(n.layer)]
    windows = windows[:MOST_WINDOWS]

    def list_all() -> Iterator[tuple[Node, Change]]:
        for node in windows:
            if is_uneven(node):
                yield from ((node, change) for change in list_roundings(node.layer))
        for sort in (list_even_paddings, list_strides):
            for node in windows:
                yield from ((node, change) for change in sort(node.layer))

    return find_changes(history, nodes, list_all(), accepts, source)


def find_changes(
    history: History,
    nodes: Sequence[Node],
    changes: Iterable[tuple[Node, Change]],
    accepts: Accepts,
    source: SourceFile,
) -> list[str]:
    """Which changes help, one a line of the file."""
    found: dict[tuple[str, int], str] = {}
    for node, change in changes:
        key = node.span.source.name, node.span.start
        if key in found:
            continue
        changed = {n.name: change.apply(n.layer) for n in nodes if n.span == node.span}
        shapes = history.replay(nodes, changed)
        if shapes is not None and accepts(shapes):
            where = f"{name_layer(node)} at {tell_place(node.span, source)}"
            found[key] = f"{change.text} on {where}"
        if len(found) == MOST_FOUND or history.budget.steps < 0:
            break
    return list(found.values())


def find_turned_input(history: History, nodes: Sequence[Node], accepts: Accepts) -> str:
    """The only input with its channels first, if it has them last as TensorFlow's have."""
    inputs = [node for node in nodes if isinstance(node.layer, Input)]
    if len(inputs) != 1 or inputs[0].shape.width > FEW_CHANNELS:
        return ""
    (input,) = inputs
    height, width, channels = input.shape
    turned = input.layer.model_copy(update={"size": Shape(channels, height, width)})
    shapes = history.replay(nodes, {input.name: turned})
    return f"input {channels}x{height}x{width}" if shapes and accepts(shapes) else ""


def find_input_size(history: History, nodes: Sequence[Node], accepts: Accepts) -> str:
    """The nearest size of the only input that helps; empty where none does."""
    inputs = [node for node in nodes if isinstance(node.layer, Input)]
    if len(inputs) != 1:
        return ""
    (input,) = inputs
    for further in range(1, FURTHEST_SIZE + 1):
        for pixels in (further, -further):
            changed = resize_input(input, pixels)
            shapes = history.replay(nodes, {input.name: changed}) if changed else None
            if changed and shapes is not None and accepts(shapes):
                return f"an input of {changed.size.height}x{changed.size.width}"
        if history.budget.steps < 0:
            break
    return ""


def find_smallest_input(history: History, nodes: Sequence[Node], accepts: Accepts) -> str:
    """The smallest size of the only input from which on it fits; empty where none does."""
    inputs = [node for node in nodes if isinstance(node.layer, Input)]
    if len(inputs) != 1:
        return ""
    (input,) = inputs

    def fits(pixels: int) -> bool:
        changed = resize_input(input, pixels)
        shapes = history.replay(nodes, {input.name: changed}) if changed else None
        return shapes is not None and accepts(shapes)

    most = 1
    while not fits(most):
        most *= 2
        if most > LARGEST_INPUT or history.budget.steps < 0:
            return ""
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if fits(middle) else (middle, most)
    changed = resize_input(input, most)
    if changed is None or not fits(most):
        return ""
    return f"an input of at least {changed.size.height}x{changed.size.width}"


def resize_input(node: Node, pixels: int) -> Input | None:
    """The input with so many more rows and columns; None where none would be left."""
    channels, height, width = node.shape
    if height + pixels < 1 or width + pixels < 1:
        return None
    size = Shape(channels, height + pixels, width + pixels)
    changed = node.layer.model_copy(update={"size": size})
    assert isinstance(changed, Input)
    return changed
