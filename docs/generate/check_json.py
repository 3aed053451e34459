"""The reference of `netspec check --format json`, a page for people and a JSON Schema for machines,
from the models in netspec/render/json_schema.py.
"""

import inspect
import json
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from netspec.render.json_schema import CheckReport, Model

WORDS: dict[object, str] = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "truth",
    JsonValue: "any value",
    type(None): "null",
}
"""What a reader calls a type."""


def write_json_page() -> Iterator[str]:
    """The paragraphs of check-json.md."""
    yield "# The output of `netspec check --format json`"
    yield (
        "One object. Lines and columns count from 1, offsets from 0, all in code points; the end\n"
        "of a place is the position behind its last character. New fields may come at any time:\n"
        "pass over those that you do not know. Where a field changes or goes, `format_version`\n"
        "counts up. The same as a JSON Schema: [check-json.schema.json](check-json.schema.json)."
    )
    for model in list_models(CheckReport, []):
        yield f"## {name_model(model)}"
        yield inspect.cleandoc(model.__doc__ or "")
        rows = ["| field | type | meaning |", "| --- | --- | --- |"]
        for name, field in model.model_fields.items():
            meaning = " ".join((field.description or "").split())
            rows.append(f"| `{name}` | {describe_type(field.annotation)} | {meaning} |")
        yield "\n".join(rows)


def write_json_schema() -> str:
    """The text of check-json.schema.json."""
    return json.dumps(CheckReport.model_json_schema(), indent=2) + "\n"


def list_models(model: type[Model], seen: list[type[Model]]) -> list[type[Model]]:
    """A model and those that its fields hold, in the order in which they are met."""
    if model not in seen:
        seen.append(model)
        for field in model.model_fields.values():
            for part in (field.annotation, *get_args(field.annotation)):
                if isinstance(part, type) and issubclass(part, Model):
                    list_models(part, seen)
    return seen


def name_model(model: type[Model]) -> str:
    """`LayerReport` is called Layer."""
    return model.__name__.removesuffix("Report")


def describe_type(annotation: Any) -> str:
    """A field's type in words."""
    arguments = get_args(annotation)
    if annotation in WORDS:
        return WORDS[annotation]
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments)
    if get_origin(annotation) is list:
        return f"list of {describe_type(arguments[0])}"
    if get_origin(annotation) is dict:
        return f"object of {describe_type(arguments[1])}"
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(map(describe_type, arguments))
    name = name_model(annotation)
    return f"[{name}](#{name.lower()})"
