"""Window arithmetic for random arguments: against PyTorch where it has the case, against a walk
over the windows where it has not.
"""

from itertools import count

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.layers.base import LayerError
from netspec.layers.convolution import Conv
from netspec.layers.pooling import Pool
from netspec.layers.windows import WindowSpan
from netspec.tensor import Shape
from tests.layers.build import build_layer, pad

F = nn.functional
Pair = tuple[int, int]
EXTENTS = st.tuples(st.integers(1, 12), st.integers(1, 12))
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5))
SMALL = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@st.composite
def group_counts(draw: st.DrawFn) -> tuple[int, int, int]:
    """Input channels, output channels and groups that divide both."""
    groups = draw(st.integers(1, 3))
    return groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3)), groups


def read_shape(tensor: torch.Tensor) -> Shape:
    """The shape of one image."""
    return Shape(*tensor.shape[1:])


@given(group_counts(), EXTENTS, SIZES, SMALL, PADS, SMALL)
def test_conv(
    channels: tuple[int, int, int], extent: Pair, size: Pair, stride: Pair, pads: Pair, gap: Pair
) -> None:
    inputs, outputs, groups = channels
    named = {"stride": stride, "pad": pads, "dilation": gap, "groups": groups, "bias": False}
    layer = build_layer("conv", outputs, size, **named)
    shape = Shape(inputs, *extent)
    (weight,) = layer.list_weights([shape])
    x, w = torch.zeros(1, *shape), torch.zeros(weight.shape)
    try:
        with FlopCounterMode(display=False) as counter:
            expected = F.conv2d(x, w, None, stride, pads, gap, groups)
    except RuntimeError:
        with pytest.raises(LayerError, match="NS204"):
            layer.infer_shape([shape])
        return
    output = layer.infer_shape([shape])
    assert output == read_shape(expected)
    assert layer.count_macs([shape], output) * 2 == counter.get_total_flops()


@given(group_counts(), EXTENTS, SIZES, SMALL, PADS, st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_deconv(
    channels: tuple[int, int, int], extent: Pair, size: Pair, stride: Pair, cut: Pair, extra: Pair
) -> None:
    inputs, outputs, groups = channels
    named = {"stride": stride, "pad": cut, "output_pad": extra, "groups": groups, "bias": False}
    layer = build_layer("deconv", outputs, size, **named)
    shape = Shape(inputs, *extent)
    (weight,) = layer.list_weights([shape])
    x, w = torch.zeros(1, *shape), torch.zeros(weight.shape)
    try:
        with FlopCounterMode(display=False) as counter:
            expected = F.conv_transpose2d(x, w, None, stride, cut, extra, groups)
    except RuntimeError:
        expected = None
    if expected is None or expected.numel() == 0:
        with pytest.raises(LayerError, match=r"NS204|NS109"):
            layer.infer_shape([shape])
        return
    output = layer.infer_shape([shape])
    assert output == read_shape(expected)
    assert layer.count_macs([shape], output) * 2 == counter.get_total_flops()


@given(EXTENTS, SIZES, SMALL, PADS, st.booleans())
def test_pooling(extent: Pair, size: Pair, stride: Pair, pads: Pair, ceil: bool) -> None:
    """PyTorch pads by half of the window at most; up to there, both take the same and agree."""
    assume(all(p <= k // 2 for p, k in zip(pads, size, strict=True)))
    named = {"stride": stride, "pad": pads, "round": "up" if ceil else "down"}
    shape, x = Shape(1, *extent), torch.zeros(1, 1, *extent)
    layers = [build_layer(kind, size, **named) for kind in ("maxpool", "avgpool")]
    try:
        expected = F.max_pool2d(x, size, stride, pads, ceil_mode=ceil)
    except RuntimeError:
        for layer in layers:
            with pytest.raises(LayerError, match="NS204"):
                layer.infer_shape([shape])
        return
    assert expected.shape == F.avg_pool2d(x, size, stride, pads, ceil_mode=ceil).shape
    for layer in layers:
        assert layer.infer_shape([shape]) == read_shape(expected)


@given(EXTENTS, SIZES, SMALL, PADS, PADS, st.booleans())
def test_pooling_wants_windows_that_see_a_pixel(
    extent: Pair, size: Pair, stride: Pair, before: Pair, after: Pair, ceil: bool
) -> None:
    rounding = "up" if ceil else "down"
    layer = build_layer("maxpool", size, stride=stride, pad=pad(before, after), round=rounding)
    assert isinstance(layer, Pool)
    shape = Shape(1, *extent)
    rows, columns = (count_pixels(span) for span in layer.spans(shape))
    if rows and columns and all(rows) and all(columns):
        assert layer.infer_shape([shape]) == Shape(1, len(rows), len(columns))
    else:
        with pytest.raises(LayerError, match="NS204"):
            layer.infer_shape([shape])


def count_pixels(span: WindowSpan) -> list[int]:
    """How many pixels of the map each window sees, walking from the first one on."""
    starts: list[int] = []
    for start in count(-span.before, span.stride):
        overhang = start + span.window - (span.input + span.after)
        if overhang > 0 and (span.round == "down" or overhang >= span.stride):
            break
        starts.append(start)
    if span.round == "up" and starts and starts[-1] >= span.input:
        starts.pop()
    return [max(0, min(start + span.window, span.input) - max(start, 0)) for start in starts]


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_pad_same(extent: int, size: int, stride: int, gap: int, ceil: bool) -> None:
    """ceil(input / stride) windows, with no pixel of padding that is not needed."""
    named = {"stride": stride, "dilation": gap, "round": "up" if ceil else "down"}
    layer = build_layer("conv", 1, size, pad="same", **named)
    shape = Shape(1, extent, extent)
    expected = -(-extent // stride)
    assert layer.infer_shape([shape]) == Shape(1, expected, expected)
    assert isinstance(layer, Conv)
    span, _ = layer.spans(shape)
    assert span.before <= span.after <= span.before + 1
    reach = (expected - 1) * stride + span.window
    assert span.before + span.after == max(0, reach - extent)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4))
def test_a_deconv_undoes_the_shape_of_a_conv_padded_same(
    extent: int, size: int, stride: int
) -> None:
    assume(size >= stride)
    small = Shape(1, extent, extent)
    large = build_layer("deconv", 1, size, stride=stride, pad="same").infer_shape([small])
    assert large == Shape(1, extent * stride, extent * stride)
    assert build_layer("conv", 1, size, stride=stride, pad="same").infer_shape([large]) == small


@given(EXTENTS, st.integers(1, 12), st.integers(1, 12))
def test_crop_pad_and_flatten(extent: Pair, height: int, width: int) -> None:
    assume(height <= extent[0] and width <= extent[1])
    x, shape = torch.zeros(1, 3, *extent), Shape(3, *extent)
    cropped = build_layer("crop", (height, width)).infer_shape([shape])
    assert cropped == Shape(3, height, width)
    padded = build_layer("pad", pad((height, 1), (0, width))).infer_shape([shape])
    assert padded == read_shape(F.pad(x, (1, width, height, 0)))
    assert build_layer("flatten").infer_shape([shape]).channels == x.flatten(1).shape[1]


@given(EXTENTS, SMALL)
def test_upsample(extent: Pair, factor: Pair) -> None:
    x, shape = torch.zeros(1, 3, *extent), Shape(3, *extent)
    by_factor = build_layer("upsample", factor).infer_shape([shape])
    assert by_factor == read_shape(F.interpolate(x, scale_factor=factor))
    assert build_layer("upsample", to=by_factor[1:]).infer_shape([shape]) == by_factor
