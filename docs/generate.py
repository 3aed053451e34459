"""Writes the pages of docs/reference that are made from the code: layers, recipe, diagnostics.

`make docs` runs it, and a test holds the pages against it (`--check`). What a layer kind, a
starting value or a recipe's line takes is read from its schema; nothing about one is said here.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from netspec.diagnostics import CODES
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.base import Layer, WeightedLayer
from netspec.layers.starting_values import STARTING_VALUES, StartingValues
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.recipe.solver import SOLVERS
from netspec.schema import HeightWidth, Schema, Sides
from netspec.tensor import Shape
from netspec.values import Amount, format_value

REFERENCE = Path(__file__).parent / "reference"
DO_NOT_EDIT = "<!-- Written by `make docs` from the code; do not edit. -->"

TYPES: dict[object, str] = {
    int: "whole number",
    float: "number",
    str: "word",
    bool: "`yes` or `no`",
    HeightWidth: "size",
    Sides: "padding",
    Amount: "amount",
    tuple[Amount, ...]: "list of amounts",
    tuple[float, ...]: "number, or a list of numbers",
    StartingValues: "starting values",
    Shape: "channels x height x width",
}
"""What a reader calls a value; a type without a name here is an error."""

BAR = r"\|"
LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def write_layers() -> Iterator[str]:
    yield "# Layer kinds"
    yield "The line under a name shows the arguments that may be given without theirs, in order."
    yield "## Every layer"
    yield from write_arguments(Layer, own_fields(Layer))
    yield "## Layers with weights"
    yield from write_arguments(WeightedLayer, own_fields(WeightedLayer))
    kinds = [find_layer_kind(kind) for kind in KINDS]
    order = list(dict.fromkeys(kind.family for kind in kinds))
    in_families = sorted(kinds, key=lambda kind: order.index(kind.family))
    for family, members in groupby(in_families, key=lambda kind: kind.family):
        yield f"## {family}"
        for kind in members:
            yield from write_schema(kind, leave_out=[Layer, WeightedLayer])
            if issubclass(kind, WeightedLayer):
                yield "And the arguments of layers with weights."
    yield "## Starting values"
    for start in STARTING_VALUES.values():
        yield from write_schema(start)


def write_recipe() -> Iterator[str]:
    yield "# The recipe"
    yield "A plain number where an amount is asked counts epochs."
    lines = [TRAIN_LINES[word] for word in TRAIN_LINES if word not in SOLVERS]
    schedule = own_fields(Schedule)
    for title, schemas in (
        ("Lines of `train`", [line for line in lines if line is not Schedule]),
        ("Transforms, in the braces of `data`", TRANSFORMS.values()),
        ("Solvers", SOLVERS.values()),
        ("Lines of `test`", TEST_LINES.values()),
    ):
        yield f"## {title}"
        for schema in schemas:
            yield from write_schema(schema)
    yield "## Schedules"
    yield document(Schedule)
    yield from write_arguments(Schedule, schedule)
    for kind in SCHEDULES.values():
        yield from write_schema(kind, leave_out=[Schedule], before="schedule")


def write_diagnostics() -> Iterator[str]:
    yield "# Diagnostics"
    yield "NS0xx are about text and syntax, NS1xx names and structure, NS2xx shapes, NS3xx claims,"
    yield "NS4xx recipes and data, NS5xx lints, NS9xx netspec's own mistakes."
    yield write_table(["code", "title"], [[code, title] for code, title in CODES.items()])


def write_schema(
    schema: type[Schema], leave_out: Sequence[type[Schema]] = (), before: str = ""
) -> Iterator[str]:
    """A word of the language, with the words before it, its documentation and its arguments."""
    places = ", ".join(schema.positional)
    yield f"### {schema.kind}"
    yield f"`{f'{before} {schema.kind} {places}'.strip()}`"
    yield document(schema)
    left_out = {name for base in leave_out for name in own_fields(base)}
    yield from write_arguments(schema, [n for n in schema.model_fields if n not in left_out])


def own_fields(schema: type[Schema]) -> list[str]:
    """The fields that a class itself adds."""
    return [name for name in schema.model_fields if name in schema.__annotations__]


def write_arguments(schema: type[Schema], names: Iterable[str]) -> Iterator[str]:
    order = {name: place for place, name in enumerate(schema.positional)}
    documents = document_fields(schema)
    hints = get_type_hints(schema, include_extras=True)
    rows = [
        [
            f"`{name}`",
            describe_type(hints[name]),
            describe_default(schema.model_fields[name]),
            documents[name],
        ]
        for name in sorted(names, key=lambda name: order.get(name, len(order)))
    ]
    if rows:
        yield write_table(["argument", "takes", "default", ""], rows)


def describe_type(hint: object) -> str:
    """What an argument takes, in words: `whole number, at least 1`."""
    limits: list[str] = []
    if get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        limits = list(list_limits(metadata))
    if get_origin(hint) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(hint))
    if hint in TYPES:
        return ", ".join([TYPES[hint], *limits])
    parts = [describe_type(part) for part in get_args(hint) if part is not NoneType]
    assert parts, f"no word for the type {hint}"
    return ", ".join([" or ".join(parts), *limits])


def list_limits(metadata: Iterable[object]) -> Iterator[str]:
    for entry in metadata:
        for limit in entry.metadata if isinstance(entry, FieldInfo) else ():
            for sign, words in LIMITS.items():
                if hasattr(limit, sign):
                    yield f"{words} {format_value(getattr(limit, sign))}"


def describe_default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    value: Any = field.default
    if isinstance(value, HeightWidth | Sides) and len(set(value)) == 1:
        value = value[0]
    return f"`{value if isinstance(value, str) else format_value(value)}`"


def document(schema: type[Schema]) -> str:
    return inspect.cleandoc(schema.__doc__ or "")


def document_fields(schema: type[Schema]) -> dict[str, str]:
    """The docstring under each field, that of the nearest class."""
    found: dict[str, str] = {}
    for cls in schema.__mro__:
        if issubclass(cls, Schema):
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


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def write_row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"

    return "\n".join(map(write_row, [head, ["---"] * len(head), *rows]))


def main(arguments: Sequence[str]) -> int:
    stale = []
    for name, paragraphs in (
        ("layers.md", write_layers()),
        ("recipe.md", write_recipe()),
        ("diagnostics.md", write_diagnostics()),
    ):
        path = REFERENCE / name
        text = "\n\n".join([DO_NOT_EDIT, *paragraphs]) + "\n"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(f"{', '.join(stale)}: written anew by `make docs`" if stale else "all pages are fresh")
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
