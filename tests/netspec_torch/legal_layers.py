"""Random layers with arguments that a file may give, and shapes that they take: a strategy a kind.

Combinations that a layer's own rules refuse are left to those rules: the tests pass them over.
"""

from typing import Any, TypeAlias

from hypothesis import strategies as st

from netspec.layers.base import Layer
from netspec.tensor import Shape
from netspec.values import Padding, Size, Word
from tests.layers.build import build_layer

LayerAndShapes: TypeAlias = tuple[Layer, tuple[Shape, ...]]
Strategy: TypeAlias = st.SearchStrategy[LayerAndShapes]
Arguments: TypeAlias = st.SearchStrategy[dict[str, Any]]

EXTENTS = st.integers(1, 9)
SHAPES = st.builds(Shape, st.integers(1, 8), EXTENTS, EXTENTS)


def pairs(least: int, most: int) -> st.SearchStrategy[object]:
    """`3` or `1x3`."""
    number = st.integers(least, most)
    return number | st.tuples(number, number).map(Size)


SIDES = pairs(0, 3) | st.builds(Padding, pairs(0, 3), pairs(0, 3))
PADDINGS = SIDES | st.sampled_from([Word("same"), Word("half")])
ROUNDINGS = st.sampled_from(["down", "up"])
FACTORS = st.floats(0, 2)


def layers(kind: str, **named: st.SearchStrategy[Any]) -> Strategy:
    """A kind that reads one tensor, with some of the arguments, each from its strategy."""
    drawn: Arguments = st.fixed_dictionaries({}, optional=named)
    layer = drawn.map(lambda arguments: build_layer(kind, **arguments))
    return st.tuples(layer, st.tuples(SHAPES))


def given(kind: str, **named: st.SearchStrategy[Any]) -> Strategy:
    """The same, with every argument given."""
    drawn: Arguments = st.fixed_dictionaries(named)
    layer = drawn.map(lambda arguments: build_layer(kind, **arguments))
    return st.tuples(layer, st.tuples(SHAPES))


@st.composite
def convolutions(draw: st.DrawFn, kind: str) -> LayerAndShapes:
    groups = draw(st.integers(1, 3))
    shape = draw(SHAPES)._replace(channels=groups * draw(st.integers(1, 3)))
    arguments: dict[str, object] = {
        "channels": groups * draw(st.integers(1, 3)),
        "groups": groups,
        "size": draw(pairs(1, 4)),
        "stride": draw(pairs(1, 3)),
        "pad": draw(PADDINGS),
        "bias": draw(st.booleans()),
    }
    if kind == "deconv":
        arguments |= {"output_pad": draw(pairs(0, 2))}
    else:
        arguments |= {"dilation": draw(pairs(1, 2)), "round": draw(ROUNDINGS)}
    return build_layer(kind, **arguments), (shape,)


@st.composite
def pools(draw: st.DrawFn, kind: str) -> LayerAndShapes:
    shape = draw(SHAPES)
    if draw(st.integers(0, 5)) == 0:
        return build_layer(kind, "global"), (shape,)
    arguments: dict[str, object] = {
        "size": draw(pairs(1, 4)),
        "stride": draw(pairs(1, 4)),
        "pad": draw(PADDINGS),
        "round": draw(ROUNDINGS),
    }
    if kind == "avgpool":
        arguments["count_pad"] = draw(st.booleans())
    return build_layer(kind, **arguments), (shape,)


@st.composite
def grouped(draw: st.DrawFn, kind: str, named: Arguments) -> LayerAndShapes:
    """A kind whose channels divide by its groups."""
    groups = draw(st.integers(1, 4))
    shape = draw(SHAPES)._replace(channels=groups * draw(st.integers(1, 4)))
    return build_layer(kind, groups=groups, **draw(named)), (shape,)


@st.composite
def slices(draw: st.DrawFn) -> LayerAndShapes:
    shape = draw(SHAPES)
    start = draw(st.integers(0, shape.channels - 1))
    return build_layer("slice", start, draw(st.integers(start + 1, shape.channels))), (shape,)


@st.composite
def crops(draw: st.DrawFn) -> LayerAndShapes:
    shape = draw(SHAPES)
    size = (draw(st.integers(1, shape.height)), draw(st.integers(1, shape.width)))
    return build_layer("crop", size), (shape,)


@st.composite
def upsamples(draw: st.DrawFn) -> LayerAndShapes:
    shape = draw(SHAPES)
    arguments: dict[str, object] = {"mode": draw(st.sampled_from(["nearest", "bilinear"]))}
    if arguments["mode"] == "bilinear":
        arguments["align"] = draw(st.sampled_from(["edges", "corners"]))
    if draw(st.booleans()):
        arguments["factor"] = draw(pairs(1, 3))
    else:
        more = draw(st.integers(0, 5))
        arguments["to"] = (shape.height + more, shape.width + more)
    return build_layer("upsample", **arguments), (shape,)


@st.composite
def joins(draw: st.DrawFn, kind: str) -> LayerAndShapes:
    shape, number = draw(SHAPES), draw(st.integers(1, 4))
    if kind == "concat":
        shapes = [shape._replace(channels=draw(st.integers(1, 4))) for _ in range(number)]
        return build_layer(kind), tuple(shapes)
    return build_layer(kind), (shape,) * number


@st.composite
def products(draw: st.DrawFn) -> LayerAndShapes:
    shape = draw(SHAPES)
    if draw(st.booleans()):
        return build_layer("multiply", draw(st.floats(-2, 2))), (shape,)
    spread = [shape, Shape(shape.channels), Shape(1, shape.height, shape.width)]
    others = draw(st.lists(st.sampled_from(spread), max_size=3))
    return build_layer("multiply"), (*others, shape, *others)


LEGAL_LAYERS: dict[str, Strategy] = {
    "input": SHAPES.map(lambda shape: (build_layer("input", tuple(shape)), ())),
    "conv": convolutions("conv"),
    "depthwise": given(
        "depthwise",
        size=pairs(1, 4),
        multiplier=st.integers(1, 3),
        stride=pairs(1, 3),
        pad=PADDINGS,
        dilation=pairs(1, 2),
        round=ROUNDINGS,
        bias=st.booleans(),
    ),
    "deconv": convolutions("deconv"),
    "fc": given("fc", channels=st.integers(1, 9), bias=st.booleans()),
    "maxpool": pools("maxpool"),
    "avgpool": pools("avgpool"),
    "adaptiveavgpool": given("adaptiveavgpool", size=pairs(1, 6)),
    **{
        kind: layers(kind)
        for kind in (
            "relu", "relu6", "elu", "gelu", "sigmoid", "tanh", "hardsigmoid", "swish",
            "hardswish", "mish", "softmax", "flatten", "identity",
        )
    },
    "leakyrelu": layers("leakyrelu", slope=FACTORS),
    "prelu": layers("prelu", slope=FACTORS),
    "lrn": grouped(
        "lrn",
        st.fixed_dictionaries({
        "n": st.integers(1, 7),
        "alpha": FACTORS,
        "beta": st.sampled_from([0.3, 0.5, 0.75, 1]),
        "k": st.floats(0.1, 2),
        "over": st.sampled_from(["mean", "sum"]),
        "across": st.sampled_from(["channels", "map"]),
        }),
    ),
    "batchnorm": layers(
        "batchnorm",
        eps=st.floats(1e-6, 0.1),
        momentum=st.floats(0, 1),
        scale=st.booleans(),
        shift=st.booleans(),
    ),
    "layernorm": layers("layernorm", eps=st.floats(1e-6, 0.1)),
    "groupnorm": grouped("groupnorm", st.fixed_dictionaries({"eps": st.floats(1e-6, 0.1)})),
    "scale": layers("scale", init=st.floats(-1, 1), bias=st.booleans()),
    "dropout": given("dropout", p=st.floats(0, 0.9), inverted=st.booleans()),
    "droppath": given("droppath", p=st.floats(0, 0.9)),
    "add": joins("add"),
    "multiply": products(),
    "maximum": joins("maximum"),
    "concat": joins("concat"),
    "shuffle": grouped("shuffle", st.just({})),
    "slice": slices(),
    "pad": given("pad", size=SIDES),
    "crop": crops(),
    "upsample": upsamples(),
}  # fmt: skip
