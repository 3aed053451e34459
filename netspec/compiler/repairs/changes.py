"""Changes of a single layer that people make to get another shape: of its padding, its rounding,
its stride, its channels. Whether one helps is for the layer's own rule to say.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from netspec.layers.base import Layer, LayerError
from netspec.schema import HeightWidth, Sides
from netspec.tensor import Shape

LARGEST_STRIDE = 8
"""Beyond it neither strides nor the pixels that they drop are tried."""
LARGEST_WINDOW = 16
"""A window beyond it is not padded by trial."""


class Change(NamedTuple):
    """Arguments in place of those that a layer has, and how a file writes them."""

    values: dict[str, Any]
    text: str

    def apply(self, layer: Layer) -> Layer:
        return layer.model_copy(update=self.values)


def has_window(layer: Any) -> bool:
    """Whether it slides a window, or lays kernels, whose size is a number of pixels."""
    fields = type(layer).model_fields
    return {"size", "stride", "pad"} <= fields.keys() and bool(layer.size != "global")


def list_roundings(layer: Any) -> Iterator[Change]:
    if has_window(layer) and hasattr(layer, "round") and layer.stride is not None:
        other = "up" if layer.round == "down" else "down"
        yield Change({"round": other}, f"`round={other}`")


def list_even_paddings(layer: Any) -> Iterator[Change]:
    """The same on all sides, up to half the window."""
    if not has_window(layer):
        return
    most = min(largest_window(layer) // 2, LARGEST_WINDOW)
    for pixels in range(most + 1):
        yield from pad(layer, pixels, pixels)


def list_paddings_after(layer: Any) -> Iterator[Change]:
    for pixels in range(1, min(largest_window(layer), LARGEST_WINDOW)):
        yield from pad(layer, 0, pixels)


def list_output_paddings(layer: Any) -> Iterator[Change]:
    """For a deconv, the pixels that a conv with its numbers would drop."""
    if "output_pad" in type(layer).model_fields:
        for pixels in range(1, min(*layer.stride, LARGEST_STRIDE)):
            yield Change({"output_pad": HeightWidth(pixels, pixels)}, f"`output_pad={pixels}`")


def largest_window(layer: Any) -> int:
    """The longer side of the dilated window; 0 for a layer without."""
    if not has_window(layer):
        return 0
    dilation = getattr(layer, "dilation", HeightWidth(1, 1))
    windows = [d * (k - 1) + 1 for d, k in zip(dilation, layer.size, strict=True)]
    return int(max(windows))


def pad(layer: Any, before: int, after: int) -> Iterator[Change]:
    sides = Sides(before, after, before, after)
    if layer.pad != sides:
        text = str(before) if before == after else f"{before}:{after}"
        yield Change({"pad": sides}, f"`pad={text}`")


def list_strides(layer: Any) -> Iterator[Change]:
    if has_window(layer) and layer.stride is not None:
        for step in range(1, LARGEST_STRIDE + 1):
            if layer.stride != (step, step):
                yield Change({"stride": HeightWidth(step, step)}, f"`stride={step}`")


def list_channels(layer: Any, wanted: Iterable[int]) -> Iterator[Change]:
    """Other numbers of output channels, for a layer that says its own."""
    if "channels" in type(layer).model_fields:
        for channels in wanted:
            if channels >= 1 and channels != layer.channels:
                yield Change({"channels": channels}, f"{channels:,} channels")


def list_biases(layer: Any) -> Iterator[Change]:
    if "bias" in type(layer).model_fields:
        other = not layer.bias
        yield Change({"bias": other}, f"`bias={'yes' if other else 'no'}`")


def try_changes(
    layer: Layer,
    inputs: Sequence[Shape],
    changes: Iterable[Change],
    accepts: Callable[[Layer, Shape], bool],
) -> Change | None:
    """The first change under which the layer's rule is met and its shape accepted."""
    for change in changes:
        changed = change.apply(layer)
        try:
            if accepts(changed, changed.infer_shape(inputs)):
                return change
        except LayerError:
            continue
    return None


def find_own_changes(
    layer: Layer, inputs: Sequence[Shape], accepts: Callable[[Layer, Shape], bool]
) -> list[str]:
    """Changes of a layer's window that help, one of each sort; another stride only where nothing
    else does."""
    sorts = [list_even_paddings, list_paddings_after, list_roundings, list_output_paddings]
    texts: list[str] = []
    for sort in sorts:
        if sort is list_paddings_after and texts and has_single_steps(layer):
            continue
        change = try_changes(layer, inputs, sort(layer), accepts)
        texts += [change.text] if change else []
    if not texts:
        change = try_changes(layer, inputs, list_strides(layer), accepts)
        texts = [change.text] if change else []
    return texts


def has_single_steps(layer: Any) -> bool:
    """Whether a window moves by one pixel, so that nobody would pad one side alone."""
    return bool(layer.stride == (1, 1))
