"""The reference of layer kinds and of recipes, a paragraph at a time, from their schemas."""

from collections.abc import Iterable, Iterator, Sequence
from typing import get_type_hints

from docs.generate.page import fill, fill_item
from docs.generate.words import (
    describe_default,
    describe_type,
    document,
    document_fields,
    order_fields,
    own_fields,
)
from netspec.compiler.structure import STRUCTURE
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.base import Layer, WeightedLayer
from netspec.layers.starting_values import STARTING_VALUES
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.recipe.solver import SOLVERS
from netspec.schema import Schema


def write_layers() -> Iterator[str]:
    """The paragraphs of layers.md."""
    yield "# Layer kinds"
    yield fill(
        "The line under a name shows the arguments that may be given without theirs, in order, and "
        "those that have to be given by name. The others are given by name where they are wanted."
    )
    kinds = [find_layer_kind(kind) for kind in KINDS]
    families = {
        family: [kind for kind in kinds if kind.family == family]
        for family in dict.fromkeys(kind.family for kind in kinds)
    }
    yield "\n".join(write_contents(families))
    yield "## Every layer"
    yield from write_arguments(Layer, own_fields(Layer))
    yield "## Layers with weights"
    yield from write_arguments(WeightedLayer, own_fields(WeightedLayer))
    for family, members in families.items():
        yield f"## {family}"
        for kind in members:
            yield from write_schema(kind, leave_out=[Layer, WeightedLayer])
            if issubclass(kind, WeightedLayer):
                yield "It has the arguments of [layers with weights](#layers-with-weights) too."
    yield "## Starting values"
    yield "What `init` and `bias_init` accept; `msra` alone is `msra()`."
    for start in STARTING_VALUES.values():
        yield from write_schema(start)
    yield "## Lines that are no layers"
    for line in STRUCTURE.values():
        yield from write_schema(line)


def write_contents(families: dict[str, list[type[Layer]]]) -> Iterator[str]:
    """A line a family, with links to its kinds."""
    for family, kinds in families.items():
        links = ", ".join(f"[{kind.kind}](#{kind.kind})" for kind in kinds)
        yield fill_item(f"{family}: {links}")


def write_recipe() -> Iterator[str]:
    """The paragraphs of recipe.md."""
    yield "# The recipe"
    yield fill(
        "The lines of `train { … }` and `test { … }`. An amount has its unit, `30 epochs`, "
        "`100k iterations`, `50k images`; a plain number counts epochs."
    )
    lines = [TRAIN_LINES[word] for word in TRAIN_LINES if word not in SOLVERS]
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
    yield from write_arguments(Schedule, own_fields(Schedule))
    for kind in SCHEDULES.values():
        yield from write_schema(kind, leave_out=[Schedule], before="schedule")


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
