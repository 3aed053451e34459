"""The words of a recipe: every argument's range, and the tables that find a schema by its word."""

from fractions import Fraction
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import ValidationError

from netspec.recipe.data import TRANSFORMS, test_transforms_from
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES, WORDS
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.recipe.solver import SOLVERS
from netspec.schema import HeightWidth, Schema
from netspec.values import Amount, Size, Word

EVERY_SCHEMA = [
    *TRANSFORMS.values(),
    *SCHEDULES.values(),
    *(schema for schema in TRAIN_LINES.values() if schema is not Schedule),
    *TEST_LINES.values(),
]


def find_words(annotation: Any) -> set[str]:
    """The texts of the Literals in an annotation."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    return set().union(*(find_words(part) for part in get_args(annotation)))


def test_words_are_those_that_some_argument_accepts() -> None:
    fields = (field for schema in EVERY_SCHEMA for field in schema.model_fields.values())
    assert set().union(*(find_words(field.annotation) for field in fields)) == WORDS


@pytest.mark.parametrize("table", [TRANSFORMS, SOLVERS, SCHEDULES])
def test_tables_go_by_the_kind(table: dict[str, type[Schema]]) -> None:
    assert all(schema.kind == word for word, schema in table.items())


@pytest.mark.parametrize("schema", EVERY_SCHEMA, ids=lambda schema: schema.__name__)
def test_every_schema_and_positional_is_described(schema: type[Schema]) -> None:
    assert schema.__doc__
    assert set(schema.positional) <= set(schema.model_fields)


VALID = [
    ("resize", {"side": Fraction(256)}, {"side": 256}),
    ("crop", {"size": 224}, {"size": HeightWidth(224, 224)}),
    ("crop", {"size": Size((32, 48))}, {"size": HeightWidth(32, 48)}),
    ("mirror", {}, {}),
    ("scale", {"factor": Fraction(1, 255)}, {"factor": 1 / 255}),
    ("subtract", {"value": Word("mean")}, {"statistic": "pixel", "numbers": ()}),
    ("subtract", {"mean": Word("pixel")}, {"statistic": "pixel"}),
    ("subtract", {"mean": Word("channel")}, {"statistic": "channel", "numbers": ()}),
    ("subtract", {"value": [104, 117, 123]}, {"statistic": None, "numbers": (104, 117, 123)}),
    ("subtract", {"value": 127.5}, {"statistic": None, "numbers": (127.5,)}),
    ("subtract", {"value": -1}, {"numbers": (-1,)}),
    ("divide", {"value": Word("std")}, {"value": "std", "numbers": ()}),
    ("divide", {"value": [58, Fraction(115, 2), 1]}, {"numbers": (58, 57.5, 1)}),
    ("lighting", {"std": Fraction(1, 10)}, {"std": 0.1}),
    ("lighting", {"std": 0}, {"std": 0}),
    ("grey", {}, {}),
    ("data", {"name": Word("imagenet")}, {"name": "imagenet"}),
    ("data", {"name": "my photos"}, {"name": "my photos"}),
    ("batch", {"images": 128}, {"images": 128}),
    ("loss", {"function": Word("softmax")}, {"smooth": 0}),
    ("loss", {"function": Word("softmax"), "smooth": Fraction(1, 10)}, {"smooth": 0.1}),
    ("parallel", {"fc": Word("split")}, {"fc": "split"}),
    ("parallel", {"fc": Word("copied")}, {"fc": "copied"}),
    ("stop", {"after": 90}, {"after": Amount(90, "epochs")}),
    ("stop", {"after": Amount(450_000, "iterations")}, {"after": Amount(450_000, "iterations")}),
    ("sgd", {"rate": Fraction(1, 100)}, {"rate": 0.01, "momentum": 0, "velocity": "gradient"}),
    ("sgd", {"rate": 1, "momentum": 0.9, "nesterov": True}, {"nesterov": True, "decay": 0}),
    ("adam", {}, {"rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "decay": 0}),
    ("adamw", {}, {"rate": 1e-3, "decay": 1e-2}),
    ("rmsprop", {}, {"rate": 1e-2, "alpha": 0.99, "centered": False}),
    ("rmsprop", {}, {"eps_inside": False, "start": 0, "velocity": "gradient"}),
    ("adagrad", {}, {"rate": 1e-2, "eps": 1e-10, "start": 0}),
    ("adadelta", {}, {"rate": 1, "rho": 0.9, "eps": 1e-6}),
    ("lars", {"rate": 1, "trust": 0.001, "biases": False}, {"momentum": 0}),
    ("step", {"every": 30}, {"every": Amount(30, "epochs"), "factor": 0.1, "warmup": None}),
    (
        "multistep",
        {"at": [30, Amount(5, "iterations")]},
        {"at": (Amount(30, "epochs"), Amount(5, "iterations"))},
    ),
    ("plateau", {}, {"patience": Amount(10, "epochs"), "times": None, "watch": "error"}),
    ("fixed", {"warmup": 5}, {"warmup": Amount(5, "epochs")}),
    ("cosine", {}, {"to": 0, "over": None}),
    ("views", {"count": 10}, {"count": 10}),
    ("views", {"count": Fraction(1)}, {"count": 1}),
]

LINES: dict[str, type[Schema]] = {**TEST_LINES, **TRAIN_LINES, **TRANSFORMS, **SCHEDULES}


@pytest.mark.parametrize(("word", "given", "wanted"), VALID)
def test_valid_arguments(word: str, given: dict[str, object], wanted: dict[str, object]) -> None:
    line = LINES[word].model_validate(given)
    assert {name: getattr(line, name) for name in wanted} == wanted


SGD = {"rate": 0.01}
INVALID = [
    ("resize", {"side": 0}, "greater than or equal to 1"),
    ("resize", {"side": Fraction(7, 2)}, "a whole number"),
    ("resize", {"side": Size((256, 256))}, "a whole number"),
    ("resize", {}, "required"),
    ("crop", {"size": 0}, "at least 1"),
    ("crop", {"size": Size((3, 224, 224))}, "height x width"),
    ("crop", {"size": Word("centre")}, "a size such as 3x3"),
    ("mirror", {"p": 0.5}, "not permitted"),
    ("scale", {"factor": 0}, "greater than 0"),
    ("scale", {"factor": -1}, "greater than 0"),
    ("subtract", {}, "takes one of"),
    ("subtract", {"value": Word("mean"), "mean": Word("pixel")}, "takes one of"),
    ("subtract", {"value": Word("channel")}, "must be `mean`, a number, or a list"),
    ("subtract", {"value": "mean"}, "must be `mean`, a number, or a list"),
    ("subtract", {"value": []}, "not an empty list"),
    ("subtract", {"value": [1, Word("mean")]}, "must be `mean`, a number, or a list"),
    ("subtract", {"value": True}, "must be `mean`, a number, or a list"),
    ("subtract", {"mean": Word("image")}, "'pixel' or 'channel'"),
    ("subtract", {"mean": "channel"}, "bare word"),
    ("divide", {"value": 0}, "more than 0"),
    ("divide", {"value": [1, -1, 1]}, "more than 0"),
    ("divide", {"value": Word("mean")}, "must be `std`, a number, or a list"),
    ("divide", {}, "required"),
    ("lighting", {"std": -0.1}, "greater than or equal to 0"),
    ("lighting", {}, "required"),
    ("data", {}, "required"),
    ("data", {"name": 5}, "must be a name"),
    ("batch", {"images": 0}, "greater than or equal to 1"),
    ("batch", {"images": 12.5}, "a whole number"),
    ("batch", {"images": Amount(3, "epochs")}, "a whole number"),
    ("loss", {}, "required"),
    ("loss", {"function": Word("hinge")}, "'softmax'"),
    ("loss", {"function": Word("softmax"), "smooth": 1}, "less than 1"),
    ("stop", {}, "required"),
    ("stop", {"after": 0}, "more than 0"),
    ("stop", {"after": Amount(-3, "iterations")}, "more than 0"),
    ("stop", {"after": Word("never")}, "a number"),
    ("sgd", {}, "required"),
    ("sgd", {"rate": 0}, "greater than 0"),
    ("sgd", {**SGD, "momentum": 1}, "less than 1"),
    ("sgd", {**SGD, "momentum": -0.1}, "greater than or equal to 0"),
    ("sgd", {**SGD, "decay": -1}, "greater than or equal to 0"),
    ("sgd", {**SGD, "nesterov": True}, "needs a momentum"),
    ("sgd", {**SGD, "nesterov": 1}, "yes or no"),
    ("sgd", {**SGD, "velocity": Word("weight")}, "'gradient' or 'step'"),
    ("sgd", {**SGD, "velocity": "step"}, "bare word"),
    ("adam", {"beta1": 1}, "less than 1"),
    ("adam", {"beta2": 1}, "less than 1"),
    ("adam", {"eps": 0}, "greater than 0"),
    ("adam", {"momentum": 0.9}, "not permitted"),
    ("adamw", {"decay": -1}, "greater than or equal to 0"),
    ("rmsprop", {"alpha": 1}, "less than 1"),
    ("rmsprop", {"momentum": 1}, "less than 1"),
    ("rmsprop", {"centered": Word("on")}, "yes or no"),
    ("rmsprop", {"start": -1}, "greater than or equal to 0"),
    ("rmsprop", {"velocity": Word("steps")}, "'gradient' or 'step'"),
    ("adagrad", {"start": -1}, "greater than or equal to 0"),
    ("adagrad", {"eps": 0}, "greater than 0"),
    ("adadelta", {"rho": 1}, "less than 1"),
    ("adadelta", {"eps": 0}, "greater than 0"),
    ("lars", {"rate": 1, "biases": True}, "required"),
    ("lars", {"rate": 1, "trust": 0.001}, "required"),
    ("lars", {"rate": 1, "trust": 0, "biases": True}, "greater than 0"),
    ("fixed", {"warmup": 0}, "more than 0"),
    ("step", {}, "required"),
    ("step", {"every": 3, "factor": 1}, "less than 1"),
    ("step", {"every": 3, "factor": 0}, "greater than 0"),
    ("multistep", {"at": []}, "a list of amounts above 0"),
    ("multistep", {"at": 30}, "a list of amounts above 0"),
    ("multistep", {"at": [30, True]}, "not one with `yes`"),
    ("multistep", {"at": [30, 0]}, "not one with 0"),
    ("exp", {"factor": 0.9}, "required"),
    ("inv", {"gamma": 0, "power": 1, "every": 1}, "greater than 0"),
    ("inv", {"gamma": 1, "power": 0, "every": 1}, "greater than 0"),
    ("poly", {}, "required"),
    ("poly", {"power": -1}, "greater than 0"),
    ("sigmoid", {"gamma": -5, "at": 3}, "required"),
    ("cosine", {"to": 1}, "less than 1"),
    ("cosine", {"to": -0.1}, "greater than or equal to 0"),
    ("plateau", {"patience": 0}, "more than 0"),
    ("plateau", {"times": 0}, "greater than or equal to 1"),
    ("plateau", {"watch": Word("rate")}, "'error' or 'loss'"),
    ("plateau", {"threshold": -1}, "greater than or equal to 0"),
    ("plateau", {"factor": 10}, "less than 1"),
    ("parallel", {}, "required"),
    ("parallel", {"fc": Word("model")}, "'copied' or 'split'"),
    ("parallel", {"fc": "split"}, "a bare word"),
    ("views", {"count": 5}, "must be 1 or 10"),
    ("views", {"count": True}, "must be 1 or 10"),
    ("views", {}, "required"),
]


@pytest.mark.parametrize(("word", "given", "message"), INVALID)
def test_invalid_arguments(word: str, given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LINES[word].model_validate(given)
    (error,) = caught.value.errors()
    assert message in error["msg"].replace("Field required", "required").replace(
        "Extra inputs are", ""
    )


def test_what_a_test_leaves_out_is_what_is_random() -> None:
    lines: list[tuple[str, dict[str, Any]]] = [
        ("resize", {"side": 256}),
        ("crop", {"size": 224}),
        ("mirror", {}),
        ("lighting", {"std": 0.1}),
        ("subtract", {"value": Word("mean")}),
    ]
    train = [TRANSFORMS[word].model_validate(arguments) for word, arguments in lines]
    assert [transform.kind for transform in test_transforms_from(train)] == [
        "resize",
        "crop",
        "subtract",
    ]
