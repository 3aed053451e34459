"""Recipes on paper: lines as a file has them, and JSON with every value settled."""

import json

import pytest

import netspec
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import SCHEDULES
from netspec.recipe.solver import SOLVERS
from netspec.recipe.written import resolve_recipe, write_amount, write_line
from netspec.schema import Schema
from netspec.source import SourceFile
from netspec.values import Amount, Number, Size, Unit, Word

NET = """
net tiny { input 3x8x8; fc 10 }
train {
  data photos { resize 10; crop 8; subtract mean=channel; divide [1, 2, 3] }
  batch 16
  loss softmax
  sgd rate=0.01, momentum=0.9, velocity=step
  schedule multistep, at=[1 epoch, 30], factor=0.5
  stop after=100 iterations
}
test { views 10; batch 4 }
"""


LINES: dict[str, type[Schema]] = {**SOLVERS, **TRANSFORMS, **SCHEDULES}


def make_line(word: str, **arguments: object) -> Schema:
    return LINES[word].model_validate(arguments)


def make_recipe(text: str = NET) -> Recipe:
    recipe = netspec.load(SourceFile("tiny.net", text)).net.recipe
    assert recipe is not None
    return recipe


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (make_line("sgd", rate=0.01, decay=5e-4), "sgd rate=0.01, decay=0.0005"),
        (make_line("adam"), "adam"),
        (
            make_line("sgd", rate=1, momentum=0.5, nesterov=True),
            "sgd rate=1, momentum=0.5, nesterov=yes",
        ),
        (make_line("crop", size=Size((8, 9))), "crop size=8x9"),
        (make_line("subtract", value=Word("mean")), "subtract value=mean"),
        (make_line("subtract", value=[1, 2.5]), "subtract value=[1, 2.5]"),
        (
            make_line("multistep", at=[1, Amount(50, "iterations")]),
            "multistep at=[1 epoch, 50 iterations]",
        ),
    ],
)
def test_a_line_has_what_was_given(line: Schema, written: str) -> None:
    assert write_line(line) == written


@pytest.mark.parametrize(
    ("number", "unit", "written"),
    [
        (1, "epochs", "1 epoch"),
        (1.0, "iterations", "1 iteration"),
        (90, "epochs", "90 epochs"),
        (0.5, "epochs", "0.5 epochs"),
        (450_000, "iterations", "450,000 iterations"),
        (1_281_167, "images", "1,281,167 images"),
    ],
)
def test_amounts_have_their_unit(number: Number, unit: Unit, written: str) -> None:
    assert write_amount(Amount(number, unit)) == written


def test_a_resolved_recipe_has_every_value_and_survives_json() -> None:
    resolved = resolve_recipe(make_recipe())
    assert json.loads(json.dumps(resolved)) == resolved
    assert resolved == {
        "data": "photos",
        "train": [
            {"kind": "resize", "side": 10},
            {"kind": "crop", "size": "8x8"},
            {"kind": "subtract", "mean": "channel"},
            {"kind": "divide", "value": [1, 2, 3]},
        ],
        "batch": 16,
        "loss": {"kind": "loss", "function": "softmax", "smooth": 0},
        "solver": {
            "kind": "sgd",
            "rate": 0.01,
            "decay": 0,
            "momentum": 0.9,
            "nesterov": False,
            "velocity": "step",
        },
        "schedule": {"kind": "multistep", "at": ["1 epoch", "30 epochs"], "factor": 0.5},
        "parallel": {"kind": "parallel", "fc": "copied"},
        "stop": "100 iterations",
        "test": [
            {"kind": "resize", "side": 10},
            {"kind": "crop", "size": "8x8"},
            {"kind": "subtract", "mean": "channel"},
            {"kind": "divide", "value": [1, 2, 3]},
        ],
        "views": 10,
        "test_batch": 4,
    }
