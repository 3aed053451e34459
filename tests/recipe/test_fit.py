"""A recipe that does not fit its net: each misfit, and the near miss that fits."""

from typing import Any

import pytest

import netspec
from netspec.graph import Graph, Node
from netspec.layers.base import Layer
from netspec.recipe.data import TRANSFORMS, Data, Transform, test_transforms_from
from netspec.recipe.fit import find_misfits
from netspec.recipe.recipe import Recipe
from netspec.recipe.solver import Sgd
from netspec.recipe.training import Loss
from netspec.source import SourceFile, Span
from netspec.tensor import Shape
from netspec.values import Amount, Size, Word

SPAN = Span(SourceFile("case.net", "x"), 0, 1)


INPUT, OUTPUT = Shape(3, 32, 32), Shape(10)


def make_graph(input: Shape = INPUT, output: Shape = OUTPUT) -> Graph:
    nodes = [
        Node(name, Layer(), inputs, (), shape, (), 0, name, SPAN)
        for name, inputs, shape in (("in", (), input), ("out", ("in",), output))
    ]
    return Graph("tiny", tuple(nodes), ("in",), "out")


def words(*lines: tuple[str, dict[str, Any]]) -> tuple[Transform, ...]:
    return tuple(TRANSFORMS[word].model_validate(arguments) for word, arguments in lines)


def make_recipe(
    *lines: tuple[str, dict[str, Any]], test: tuple[Transform, ...] | None = None, views: int = 1
) -> Recipe:
    train = words(*lines)
    return Recipe(
        data=Data(name="photos"),
        transforms=train,
        batch=8,
        loss=Loss(function=Word("softmax")),  # type: ignore[arg-type]
        solver=Sgd(rate=0.1),
        stop=Amount(1, "epochs"),
        test_transforms=test_transforms_from(train) if test is None else test,
        views=views,
    )


FITTING = [
    make_recipe(),
    make_recipe(("resize", {"side": 36}), ("crop", {"size": 32}), views=10),
    make_recipe(("resize", {"side": 32}), ("crop", {"size": 32})),
    make_recipe(("resize", {"side": 32})),
    make_recipe(("crop", {"size": 32}), ("subtract", {"value": [1, 2, 3]})),
    make_recipe(("subtract", {"value": 1}), ("divide", {"value": [5]})),
    make_recipe(("crop", {"size": 32}), test=words(("resize", {"side": 32}))),
]

MISFITS = [
    (make_recipe(("crop", {"size": 28})), "crop", "train", "leaves images of 28x28"),
    (make_recipe(("resize", {"side": 36})), "resize", "train", "leaves images of 36x36"),
    (make_recipe(("crop", {"size": Size((32, 33))})), "crop", "train", "reads 32x32"),
    (
        make_recipe(("resize", {"side": 30}), ("crop", {"size": 32})),
        "crop",
        "train",
        "cuts 32x32 out of images of 30x30",
    ),
    (make_recipe(("subtract", {"value": [1, 2]})), "subtract", "train", "has 2 numbers"),
    (make_recipe(("divide", {"value": [1, 2, 3, 4]})), "divide", "train", "has 4 numbers"),
    (make_recipe(test=words(("crop", {"size": 30}))), "crop", "test", "leaves images of 30x30"),
    (make_recipe(views=10), "views", "test", "needs a `crop`"),
]


@pytest.mark.parametrize("recipe", FITTING)
def test_fitting(recipe: Recipe) -> None:
    assert list(find_misfits(recipe, make_graph())) == []


@pytest.mark.parametrize(("recipe", "line", "section", "says"), MISFITS)
def test_misfits(recipe: Recipe, line: str, section: str, says: str) -> None:
    (misfit,) = find_misfits(recipe, make_graph())
    assert (misfit.line, misfit.section) == (line, section)
    assert says in misfit.predicate


SPLIT = """
net tiny {{ {gpus} input 3x8x8; {lines} }}
train {{
  data photos {{ crop 8 }}
  batch 8
  loss softmax
  sgd rate=0.1
  parallel fc={fc}
  stop after=1 epoch
}}
"""


@pytest.mark.parametrize(
    ("gpus", "lines", "fc", "says"),
    [
        ("", "fc 4", "split", []),
        ("gpus 2;", "fc 4", "copied", []),
        ("", "avgpool global", "copied", []),
        ("gpus 2;", "fc 4", "split", ["but `tiny` has `gpus 2`, which says itself where they lie"]),
        ("", "avgpool global", "split", ["and `tiny` has none"]),
    ],
)
def test_what_is_split_must_be_there_and_not_lie_elsewhere(
    gpus: str, lines: str, fc: str, says: list[str]
) -> None:
    text = SPLIT.format(gpus=gpus, lines=lines, fc=fc)
    found = netspec.check(SourceFile("tiny.net", text)).diagnostics
    assert len(found) == len(says)
    for diagnostic, words in zip(found, says, strict=True):
        assert diagnostic.code == "NS403"
        assert words in diagnostic.headline


def test_softmax_wants_a_vector() -> None:
    (misfit,) = find_misfits(make_recipe(), make_graph(output=Shape(10, 2, 2)))
    assert misfit.line == "loss"
    assert "10x2x2" in misfit.predicate


def test_a_net_with_two_inputs_cannot_be_fed() -> None:
    graph = make_graph()
    two = Graph("pair", graph.nodes, ("in", "out"), "out")
    (misfit,) = find_misfits(make_recipe(), two)
    assert (misfit.line, misfit.predicate) == ("data", "feeds one input, but `pair` has 2")
