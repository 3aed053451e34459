"""The tables of layer kinds and words against the classes, and the classes against the language."""

import ast
import inspect
import pkgutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import pytest

import netspec.layers
from netspec.layers import KINDS, WORDS, find_layer_kind
from netspec.layers.activation import ACTIVATIONS, ActivationWord
from netspec.layers.base import Layer, WeightedLayer
from netspec.layers.starting_values import STARTING_VALUES, WORDS_ALONE
from netspec.schema import Schema

RESERVED = {
    *("use", "net", "block", "from", "let", "if", "then", "else", "repeat", "as", "for", "in"),
    *("default", "expect", "branch", "output", "and", "or", "not", "yes", "no", "train", "test"),
}

CONV = "stride pad dilation bias init bias_init round"
ARGUMENTS = {
    "input": ("size", ""),
    "conv": ("channels size", f"{CONV} groups"),
    "depthwise": ("size", f"{CONV} multiplier"),
    "deconv": ("channels size", "stride pad output_pad groups bias init bias_init"),
    "fc": ("channels", "bias init bias_init"),
    "maxpool": ("size", "stride pad round"),
    "avgpool": ("size", "stride pad round count_pad"),
    "adaptiveavgpool": ("size", ""),
    "leakyrelu": ("slope", ""),
    "prelu": ("slope", "rate decay"),
    "activate": ("word", ""),
    "lrn": ("n", "alpha beta k over across groups"),
    "batchnorm": ("", "eps momentum scale shift synced"),
    "layernorm": ("", "eps"),
    "groupnorm": ("groups", "eps"),
    "dropout": ("p", "inverted"),
    "droppath": ("p", ""),
    "scale": ("", "init bias"),
    "shuffle": ("groups", ""),
    "slice": ("start end", ""),
    "pad": ("size", ""),
    "crop": ("size", ""),
    "upsample": ("factor", "mode align to"),
    "multiply": ("factor", ""),
}
"""Positional and named arguments of each kind, beside `gpu` and the factors on the solver's."""

BARE = {
    *("relu", "relu6", "elu", "gelu", "sigmoid", "tanh", "hardsigmoid", "swish", "hardswish"),
    *("mish", "softmax", "flatten", "identity", "add", "maximum", "concat"),
}


def all_layer_classes() -> Iterator[type[Layer]]:
    """Every class of a kind, found without the table."""
    for module in pkgutil.iter_modules(netspec.layers.__path__, "netspec.layers."):
        for value in vars(import_module(module.name)).values():
            is_kind = isinstance(value, type) and "kind" in vars(value)
            if is_kind and issubclass(value, Layer) and value.__module__ == module.name:
                yield value


def literal_words(annotation: object) -> Iterator[str]:
    """The words of every Literal inside a type."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) is Annotated:
        yield from literal_words(get_args(annotation)[0])
    else:
        for part in get_args(annotation):
            yield from literal_words(part)


def documented_fields(schema: type[Schema]) -> set[str]:
    """Fields with a docstring under them, in the class or one that it inherits from."""
    found: set[str] = set()
    for cls in schema.__mro__:
        if not issubclass(cls, Schema) or cls is Schema:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(tree, ast.ClassDef)
        for field, below in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                assert isinstance(field.target, ast.Name)
                found.add(field.target.id)
    return found


def test_the_table_of_kinds_is_the_classes() -> None:
    classes = list(all_layer_classes())
    assert {cls.kind: cls.__module__ for cls in classes} == {
        kind: f"netspec.layers.{module}" for kind, module in KINDS.items()
    }
    assert len(classes) == len(KINDS), "two classes of one kind"
    assert {cls.kind: cls for cls in classes} == {kind: find_layer_kind(kind) for kind in KINDS}


def test_the_table_of_words_is_what_the_schemas_accept() -> None:
    schemas: list[type[Schema]] = [*all_layer_classes(), *STARTING_VALUES.values()]
    words = {
        word
        for schema in schemas
        for name, hint in get_type_hints(schema, include_extras=True).items()
        if name in schema.model_fields
        for word in literal_words(hint)
    }
    assert words | set(WORDS_ALONE) == WORDS


def test_starting_values_that_need_no_argument_stand_alone() -> None:
    free = {
        kind
        for kind, start in STARTING_VALUES.items()
        if not any(field.is_required() for field in start.model_fields.values())
    }
    assert set(WORDS_ALONE) == free


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_are_those_of_the_language(kind: str) -> None:
    positional, named = ARGUMENTS.get(kind, ("", ""))
    layer_kind = find_layer_kind(kind)
    expected = {*positional.split(), *named.split(), "gpu"}
    if issubclass(layer_kind, WeightedLayer):
        expected |= set(WeightedLayer.model_fields)
    assert layer_kind.positional == tuple(positional.split())
    assert set(layer_kind.model_fields) == expected


def test_every_kind_is_in_the_table_of_arguments() -> None:
    assert sorted([*ARGUMENTS, *BARE]) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_field_is_documented(kind: str) -> None:
    layer_kind = find_layer_kind(kind)
    assert layer_kind.__doc__
    assert layer_kind.__doc__ != Layer.__doc__
    assert layer_kind.family
    assert set(layer_kind.model_fields) <= documented_fields(layer_kind)


@pytest.mark.parametrize("schema", STARTING_VALUES.values())
def test_starting_values_are_documented(schema: type[Schema]) -> None:
    assert set(schema.model_fields) <= documented_fields(schema)


def test_no_kind_or_argument_or_word_is_reserved() -> None:
    arguments = {name for cls in all_layer_classes() for name in cls.model_fields}
    assert not RESERVED & (set(KINDS) | arguments)
    reserved = RESERVED & WORDS
    assert reserved == {"in"}, "only that of msra(fan=in), which stands behind an `=`"


def test_activate_takes_every_activation_that_needs_no_argument() -> None:
    free = {
        cls.kind
        for cls in all_layer_classes()
        if cls.is_activation and not any(f.is_required() for f in cls.model_fields.values())
    }
    assert set(ACTIVATIONS) == set(get_args(ActivationWord)) == free


@pytest.mark.parametrize("kind", ["con", "Conv", "", "base", "Layer"])
def test_an_unknown_kind_is_a_key_error(kind: str) -> None:
    with pytest.raises(KeyError):
        find_layer_kind(kind)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import netspec.layers", ["pydantic", "netspec.layers.base"]),
        (
            "from netspec.layers import find_layer_kind; find_layer_kind('conv')",
            [f"netspec.layers.{m}" for m in ("pooling", "activation", "normalization", "joins")],
        ),
    ],
)
def test_a_family_loads_when_it_is_asked_for(code: str, absent: list[str]) -> None:
    check = f"import sys; {code}; print([m for m in {absent!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
