"""The lines of a `train` or `test` section, each bound to its schema.

Decides which lines there may be, that each is there once and none is missing. The lines in an `if`
that is not taken are read too: every word must mean something, and every value that is known be one
that its argument takes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from msgspec import Struct, field

from netspec.compiler.arguments import bind, check_constants, place_arguments
from netspec.compiler.evaluate import EvaluationError, PoisonedError, Work, evaluate, truth
from netspec.compiler.frames import POISON
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import MOST_ERRORS, Diagnostic, Label
from netspec.recipe.data import TRANSFORMS, Transform
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES
from netspec.recipe.solver import SOLVERS
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import Word, describe_value

Check = Callable[[Any, Span], Any]

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


class Values:
    """The surroundings of a value in a recipe: a name is a parameter, and failing that a word;
    which words are meant, each schema says."""

    def __init__(self, parameters: Mapping[str, Any], work: Work) -> None:
        self.parameters = parameters
        self.work = work

    def without(self) -> "Values":
        """The same where no parameter has a value that counts."""
        return Values(dict.fromkeys(self.parameters, POISON), self.work)

    def look_up(self, reference: tree.Reference) -> object:
        value = self.parameters.get(reference.text, Word(reference.text))
        if value is POISON:
            raise PoisonedError
        return value

    def shape_of(self, reference: tree.Reference) -> Shape:
        headline = "a recipe knows no tensors"
        raise EvaluationError(Diagnostic("NS103", headline, Label(reference.span)))

    def build_starting_values(self, call: tree.Call) -> object:
        headline = f"a recipe has no `{call.function.text}`"
        raise EvaluationError(Diagnostic("NS102", headline, Label(call.function.span)))


class Line(Struct, frozen=True):
    """A line of a recipe, and the values that hold for it."""

    word: tree.LayerLine
    values: Values
    is_taken: bool
    """Whether it counts: not in an `if` that is not taken."""


class SectionReader:
    """Binds the lines of sections; collects what is wrong with them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def report(self, code: str, headline: str, span: Span, label: str = "", *help: str) -> None:
        self.diagnostics.append(Diagnostic(code, headline, Label(span, label), help=help))

    def read_parameters(self, section: tree.Section, given: Mapping[str, Any]) -> Values:
        """The values of a section's parameters: those given, and its defaults."""
        values: dict[str, Any] = {}
        around = Values(values, Work())
        for parameter in section.parameters:
            name = parameter.name.text
            values[name] = given.get(name, POISON)
            if name not in given and parameter.default is not None:
                values[name] = self.evaluate(parameter.default, around)
        return around

    def evaluate(
        self, expression: tree.Expression, values: Values, check: Check = lambda value, span: value
    ) -> Any:
        """A value that passes a check; POISON where it does not, or cannot be computed."""
        try:
            return check(evaluate(expression, values), expression.span)
        except PoisonedError:
            return POISON
        except EvaluationError as error:
            self.diagnostics.append(error.diagnostic)
            return POISON

    def read(self, section: tree.Section, values: Values) -> BoundSection:
        table = TRAIN_LINES if section.kind.text == "train" else TEST_LINES
        bound = BoundSection()
        for line in self.list_lines(section.body, section.kind.text, values):
            word = line.word.kind.text
            if word not in table:
                from netspec.compiler.advice import advise_recipe_line  # for mistakes alone

                helps = advise_recipe_line(word, table, section.kind.text)
                headline = f"{section.kind.text} has no line `{word}`"
                self.report("NS401", headline, line.word.kind.span, "unknown", *helps)
                bound.meant.update(suggest_names(word, (*table, "solver")))
                continue
            slot = "solver" if word in SOLVERS else word
            if line.is_taken and slot in bound.spans:
                headline = f"the {slot} is given twice"
                self.report("NS104", headline, line.word.kind.span, "given again")
                continue
            target = bound if line.is_taken else BoundSection()
            target.spans[slot] = line.word.kind.span
            self.read_line(line, table[word], slot, target)
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

    def list_lines(
        self, body: tree.Body, owner: str, values: Values, *, is_taken: bool = True
    ) -> Iterator[Line]:
        """The lines that are a word with its arguments, those in an `if` too; nothing else belongs
        in a recipe."""
        for line in body.lines:
            if len(self.diagnostics) > MOST_ERRORS:
                return
            if isinstance(line, tree.If):
                for arm, is_chosen in self.choose_arm(line, values, is_taken=is_taken):
                    inside = values if is_chosen else values.without()
                    yield from self.list_lines(arm, owner, inside, is_taken=is_chosen)
                continue
            if not isinstance(line, tree.LayerLine):
                headline = f"this line does not belong in {owner}"
                helps = f"a line of {owner} is a word with its arguments"
                self.report("NS116", headline, line.span, "", helps)
                continue
            if line.label or line.sources or line.claims:
                headline = f"a line of {owner} has no label, `from` or claim"
                self.report("NS116", headline, line.span)
            yield Line(line, values, is_taken)

    def choose_arm(
        self, line: tree.If, values: Values, *, is_taken: bool
    ) -> Iterator[tuple[tree.Body, bool]]:
        """The arms of an `if`, at most one of which is taken."""
        for condition, body in line.arms:
            chosen = self.evaluate(condition, values, truth)
            yield body, is_taken and chosen is True
            if chosen is not False:
                is_taken, values = False, values.without()
        if line.otherwise:
            yield line.otherwise, is_taken

    def read_line(self, line: Line, schema: type[Schema], slot: str, bound: BoundSection) -> None:
        arguments = line.word.arguments
        if slot == "schedule":
            chosen = self.choose_schedule(line)
            if chosen is None:
                return
            schema, arguments = chosen, arguments[1:]
        if slot == "data":
            bound.transforms = tuple(self.read_transforms(line, bound.spans))
        elif line.word.body:
            span = line.word.body.span
            brace = Span(span.source, span.start, span.start + 1)
            self.report("NS123", f"{line.word.kind.text} takes no braces", brace)
        built = self.bind_line(line, arguments, schema)
        if built is not None:
            bound.lines[slot] = built

    def choose_schedule(self, line: Line) -> type[Schema] | None:
        """The first word after `schedule` says which."""
        first = line.word.arguments[0] if line.word.arguments else None
        if first is None or first.name or not isinstance(first.value, tree.Reference):
            one_of = f"one of {', '.join(SCHEDULES)}"
            self.report("NS108", "schedule needs its kind", line.word.kind.span, "", one_of)
            return None
        word = self.evaluate(first.value, line.values)
        if word is POISON:
            return None
        chosen = SCHEDULES.get(word) if isinstance(word, Word) else None
        if chosen is None:
            shown = describe_value(word) if not isinstance(word, Word) else f"`{word}`"
            helps = did_you_mean(str(word), SCHEDULES) or (f"one of {', '.join(SCHEDULES)}",)
            self.report("NS401", f"there is no schedule {shown}", first.span, "unknown", *helps)
        return chosen

    def read_transforms(self, line: Line, spans: dict[str, Span]) -> Iterator[Transform]:
        if line.word.body is None:
            return
        inside = self.list_lines(line.word.body, "data", line.values, is_taken=line.is_taken)
        for inner in inside:
            word = inner.word.kind
            schema = TRANSFORMS.get(word.text)
            if schema is None:
                from netspec.compiler.advice import advise_transform  # for mistakes alone

                helps = advise_transform(word.text, TRANSFORMS)
                headline = f"data has no transform `{word.text}`"
                self.report("NS401", headline, word.span, "unknown", *helps)
                continue
            built = self.bind_line(inner, inner.word.arguments, schema)
            if inner.is_taken:
                spans[word.text] = word.span
                if built is not None:
                    yield cast(Transform, built)

    def bind_line(
        self, line: Line, arguments: tuple[tree.Argument, ...], schema: type[Schema]
    ) -> Schema | None:
        """The schema's object; None where something is wrong, or a value is not known."""
        word = line.word.kind
        placed = place_arguments(word.text, arguments, schema.positional, schema.model_fields)
        self.diagnostics += placed.diagnostics
        before = len(self.diagnostics)
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for name, argument in placed.by_field.items():
            value = self.evaluate(argument.value, line.values)
            if value is not POISON:
                values[name], spans[name] = value, argument.span
        if placed.diagnostics or len(self.diagnostics) > before:
            return None
        if len(values) < len(placed.by_field):
            self.diagnostics += check_constants(schema, values, spans, word.span)
            return None
        built, problems = bind(schema, values, spans, word.span)
        self.diagnostics += problems
        return built
