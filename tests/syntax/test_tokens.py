"""Tokens: numbers to their last digit, brackets matched and mended, newlines that end nothing."""

import pytest

from netspec.source import SourceFile
from netspec.syntax.terminals import Tokens
from netspec.syntax.tokens import MAX_NESTING, MAX_OPERATORS, MAX_TEXT, scan


def scan_text(text: str) -> Tokens:
    return scan(SourceFile("test.net", text))


def types(text: str) -> list[str]:
    return [token.type for token in scan_text(text).tokens[:-1]]


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in scan_text(text).diagnostics]


@pytest.mark.parametrize(
    "text", ["96", "4_096", "100k", "1.2M", "5e-4", "1E+3", "0.5", "2.5e3", "3G"]
)
def test_numbers(text: str) -> None:
    assert types(text) == ["NUMBER"]
    assert codes(text) == []


@pytest.mark.parametrize("text", ["11x11", "3x224x224", "0x3"])
def test_sizes(text: str) -> None:
    assert types(text) == ["SIZE"]


@pytest.mark.parametrize(
    "text", ["35kg", "1.5.2", "5.", "3x", "3X3", "3xr", "1e", "4__096", "4_", "10K", "9" * 401]
)
def test_a_malformed_number_is_one_error_to_its_last_digit(text: str) -> None:
    found = scan_text(f"fc {text}")
    (problem,) = found.diagnostics
    assert problem.code == "NS002"
    assert problem.primary.span.text == text
    assert [token.type for token in found.tokens] == ["NAME", "NUMBER", "$END"]


def test_a_newline_ends_a_statement_but_not_in_brackets_or_after_a_comma() -> None:
    assert types("a\nb") == ["NAME", "SEP", "NAME"]
    assert types("a (1\n+ 2)") == ["NAME", "LPAR", "NUMBER", "PLUS", "NUMBER", "RPAR"]
    assert types("a 1, # why\n  2") == ["NAME", "NUMBER", "COMMA", "NUMBER"]
    assert types("a [1\n]\nb").count("SEP") == 1


def test_a_semicolon_separates_wherever_it_stands() -> None:
    assert types("a; b") == ["NAME", "SEP", "NAME"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings_and_byte_order_mark(ending: str) -> None:
    found = scan_text(f"\ufeffa{ending}b")
    assert [token.text for token in found.tokens if token.type == "NAME"] == ["a", "b"]
    assert not found.diagnostics


@pytest.mark.parametrize(
    ("text", "code", "underlined"),
    [
        ('use "a', "NS003", '"a'),
        ("a $ b", "NS001", "$"),
        ("a \0\0 b", "NS001", "\0\0"),
        ("a (1", "NS005", "("),
        ("a {\n b", "NS005", "{"),
        ("a }", "NS006", "}"),
        ("a (1]", "NS006", "]"),
    ],
)
def test_mistakes_and_their_places(text: str, code: str, underlined: str) -> None:
    first = scan_text(text).diagnostics[0]
    assert (first.code, first.primary.span.text) == (code, underlined)


def test_what_is_never_closed_is_closed_for_the_parser() -> None:
    assert types("a (1\nb") == ["NAME", "LPAR", "NUMBER", "RPAR", "SEP", "NAME"]
    assert types("net a {\nb\nnet c {\n}").count("RBRACE") == 2


def test_the_brace_to_blame_is_the_one_that_is_indented_deeper() -> None:
    text = "net a {\n  concat {\n    branch {\n      relu\n  }\n}\nblock b { }\n"
    (problem,) = scan_text(text).diagnostics
    line, _ = problem.primary.span.source.locate(problem.primary.span.start)
    assert (problem.code, line) == ("NS005", 3)


@pytest.mark.parametrize(
    ("sign", "meant"),
    [
        ("\N{MULTIPLICATION SIGN}", "NAME"),
        ("\N{RIGHTWARDS ARROW}", "ARROW"),
        ("\N{MINUS SIGN}", "MINUS"),
    ],
)
def test_lookalikes_are_read_as_what_they_mean(sign: str, meant: str) -> None:
    found = scan_text(f"a {sign} b")
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["NS001"]
    assert [token.type for token in found.tokens] == ["NAME", meant, "NAME", "$END"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_NESTING + 1) + ")" * (MAX_NESTING + 1),
        "let a = " + "-" * (MAX_OPERATORS + 1) + "1",
        "#" * (MAX_TEXT + 1),
    ],
    ids=["nesting", "operators", "size"],
)
def test_limits(text: str) -> None:
    assert codes(text) == ["NS007"]


def test_a_line_of_comment_signs_takes_no_time_that_grows_with_its_square() -> None:
    found = scan_text("#" * 1_000_000)
    assert len(found.comments) == 1
