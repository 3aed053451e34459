"""What PyTorch's modules keep of each layer for the way back: one table, with its reasons.

A layer keeps tensors that it reads, its own result, or numbers beside them. Tensors are kept once,
whoever keeps them. What PyTorch's autograd saves stands in its derivatives.yaml; a test holds the
table against the tensors that it saves of every layer kind.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from netspec.graph import Node

if TYPE_CHECKING:  # a check loads the families of layers that its files use, and no others
    from netspec.layers.convolution import Kernels
    from netspec.layers.joins import Multiply
    from netspec.layers.pooling import Pool
    from netspec.layers.regularization import Dropout, DropPath
    from netspec.layers.windows import WindowSpan

FLOAT = 4
"""Bytes of a float32."""
HALF = 2
"""Bytes of a bfloat16."""
INDEX = 8
"""Bytes of an int64."""


class Kept(Struct, frozen=True):
    """What a layer kind keeps."""

    inputs: bool = False
    """The tensors that it reads."""
    result: bool = False
    extra: int = 0
    """Bytes kept beside them for each number of the result."""
    masks: int = 0
    """Numbers of the result's own kind kept for each of its numbers."""
    is_view: bool = False
    """Whether the result is no more than another view of what it reads."""
    copies: bool = False
    """Whether what it reads is copied first, and the copy kept in its place."""


NOTHING = Kept()
INPUTS = Kept(inputs=True)
RESULT = Kept(result=True)
VIEW = Kept(is_view=True)
COPY = Kept(inputs=True, copies=True)


def find_sides(span: "WindowSpan") -> tuple[int, int]:
    """Padding before and after by which the wanted windows fit when rounded down, as PyTorch wants
    it; see `netspec_torch/windows.py`."""
    needed = (span.output - 1) * span.stride + span.window - span.input - span.before
    is_enough = 0 <= span.after - needed < span.stride
    return span.before, span.after if is_enough else needed


def pads_pool(node: Node) -> bool:
    """Whether the map is padded in a tensor of its own: PyTorch's pools pad both sides alike, by
    half a window at most."""
    spans = cast("Pool", node.layer).spans(node.input_shapes[0])
    return not all(span.before == span.after <= span.size // 2 for span in spans)


def list_borders(node: Node) -> list[int]:
    """Pixels, in height and width, that a convolution's map is padded by in a tensor of its own:
    PyTorch's convolutions pad both sides alike, and every map by as much; below 0 where it is
    cut."""
    layer = cast("Kernels", node.layer)
    borders: list[int] = []
    for span in layer.spans(node.input_shapes[0]):
        even = min(span.before, span.after)
        if layer.round == "up":
            even = 0
        elif layer.pad == "same":
            even = max(0, span.window - span.stride) // 2
        elif layer.pad == "half":
            even = span.window // 2
        before, after = find_sides(span)
        borders += [before - even, after - even]
    return borders


def keep_of_convolution(node: Node) -> Kept:
    """The gradient of the weights needs what the kernels saw."""
    return COPY if any(list_borders(node)) else INPUTS


def keep_of_dense(node: Node) -> Kept:
    """A map is copied to be read in the order channel, row, column."""
    channels, height, width = node.input_shapes[0]
    return COPY if channels > 1 and height * width > 1 else INPUTS


def keep_of_flatten(node: Node) -> Kept:
    return NOTHING if keep_of_dense(node).copies else VIEW


def keep_of_maximum_pool(node: Node) -> Kept:
    """Where each maximum was, as an int64; and the input, whose size and layout it reads."""
    size = cast("Pool", node.layer).size
    copies = size != "global" and pads_pool(node)
    return Kept(inputs=True, extra=INDEX, copies=copies)


def keep_of_mean_pool(node: Node) -> Kept:
    """Nothing of it is needed, but PyTorch keeps the input for its size. Over the whole map it
    takes a mean, which keeps nothing."""
    size = cast("Pool", node.layer).size
    if size == "global" or (size == (1, 1) and node.layer.kind == "adaptiveavgpool"):
        return NOTHING
    return COPY if node.layer.kind == "avgpool" and pads_pool(node) else INPUTS


def keep_of_multiply(node: Node) -> Kept:
    """Each factor's gradient is the product with the others; a constant has none."""
    if len(node.inputs) == 1:
        return VIEW if cast("Multiply", node.layer).factor is None else NOTHING
    return Kept(inputs=True, masks=count_between(node))


def keep_of_maximum(node: Node) -> Kept:
    """Which of two was larger is seen from both."""
    return VIEW if len(node.inputs) == 1 else Kept(inputs=True, masks=count_between(node))


def count_between(node: Node) -> int:
    """Results of the result's own size on the way to a join of more than two, two at a time."""
    between = range(2, len(node.inputs))
    sizes = [max(extents) for extents in zip(*node.input_shapes, strict=True)]
    return sum(
        [max(extents) for extents in zip(*node.input_shapes[:count], strict=True)] == sizes
        for count in between
    )


def keep_of_sum(node: Node) -> Kept:
    return VIEW if len(node.inputs) == 1 else NOTHING


def keep_of_dropout(node: Node) -> Kept:
    """The mask, in numbers of the input's kind; a GPU has one byte for each."""
    layer = cast("Dropout", node.layer)
    return VIEW if layer.inverted and not layer.p else Kept(masks=1)


def keep_of_droppath(node: Node) -> Kept:
    """A number for each image."""
    return NOTHING if cast("DropPath", node.layer).p else VIEW


KEPT: dict[str, Kept | Callable[[Node], Kept]] = {
    "input": NOTHING,
    "conv": keep_of_convolution,
    "depthwise": keep_of_convolution,
    "deconv": INPUTS,
    "fc": keep_of_dense,
    "maxpool": keep_of_maximum_pool,
    "avgpool": keep_of_mean_pool,
    "adaptiveavgpool": keep_of_mean_pool,
    # The slope of these is a function of the result.
    "relu": RESULT,
    "sigmoid": RESULT,
    "tanh": RESULT,
    "softmax": RESULT,
    # Of these it is one of the input, or PyTorch takes it to be where the layer is not in place.
    "relu6": INPUTS,
    "elu": INPUTS,
    "gelu": INPUTS,
    "hardsigmoid": INPUTS,
    "swish": INPUTS,
    "hardswish": INPUTS,
    "mish": INPUTS,
    "leakyrelu": INPUTS,
    "prelu": INPUTS,
    # The closed form in netspec_torch/lrn.py keeps the divisor and its power, both in float32.
    "lrn": Kept(inputs=True, extra=2 * FLOAT),
    # The input, and of each channel or position mean and deviation, which are few.
    "batchnorm": INPUTS,
    "layernorm": INPUTS,
    "groupnorm": INPUTS,
    "scale": INPUTS,
    "dropout": keep_of_dropout,
    "droppath": keep_of_droppath,
    "add": keep_of_sum,
    "multiply": keep_of_multiply,
    "maximum": keep_of_maximum,
    "concat": keep_of_sum,
    "flatten": keep_of_flatten,
    "identity": VIEW,
    "shuffle": NOTHING,
    "slice": VIEW,
    "pad": NOTHING,
    "crop": VIEW,
    "upsample": NOTHING,
}
"""By layer kind, what is kept; a function where it depends on the layer's arguments."""


def find_kept(node: Node) -> Kept:
    kept = KEPT[node.layer.kind]
    return kept if isinstance(kept, Kept) else kept(node)


def count_copied(node: Node) -> int:
    """Numbers, for one image, of the copy of a layer's one input, with the padding it has there."""
    input = node.input_shapes[0]
    if node.layer.kind in ("conv", "depthwise"):
        top, bottom, left, right = list_borders(node)
        return input.channels * (input.height + top + bottom) * (input.width + left + right)
    if node.layer.kind in ("maxpool", "avgpool"):
        spans = cast("Pool", node.layer).spans(input)
        height, width = (span.input + sum(find_sides(span)) for span in spans)
        return input.channels * height * width
    return input.elements
