"""The recipes of a file: what its `train` and `test` sections say together, for each net.

Decides how sections become a recipe. Which sections speak for which net is decided in
`recipe_sections.py`, what a line may say in `recipe_lines.py` and the schemas in `recipe/`, and
whether a recipe fits its net in `recipe/fit.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from netspec.compiler.recipe_lines import BoundSection, SectionReader
from netspec.compiler.recipe_sections import RecipeText
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Graph
from netspec.recipe.data import test_transforms_from
from netspec.recipe.fit import find_misfits
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import Fixed
from netspec.recipe.training import Parallel
from netspec.values import format_value


class RecipeBook(Struct):
    """The recipes of a file, by the net they name; None for all the others."""

    recipes: dict[str | None, Recipe] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def find(self, net: str) -> Recipe | None:
        return self.recipes.get(net) or self.recipes.get(None)


def compile_recipes(
    texts: Sequence[RecipeText], given: Mapping[str | None, Mapping[str, Any]]
) -> RecipeBook:
    """All recipes of a file; `given` has values for parameters, by the net that a recipe names."""
    book = RecipeBook()
    for text in texts:
        values = given.get(text.net, {})
        recipe, problems = _compile(text, values)
        if problems and values:
            problems = _blame(problems, _compile(text, {})[1], values)
        book.diagnostics += problems
        if recipe is not None:
            book.recipes[text.net] = recipe
    return book


def _compile(text: RecipeText, given: Mapping[str, Any]) -> tuple[Recipe | None, list[Diagnostic]]:
    """A recipe with these values, None where it has errors, and what is wrong with it."""
    diagnostics: list[Diagnostic] = []
    reader = SectionReader(diagnostics)
    values = reader.read_parameters(text.train, given)
    train = reader.read(text.train, values)
    test = reader.read(text.test, values) if text.test else None
    if diagnostics:
        return None, diagnostics
    recipe = _assemble(train, test)
    return replace(recipe, parameters=tuple(values.parameters.items())), []


def _blame(
    diagnostics: Sequence[Diagnostic], original: Sequence[Diagnostic], given: Mapping[str, Any]
) -> list[Diagnostic]:
    """The mistakes of a recipe, with the values from outside that make them."""
    known = {(each.code, each.primary.span.start) for each in original}
    values = ", ".join(f"{name}={format_value(value)}" for name, value in given.items())
    note = f"with {values}, from outside the file"
    return [
        each
        if (each.code, each.primary.span.start) in known
        else replace(each, notes=(*each.notes, note))
        for each in diagnostics
    ]


def _assemble(train: BoundSection, test: BoundSection | None) -> Recipe:
    lines = cast(dict[str, Any], train.lines)
    tests = cast(dict[str, Any], test.lines if test else {})
    test_transforms = test_transforms_from(train.transforms)
    if test and "data" in tests:
        test_transforms = test.transforms
    spans = train.spans | {
        f"test.{word}": span for word, span in (test.spans if test else {}).items()
    }
    return Recipe(
        data=lines["data"],
        transforms=train.transforms,
        batch=lines["batch"].images,
        loss=lines["loss"],
        solver=lines["solver"],
        stop=lines["stop"].after,
        schedule=lines.get("schedule", Fixed()),
        parallel=lines.get("parallel", Parallel.copied()),
        test_transforms=test_transforms,
        views=tests["views"].count if "views" in tests else 1,
        test_batch=tests["batch"].images if "batch" in tests else None,
        spans=spans,
    )


def check_recipe(recipe: Recipe, graph: Graph) -> list[Diagnostic]:
    """What in the recipe does not fit the net."""
    diagnostics = []
    for misfit in find_misfits(recipe, graph):
        key = misfit.line if misfit.section == "train" else f"test.{misfit.line}"
        span = recipe.spans.get(key) or recipe.spans["data"]
        helps = (misfit.help,) if misfit.help else ()
        headline = f"`{misfit.line}` {misfit.predicate}"
        diagnostics.append(Diagnostic("NS403", headline, Label(span), help=helps))
    return diagnostics
