"""The pages of layer kinds and of recipes, a paragraph at a time; what is said of each word comes
from `netspec/render/reference.py`.
"""

from collections.abc import Iterator

from netspec.compiler.structure import STRUCTURE
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.base import Layer, WeightedLayer
from netspec.layers.starting_values import STARTING_VALUES
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.recipe.solver import SOLVERS
from netspec.render.markdown import fill, fill_item
from netspec.render.reference import write_arguments, write_schema
from netspec.render.schema_words import document, own_fields


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
