"""What layers refuse, with the code, the argument and the words, and the nearest that they take."""

from fractions import Fraction

import pytest
from pydantic import ValidationError

from netspec.layers.base import LayerError
from netspec.layers.groups import describe_divisors
from netspec.layers.starting_values import Bilinear, Constant
from netspec.tensor import Shape
from netspec.values import Padding, Size
from tests.layers.build import build_layer, pad

Inputs = list[Shape]
Arguments = dict[str, object]

RULES: list[tuple[str, tuple[object, ...], Arguments, Inputs, str, str | None, str]] = [
    ("conv", (6, 3), {"groups": 5}, [Shape(96, 9, 9)], "NS203", "groups",
     "cannot split 96 input channels into 5 groups"),
    ("conv", (7, 3), {"groups": 2}, [Shape(96, 9, 9)], "NS203", "groups",
     "cannot split 7 output channels into 2 groups"),
    ("conv", (6, 7), {"pad": 1}, [Shape(3, 4, 4)], "NS204", "size",
     "has a window of 7x7, larger than 6x6 (its input of 4x4 with the padding)"),
    ("conv", (6, 3), {"dilation": 3}, [Shape(3, 6, 7)], "NS204", "size",
     "has a window of 7x7, larger than 6x7"),
    ("conv", (6, 4), {"stride": 2, "round": "up"}, [Shape(3, 2, 9)], "NS204", "size",
     "has a window of 4x4, larger than 2x9"),
    ("depthwise", (5,), {}, [Shape(3, 4, 9)], "NS204", "size",
     "has a window of 5x5, larger than 4x9"),
    ("deconv", (6, 3), {"groups": 4}, [Shape(4, 5, 5)], "NS203", "groups",
     "cannot split 6 output channels into 4 groups"),
    ("deconv", (6, 3), {"stride": 2, "output_pad": (1, 2)}, [Shape(4, 5, 5)], "NS109", "output_pad",
     "has an output_pad of 1x2, which its stride of 2x2 never drops"),
    ("deconv", (6, 3), {"pad": 2}, [Shape(4, 1, 9)], "NS204", "pad",
     "cuts off more than it has: -1x7 would be left"),
    ("deconv", (6, 2), {"stride": 3, "pad": "same"}, [Shape(4, 5, 5)], "NS204", "pad",
     "cannot pad to input x stride: its kernel of 2x2 is smaller than its stride of 3x3"),
    ("fc", (6,), {"init": Bilinear()}, [Shape(4, 5, 5)], "NS109", "init",
     "has no kernel that `bilinear` could fill"),
    ("maxpool", (3,), {}, [Shape(4, 5, 5)], "NS108", None, "needs a stride"),
    ("maxpool", (3,), {"stride": 1}, [Shape(4, 2, 5)], "NS204", "size",
     "has a window of 3x3, larger than 2x5"),
    ("maxpool", (2,), {"stride": 1, "pad": 2}, [Shape(4, 5, 5)], "NS204", "pad",
     "has a first window that lies wholly in the padding"),
    ("avgpool", ((3, 2),), {"stride": 1, "pad": pad(0, 2)}, [Shape(4, 5, 5)], "NS204", "pad",
     "has a last window that lies wholly in the padding"),
    ("avgpool", ("global",), {"stride": 1}, [Shape(4, 5, 5)], "NS109", "stride",
     "takes no stride, because its window is the whole map"),
    ("maxpool", ("global",), {"pad": 1}, [Shape(4, 5, 5)], "NS109", "pad",
     "takes no pad, because its window is the whole map"),
    ("maxpool", ("global",), {"pad": "same"}, [Shape(4, 5, 5)], "NS109", "pad",
     "takes no pad, because its window is the whole map"),
    ("lrn", (5,), {"groups": 5}, [Shape(96, 9, 9)], "NS203", "groups",
     "cannot split 96 input channels into 5 groups"),
    ("groupnorm", (5,), {}, [Shape(96, 9, 9)], "NS203", "groups",
     "cannot split 96 input channels into 5 groups"),
    ("shuffle", (128,), {}, [Shape(96, 9, 9)], "NS203", "groups",
     "cannot split 96 input channels into 128 groups"),
    ("slice", (0, 97), {}, [Shape(96, 9, 9)], "NS202", "end",
     "cannot take channels 0 to 97 of 96"),
    ("slice", (5, 5), {}, [Shape(96, 9, 9)], "NS109", "start",
     "takes no channel: 5 to 5 is empty"),
    ("crop", ((5, 6),), {}, [Shape(3, 5, 5)], "NS204", "size", "cannot crop 5x5 to 5x6"),
    ("upsample", (), {}, [Shape(3, 5, 5)], "NS108", None, "needs a factor or a size"),
    ("upsample", (2,), {"to": 10}, [Shape(3, 5, 5)], "NS109", "to",
     "has both a factor and a size"),
    ("upsample", (2,), {"align": "corners"}, [Shape(3, 5, 5)], "NS109", "align",
     "has no corners to align: it takes the nearest pixel"),
    ("upsample", (), {"to": (5, 4)}, [Shape(3, 5, 5)], "NS202", "to",
     "cannot enlarge 5x5 to 5x4"),
    ("multiply", (2,), {}, [Shape(3, 5, 5)] * 2, "NS118", "factor",
     "has a constant factor and 2 inputs"),
    ("add", (), {}, [Shape(64, 56, 56), Shape(64, 56, 56), Shape(64, 28, 28)], "NS201", None,
     "cannot join its inputs: input 1 is 64x56x56, input 3 is 64x28x28"),
    ("add", (), {}, [Shape(64, 5, 5), Shape(64)], "NS201", None,
     "cannot join its inputs: input 1 is 64x5x5, input 2 is 64x1x1"),
    ("maximum", (), {}, [Shape(64), Shape(65)], "NS201", None,
     "cannot join its inputs: input 1 is 64x1x1, input 2 is 65x1x1"),
    ("concat", (), {}, [Shape(64, 5, 5), Shape(3, 5, 6)], "NS201", None,
     "cannot join its inputs: input 1 is 64x5x5, input 2 is 3x5x6"),
    ("multiply", (), {}, [Shape(16), Shape(64, 5, 5)], "NS201", None,
     "cannot join its inputs: input 1 is 16x1x1, input 2 is 64x5x5"),
    ("multiply", (), {}, [Shape(64, 5, 5), Shape(2, 5, 5)], "NS201", None,
     "cannot join its inputs: input 1 is 64x5x5, input 2 is 2x5x5"),
    ("multiply", (), {}, [Shape(64, 5, 5), Shape(1)], "NS201", None,
     "cannot join its inputs: input 1 is 64x5x5, input 2 is 1x1x1"),
    ("multiply", (), {}, [Shape(64), Shape(1, 5, 5)], "NS201", None,
     "cannot join its inputs: input 1 is 64x1x1, input 2 is 1x5x5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "positional", "named", "inputs", "code", "argument", "predicate"), RULES, ids=str
)
def test_a_rule_that_is_not_met(
    kind: str,
    positional: tuple[object, ...],
    named: Arguments,
    inputs: Inputs,
    code: str,
    argument: str | None,
    predicate: str,
) -> None:
    layer = build_layer(kind, *positional, **named)
    with pytest.raises(LayerError) as caught:
        layer.infer_shape(inputs)
    error = caught.value
    assert (error.code, error.argument, error.predicate) == (code, argument, predicate)
    assert argument is None or argument in type(layer).model_fields


NEAR_MISSES: list[tuple[str, tuple[object, ...], Arguments, Inputs]] = [
    ("conv", (8, 3), {"groups": 4}, [Shape(96, 9, 9)]),
    ("conv", (6, 6), {"pad": 1}, [Shape(3, 4, 4)]),
    ("conv", (6, 3), {"dilation": 3}, [Shape(3, 7, 7)]),
    ("conv", (6, 3), {"stride": 2, "round": "up"}, [Shape(3, 2, 9)]),
    ("conv", (6, 2), {"pad": 5}, [Shape(3, 2, 2)]),
    ("deconv", (6, 3), {"stride": 3, "output_pad": 2}, [Shape(4, 5, 5)]),
    ("deconv", (6, 3), {"pad": 1}, [Shape(4, 1, 9)]),
    ("deconv", (6, 3), {"stride": 3, "pad": "same"}, [Shape(4, 5, 5)]),
    ("conv", (6, 4), {"init": Bilinear()}, [Shape(4, 5, 5)]),
    ("maxpool", (3,), {"stride": 1, "pad": 2}, [Shape(4, 5, 5)]),
    ("avgpool", ((3, 2),), {"stride": 1, "pad": pad(0, 1)}, [Shape(4, 5, 5)]),
    ("avgpool", ("global",), {"round": "up", "count_pad": False}, [Shape(4, 5, 5)]),
    ("lrn", (200,), {"groups": 96}, [Shape(96, 9, 9)]),
    ("groupnorm", (96,), {}, [Shape(96, 9, 9)]),
    ("shuffle", (96,), {}, [Shape(96, 9, 9)]),
    ("slice", (95, 96), {}, [Shape(96, 9, 9)]),
    ("crop", (5,), {}, [Shape(3, 5, 5)]),
    ("upsample", (), {"to": 5}, [Shape(3, 5, 5)]),
    ("upsample", (2,), {"mode": "bilinear", "align": "corners"}, [Shape(3, 5, 5)]),
    ("multiply", (0,), {}, [Shape(3, 5, 5)]),
]


@pytest.mark.parametrize(("kind", "positional", "named", "inputs"), NEAR_MISSES, ids=str)
def test_the_nearest_that_is_taken(
    kind: str, positional: tuple[object, ...], named: Arguments, inputs: Inputs
) -> None:
    assert min(build_layer(kind, *positional, **named).infer_shape(inputs)) >= 1


ADVICE: list[tuple[str, tuple[object, ...], Inputs, tuple[str, ...]]] = [
    ("add", (), [Shape(64, 56, 56), Shape(256, 56, 56)],
     ("`conv 64, 1x1` would bring input 2 to 64 channels",)),
    ("add", (), [Shape(64, 56, 56), Shape(64, 28, 28)],
     ("`stride=2` on the way to the input of 56x56 would make it 28x28",)),
    ("add", (), [Shape(64, 28, 28), Shape(64, 56, 56)],
     ("`stride=2` on the way to the input of 56x56 would make it 28x28",)),
    ("concat", (), [Shape(64, 27, 27), Shape(64, 9, 13)], ()),
    ("concat", (), [Shape(64, 57, 57), Shape(64, 56, 56)], ()),
    ("add", (), [Shape(64, 56, 56), Shape(64)], ()),
    ("multiply", (), [Shape(64, 56, 56), Shape(16)],
     ("`conv 64, 1x1` would bring input 2 to 64 channels",)),
    ("multiply", (), [Shape(16), Shape(64, 56, 56)],
     ("`conv 64, 1x1` would bring input 1 to 64 channels",)),
    ("maxpool", (3,), [Shape(64, 56, 56)], ("write `maxpool 3x3, stride=3` or `stride=1`",)),
    ("avgpool", ((3, 2),), [Shape(64, 56, 56)], ("write `avgpool 3x2, stride=3x2` or `stride=1`",)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "positional", "inputs", "help"), ADVICE, ids=str)
def test_advice(
    kind: str, positional: tuple[object, ...], inputs: Inputs, help: tuple[str, ...]
) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(kind, *positional).infer_shape(inputs)
    assert caught.value.help == help


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        (96, None, "1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96 divide 96"),
        (96, 256, "1, 2, 4, 8, 16, 32 divide both 96 and 256"),
        (9, 16, "1 divides both 9 and 16"),
        (2520, 2520, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, … divide both 2520 and 2520"),
        (2**53, None, "1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, … divide 9007199254740992"),
    ],
)
def test_the_group_counts_that_would_do(inputs: int, outputs: int | None, expected: str) -> None:
    assert describe_divisors(inputs, outputs) == expected


VALUES: list[tuple[str, Arguments, str]] = [
    ("conv", {"channels": 0, "size": 3}, "channels"),
    ("conv", {"channels": 8, "size": (3, 3, 3)}, "size"),
    ("conv", {"channels": 8, "size": 0}, "size"),
    ("conv", {"channels": 8, "size": 3, "stride": 0}, "stride"),
    ("conv", {"channels": 8, "size": 3, "pad": -1}, "pad"),
    ("conv", {"channels": 8, "size": 3, "pad": "global"}, "pad"),
    ("conv", {"channels": 8, "size": 3, "round": "ceil"}, "round"),
    ("conv", {"channels": 8, "size": 3, "bias": 0}, "bias"),
    ("conv", {"channels": 8, "size": 3, "init": 0.01}, "init"),
    ("conv", {"channels": 8, "size": 3, "bias_init": Bilinear()}, "bias_init"),
    ("conv", {"channels": 8, "size": 3, "bias_init": True}, "bias_init"),
    ("conv", {"channels": 8, "size": 3, "rate": -1}, "rate"),
    ("depthwise", {"size": 3, "groups": 3}, "groups"),
    ("deconv", {"channels": 8, "size": 3, "output_pad": -1}, "output_pad"),
    ("deconv", {"channels": 8, "size": 3, "dilation": 2}, "dilation"),
    ("fc", {}, "channels"),
    ("fc", {"channels": Fraction(7, 2)}, "channels"),
    ("input", {"size": 3}, "size"),
    ("input", {"size": (224, 224)}, "size"),
    ("input", {"size": (3, 0, 224)}, "size"),
    ("maxpool", {"stride": 2}, "size"),
    ("maxpool", {"size": "all"}, "size"),
    ("maxpool", {"size": "same"}, "size"),
    ("maxpool", {"size": 3, "stride": "global"}, "stride"),
    ("maxpool", {"size": 3, "count_pad": True}, "count_pad"),
    ("avgpool", {"size": 3, "count_pad": 1}, "count_pad"),
    ("relu", {"slope": 0.1}, "slope"),
    ("leakyrelu", {"slope": -0.1}, "slope"),
    ("activate", {"word": "conv"}, "word"),
    ("activate", {"word": "activate"}, "word"),
    ("activate", {"word": 1}, "word"),
    ("activate", {}, "word"),
    ("lrn", {}, "n"),
    ("lrn", {"n": 0}, "n"),
    ("lrn", {"n": 5, "alpha": 10**400}, "alpha"),
    ("lrn", {"n": 5, "over": "max"}, "over"),
    ("lrn", {"n": 5, "across": "map", "groups": 0}, "groups"),
    ("batchnorm", {"eps": 0}, "eps"),
    ("batchnorm", {"momentum": Fraction(11, 10)}, "momentum"),
    ("layernorm", {"groups": 2}, "groups"),
    ("groupnorm", {}, "groups"),
    ("dropout", {"p": 1}, "p"),
    ("dropout", {"p": -0.1}, "p"),
    ("dropout", {}, "p"),
    ("droppath", {"p": True}, "p"),
    ("scale", {"init": Bilinear()}, "init"),
    ("scale", {"init": float("nan")}, "init"),
    ("shuffle", {"groups": 65_537}, "groups"),
    ("slice", {"start": -1, "end": 3}, "start"),
    ("slice", {"start": 0, "end": 0}, "end"),
    ("pad", {"size": "same"}, "size"),
    ("pad", {"size": Padding(0, Size((1, 2, 3)))}, "size"),
    ("crop", {"size": 0}, "size"),
    ("crop", {"size": (3, 5, 5)}, "size"),
    ("upsample", {"factor": Fraction(3, 2)}, "factor"),
    ("upsample", {"factor": 2, "mode": "cubic"}, "mode"),
    ("multiply", {"factor": "same"}, "factor"),
    ("add", {"factor": 2}, "factor"),
]


@pytest.mark.parametrize(("kind", "arguments", "argument"), VALUES, ids=str)
def test_a_value_that_an_argument_does_not_take(
    kind: str, arguments: Arguments, argument: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        build_layer(kind, **arguments)
    assert [error["loc"] for error in caught.value.errors()] == [(argument,)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "must be yes or no; where biases start is `bias_init=0`"),
        (Fraction(1, 10), "must be yes or no; where biases start is `bias_init=0.1`"),
        ("same", "must be yes or no, not the word `same`"),
    ],
)
def test_a_number_for_bias_is_told_where_it_belongs(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        build_layer("fc", 8, bias=value)
    assert caught.value.errors()[0]["msg"] == message


@pytest.mark.parametrize("value", [0, 1, Fraction(1, 2), Constant(value=1.0)])
def test_starting_values_of_a_bias_may_be_a_number(value: object) -> None:
    layer = build_layer("conv", 8, 3, bias_init=value)
    bias = layer.list_weights([Shape(3, 5, 5)])[1]
    assert isinstance(bias.start, Constant)
    assert bias.start.value == (1.0 if isinstance(value, Constant) else float(value))  # type: ignore[arg-type]
