"""Values: exact arithmetic, the language's functions, and what cannot be computed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.compiler.evaluate import EvaluationError, Work, evaluate
from netspec.schema import LARGEST_WHOLE
from netspec.source import SourceFile
from netspec.syntax import tree
from netspec.syntax.parser import parse_value
from netspec.tensor import Shape
from netspec.values import Amount, Items, Padding, Size, Word

VALUES: dict[str, object] = {
    "a": 3,
    "t": Items([1, 2, 3]),
    "act": Word("relu"),
    "half": Fraction(1, 2),
}


class Around:
    """A few values, and one tensor called h."""

    def __init__(self) -> None:
        self.work = Work()

    def look_up(self, reference: tree.Reference) -> object:
        return VALUES.get(reference.text, Word(reference.text))

    def shape_of(self, reference: tree.Reference) -> Shape:
        return Shape(16, 7, 5)

    def build_starting_values(self, call: tree.Call) -> object:
        return call.function.text


def value(text: str) -> object:
    expression, errors = parse_value(SourceFile("test.net", text))
    assert expression is not None, errors
    return evaluate(expression, Around())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1 * 30", 3),
        ("0.1 + 0.2 == 0.3", True),
        ("1 / 3 * 3", 1),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("-7 % 4", 1),
        ("2 ** 10", 1024),
        ("2 ** -1", Fraction(1, 2)),
        ("-2 ** 2", -4),
        ("4 ** 0.5", 2.0),
        ("35k", 35_000),
        ("1e3 - 999", 1),
        ("3 > 2 and not 1 == 2", True),
        ("no and t[99] == 1", False),
        ("yes or t[99] == 1", True),
        ("if a == 3 then 1 else t[99]", 1),
        ("if a != 3 then t[99] else 1", 1),
        ("t[0] + t[2]", 4),
        ("h.channels * h.height - h.width", 107),
        ("act == relu", True),
        ("act == tanh", False),
        ("1 == yes", False),
        ("3 x 2 + 1", None),
        ("min(3, 1, 2)", 1),
        ("max(t)", 3),
        ("sum(t)", 6),
        ("sum(t, 2)", 3),
        ("sum(t, 0)", 0),
        ("length(t)", 3),
        ("round(2.5)", 3),
        ("round(-2.5)", -2),
        ("floor(-0.5)", -1),
        ("ceil(0.5)", 1),
        ("round_to(32 * 0.35, 8)", 16),
        ("round_to(24 * 1.4, 8)", 32),
        ("round_to(3, 8)", 8),
        ("11x11", Size((11, 11))),
        ("3 x a x (a + 1)", Size((3, 3, 4))),
        ("30 epochs", Amount(30, "epochs")),
        ("1 iteration", Amount(1, "iterations")),
        ('"text"', "text"),
        ("[1, [2], yes]", Items([1, Items([2]), True])),
    ],
)
def test_values(text: str, expected: object) -> None:
    if expected is None:
        with pytest.raises(EvaluationError):
            value(text)
    else:
        found = value(text)
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "underlined"),
    [
        ("3 / 0", "0"),
        ("3 // (1 - 1)", "(1 - 1)"),
        ("3 % 0", "0"),
        ("t[3]", "3"),
        ("t[-1]", "-1"),
        ("t[0.5]", "0.5"),
        ("a[0]", "a"),
        ("yes + 1", "yes"),
        ('"a" * 2', '"a"'),
        ("relu + 1", "relu"),
        ("not 1", "1"),
        ("1 and yes", "1"),
        ("if 1 then 2 else 3", "1"),
        ("3 x 0.5", "0.5"),
        ("2 ** 60", "2 ** 60"),
        ("9007199254740993", "9007199254740993"),
        ("10 ** 400", "10 ** 400"),
        ("(-8) ** 0.5", "(-8) ** 0.5"),
        ("0 ** -1", "0 ** -1"),
        ("sum(3)", "3"),
        ("sum(t, 9)", "9"),
        ("sum(t, 1, 1)", "sum(t, 1, 1)"),
        ("length(3)", "3"),
        ("max()", "max()"),
        ("min(1, relu)", "relu"),
        ("round()", "round()"),
        ("round_to(3, 0)", "0"),
    ],
)
def test_what_cannot_be_computed_is_told_at_its_word(text: str, underlined: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    assert caught.value.diagnostic.primary.span.text == underlined


def test_padding_is_a_number_or_size_before_and_after() -> None:
    (line, errors) = parse_value(SourceFile("test.net", "[0:3, 0x3:1x4]"))
    assert line is not None, errors
    assert evaluate(line, Around()) == [Padding(0, 3), Padding(Size((0, 3)), Size((1, 4)))]


wholes = st.integers(-1000, 1000)


@given(wholes, wholes, wholes.filter(bool))
def test_arithmetic_is_exact(a: int, b: int, c: int) -> None:
    assert value(f"({a} + {b}) / {c} * {c}".replace("+ -", "- ")) == a + b


@given(st.fractions(0, 10_000, max_denominator=1000), st.integers(1, 64))
def test_round_to_loses_at_most_a_tenth(x: Fraction, n: int) -> None:
    rounded = value(f"round_to({x.numerator} / {x.denominator}, {n})")
    assert isinstance(rounded, int)
    assert rounded % n == 0
    assert rounded >= n
    assert rounded >= Fraction(9, 10) * x


def test_long_products_of_fractions_stay_small() -> None:
    expression = " * ".join(["(1 / 9)"] * 160)
    assert isinstance(value(expression), float)
    assert LARGEST_WHOLE == 2**53
