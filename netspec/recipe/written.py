"""A recipe on paper: as a line of the language, as JSON with all values settled, that as text."""

import json
from typing import Any

from netspec.recipe.recipe import Recipe
from netspec.schema import HeightWidth, Schema
from netspec.values import Amount, Word, format_value


def write_line(line: Schema) -> str:
    """A line as a file writes it, every argument by name; what was not given is left out."""
    given = [name for name in type(line).model_fields if name in line.model_fields_set]
    arguments = (f"{name}={write_value(getattr(line, name))}" for name in given)
    return f"{line.kind} {', '.join(arguments)}".rstrip()


def write_value(value: object) -> str:
    """A settled value as a file writes it."""
    if isinstance(value, str):
        return format_value(Word(value))
    if isinstance(value, HeightWidth):
        return str(value)
    if isinstance(value, Amount):
        return write_amount(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(write_value, value))}]"
    return format_value(value)


def write_amount(amount: Amount) -> str:
    """`1 epoch`, `90 epochs`, `450,000 iterations`."""
    number = float(amount.number)
    if number == 1:
        return f"1 {amount.unit.removesuffix('s')}"
    return f"{number:,.10g} {amount.unit}"


def resolve_line(line: Schema) -> dict[str, Any]:
    """A line as JSON values, its kind first, with every argument that has a value."""
    values = {name: getattr(line, name) for name in type(line).model_fields}
    settled = {name: _to_json(value) for name, value in values.items() if value is not None}
    return {"kind": line.kind, **settled}


def resolve_recipe(recipe: Recipe) -> dict[str, Any]:
    """A whole recipe as JSON values, defaults filled in; amounts are text with their unit."""
    return {
        "data": recipe.data.name,
        "train": [resolve_line(transform) for transform in recipe.transforms],
        "batch": recipe.batch,
        "loss": resolve_line(recipe.loss),
        "solver": resolve_line(recipe.solver),
        "schedule": resolve_line(recipe.schedule),
        "parallel": resolve_line(recipe.parallel),
        "stop": _to_json(recipe.stop),
        "test": [resolve_line(transform) for transform in recipe.test_transforms],
        "views": recipe.views,
        "test_batch": recipe.test_batch or recipe.batch,
    }


def write_resolved(value: object) -> list[str]:
    """What became JSON as lines of text: a line of a recipe by its kind and arguments, a list line
    by line, nothing for None."""
    if value is None:
        return []
    if isinstance(value, list):
        return [line for entry in value for line in write_resolved(entry)]
    if isinstance(value, dict):
        arguments = ", ".join(f"{k}={_write_plain(v)}" for k, v in value.items() if k != "kind")
        return [f"{value.get('kind', '')} {arguments}".strip()]
    return [_write_plain(value)]


def _write_plain(value: object) -> str:
    if isinstance(value, bool):
        return format_value(value)
    return value if isinstance(value, str) else json.dumps(value)


def _to_json(value: object) -> object:
    if isinstance(value, Amount | HeightWidth):
        return write_value(value)
    if isinstance(value, tuple):
        return [_to_json(entry) for entry in value]
    return value
