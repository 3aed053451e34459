"""Expressions to values: exact arithmetic, lists, conditions, and the language's few functions.

Numbers stay exact (integers and fractions) until an operation leaves the rationals. What a name
stands for is asked of the `Surroundings`; this file knows no scopes. A mistake is raised as
`EvaluationError` with its place; a value that rests on an earlier mistake raises `PoisonedError`,
which is silence.
"""

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from msgspec import Struct

from netspec.diagnostics import Diagnostic, Label
from netspec.schema import LARGEST_WHOLE
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import Amount, Items, Number, Padding, Size, describe_value

MAX_DENOMINATOR_BITS = 256
"""Beyond this a fraction is carried on as a float: nobody writes such numbers, products of loops
would."""
MOST_VALUES = 1_000_000
"""Values that a net computes: numbers, names, elements, whatever `evaluate` is asked for."""
LONGEST_LIST = 10_000
"""Elements of a list, with those of the lists in it: one list may stand in others many times."""
DEEPEST_LIST = 100


class EvaluationError(Exception):
    """A value that cannot be computed, as a diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.headline)
        self.diagnostic = diagnostic


class PoisonedError(Exception):
    """The value rests on something that was already reported."""


class Work(Struct):
    """What is left of the values that a net may compute: short files can ask for any number."""

    left: int = MOST_VALUES

    def spend(self, count: int, span: Span) -> None:
        """Count values; raises EvaluationError where they are too many, from then on each time."""
        self.left -= count
        if self.left < 0:
            headline = f"the net computes more than {MOST_VALUES:,} values"
            raise EvaluationError(Diagnostic("NS120", headline, Label(span, "the last of them")))


class Surroundings(Protocol):
    """What an expression asks of the place it stands in."""

    work: Work

    def look_up(self, reference: tree.Reference) -> object:
        """The value of a name: a parameter, a `let`, a loop variable, `channels`, a word."""

    def shape_of(self, reference: tree.Reference) -> Shape:
        """The shape of a labelled tensor, for `NAME.channels`."""

    def build_starting_values(self, call: tree.Call) -> object:
        """Starting values such as `normal(0.01)`."""


def fail(span: Span, headline: str, label: str = "", *help: str) -> EvaluationError:
    return EvaluationError(Diagnostic("NS121", headline, Label(span, label), help=help))


def evaluate(expression: tree.Expression, around: Surroundings) -> Any:
    """The value of an expression; raises EvaluationError or PoisonedError."""
    around.work.left -= 1
    if around.work.left < 0:
        around.work.spend(0, expression.span)
    return EVALUATORS[type(expression)](expression, around)


def _number(literal: tree.Number, around: Surroundings) -> Number:
    return settle(literal.value, literal.span)


def _amount(amount: tree.AmountOf, around: Surroundings) -> Amount:
    return Amount(_number(amount.number, around), amount.unit)


def _size(size: tree.SizeOf, around: Surroundings) -> Size:
    return Size(whole(evaluate(part, around), part.span) for part in size.parts)


def _padding(padding: tree.PaddingOf, around: Surroundings) -> Padding:
    sides = []
    for side in (padding.before, padding.after):
        value = evaluate(side, around)
        sides.append(value if isinstance(value, Size) else whole(value, side.span))
    return Padding(*sides)


def _list(listed: tree.ListOf, around: Surroundings) -> Items:
    items = Items(evaluate(item, around) for item in listed.items)
    headline = ""
    if items.size > LONGEST_LIST:
        headline = f"the list holds more than {LONGEST_LIST:,} values"
    elif items.depth > DEEPEST_LIST:
        headline = f"the list has lists inside each other more than {DEEPEST_LIST} deep"
    if headline:
        raise EvaluationError(Diagnostic("NS120", headline, Label(listed.span)))
    return items


def _reference(reference: tree.Reference, around: Surroundings) -> object:
    return around.look_up(reference)


def _part(part: tree.Part, around: Surroundings) -> int:
    if not isinstance(part.of, tree.Reference):
        raise fail(part.of.span, "only a tensor has parts", "no tensor")
    return int(getattr(around.shape_of(part.of), part.part.text))


def _index(indexed: tree.Index, around: Surroundings) -> object:
    items = evaluate(indexed.of, around)
    if not isinstance(items, Items):
        raise fail(indexed.of.span, f"{describe_value(items)} has no elements", "no list")
    index = whole(evaluate(indexed.index, around), indexed.index.span)
    if not 0 <= index < len(items):
        held = f"the list has {len(items)} elements, counted from 0"
        raise fail(indexed.index.span, f"there is no element {index}: {held}")
    return items[index]


def _unary(unary: tree.Unary, around: Surroundings) -> object:
    value = evaluate(unary.operand, around)
    if unary.operator == "not":
        return not truth(value, unary.operand.span)
    return -number(value, unary.operand.span)


def _conditional(choice: tree.Conditional, around: Surroundings) -> object:
    chosen = truth(evaluate(choice.condition, around), choice.condition.span)
    return evaluate(choice.then if chosen else choice.otherwise, around)


def _binary(binary: tree.Binary, around: Surroundings) -> object:
    left = evaluate(binary.left, around)
    if binary.operator in ("and", "or"):
        if truth(left, binary.left.span) == (binary.operator == "or"):
            return left
        return truth(evaluate(binary.right, around), binary.right.span)
    right = evaluate(binary.right, around)
    if binary.operator in EQUALITY:
        around.work.spend(weigh(left), binary.span)
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same == (binary.operator == "==")
    a, b = number(left, binary.left.span), number(right, binary.right.span)
    if binary.operator in ORDER:
        return ORDER[binary.operator](a, b)
    if binary.operator in ("/", "//", "%") and b == 0:
        raise fail(binary.right.span, "division by zero", "this is 0")
    return settle(ARITHMETIC[binary.operator](a, b, binary.span), binary.span)


def _divide(a: Number, b: Number, span: Span) -> Number:
    exact = not isinstance(a, float) and not isinstance(b, float)
    return Fraction(a) / Fraction(b) if exact else a / b


def _power(a: Number, b: Number, span: Span) -> Number:
    if a == 0 and b < 0:
        raise fail(span, "0 has no negative power")
    if isinstance(b, int) and not isinstance(a, float) and abs(b) <= 1024:
        return Fraction(a) ** int(b)
    if a < 0 and b != b // 1:
        raise fail(span, "a negative number has no such power")
    try:
        return math.pow(a, b)
    except OverflowError:
        raise fail(span, "this power is too large") from None


EQUALITY = ("==", "!=")
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC: dict[str, Callable[[Any, Any, Span], Number]] = {
    "+": lambda a, b, _: a + b,
    "-": lambda a, b, _: a - b,
    "*": lambda a, b, _: a * b,
    "/": _divide,
    "//": lambda a, b, span: math.floor(_divide(a, b, span)),
    "%": lambda a, b, _: a % b,
    "**": _power,
}


def settle(value: Number, span: Span) -> Number:
    """Keep a result exact and small: whole numbers as int, long fractions as float."""
    if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        raise EvaluationError(
            Diagnostic("NS120", "the number is larger than 2^53", Label(span, "too large"))
        )
    if isinstance(value, float):
        return value
    if value.denominator == 1:
        return int(value)
    return float(value) if value.denominator.bit_length() > MAX_DENOMINATOR_BITS else value


def weigh(value: object) -> int:
    """How many values it is to look at all of it."""
    return value.size if isinstance(value, Items) else 1


def number(value: object, span: Span) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | Fraction | float):
        raise fail(span, f"{describe_value(value)} stands where a number is needed", "no number")
    return value


def whole(value: object, span: Span) -> int:
    """A whole number; 3.0 will do, 3.5 will not."""
    result = number(value, span)
    if result != result // 1:
        raise fail(span, f"{describe_value(value)} stands where a whole number is needed")
    return int(result)


def truth(value: object, span: Span) -> bool:
    if not isinstance(value, bool):
        raise fail(span, f"{describe_value(value)} stands where yes or no is needed", "no truth")
    return value


def _call(call: tree.Call, around: Surroundings) -> object:
    function = FUNCTIONS.get(call.function.text)
    if function is None:
        return around.build_starting_values(call)
    values = [evaluate(argument.value, around) for argument in call.arguments]
    around.work.spend(sum(map(weigh, values)), call.span)
    return function(values, call)


def _numbers(values: list[object], call: tree.Call) -> list[Number]:
    """The numbers of a list given alone, or of the arguments."""
    if len(values) == 1 and isinstance(values[0], Items):
        return [number(value, call.arguments[0].span) for value in values[0]]
    return [
        number(value, argument.span) for value, argument in zip(values, call.arguments, strict=True)
    ]


def _extreme(choose: Callable[[list[Any]], object]) -> Callable[[list[object], tree.Call], object]:
    def extreme(values: list[object], call: tree.Call) -> object:
        numbers = _numbers(values, call)
        if not numbers:
            raise fail(call.span, f"`{call.function.text}` needs at least one number")
        return choose(numbers)

    return extreme


def _expect_counts(values: list[object], call: tree.Call, *counts: int) -> None:
    if len(values) not in counts:
        wanted = " or ".join(map(str, counts))
        given = f"here {'is' if len(values) == 1 else 'are'} {len(values)}"
        headline = f"`{call.function.text}` takes {wanted} arguments, {given}"
        raise fail(call.span, headline)


def _sum(values: list[object], call: tree.Call) -> object:
    """`sum(list)`, or of the first n: `sum(list, n)`."""
    _expect_counts(values, call, 1, 2)
    if not isinstance(values[0], Items):
        raise fail(call.arguments[0].span, "`sum` takes a list", "no list")
    numbers = _numbers(values[:1], call)
    if len(values) == 2:
        count = whole(values[1], call.arguments[1].span)
        if not 0 <= count <= len(numbers):
            raise fail(call.arguments[1].span, f"the list has no first {count} elements")
        numbers = numbers[:count]
    total: Number = 0
    for item in numbers:
        total = settle(total + item, call.span)
    return total


def _length(values: list[object], call: tree.Call) -> object:
    _expect_counts(values, call, 1)
    if not isinstance(values[0], Items):
        raise fail(call.arguments[0].span, "`length` takes a list", "no list")
    return len(values[0])


def _rounding(to_whole: Callable[[Any], int]) -> Callable[[list[object], tree.Call], object]:
    def rounding(values: list[object], call: tree.Call) -> object:
        _expect_counts(values, call, 1)
        return to_whole(number(values[0], call.arguments[0].span))

    return rounding


def _round_to(values: list[object], call: tree.Call) -> object:
    """`round_to(x, n)` of the MobileNet papers: the nearest multiple of n, at least n, and n more
    where that would fall below 0.9 x."""
    _expect_counts(values, call, 2)
    x = number(values[0], call.arguments[0].span)
    n = whole(values[1], call.arguments[1].span)
    if n < 1:
        raise fail(call.arguments[1].span, "`round_to` needs a multiple of at least 1")
    nearest = max(n, math.floor(Fraction(x) / n + Fraction(1, 2)) * n)
    return nearest + n if nearest < Fraction(9, 10) * Fraction(x) else nearest


FUNCTIONS: dict[str, Callable[[list[object], tree.Call], object]] = {
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": _sum,
    "length": _length,
    "round": _rounding(lambda x: math.floor(Fraction(x) + Fraction(1, 2))),
    "floor": _rounding(math.floor),
    "ceil": _rounding(math.ceil),
    "round_to": _round_to,
}

EVALUATORS: dict[type, Callable[[Any, Surroundings], object]] = {
    tree.Number: _number,
    tree.AmountOf: _amount,
    tree.SizeOf: _size,
    tree.PaddingOf: _padding,
    tree.Text: lambda text, _: text.value,
    tree.Truth: lambda truth, _: truth.value,
    tree.ListOf: _list,
    tree.Reference: _reference,
    tree.Part: _part,
    tree.Index: _index,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Conditional: _conditional,
    tree.Call: _call,
}
