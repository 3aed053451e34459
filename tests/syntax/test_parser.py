"""The parser: what text means, and how it goes on after a mistake."""

from fractions import Fraction

import pytest

from netspec.diagnostics import Diagnostic
from netspec.source import SourceFile
from netspec.syntax import tree
from netspec.syntax.parser import parse_source, parse_value


def parse(text: str) -> tuple[tree.File, list[Diagnostic]]:
    return parse_source(SourceFile("test.net", text))


def lines_of(text: str) -> tuple[tree.Line, ...]:
    """The lines of a net's body, parsed without error."""
    file, errors = parse(f"net n {{\n{text}\n}}")
    assert not errors
    (net,) = file.items
    assert isinstance(net, tree.Net)
    return net.body.lines


def value_of(text: str) -> tree.Expression:
    value, errors = parse_value(SourceFile("test.net", text))
    assert value is not None
    assert not errors
    return value


def test_a_layer_line_has_its_parts_in_order() -> None:
    (line,) = lines_of("c1: conv 96, 11x11, stride=4 from x, y { } -> 96x55x55, params 35k")
    assert isinstance(line, tree.LayerLine)
    assert line.label
    assert (line.label.text, line.kind.text) == ("c1", "conv")
    assert [argument.name and argument.name.text for argument in line.arguments] == [
        None,
        None,
        "stride",
    ]
    assert line.sources is not None
    assert [source.text for source in line.sources] == ["x", "y"]
    assert line.body is not None
    assert [claim.about and claim.about.text for claim in line.claims] == [None, "params"]


def test_spans_are_exact() -> None:
    (line,) = lines_of("  conv 96, pad=0:3 -> 96x55x55")
    assert isinstance(line, tree.LayerLine)
    assert line.span.text == "conv 96, pad=0:3 -> 96x55x55"
    assert line.arguments[1].span.text == "pad=0:3"
    assert line.claims[0].span.text == "96x55x55"


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("35k", 35_000, 1000),
        ("60_965_224", 60_965_224, 1),
        ("1.2M", 1_200_000, 100_000),
        ("0.1", Fraction(1, 10), Fraction(1, 10)),
        ("5e-4", Fraction(5, 10_000), Fraction(1, 10_000)),
        ("4.09G", 4_090_000_000, 10_000_000),
    ],
)
def test_numbers_are_exact_and_know_their_last_digit(
    text: str, value: Fraction, precision: Fraction
) -> None:
    number = value_of(text)
    assert isinstance(number, tree.Number)
    assert (number.value, number.precision) == (value, precision)


def test_x_and_units_mean_something_only_in_their_place() -> None:
    size = value_of("3 x r x r")
    assert isinstance(size, tree.SizeOf)
    assert len(size.parts) == 3
    assert isinstance(value_of("x"), tree.Reference)
    amount = value_of("1 epoch")
    assert isinstance(amount, tree.AmountOf)
    assert amount.unit == "epochs"
    x, y = lines_of("x: conv x, x x x\nepochs: relu from x")
    assert isinstance(x, tree.LayerLine)
    assert isinstance(y, tree.LayerLine)
    assert isinstance(x.arguments[1].value, tree.SizeOf)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-2 ** 2", "-(2 ** 2)"),
        ("2 ** -1", "2 ** (-1)"),
        ("a - b - c", "(a - b) - c"),
        ("not a == b", "not (a == b)"),
        ("a or b and c", "a or (b and c)"),
        ("if a then b else if c then d else e", "if a then b else (if c then d else e)"),
        ("a + b * c", "a + (b * c)"),
    ],
)
def test_precedence_is_pythons(text: str, same: str) -> None:
    assert strip(value_of(text)) == strip(value_of(same))


def strip(node: object) -> object:
    """A tree without its places."""
    if not hasattr(node, "__slots__"):
        return node
    slots = [slot for slot in type(node).__slots__ if slot != "span"]
    return type(node).__name__, *(strip(getattr(node, slot)) for slot in slots)


def test_else_if_is_one_line_with_several_arms() -> None:
    (line,) = lines_of("if a { } else if b { } else { relu }")
    assert isinstance(line, tree.If)
    assert len(line.arms) == 2
    assert line.otherwise


def test_a_table_of_rows() -> None:
    (line,) = lines_of("for t, c in {\n 1, 16\n 6, 24; 6, 32\n} { relu }")
    assert isinstance(line, tree.For)
    assert isinstance(line.rows, tuple)
    assert [len(row.values) for row in line.rows] == [2, 2, 2]


def test_in_is_a_word_after_an_equal_sign() -> None:
    call = value_of("msra(fan=in)")
    assert isinstance(call, tree.Call)
    assert isinstance(call.arguments[0].value, tree.Reference)


def codes_and_lines(text: str) -> list[tuple[str, int, str]]:
    _, errors = parse(text)
    found = []
    for error in errors:
        span = error.primary.span
        found.append((error.code, span.source.locate(span.start)[0], span.text.strip()))
    return found


def test_several_mistakes_are_several_errors() -> None:
    text = """net n(a = 1 {
  input 3x8x8
  conv 3, 3x3, stride 2
  relu => 3x6x6
  let x =
  fc 35kg
  if a = 3 { relu }
}
net m
{
  input 3x r x r
}
"""
    assert codes_and_lines(text) == [
        ("NS005", 1, "("),
        ("NS004", 3, "2"),
        ("NS004", 4, "="),
        ("NS004", 5, ""),
        ("NS002", 6, "35kg"),
        ("NS004", 7, "="),
        ("NS004", 10, "{"),
        ("NS002", 11, "3x"),
    ]


@pytest.mark.parametrize(
    ("line", "help"),
    [
        ("conv 3, 3x3, stride 2", "write `conv 3, 3x3, stride=2`"),
        ("relu => 3x8x8", "write `relu -> 3x8x8`"),
        ("if a = 3 { relu }", "write `if a == 3 { relu }`"),
        ("if a { relu }\n  else { tanh }", "`else` stands on the line of the `}` before it"),
        ("if a { relu } relu", "write `if a { relu }; relu`"),
        ("let from = 3", "choose another name than `from`"),
        ("conv 3 3x3", "write `conv 3, 3x3`"),
        ("fc 10 iteratons", "write `fc 10 iterations`"),
        (
            "fc 10 -> params 10k,",
            "write `fc 10 -> params 10k`",
        ),
    ],
)
def test_habits_are_answered_with_what_to_write(line: str, help: str) -> None:
    _, errors = parse(f"net n(a = 1) {{\n  input 3x8x8\n  {line}\n}}\n")
    assert errors[0].help == (help,)


def test_the_lines_inside_a_mistaken_header_are_still_read() -> None:
    assert codes_and_lines("net n[3] {\n  fc 35kg\n}\n") == [
        ("NS004", 1, "["),
        ("NS002", 2, "35kg"),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\ufeff", ";;"])
def test_a_file_may_be_empty(text: str) -> None:
    file, errors = parse(text)
    assert file.items == ()
    assert errors == []


@pytest.mark.parametrize("text", ["", "1 2", "let", "3 +"])
def test_a_value_is_a_value_and_nothing_else(text: str) -> None:
    value, errors = parse_value(SourceFile("--set", text))
    assert value is None
    assert errors
