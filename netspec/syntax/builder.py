"""The grammar's callbacks: one method a rule, each makes its node of the tree from its parts.

A part is a token, a node, or None where something optional is left out. Nothing is judged here.
"""

from fractions import Fraction
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from netspec.source import Span
from netspec.syntax import tree
from netspec.syntax.lexicon import UNIT_WORDS
from netspec.syntax.terminals import Token

Parts = list[Any]
T = TypeVar("T")

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9}


def span_of(parts: Parts | tuple[Any, ...]) -> Span:
    """From the first part that is there to the last."""
    there = [part for part in parts if part]
    first, last = there[0], there[-1]
    start = span_of(first) if isinstance(first, tuple) else first.span
    end = span_of(last) if isinstance(last, tuple) else last.span
    return cast(Span, start.to(end))


def of_type(parts: Parts, kind: type[T]) -> list[T]:
    return [part for part in parts if isinstance(part, kind)]


def to_name(token: Token) -> tree.Name:
    return tree.Name(token.text, token.span)


def to_number(token: Token) -> tree.Number:
    """The exact value of a literal, and the worth of its last written digit."""
    text = token.text.replace("_", "")
    scale = Fraction(1)
    if text[-1] in SUFFIXES:
        scale = Fraction(SUFFIXES[text[-1]])
        text = text[:-1]
    digits, _, exponent = text.lower().partition("e")
    scale *= Fraction(10) ** max(-400, min(400, int(exponent or 0)))
    _, _, decimals = digits.partition(".")
    precision = scale / 10 ** len(decimals)
    value = Fraction(digits) * scale
    whole = value.numerator if value.denominator == 1 else value
    return tree.Number(whole, precision, token.span)


class TreeBuilder:
    """Called by lark with the parts of each rule, innermost rule first."""

    def start(self, parts: Parts) -> tuple[tree.Item, ...]:
        return tuple(part for part in parts if not isinstance(part, Token))

    # items

    def use(self, parts: Parts) -> tree.Use:
        path = parts[1]
        return tree.Use(tree.Text(path.text, path.span), span_of(parts))

    def net(self, parts: Parts) -> tree.Net:
        _, name, parameters, body = parts
        return tree.Net(to_name(name), parameters or (), body, span_of(parts))

    def derived_net(self, parts: Parts) -> tree.DerivedNet:
        _, name, _, base, _, arguments, _, body = parts
        return tree.DerivedNet(to_name(name), to_name(base), arguments or (), body, span_of(parts))

    def block(self, parts: Parts) -> tree.Block:
        _, name, parameters, sources, body = parts
        return tree.Block(to_name(name), parameters or (), sources or (), body, span_of(parts))

    def section(self, parts: Parts) -> tree.Section:
        kind, net, parameters, body = parts
        name = net and to_name(net)
        return tree.Section(to_name(kind), name, parameters or (), body, span_of(parts))

    def parameters(self, parts: Parts) -> tuple[tree.Parameter, ...]:
        return tuple(of_type(parts, tree.Parameter))

    def parameter(self, parts: Parts) -> tree.Parameter:
        return tree.Parameter(to_name(parts[0]), parts[2])

    def sources(self, parts: Parts) -> tuple[tree.Name, ...]:
        return tuple(of_type(parts, tree.Name))

    def reference(self, parts: Parts) -> tree.Name:
        return tree.Name("".join(part.text for part in parts), span_of(parts))

    # lines

    def body(self, parts: Parts) -> tree.Body:
        lines = (part for part in parts if not isinstance(part, Token))
        return tree.Body(tuple(lines), span_of(parts))

    def let(self, parts: Parts) -> tree.Let:
        _, name, _, value = parts
        return tree.Let(to_name(name), value, span_of(parts))

    def if_else(self, parts: Parts) -> tree.If:
        _, condition, body, _, otherwise = parts
        arms = ((condition, body),)
        if isinstance(otherwise, tree.If):
            return tree.If(arms + otherwise.arms, otherwise.otherwise, span_of(parts))
        return tree.If(arms, otherwise, span_of(parts))

    def repeat(self, parts: Parts) -> tree.Repeat:
        _, count, _, index, body = parts
        return tree.Repeat(count, index and to_name(index), body, span_of(parts))

    def for_each(self, parts: Parts) -> tree.For:
        names = tuple(to_name(part) for part in parts if getattr(part, "type", "") == "NAME")
        return tree.For(names, parts[-2], parts[-1], span_of(parts))

    def table(self, parts: Parts) -> tuple[tree.Row, ...]:
        return tuple(of_type(parts, tree.Row))

    def row(self, parts: Parts) -> tree.Row:
        values = (part for part in parts if not isinstance(part, Token))
        return tree.Row(tuple(values), span_of(parts))

    def default(self, parts: Parts) -> tree.Default:
        kinds = tuple(to_name(part) for part in parts if getattr(part, "type", "") == "NAME")
        return tree.Default(kinds, tuple(of_type(parts, tree.Argument)), span_of(parts))

    def expect(self, parts: Parts) -> tree.Expect:
        return tree.Expect(tuple(of_type(parts, tree.Claim)), span_of(parts))

    def output(self, parts: Parts) -> tree.Output:
        return tree.Output(parts[1], span_of(parts))

    def flow(self, parts: Parts) -> tree.Flow:
        label, sources, claims = parts
        return tree.Flow(label, sources, claims or (), span_of(parts))

    def branch(self, parts: Parts) -> tree.Branch:
        label, keyword, body, claims = parts
        return tree.Branch(label, to_name(keyword), body, claims or (), span_of(parts))

    def layer(self, parts: Parts) -> tree.LayerLine:
        label, kind, arguments, sources, body, claims = parts
        span = span_of(parts)
        return tree.LayerLine(
            label, to_name(kind), arguments or (), sources, body, claims or (), span
        )

    def label(self, parts: Parts) -> tree.Name:
        return to_name(parts[0])

    def claims(self, parts: Parts) -> tuple[tree.Claim, ...]:
        return tuple(of_type(parts, tree.Claim))

    def claim(self, parts: Parts) -> tree.Claim:
        about = to_name(parts[0]) if len(parts) == 2 else None
        number = parts[-1]
        value = self.size_literal([number]) if number.type == "SIZE" else to_number(number)
        return tree.Claim(about, value, span_of(parts))

    # arguments and values

    def arguments(self, parts: Parts) -> tuple[tree.Argument, ...]:
        return tuple(of_type(parts, tree.Argument))

    def positional(self, parts: Parts) -> tree.Argument:
        return tree.Argument(None, parts[0], parts[0].span)

    def named(self, parts: Parts) -> tree.Argument:
        return tree.Argument(to_name(parts[0]), parts[2], span_of(parts))

    def fan_in(self, parts: Parts) -> tree.Reference:
        return tree.Reference(parts[0].text, parts[0].span)

    def padding(self, parts: Parts) -> tree.PaddingOf:
        before, _, after = parts
        return tree.PaddingOf(before, after, span_of(parts))

    def conditional(self, parts: Parts) -> tree.Conditional:
        _, condition, _, then, _, otherwise = parts
        return tree.Conditional(condition, then, otherwise, span_of(parts))

    def binary(self, parts: Parts) -> tree.Binary:
        left, operator, right = parts
        return tree.Binary(operator.text, left, right, span_of(parts))

    def unary(self, parts: Parts) -> tree.Unary:
        return tree.Unary(parts[0].text, parts[1], span_of(parts))

    def size(self, parts: Parts) -> tree.SizeOf:
        return tree.SizeOf(tuple(parts[::2]), span_of(parts))

    def size_literal(self, parts: Parts) -> tree.SizeOf:
        span = parts[0].span
        numbers = (
            tree.Number(int(digits), Fraction(1), span) for digits in parts[0].text.split("x")
        )
        return tree.SizeOf(tuple(numbers), span)

    def index(self, parts: Parts) -> tree.Index:
        of, _, index, _ = parts
        return tree.Index(of, index, span_of(parts))

    def part(self, parts: Parts) -> tree.Part:
        of, _, part = parts
        return tree.Part(of, to_name(part), span_of(parts))

    def number(self, parts: Parts) -> tree.Number:
        return to_number(parts[0])

    def amount(self, parts: Parts) -> tree.AmountOf:
        number, unit = parts
        return tree.AmountOf(to_number(number), UNIT_WORDS[unit.text], span_of(parts))

    def text(self, parts: Parts) -> tree.Text:
        return tree.Text(parts[0].text, parts[0].span)

    def name(self, parts: Parts) -> tree.Reference:
        return tree.Reference(parts[0].text, parts[0].span)

    def truth(self, parts: Parts) -> tree.Truth:
        return tree.Truth(parts[0].text == "yes", parts[0].span)

    def call(self, parts: Parts) -> tree.Call:
        name, _, arguments, _ = parts
        return tree.Call(to_name(name), arguments or (), span_of(parts))

    def group(self, parts: Parts) -> tree.Expression:
        return cast(tree.Expression, replace(parts[1], span=span_of(parts)))

    def list(self, parts: Parts) -> tree.ListOf:
        items = (part for part in parts[1:-1] if part is not None and not isinstance(part, Token))
        return tree.ListOf(tuple(items), span_of(parts))
