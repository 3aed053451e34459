"""Shapes, parameters and multiply-adds, each computed by hand."""

from math import prod

import pytest

from netspec.layers.activation import Activate
from netspec.layers.resizing import Crop
from netspec.layers.starting_values import Constant, Normal, Uniform
from netspec.layers.windows import WindowSpan, describe_rounding
from netspec.tensor import Shape, Weight
from tests.layers.build import build_layer, count_params, pad

Row = tuple[str, tuple[object, ...], dict[str, object], Shape, Shape, int, int]

WINDOWED: list[Row] = [
    # (224 + 3 - 11) / 4 + 1 = 55; 96 (3 121 + 1); 96 55 55 363
    ("conv", (96, 11), {"stride": 4, "pad": pad(0, 3)}, Shape(3, 224, 224), Shape(96, 55, 55),
     34_944, 105_415_200),
    # ceil((224 - 11) / 4) + 1 = 55
    ("conv", (96, 11), {"stride": 4, "round": "up"}, Shape(3, 224, 224), Shape(96, 55, 55),
     34_944, 105_415_200),
    # floor((224 - 11) / 4) + 1 = 54
    ("conv", (96, 11), {"stride": 4}, Shape(3, 224, 224), Shape(96, 54, 54),
     34_944, 96 * 54 * 54 * 363),
    # 256 (48 25 + 1)
    ("conv", (256, (5, 5)), {"pad": 2, "groups": 2}, Shape(96, 27, 27), Shape(256, 27, 27),
     307_456, 223_948_800),
    ("conv", (8, (1, 7)), {"pad": (0, 3), "bias": False}, Shape(4, 17, 17), Shape(8, 17, 17),
     8 * 4 * 7, 8 * 17 * 17 * 28),
    # dilated window 2 (3 - 1) + 1 = 5: (9 - 5) / 1 + 1
    ("conv", (8, 3), {"dilation": 2}, Shape(1, 9, 9), Shape(8, 5, 5), 8 * 10, 8 * 25 * 9),
    # ceil(5 / 2) = 3, and 3 wants 2 2 + 3 - 5 = 2 of padding; ceil(7 / 3) = 3: 3 2 + 3 - 7 = 2
    ("conv", (1, 3), {"stride": (2, 3), "pad": "same"}, Shape(1, 5, 7), Shape(1, 3, 3), 10, 81),
    ("conv", (1, 3), {"pad": pad((0, 1), (2, 3))}, Shape(1, 5, 5), Shape(1, 5, 7), 10, 35 * 9),
    # floor((8 + 2 - 4) / 2) + 1 with half of 4 on each side
    ("conv", (1, 4), {"stride": 2, "pad": "half"}, Shape(1, 8, 8), Shape(1, 5, 5), 17, 25 * 16),
    ("depthwise", (3,), {"pad": 1, "bias": False}, Shape(32, 112, 112), Shape(32, 112, 112),
     288, 3_612_672),
    ("depthwise", (3,), {"stride": 2, "multiplier": 2}, Shape(3, 7, 7), Shape(6, 3, 3),
     6 * 10, 6 * 9 * 9),
    # (28 - 1) 2 + 4 - 2 = 56; 64 32 16 + 32; 64 28 28 16 32
    ("deconv", (32, 4), {"stride": 2, "pad": 1}, Shape(64, 28, 28), Shape(32, 56, 56),
     32_800, 64 * 784 * 16 * 32),
    # (5 - 1) 2 + 3 - 2 + 1 = 10, (5 - 1) 3 + 3 - 2 + 2 = 15
    ("deconv", (4, 3), {"stride": (2, 3), "pad": 1, "output_pad": (1, 2), "groups": 2},
     Shape(6, 5, 5), Shape(4, 10, 15), 6 * 2 * 9 + 4, 6 * 25 * 9 * 2),
    ("deconv", (4, 5), {"stride": 2, "pad": "same"}, Shape(1, 7, 9), Shape(4, 14, 18),
     104, 63 * 25 * 4),
    ("deconv", (4, 5), {"pad": "half"}, Shape(1, 7, 9), Shape(4, 7, 9), 104, 63 * 25 * 4),
    ("deconv", (1, 3), {"stride": 2, "pad": pad(0, 1)}, Shape(1, 4, 4), Shape(1, 8, 8), 10, 144),
    ("fc", (4096,), {}, Shape(256, 6, 6), Shape(4096), 37_752_832, 37_748_736),
    ("fc", (10,), {"bias": False}, Shape(4096), Shape(10), 40_960, 40_960),
    # (55 - 3) / 2 + 1
    ("maxpool", (3,), {"stride": 2}, Shape(96, 55, 55), Shape(96, 27, 27), 0, 0),
    # floor((54 - 3) / 2) + 1 and ceil: from a 54 the rounding counts
    ("maxpool", (3,), {"stride": 2}, Shape(96, 54, 54), Shape(96, 26, 26), 0, 0),
    ("maxpool", (3,), {"stride": 2, "round": "up"}, Shape(96, 54, 54), Shape(96, 27, 27), 0, 0),
    # ceil((5 + 2 - 2) / 3) + 1 = 3, whose last starts at 6 = 1 + 5 and is dropped
    ("maxpool", (2,), {"stride": 3, "pad": 1, "round": "up"}, Shape(1, 5, 5), Shape(1, 2, 2), 0, 0),
    # without padding: ceil((5 - 2) / 4) + 1 = 2, whose last starts at 4 and stays
    ("maxpool", (2,), {"stride": 4, "round": "up"}, Shape(1, 5, 5), Shape(1, 2, 2), 0, 0),
    # ceil((4 - 1) / 2) + 1 = 3, whose last would start at 4, beyond the input
    ("avgpool", (1,), {"stride": 2, "round": "up"}, Shape(1, 4, 4), Shape(1, 2, 2), 0, 0),
    # Darknet's maxpool of 2 by 1 keeps the map
    ("maxpool", (2,), {"stride": 1, "pad": pad(0, 1)}, Shape(1, 13, 13), Shape(1, 13, 13), 0, 0),
    # one pixel short of a window, which round=up completes
    ("maxpool", (3,), {"stride": 2, "round": "up"}, Shape(8, 2, 2), Shape(8, 1, 1), 0, 0),
    ("avgpool", ("global",), {}, Shape(1024, 7, 9), Shape(1024), 0, 0),
    ("adaptiveavgpool", ((4, 2),), {}, Shape(3, 14, 5), Shape(3, 4, 2), 0, 0),
    ("avgpool", ((2, 3),), {"stride": (2, 1), "pad": "same"}, Shape(1, 5, 4), Shape(1, 3, 4), 0, 0),
]  # fmt: skip

OTHERS: list[Row] = [
    ("input", ((3, 224, 224),), {}, Shape(1), Shape(3, 224, 224), 0, 0),
    ("softmax", (), {}, Shape(10), Shape(10), 0, 0),
    ("hardswish", (), {}, Shape(7, 2, 3), Shape(7, 2, 3), 0, 0),
    ("leakyrelu", (0.1,), {}, Shape(7, 2, 3), Shape(7, 2, 3), 0, 0),
    ("prelu", (), {}, Shape(64, 5, 5), Shape(64, 5, 5), 64, 0),
    ("lrn", (5,), {"groups": 2}, Shape(96, 55, 55), Shape(96, 55, 55), 0, 0),
    ("batchnorm", (), {}, Shape(64, 5, 5), Shape(64, 5, 5), 128, 0),
    ("batchnorm", (), {"scale": False}, Shape(64, 5, 5), Shape(64, 5, 5), 64, 0),
    ("batchnorm", (), {"scale": False, "shift": False}, Shape(64), Shape(64), 0, 0),
    ("layernorm", (), {}, Shape(96, 56, 56), Shape(96, 56, 56), 192, 0),
    ("groupnorm", (32,), {}, Shape(64, 5, 5), Shape(64, 5, 5), 128, 0),
    ("scale", (), {}, Shape(96, 56, 56), Shape(96, 56, 56), 96, 0),
    ("scale", (), {"bias": True}, Shape(96, 56, 56), Shape(96, 56, 56), 192, 0),
    ("dropout", (0.5,), {}, Shape(4096), Shape(4096), 0, 0),
    ("droppath", (0,), {}, Shape(4, 2, 2), Shape(4, 2, 2), 0, 0),
    ("flatten", (), {}, Shape(256, 6, 6), Shape(9216), 0, 0),
    ("identity", (), {}, Shape(3, 4, 5), Shape(3, 4, 5), 0, 0),
    ("shuffle", (3,), {}, Shape(240, 28, 28), Shape(240, 28, 28), 0, 0),
    ("slice", (0, 24), {}, Shape(96, 5, 5), Shape(24, 5, 5), 0, 0),
    ("slice", (95, 96), {}, Shape(96, 5, 5), Shape(1, 5, 5), 0, 0),
    ("pad", (pad(0, (1, 4)),), {}, Shape(3, 5, 5), Shape(3, 6, 9), 0, 0),
    ("pad", (0,), {}, Shape(3, 5, 5), Shape(3, 5, 5), 0, 0),
    ("crop", ((4, 6),), {}, Shape(3, 5, 6), Shape(3, 4, 6), 0, 0),
    ("upsample", (2,), {}, Shape(3, 5, 6), Shape(3, 10, 12), 0, 0),
    ("upsample", ((1, 3),), {}, Shape(3, 5, 6), Shape(3, 5, 18), 0, 0),
    ("upsample", (), {"to": (5, 7)}, Shape(3, 5, 6), Shape(3, 5, 7), 0, 0),
    ("multiply", (0.17,), {}, Shape(3, 5, 6), Shape(3, 5, 6), 0, 0),
]


@pytest.mark.parametrize("row", WINDOWED + OTHERS, ids=str)
def test_shape_parameters_and_work(row: Row) -> None:
    kind, positional, named, input, output, params, macs = row
    layer = build_layer(kind, *positional, **named)
    assert layer.infer_shape([input]) == output
    assert count_params(layer, input) == params
    assert layer.count_macs([input], output) == macs


JOINS: list[tuple[str, list[Shape], Shape]] = [
    ("add", [Shape(64, 5, 5), Shape(64, 5, 5), Shape(64, 5, 5)], Shape(64, 5, 5)),
    ("add", [Shape(64, 5, 5)], Shape(64, 5, 5)),
    ("maximum", [Shape(64), Shape(64)], Shape(64)),
    ("concat", [Shape(64, 5, 5), Shape(128, 5, 5), Shape(1, 5, 5)], Shape(193, 5, 5)),
    ("multiply", [Shape(64, 5, 7), Shape(64)], Shape(64, 5, 7)),
    ("multiply", [Shape(64), Shape(64, 5, 7)], Shape(64, 5, 7)),
    ("multiply", [Shape(1, 5, 7), Shape(64, 5, 7), Shape(64), Shape(64, 5, 7)], Shape(64, 5, 7)),
    ("multiply", [Shape(1, 5, 7), Shape(1)], Shape(1, 5, 7)),
    ("multiply", [Shape(64, 5, 7)], Shape(64, 5, 7)),
]


@pytest.mark.parametrize(("kind", "inputs", "output"), JOINS)
def test_joins(kind: str, inputs: list[Shape], output: Shape) -> None:
    layer = build_layer(kind)
    assert layer.infer_shape(inputs) == output
    assert layer.list_weights(inputs) == ()
    assert layer.count_macs(inputs, output) == 0


def test_what_a_conv_owns() -> None:
    factors = {"rate": 0.1, "decay": 0.5, "bias_rate": 2, "bias_decay": 0}
    layer = build_layer("conv", 6, (3, 5), groups=2, **factors)
    bound = Uniform(bound=(2 * 15) ** -0.5)
    assert layer.list_weights([Shape(4, 9, 9)]) == (
        Weight("weight", (6, 2, 3, 5), "weight", bound, 30, 90, 0.1, 0.5),
        Weight("bias", (6,), "bias", bound, 30, 90, 2, 0),
    )


def test_fans_of_a_deconv_are_those_pytorch_reads_off_its_weight() -> None:
    weight, bias = build_layer("deconv", 6, (3, 5), groups=2).list_weights([Shape(4, 9, 9)])
    assert weight.shape == (4, 3, 3, 5)
    assert bias.shape == (6,)
    assert (weight.fan_in, weight.fan_out) == (3 * 15, 4 * 15)
    assert weight.start == Uniform(bound=45**-0.5)


def test_the_fc_weight_runs_over_channel_row_column() -> None:
    weight, bias = build_layer("fc", 10, init=Normal(std=0.01)).list_weights([Shape(256, 6, 6)])
    assert weight.shape == (10, 9216)
    assert (weight.start, bias.start) == (Normal(std=0.01), Constant(value=0.0))


def test_what_a_batchnorm_owns() -> None:
    layer = build_layer("batchnorm", rate=0, bias_decay=0)
    zeros, ones = Constant(value=0.0), Constant(value=1.0)
    assert layer.list_weights([Shape(8, 2, 2)]) == (
        Weight("weight", (8,), "weight", ones, 1, 1, 0, 1),
        Weight("bias", (8,), "bias", zeros, 1, 1, 0, 0),
        Weight("running_mean", (8,), "average", zeros, 1, 1, 0, 0),
        Weight("running_var", (8,), "average", ones, 1, 1, 0, 0),
    )


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"shift": False}, ["weight", "running_mean", "running_var"]),
        ({"scale": False}, ["bias", "running_mean", "running_var"]),
        ({"scale": False, "shift": False}, ["running_mean", "running_var"]),
    ],
)
def test_a_batchnorm_without_factor_or_shift(arguments: dict[str, bool], names: list[str]) -> None:
    weights = build_layer("batchnorm", **arguments).list_weights([Shape(8)])
    assert [weight.name for weight in weights] == names


def test_slopes_and_factors_start_where_they_are_told_to() -> None:
    input = [Shape(8, 2, 2)]
    (slope,) = build_layer("prelu", 0.1, rate=2, decay=0).list_weights(input)
    assert slope == Weight("weight", (8,), "weight", Constant(value=0.1), 1, 1, 2, 0)
    factor, shift = build_layer("scale", init=1e-6, bias=True, rate=0).list_weights(input)
    assert factor == Weight("weight", (8,), "weight", Constant(value=1e-6), 1, 1, 0, 1)
    assert shift == Weight("bias", (8,), "bias", Constant(value=0.0), 1, 1, 0, 1)
    (factor,) = build_layer("scale", init=Normal(std=1)).list_weights(input)
    assert factor.start == Normal(std=1)


@pytest.mark.parametrize("kind", ["relu", "mish", "softmax", "leakyrelu", "prelu"])
def test_activate_stands_for_what_it_names(kind: str) -> None:
    activate = build_layer("activate", kind, gpu=1)
    assert isinstance(activate, Activate)
    assert activate.resolve() == build_layer(kind, gpu=1)


@pytest.mark.parametrize(
    ("size", "offset"), [((4, 4), (1, 0)), ((3, 3), (1, 1)), ((6, 5), (0, 0)), ((1, 2), (2, 1))]
)
def test_a_crop_takes_the_middle(size: tuple[int, int], offset: tuple[int, int]) -> None:
    crop = build_layer("crop", size)
    assert isinstance(crop, Crop)
    assert crop.offset(Shape(1, 6, 5)) == offset


def test_a_window_tells_what_it_drops_and_invents() -> None:
    down = WindowSpan(224, 11, 4, 0, 0, 1, "down")
    up = WindowSpan(224, 11, 4, 0, 0, 1, "up")
    assert (down.output, down.dropped, down.invented) == (54, 1, 0)
    assert (up.output, up.dropped, up.invented) == (55, 0, 3)
    assert up.formula == "(224 - 11) / 4 + 1"


@pytest.mark.parametrize(
    ("span", "told"),
    [
        # 56 + 1 + 1 = 58 pixels; the windows start at 0, 2, … 54, the last ends with pixel 56
        (WindowSpan(56, 3, 2, 1, 1, 1, "down"), "the last pixel, which is padding"),
        (WindowSpan(9, 1, 4, 3, 3, 1, "down"), "the last 2 pixels, which are padding"),
        (WindowSpan(224, 11, 4, 0, 0, 1, "down"), "the last pixel of the input"),
        (WindowSpan(10, 3, 4, 0, 0, 1, "down"), "the last 3 pixels of the input"),
        (WindowSpan(9, 3, 4, 0, 1, 1, "down"), "the last 2 pixels of the input, nor the padding"),
    ],
)
def test_what_no_window_reaches_is_padding_or_input(span: WindowSpan, told: str) -> None:
    assert describe_rounding(span).startswith(f"down: no window reaches {told}")


def test_sizes_beyond_any_machine_stay_exact() -> None:
    huge = Shape(2**53, 2**53, 2**53)
    assert build_layer("flatten").infer_shape([huge]) == Shape(2**159)
    assert build_layer("fc", 2**53).count_macs([huge], Shape(2**53)) == 2**212
    assert prod(build_layer("upsample", 2**53).infer_shape([huge])) == 2**265
