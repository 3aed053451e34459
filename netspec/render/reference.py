"""The reference of a word that has arguments, in Markdown, a paragraph at a time: how it is
written, what it does, what each argument takes. All of it is read from the word's schema.

`docs/reference` and `netspec explain` show the same paragraphs.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import get_type_hints

from netspec.render.markdown import fill_item
from netspec.render.schema_words import (
    describe_default,
    describe_type,
    document,
    document_fields,
    order_fields,
    own_fields,
)
from netspec.schema import Schema


def write_schema(
    schema: type[Schema], leave_out: Sequence[type[Schema]] = (), before: str = ""
) -> Iterator[str]:
    """A word of the language, with the words before it, its documentation and its arguments."""
    needed = [n for n, field in schema.model_fields.items() if field.is_required()]
    named = [f"{name}=…" for name in needed if name not in schema.positional]
    arguments = ", ".join([*schema.positional, *named])
    gap = ", " if before and arguments else " "
    yield f"### {schema.kind}"
    yield f"`{f'{before} {schema.kind}{gap}{arguments}'.strip()}`"
    yield document(schema)
    left_out = {name for base in leave_out for name in own_fields(base)}
    yield from write_arguments(schema, [n for n in schema.model_fields if n not in left_out])


def write_arguments(schema: type[Schema], names: Iterable[str]) -> Iterator[str]:
    """A list of arguments; nothing where there are none."""
    documents = document_fields(schema)
    hints = get_type_hints(schema, include_extras=True)
    lines: list[str] = []
    for name in order_fields(schema, names):
        default = describe_default(schema.model_fields[name])
        facts = "; ".join(filter(None, (describe_type(hints[name]), default)))
        lines.append(fill_item(f"**`{name}`** ({facts}). {documents[name]}"))
    if lines:
        yield "\n".join(lines)
