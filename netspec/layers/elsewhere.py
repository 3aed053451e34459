"""What other frameworks make of a window's arguments: how many windows each would have.

PyTorch and Caffe pad both sides alike, so that for a padding which differs before and after both of
its sides are tried; TensorFlow's layers have no number for it, only SAME and VALID. Sources:
Caffe's conv_layer.cpp and pooling_layer.cpp, the notes on padding of tf.nn, PyTorch's
pooling_shape.h, and cuda-convnet's layer.py.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from netspec.layers.arithmetic import join_both
from netspec.layers.base import Told
from netspec.layers.windows import WindowSpan

Spans: TypeAlias = tuple[WindowSpan, WindowSpan]


def compare_convolutions(spans: Spans) -> Told:
    """Convolutions round down, but for cuda-convnet's."""
    return (
        *tell("PyTorch, Caffe", spans, derive_down),
        *tell("TensorFlow", spans, derive_tensorflow),
        *tell("cuda-convnet", spans, derive_up),
    )


def compare_depthwise(spans: Spans) -> Told:
    """cuda-convnet has no depthwise convolution."""
    return (
        *tell("PyTorch, Caffe", spans, derive_down),
        *tell("TensorFlow", spans, derive_tensorflow),
    )


def compare_pools(spans: Spans) -> Told:
    """Pooling rounds as it is told in PyTorch, up in Caffe, and down in TensorFlow's VALID."""
    return (
        *tell("PyTorch", spans, derive_pytorch_pool),
        *tell("Caffe", spans, derive_caffe_pool),
        *tell("TensorFlow", spans, derive_tensorflow),
    )


def tell(
    framework: str, spans: Spans, derive: Callable[[WindowSpan], Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """What a framework may do, a line each; where height has one line and width two, or the other
    way round, the one goes with both."""
    height, width = map(derive, spans)
    for index in range(max(len(height), len(width))):
        line = join_both(*(lines[min(index, len(lines) - 1)] for lines in (height, width)))
        yield ("" if index else framework), line


def derive_down(span: WindowSpan) -> Sequence[str]:
    return derive_paddings(span, lambda each: derive_once(each, "down"))


def derive_up(span: WindowSpan) -> Sequence[str]:
    """As cuda-convnet has it: a window may start beyond the input."""
    return derive_paddings(span, lambda each: derive_once(each, "up"))


def derive_pytorch_pool(span: WindowSpan) -> Sequence[str]:
    def derive(each: WindowSpan) -> str:
        down, up = derive_once(each, "down"), replace(each, round="up").output
        return down if each.room % each.stride == 0 else f"{down}; {up} with ceil_mode=True"

    return derive_paddings(span, derive)


def derive_caffe_pool(span: WindowSpan) -> Sequence[str]:
    """Caffe drops a window that starts beyond the input only where there is padding."""

    def derive(each: WindowSpan) -> str:
        up = replace(each, round="up")
        return up.derivation if each.before and up.output >= 1 else derive_once(each, "up")

    return derive_paddings(span, derive)


def derive_tensorflow(span: WindowSpan) -> Sequence[str]:
    same = f"SAME: ceil({span.input} / {span.stride}) = {-(-span.input // span.stride)}"
    places = span.input - span.window + 1
    if places < 1:
        return same, "VALID: no window fits"
    count = -(-places // span.stride)
    return same, f"VALID: ceil(({span.input} - {span.window} + 1) / {span.stride}) = {count}"


def derive_once(span: WindowSpan, round: str) -> str:
    rounded = replace(span, round=round)
    return rounded.derive_rounded() if rounded.rounded >= 1 else "no window fits"


def derive_paddings(span: WindowSpan, derive: Callable[[WindowSpan], str]) -> Sequence[str]:
    """What is derived for the padding, or for each of the two that stand in its place."""
    if span.before == span.after:
        return (derive(span),)
    pads = sorted((span.before, span.after))
    return [
        f"pad={pad} on both sides: {derive(replace(span, before=pad, after=pad))}" for pad in pads
    ]
