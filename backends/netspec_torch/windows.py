"""Where PyTorch's windows and a spec's windows part.

PyTorch pads both sides of a map alike and, when it pools, by half a window at most; a spec may pad
as it likes and round up. How many windows there are is decided in `netspec.layers.windows` alone.
"""

from torch import fx
from torch.nn.functional import pad

from netspec.layers.windows import WindowSpan
from netspec.schema import Sides
from netspec_torch.emission import Emission

Spans = tuple[WindowSpan, WindowSpan]
"""Height first."""


def sides_in_effect(spans: Spans) -> Sides:
    """The padding under which exactly the wanted windows fit when rounding down; a negative side is
    to be cut."""
    height, width = spans
    return Sides(height.before, _after(height), width.before, _after(width))


def _after(span: WindowSpan) -> int:
    """The padding as given where rounding down finds the wanted windows under it, else up to the
    last window's end."""
    needed = (span.output - 1) * span.stride + span.window - span.input - span.before
    return span.after if 0 <= span.after - needed < span.stride else needed


def pools_alike(spans: Spans) -> bool:
    """Whether PyTorch's pooling has the same windows: both its rounding modes are the spec's."""
    return all(span.before == span.after <= span.size // 2 for span in spans)


def count_pixels(span: WindowSpan, *, padding: bool) -> list[int]:
    """The pixels that each window sees: of the map, or of the map and its padding. Those that
    `round=up` adds beyond the padding never count."""
    first = -span.before if padding else 0
    end = span.input + (span.after if padding else 0)
    starts = range(-span.before, span.output * span.stride - span.before, span.stride)
    return [min(start + span.size, end) - max(start, first) for start in starts]


def beyond(sides: Sides, even: tuple[int, int]) -> Sides:
    """What is left of the four sides once `even` is taken from each."""
    top, bottom, left, right = sides
    height, width = even
    return Sides(top - height, bottom - height, left - width, right - width)


def emit_padding(to: Emission, name: str, x: fx.Node, sides: Sides, **value: float) -> fx.Node:
    """Pixels of zeros, or of `value`, added around the map, or cut where a side is negative.

    Added first: a map may be smaller than what is cut behind its padding.
    """
    for part in ([max(side, 0) for side in sides], [min(side, 0) for side in sides]):
        if any(part):
            top, bottom, left, right = part
            x = to.call(name, pad, x, (left, right, top, bottom), **value)
    return x
