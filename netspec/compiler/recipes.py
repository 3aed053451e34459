"""The `train` and `test` sections of a file, put together: a recipe for each net.

Decides which section speaks for which net, that each line is there once and none is missing. What a
line's arguments may be stands in its schema in `recipe/`; whether a recipe fits its net in
`recipe/fit.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from msgspec import Struct, field

from netspec.compiler.arguments import bind, place_arguments
from netspec.compiler.evaluate import EvaluationError, Work, evaluate
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import MOST_ERRORS, Diagnostic, Label
from netspec.graph import Graph
from netspec.recipe.data import TRANSFORMS, Transform, test_transforms_from
from netspec.recipe.fit import find_misfits
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import SCHEDULES, Fixed
from netspec.recipe.solver import SOLVERS
from netspec.recipe.training import Parallel
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import Word

Sections = dict[str, tree.Section]

NEEDED = {
    "data": "data imagenet { resize 256; crop 224; mirror; subtract mean }",
    "batch": "batch 128",
    "loss": "loss softmax",
    "solver": "sgd rate=0.01, momentum=0.9, decay=5e-4, velocity=step",
    "stop": "stop after=90 epochs",
}
"""The lines that `train` cannot do without, each with an example."""


class BoundSection(Struct):
    """A section's lines, bound; by the line's word, a solver's under `solver`."""

    lines: dict[str, Schema] = field(default_factory=dict)
    transforms: tuple[Transform, ...] = ()
    spans: dict[str, Span] = field(default_factory=dict)
    meant: set[str] = field(default_factory=set)
    """Words that lines with an unknown one may have meant."""


class _Words:
    """In a recipe every name is a word; which words are meant, each schema says."""

    def __init__(self) -> None:
        self.work = Work()

    def look_up(self, reference: tree.Reference) -> object:
        return Word(reference.text)

    def shape_of(self, reference: tree.Reference) -> Shape:
        headline = "a recipe knows no tensors"
        raise EvaluationError(Diagnostic("NS103", headline, Label(reference.span)))

    def build_starting_values(self, call: tree.Call) -> object:
        headline = f"a recipe has no `{call.function.text}`"
        raise EvaluationError(Diagnostic("NS102", headline, Label(call.function.span)))


class RecipeBook(Struct):
    """The recipes of a file, by the net they name; None for all the others."""

    recipes: dict[str | None, Recipe] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def find(self, net: str) -> Recipe | None:
        return self.recipes.get(net) or self.recipes.get(None)


def compile_recipes(file: tree.File) -> RecipeBook:
    """All recipes of a file."""
    book = RecipeBook()
    nets = [item.name.text for item in file.items if isinstance(item, tree.Net | tree.DerivedNet)]
    sections: dict[tuple[str, str | None], tree.Section] = {}
    for item in file.items:
        if isinstance(item, tree.Section) and _claim_section(item, nets, sections, book):
            sections[item.kind.text, item.net.text if item.net else None] = item
    reader = _SectionReader(book.diagnostics)
    bound = {key: reader.read(section) for key, section in sections.items()}
    for (kind, net), section in sections.items():
        train = bound.get(("train", net)) or bound.get(("train", None))
        if train is None:
            headline = "`test` without `train` makes no recipe"
            book.diagnostics.append(Diagnostic("NS402", headline, Label(section.kind.span)))
        elif kind == "train" or ("train", net) not in bound:
            test = bound.get(("test", net)) or bound.get(("test", None))
            if not book.diagnostics:
                book.recipes[net] = _assemble(train, test)
    return book


def _claim_section(
    item: tree.Section,
    nets: list[str],
    sections: Mapping[tuple[str, str | None], tree.Section],
    book: RecipeBook,
) -> bool:
    """Whether the section names a net of the file and is the first to do so."""
    name = item.net.text if item.net else None
    if item.net and name not in nets:
        helps = did_you_mean(item.net.text, nets)
        headline = f"there is no net `{name}` in this file"
        book.diagnostics.append(Diagnostic("NS122", headline, Label(item.net.span), help=helps))
        return False
    first = sections.get((item.kind.text, name))
    if first:
        whose = f" for {name}" if name else ""
        headline = f"`{item.kind.text}`{whose} is given twice"
        secondary = (Label(first.kind.span, "first given here"),)
        label = Label(item.kind.span, "given again")
        book.diagnostics.append(Diagnostic("NS104", headline, label, secondary))
        return False
    return True


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


class _SectionReader:
    """Binds the lines of sections; collects what is wrong with them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def report(self, code: str, headline: str, span: Span, label: str = "", *help: str) -> None:
        self.diagnostics.append(Diagnostic(code, headline, Label(span, label), help=help))

    def read(self, section: tree.Section) -> BoundSection:
        table = TRAIN_LINES if section.kind.text == "train" else TEST_LINES
        bound = BoundSection()
        for line in self.list_words(section.body, section.kind.text):
            word = line.kind.text
            if word not in table:
                from netspec.compiler.advice import advise_recipe_line  # for mistakes alone

                helps = advise_recipe_line(word, table, section.kind.text)
                headline = f"{section.kind.text} has no line `{word}`"
                self.report("NS401", headline, line.kind.span, "unknown", *helps)
                bound.meant.update(suggest_names(word, (*table, "solver")))
                continue
            slot = "solver" if word in SOLVERS else word
            if slot in bound.spans:
                headline = f"the {slot} is given twice"
                self.report("NS104", headline, line.kind.span, "given again")
                continue
            bound.spans[slot] = line.kind.span
            self.read_line(line, table[word], slot, bound)
        if section.kind.text == "train":
            self.check_whole(section, bound)
        return bound

    def check_whole(self, section: tree.Section, bound: BoundSection) -> None:
        meant = {"solver" if word in SOLVERS else word for word in bound.meant}
        missing = [slot for slot in NEEDED if slot not in bound.spans and slot not in meant]
        if missing:
            words = ["a solver" if slot == "solver" else f"`{slot}`" for slot in missing]
            named = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
            helps = [f"for example `{NEEDED[slot]}`" for slot in missing]
            self.report("NS402", f"train needs {named}", section.kind.span, "", *helps)

    def list_words(self, body: tree.Body, owner: str) -> Iterator[tree.LayerLine]:
        """The lines that are a word with its arguments; nothing else belongs in a recipe."""
        for line in body.lines:
            if len(self.diagnostics) > MOST_ERRORS:
                return
            if not isinstance(line, tree.LayerLine):
                headline = f"this line does not belong in {owner}"
                helps = f"a line of {owner} is a word with its arguments"
                self.report("NS116", headline, line.span, "", helps)
                continue
            if line.label or line.sources or line.claims:
                headline = f"a line of {owner} has no label, `from` or claim"
                self.report("NS116", headline, line.span)
            yield line

    def read_line(
        self, line: tree.LayerLine, schema: type[Schema], slot: str, bound: BoundSection
    ) -> None:
        arguments = line.arguments
        if slot == "schedule":
            chosen = self.choose_schedule(line)
            if chosen is None:
                return
            schema, arguments = chosen, arguments[1:]
        if slot == "data":
            bound.transforms = tuple(self.read_transforms(line, bound.spans))
        elif line.body:
            brace = Span(line.body.span.source, line.body.span.start, line.body.span.start + 1)
            self.report("NS123", f"{line.kind.text} takes no braces", brace)
        built = self.bind_line(line.kind, arguments, schema)
        if built is not None:
            bound.lines[slot] = built

    def choose_schedule(self, line: tree.LayerLine) -> type[Schema] | None:
        """The first word after `schedule` says which."""
        first = line.arguments[0] if line.arguments else None
        if first is None or first.name or not isinstance(first.value, tree.Reference):
            one_of = f"one of {', '.join(SCHEDULES)}"
            self.report("NS108", "schedule needs its kind", line.kind.span, "", one_of)
            return None
        chosen = SCHEDULES.get(first.value.text)
        if chosen is None:
            helps = did_you_mean(first.value.text, SCHEDULES) or (f"one of {', '.join(SCHEDULES)}",)
            headline = f"there is no schedule `{first.value.text}`"
            self.report("NS401", headline, first.span, "unknown", *helps)
        return chosen

    def read_transforms(self, line: tree.LayerLine, spans: dict[str, Span]) -> Iterator[Transform]:
        for inner in self.list_words(line.body, "data") if line.body else ():
            schema = TRANSFORMS.get(inner.kind.text)
            if schema is None:
                from netspec.compiler.advice import advise_transform  # for mistakes alone

                helps = advise_transform(inner.kind.text, TRANSFORMS)
                headline = f"data has no transform `{inner.kind.text}`"
                self.report("NS401", headline, inner.kind.span, "unknown", *helps)
                continue
            spans[inner.kind.text] = inner.kind.span
            built = self.bind_line(inner.kind, inner.arguments, schema)
            if built is not None:
                yield cast(Transform, built)

    def bind_line(
        self, word: tree.Name, arguments: tuple[tree.Argument, ...], schema: type[Schema]
    ) -> Schema | None:
        placed = place_arguments(word.text, arguments, schema.positional, schema.model_fields)
        self.diagnostics += placed.diagnostics
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        try:
            for name, argument in placed.by_field.items():
                values[name] = evaluate(argument.value, _Words())
                spans[name] = argument.span
        except EvaluationError as error:
            self.diagnostics.append(error.diagnostic)
            return None
        if placed.diagnostics:
            return None
        built, problems = bind(schema, values, spans, word.span)
        self.diagnostics += problems
        return built


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
