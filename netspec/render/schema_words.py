"""What a schema says of itself, in a reader's words: types, ranges, defaults, documentation.

Everything is read from the class; nothing about any one layer kind or line is said here.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from netspec.layers.starting_values import BiasStart, StartingValues
from netspec.schema import HeightWidth, Schema, Sides
from netspec.tensor import Shape
from netspec.values import Amount, format_value

TYPES: dict[object, str] = {
    int: "whole number",
    float: "number",
    str: "name",
    bool: "`yes` or `no`",
    HeightWidth: "size",
    Sides: "padding",
    Amount: "amount",
    tuple[Amount, ...]: "list of amounts",
    tuple[float, ...]: "number or a list of numbers",
    StartingValues: "starting values",
    BiasStart: "number or starting values",
    Shape: "channels x height x width",
}
"""What a reader calls a value; a type without a name here is an error."""

LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def describe_type(hint: object) -> str:
    """What an argument takes: `whole number, at least 1`."""
    limits: list[str] = []
    if hint in TYPES:
        return TYPES[hint]
    if get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        limits = list(list_limits(metadata))
    if get_origin(hint) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(hint))
    if hint in TYPES:
        return ", ".join([TYPES[hint], *limits])
    parts = [describe_type(part) for part in get_args(hint) if part is not NoneType]
    if not parts:
        raise TypeError(f"no word for the type {hint}")
    return ", ".join([" or ".join(parts), *limits])


def list_limits(metadata: Iterable[object]) -> Iterator[str]:
    """The ranges in an annotation, of several that of the argument itself, which stands last."""
    limits: dict[str, object] = {}
    for entry in metadata:
        for limit in entry.metadata if isinstance(entry, FieldInfo) else ():
            limits |= {sign: getattr(limit, sign) for sign in LIMITS if hasattr(limit, sign)}
    for sign, bound in limits.items():
        yield f"{LIMITS[sign]} {format_value(bound)}"


def describe_default(field: FieldInfo) -> str:
    """`required`, `default 1`, or nothing where the text says what happens without it."""
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    value: Any = field.default
    if isinstance(value, HeightWidth | Sides) and len(set(value)) == 1:
        value = value[0]
    if isinstance(value, StartingValues):
        value = write_starting_values(value)
    return f"default `{value if isinstance(value, str) else format_value(value)}`"


def write_starting_values(start: StartingValues) -> str:
    """As a file writes them: `constant(1)`, `msra(fan=out)`, `msra`."""
    given = []
    for name, value in start:
        if name in start.positional:
            given.append(format_value(value))
        elif value != type(start).model_fields[name].default:
            given.append(f"{name}={value}")
    return f"{start.kind}({', '.join(given)})" if given else start.kind


def document(schema: type[Schema]) -> str:
    """The docstring, as it stands."""
    return inspect.cleandoc(schema.__doc__ or "")


def own_fields(schema: type[Schema]) -> list[str]:
    """The fields that a class itself adds."""
    return [name for name in schema.model_fields if name in schema.__annotations__]


def order_fields(schema: type[Schema], names: Iterable[str]) -> list[str]:
    """Those that have a place first, in order; then the class's own, then what it inherits."""
    places = {name: place for place, name in enumerate(schema.positional)}
    classes = [cls for cls in schema.__mro__ if issubclass(cls, Schema)]
    depths: dict[str, int] = {}
    for depth, cls in enumerate(classes):
        for name in own_fields(cls):
            depths.setdefault(name, depth)
    return sorted(names, key=lambda name: (places.get(name, len(places)), depths[name]))


@cache
def document_fields(schema: type[Schema]) -> dict[str, str]:
    """The docstring under each field, that of the nearest class.

    Pydantic could read them when a class is made, but then every start of the program would.
    """
    found: dict[str, str] = {}
    for cls in schema.__mro__:
        if not issubclass(cls, Schema):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        assert isinstance(tree, ast.ClassDef)
        for field, below in zip(tree.body, tree.body[1:], strict=False):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found.setdefault(name, " ".join(text.split()))
    return found
