"""Check of everything inside a line that is a value: names, functions, arguments, claims.

Values that are constant are held against their schema here, so that a mistake in a block that is
called fifty times is one error; those that have to be computed wait for elaboration.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from netspec.compiler.arguments import (
    bind_starting_values,
    check_constants,
    list_words,
    place_arguments,
)
from netspec.compiler.evaluate import FUNCTIONS, EvaluationError, PoisonedError, Work, evaluate
from netspec.compiler.scopes import Scope
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import MOST_ERRORS, Diagnostic, Label
from netspec.layers import WORDS
from netspec.layers.starting_values import STARTING_VALUES
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import Word

PARTS = ("channels", "height", "width")
CLAIM_WORDS = ("params", "macs")


class Constants:
    """The surroundings of a constant: words are known, whatever has to be computed is not."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.work = Work()

    def look_up(self, reference: tree.Reference) -> object:
        if reference.text == "channels" or self.scope.find_value(reference.text):
            raise PoisonedError
        return Word(reference.text)

    def shape_of(self, reference: tree.Reference) -> Shape:
        raise PoisonedError

    def build_starting_values(self, call: tree.Call) -> object:
        return bind_starting_values(call, self)


class ValueCheck:
    """The checks of values, and the list of what they find."""

    words: Collection[str] = WORDS
    """Those that a value may be."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    @property
    def is_full(self) -> bool:
        """Whether there are more errors than are told; nothing is looked at any more."""
        return len(self.diagnostics) > MOST_ERRORS

    def report(self, code: str, headline: str, span: Span, label: str = "", *help: str) -> None:
        self.diagnostics.append(Diagnostic(code, headline, Label(span, label), help=help))

    def check_schema(
        self,
        schema: type[Schema],
        arguments: Sequence[tree.Argument],
        word: Span,
        scope: Scope,
    ) -> None:
        """Names of arguments, and those values that are constant."""
        arguments = self.check_signs(arguments, schema.model_fields, scope)
        placed = place_arguments(schema.kind, arguments, schema.positional, schema.model_fields)
        self.diagnostics += placed.diagnostics
        known: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for name, argument in placed.by_field.items():
            if not self.check_expression(argument.value, scope):
                self.list_words(schema, name, argument)
                continue
            try:
                known[name] = evaluate(argument.value, Constants(scope))
                spans[name] = argument.span
            except PoisonedError:
                continue
            except EvaluationError as error:
                self.diagnostics.append(error.diagnostic)
        if known and not any(problem.code == "NS107" for problem in placed.diagnostics):
            self.diagnostics += check_constants(schema, known, spans, word)

    def list_words(self, schema: type[Schema], name: str, argument: tree.Argument) -> None:
        """Say which words an argument takes, where its own is unknown and like none of them."""
        diagnostic = self.diagnostics[-1]
        if diagnostic.help or diagnostic.primary.span != argument.value.span:
            return
        words = list_words(schema, name)
        if words:
            shown = " or ".join(f"`{word}`" for word in words)
            helps = (f"`{name}` of {schema.kind} takes {shown}",)
            self.diagnostics[-1] = replace(diagnostic, help=helps)

    def check_signs(
        self, arguments: Sequence[tree.Argument], known: Collection[str], scope: Scope
    ) -> list[tree.Argument]:
        """Report `stride==4` and `stride:4`, where `stride` is an argument and no value; the
        others."""
        kept: list[tree.Argument] = []
        for argument in arguments:
            match argument:
                case tree.Argument(
                    None,
                    tree.Binary("==", tree.Reference() as name, value)
                    | tree.PaddingOf(tree.Reference() as name, value),
                ) if not scope.find_value(name.text) and name.text not in WORDS:
                    meant = [name.text] if name.text in known else suggest_names(name.text, known)
                    if meant:
                        self.report_sign(argument, name, meant[0], value)
                        continue
                case _:
                    pass
            kept.append(argument)
        return kept

    def report_sign(
        self, argument: tree.Argument, name: tree.Reference, meant: str, value: tree.Expression
    ) -> None:
        between = Span(name.span.source, name.span.end, value.span.start)
        sign = between.text.strip()
        start = between.start + between.text.find(sign)
        span = Span(between.source, start, start + len(sign))
        label = "an argument is given with `=`"
        self.report(
            "NS004", f"unexpected `{sign}`", span, label, f"write `{meant}={value.span.text}`"
        )

    def check_tensor(self, name: tree.Name, scope: Scope) -> None:
        if self.is_full:
            return
        declared = scope.find_tensor(name.text)
        if declared is None:
            self.diagnostics.append(scope.unknown_tensor(name))
        elif declared.what == "head":
            headline = f"`{name.text}` is a head: nothing can be read from it"
            helps = "what is to be read gets its label before the head"
            self.report("NS103", headline, name.span, "a side exit", helps)

    def check_expression(self, expression: tree.Expression, scope: Scope) -> bool:
        """Check every name in a value; whether all of them are known."""
        before = len(self.diagnostics)
        self._check_names_in(expression, scope)
        return len(self.diagnostics) == before

    def _check_names_in(self, expression: tree.Expression, scope: Scope) -> None:
        if self.is_full:
            return
        match expression:
            case tree.Reference():
                self.check_reference(expression, scope)
            case tree.Part(of, part):
                self.check_part(of, part, scope)
            case tree.Call():
                self.check_function(expression, scope)
            case _:
                for child in children(expression):
                    self._check_names_in(child, scope)

    def check_reference(self, reference: tree.Reference, scope: Scope) -> None:
        declared = scope.find_value(reference.text)
        if declared:
            declared.used = True
        elif reference.text not in (known := scope.value_names.union(self.words)):
            from netspec.compiler.advice import advise_value  # for mistakes alone

            helps = advise_value(reference, known)
            scope.forgive(suggest_names(reference.text, known))
            if scope.find_tensor(reference.text):
                helps = (f"the tensor `{reference.text}` has `.channels`, `.height`, `.width`",)
            headline = f"there is no value `{reference.text}` here"
            self.report("NS102", headline, reference.span, "unknown", *helps)

    def check_part(self, of: tree.Expression, part: tree.Name, scope: Scope) -> None:
        if not isinstance(of, tree.Reference):
            self.report("NS102", "only a tensor has parts", of.span, "no tensor")
            return
        self.check_tensor(tree.Name(of.text, of.span), scope)
        if part.text not in PARTS:
            helps = did_you_mean(part.text, PARTS) or ("a tensor has channels, height, width",)
            self.report("NS102", f"a tensor has no `{part.text}`", part.span, "unknown", *helps)

    def check_function(self, call: tree.Call, scope: Scope) -> None:
        name = call.function
        if name.text in STARTING_VALUES:
            schema = STARTING_VALUES[name.text]
            self.check_schema(schema, call.arguments, name.span, scope)
            return
        for argument in call.arguments:
            self._check_names_in(argument.value, scope)
            if argument.name:
                self.report("NS105", f"`{name.text}` takes no named arguments", argument.name.span)
        if name.text not in FUNCTIONS:
            from netspec.compiler.advice import advise_function

            known = (*FUNCTIONS, *STARTING_VALUES)
            headline = f"there is no function `{name.text}`"
            helps = advise_function(name.text, known)
            self.report("NS102", headline, name.span, "unknown", *helps)

    def check_claims(self, claims: Sequence[tree.Claim], *, is_expect: bool = False) -> None:
        shapes = [claim for claim in claims if claim.about is None]
        if len(shapes) > 1 and not is_expect:
            size = "x".join(claim.value.span.text for claim in shapes[:3])
            plain = all(isinstance(claim.value, tree.Number) for claim in shapes)
            advice = [f"a shape is written with x: `{size}`"] if plain else []
            self.report("NS106", "the shape is claimed twice", shapes[1].span, "again", *advice)
        for word in CLAIM_WORDS:
            named = [claim.about for claim in claims if claim.about and claim.about.text == word]
            if len(named) > 1:
                self.report("NS106", f"`{word}` is claimed twice", named[1].span, "again")
        for claim in claims:
            if claim.about is None and is_expect:
                headline = "`expect` speaks of the whole net: params or macs"
                self.report("NS105", headline, claim.span, "a shape")
            elif claim.about and claim.about.text not in CLAIM_WORDS:
                helps = did_you_mean(claim.about.text, CLAIM_WORDS)
                headline = f"nothing can be claimed about `{claim.about.text}`"
                self.report("NS105", headline, claim.about.span, "params or macs", *helps)
            elif isinstance(claim.value, tree.SizeOf) and len(claim.value.parts) > 3:
                headline = "a shape has at most three parts, channels x height x width"
                self.report("NS109", headline, claim.value.span)


def list_names(expression: tree.Expression) -> Iterator[str]:
    """The names that stand anywhere in a value."""
    if isinstance(expression, tree.Reference):
        yield expression.text
    for child in children(expression):
        yield from list_names(child)


def children(expression: tree.Expression) -> tuple[tree.Expression, ...]:
    """The expressions directly inside one."""
    match expression:
        case tree.SizeOf(parts) | tree.ListOf(parts):
            return parts
        case tree.PaddingOf(a, b) | tree.Index(a, b) | tree.Binary(_, a, b):
            return (a, b)
        case tree.Unary(_, operand):
            return (operand,)
        case tree.Conditional(a, b, c):
            return (a, b, c)
        case tree.Call(_, arguments):
            return tuple(argument.value for argument in arguments)
        case _:
            return ()
