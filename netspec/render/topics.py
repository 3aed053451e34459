"""Every word that can be asked about, and what there is to read about it, in Markdown.

A word may mean several things, as `scale` does: a layer kind and a transform. All of them are
shown. What stands about a layer kind, a solver or any other word with arguments comes from its
schema, as in `docs/reference`; what stands about a word of the language is its section of
`docs/language.md`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from netspec.compiler.evaluate import FUNCTIONS
from netspec.compiler.structure import STRUCTURE
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.base import Layer, WeightedLayer
from netspec.layers.starting_values import STARTING_VALUES
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.recipe.solver import SOLVERS
from netspec.render.pages import read_section
from netspec.render.reference import write_arguments, write_schema
from netspec.render.schema_words import document, own_fields
from netspec.schema import Schema
from netspec.syntax.lexicon import UNIT_WORDS

SECTIONS: dict[str, str] = {
    "use": "Several files",
    "net": "Nets",
    "block": "Blocks",
    "from": "Flow and labels",
    "output": "Flow and labels",
    "branch": "Joins",
    "let": "`if` and loops",
    "if": "`if` and loops",
    "then": "Values",
    "else": "`if` and loops",
    "repeat": "`if` and loops",
    "as": "`if` and loops",
    "for": "`if` and loops",
    "in": "`if` and loops",
    "default": "Defaults",
    "expect": "Claims",
    "params": "Claims",
    "macs": "Claims",
    "head": "Heads",
    "again": "Weights used again",
    "gpus": "Several GPUs",
    "train": "Recipes",
    "test": "Recipes",
    "channels": "Values",
    **dict.fromkeys(("and", "or", "not", "yes", "no", *FUNCTIONS, *UNIT_WORDS), "Values"),
}
"""The words of the language, each with the section of its page."""


def list_words() -> list[str]:
    """Every word that something is written about."""
    words = {*KINDS, *STARTING_VALUES, *TRAIN_LINES, *TEST_LINES, *TRANSFORMS, *SCHEDULES}
    for schema in list_schemas():
        words.update(schema.model_fields, *map(list_accepted, hints_of(schema).values()))
    return sorted(words | SECTIONS.keys())


def write_topic(word: str) -> list[str]:
    """The paragraphs about a word: what it is by itself, and what takes it; none where it is
    nothing."""
    return [*write_meanings(word), *write_takers(word)]


def write_meanings(word: str) -> Iterator[str]:
    """A word that begins a line, a call or an expression."""
    if word in KINDS:
        yield from write_layer_kind(find_layer_kind(word))
    if word in STARTING_VALUES:
        yield from entitle("starting values", STARTING_VALUES[word])
    if word in TRAIN_LINES and word != "schedule":
        role = "a solver, a line of `train`" if word in SOLVERS else "a line of `train`"
        yield from entitle(role, TRAIN_LINES[word])
    if word in TEST_LINES:
        yield from entitle("a line of `test`", TEST_LINES[word])
    if word in TRANSFORMS:
        yield from entitle("a transform, in the braces of `data`", TRANSFORMS[word])
    if word == "schedule":
        yield from write_schedules()
    if word in SCHEDULES:
        yield from write_schedule(SCHEDULES[word])
    if word in SECTIONS:
        yield read_section(SECTIONS[word])
    if word in STRUCTURE:
        yield from write_arguments(STRUCTURE[word], STRUCTURE[word].model_fields)


def entitle(
    role: str, schema: type[Schema], leave_out: Sequence[type[Schema]] = (), before: str = ""
) -> Iterator[str]:
    """A word's reference under a heading that says what it is."""
    _, *paragraphs = write_schema(schema, leave_out, before)
    yield f"## {schema.kind}: {role}"
    yield from paragraphs


def write_layer_kind(kind: type[Layer]) -> Iterator[str]:
    """A layer kind with all its arguments, those that it shares with others last."""
    yield from entitle("a layer kind", kind, leave_out=[Layer, WeightedLayer])
    if issubclass(kind, WeightedLayer):
        yield "As every layer with weights it takes:"
        yield from write_arguments(WeightedLayer, own_fields(WeightedLayer))
    yield "As every layer it takes:"
    yield from write_arguments(Layer, own_fields(Layer))


def write_schedules() -> Iterator[str]:
    """The line `schedule`, and which kinds of it there are."""
    yield "## schedule: a line of `train`"
    yield document(Schedule)
    yield f"The kinds are {', '.join(f'`{kind}`' for kind in SCHEDULES)}. Each takes:"
    yield from write_arguments(Schedule, own_fields(Schedule))


def write_schedule(kind: type[Schedule]) -> Iterator[str]:
    yield from entitle("a schedule, a line of `train`", kind, [Schedule], before="schedule")
    yield "As every schedule it takes:"
    yield from write_arguments(Schedule, own_fields(Schedule))


def write_takers(word: str) -> Iterator[str]:
    """An argument, or a word that arguments accept: who takes it, and what for."""
    arguments: dict[str, list[str]] = {}
    values: dict[str, list[str]] = {}
    for schema in list_schemas():
        for name, hint in hints_of(schema).items():
            (told,) = write_arguments(schema, [name])
            if name == word:
                arguments.setdefault(told, []).append(schema.kind)
            elif word in list_accepted(hint):
                values.setdefault(told, []).append(schema.kind)
    for title, takers in ((f"{word}: an argument", arguments), (f"{word}: a value", values)):
        if takers:
            yield f"## {title}"
        for told, kinds in takers.items():
            yield f"Of {', '.join(f'`{kind}`' for kind in kinds)}:"
            yield told


def list_schemas() -> Iterator[type[Schema]]:
    """Every schema of the language and of recipes that has a word of its own."""
    yield from map(find_layer_kind, KINDS)
    for table in (STARTING_VALUES, TRAIN_LINES, TRANSFORMS, SCHEDULES, TEST_LINES, STRUCTURE):
        yield from (schema for schema in table.values() if schema is not Schedule)


def hints_of(schema: type[Schema]) -> dict[str, object]:
    """The types of a schema's arguments."""
    hints = get_type_hints(schema, include_extras=True)
    return {name: hints[name] for name in schema.model_fields}


def list_accepted(hint: object) -> Iterator[str]:
    """The bare words that an argument of a type accepts."""
    if get_origin(hint) is Literal:
        yield from filter(lambda value: isinstance(value, str), get_args(hint))
    elif get_origin(hint) is Annotated:
        yield from list_accepted(get_args(hint)[0])
    else:
        for part in get_args(hint):
            yield from list_accepted(part)
