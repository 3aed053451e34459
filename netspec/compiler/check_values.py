"""Check of everything inside a line that is a value: names, functions, arguments, claims.

Values that are constant are held against their schema here, so that a mistake in a block that is
called fifty times is one error; those that have to be computed wait for elaboration.
"""

from collections.abc import Sequence
from typing import Any

from netspec.compiler.arguments import bind_starting_values, check_constants, place_arguments
from netspec.compiler.evaluate import FUNCTIONS, EvaluationError, PoisonedError, evaluate
from netspec.compiler.scopes import Scope
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import Diagnostic, Label
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

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

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
        placed = place_arguments(schema.kind, arguments, schema.positional, schema.model_fields)
        self.diagnostics += placed.diagnostics
        known: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for name, argument in placed.by_field.items():
            if not self.check_expression(argument.value, scope):
                continue
            try:
                known[name] = evaluate(argument.value, Constants(scope))
                spans[name] = argument.span
            except PoisonedError:
                continue
            except EvaluationError as error:
                self.diagnostics.append(error.diagnostic)
        if known:
            self.diagnostics += check_constants(schema, known, spans, word)

    def check_tensor(self, name: tree.Name, scope: Scope) -> None:
        declared = scope.find_tensor(name.text)
        if declared is None:
            self.diagnostics.append(scope.unknown_tensor(name))
        elif declared.what == "head":
            headline = f"`{name.text}` is a head: nothing can be read from it"
            self.report("NS103", headline, name.span)

    def check_expression(self, expression: tree.Expression, scope: Scope) -> bool:
        """Check every name in a value; whether all of them are known."""
        before = len(self.diagnostics)
        self._check_names_in(expression, scope)
        return len(self.diagnostics) == before

    def _check_names_in(self, expression: tree.Expression, scope: Scope) -> None:
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
        elif reference.text != "channels" and reference.text not in WORDS:
            known = scope.value_names | {"channels"} | WORDS
            helps = did_you_mean(reference.text, known)
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
            known = (*FUNCTIONS, *STARTING_VALUES)
            headline = f"there is no function `{name.text}`"
            self.report("NS102", headline, name.span, "unknown", *did_you_mean(name.text, known))

    def check_claims(self, claims: Sequence[tree.Claim], *, is_expect: bool = False) -> None:
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
        case _:
            return ()
