"""Layers as a file would write them, for the tests of this folder."""

from netspec.layers import find_layer_kind
from netspec.layers.base import Layer
from netspec.tensor import Shape
from netspec.values import Padding, Size, Word


def build_layer(kind: str, *positional: object, **named: object) -> Layer:
    """A layer from its arguments: a string is a bare word, a tuple is a size."""
    layer_kind = find_layer_kind(kind)
    arguments = dict(zip(layer_kind.positional, positional, strict=False)) | named
    assert len(arguments) == len(positional) + len(named), f"{kind} takes fewer in place"
    return layer_kind.model_validate({name: as_value(arguments[name]) for name in arguments})


def as_value(value: object) -> object:
    """What the evaluator would have made of it."""
    if isinstance(value, str):
        return Word(value)
    if isinstance(value, tuple):
        return Size(value)
    return value


def pad(before: int | tuple[int, int], after: int | tuple[int, int]) -> Padding:
    """`before:after`, a pair being height x width."""
    sides = (Size(side) if isinstance(side, tuple) else side for side in (before, after))
    return Padding(*sides)


def count_params(layer: Layer, *inputs: Shape) -> int:
    """The learned numbers of a layer."""
    return sum(weight.elements for weight in layer.list_weights(inputs) if weight.is_learned)
