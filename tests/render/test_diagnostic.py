"""Diagnostics as text: places, marks, windows, notes. What is shown is written out whole."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.render.diagnostic import render_diagnostic, render_ending, render_summary
from netspec.render.page import Page, count_cells, line_text
from netspec.source import SourceFile, Span


def find(text: str, part: str, name: str = "a.net") -> Span:
    start = text.index(part)
    return Span(SourceFile(name, text), start, start + len(part))


def show(diagnostic: Diagnostic, width: int | None = None) -> str:
    lines = render_diagnostic(diagnostic, Page(width))
    return "".join(f"{line_text(line).rstrip()}\n" for line in lines)


def make(primary: Label, *secondary: Label, **more: object) -> Diagnostic:
    return Diagnostic("NS101", "it is wrong", primary, secondary, **more)  # type: ignore[arg-type]


def expect(shown: str, expected: str) -> None:
    assert shown == dedent(expected).lstrip("\n")


def test_the_example_of_the_design() -> None:
    text = "\n" * 19 + "  conv2: conv 256, 5x5, pad=2, groups=5, bias_init=1\n"
    diagnostic = Diagnostic(
        "NS203",
        "conv2 cannot split 96 input channels into 5 groups",
        Label(find(text, "groups=5", "specs/alexnet.net"), "96 = 5 x 19 + 1"),
        notes=("input: 96x27x27, from maxpool at line 18",),
        help=("1, 2, 4, 8, 16, 32 divide both 96 and 256",),
    )
    expect(
        show(diagnostic),
        """
        error[NS203]: conv2 cannot split 96 input channels into 5 groups
          --> specs/alexnet.net:20:32
           |
        20 |   conv2: conv 256, 5x5, pad=2, groups=5, bias_init=1
           |                                ^^^^^^^^ 96 = 5 x 19 + 1
           = input: 96x27x27, from maxpool at line 18
           = help: 1, 2, 4, 8, 16, 32 divide both 96 and 256
        """,
    )


def test_a_warning_says_so() -> None:
    diagnostic = make(Label(find("relu\n", "relu")), severity=Severity.WARNING)
    assert show(diagnostic).startswith("warning[NS101]: it is wrong\n --> a.net:1:1\n")


def test_marks_of_one_line_share_a_row() -> None:
    text = "one two three"
    first, second = Label(find(text, "one"), "here too"), Label(find(text, "three"), "wrong")
    expect(
        show(make(second, first)),
        """
        error[NS101]: it is wrong
         --> a.net:1:9
          |
        1 | one two three
          | ---     ^^^^^ wrong
          | here too
        """,
    )


def test_overlapping_marks_get_rows_of_their_own() -> None:
    text = "one two three"
    expect(
        show(make(Label(find(text, "two"), "wrong"), Label(find(text, text), "all of it"))),
        """
        error[NS101]: it is wrong
         --> a.net:1:5
          |
        1 | one two three
          |     ^^^ wrong
          | ------------- all of it
        """,
    )


def test_lines_between_are_left_out() -> None:
    text = "".join(f"line{n}\n" for n in range(1, 13))
    labels = [Label(find(text, part), "x") for part in ("line3", "line1\n", "line5", "line12")]
    expect(
        show(make(*labels)),
        """
        error[NS101]: it is wrong
          --> a.net:3:1
           |
         1 | line1
           | ----- x
         2 | line2
         3 | line3
           | ^^^^^ x
         4 | line4
         5 | line5
           | ----- x
        ...
        12 | line12
           | ------ x
        """,
    )


def test_a_span_over_lines_is_marked_at_both_ends() -> None:
    text = "net a {\n  add {\n    relu\n\n    tanh\n  }\n}\n"
    expect(
        show(make(Label(find(text, "add {\n    relu\n\n    tanh\n  }"), "this"))),
        """
        error[NS101]: it is wrong
         --> a.net:2:3
          |
        2 |   add {
          |   ^^^^^
        ...
        6 |   }
          |   ^ this
        """,
    )


def test_another_file_has_its_own_place() -> None:
    here, there = "use it", "block it { }"
    expect(
        show(make(Label(find(here, "it"), "this"), Label(find(there, "it", "b.net"), "that"))),
        """
        error[NS101]: it is wrong
         --> a.net:1:5
          |
        1 | use it
          |     ^^ this
         ::: b.net:1:7
          |
        1 | block it { }
          |       -- that
        """,
    )


def test_tabs_and_wide_characters_keep_the_marks_below_their_text() -> None:
    text = "\tconv\t漢字 wrong"
    expect(
        show(make(Label(find(text, "wrong"), "here"))),
        """
        error[NS101]: it is wrong
         --> a.net:1:10
          |
        1 |     conv    漢字 wrong
          |                  ^^^^^ here
        """,
    )


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = "re\x1b[2Jlu"
    diagnostic = Diagnostic(
        "NS001", "what is `\x1b`", Label(find(text, "lu"), "\x1b"), (), ("\x07",)
    )
    assert "\x1b" not in show(diagnostic)
    assert "\x07" not in show(diagnostic)
    assert "re\ufffd[2Jlu" in show(diagnostic)


@pytest.mark.parametrize("text", ["", "net a {", "net a {\n"])
def test_the_end_of_the_file_has_a_caret(text: str) -> None:
    end = Span(SourceFile("a.net", text), len(text), len(text))
    last = show(make(Label(end, "ends here"))).splitlines()[-1]
    assert last.endswith("^ ends here")


def test_carriage_returns_are_not_shown() -> None:
    assert "\r" not in show(make(Label(find("relu\r\ntanh\r\n", "tanh"))))


def test_long_lines_are_shown_through_a_window() -> None:
    text = "a" * 100 + " wrong " + "b" * 100
    expect(
        show(make(Label(find(text, "wrong"), "here")), width=60),
        """
        error[NS101]: it is wrong
         --> a.net:1:102
          |
        1 | ...aaaaaaaaaaaaaaaaa wrong bbbbbbbbbbbbbbbbbbbbbbbbbb...
          |                      ^^^^^ here
        """,
    )


def test_a_mark_outside_the_window_gets_a_window_of_its_own() -> None:
    text = "first " + "-" * 200 + " wrong"
    shown = show(make(Label(find(text, "wrong"), "here"), Label(find(text, "first"), "there")), 60)
    assert "^^^^^ here" in shown
    assert "----- there" in shown
    assert shown.count("1 | ") == 2


def test_notes_and_help_are_wrapped_where_the_page_is_narrow() -> None:
    diagnostic = make(
        Label(find("relu", "relu")), notes=("a note that is longer", "two\nlines"), help=("do it",)
    )
    assert show(diagnostic, 24).splitlines()[5:] == [
        "  = a note that is",
        "      longer",
        "  = two",
        "    lines",
        "  = help: do it",
    ]


@given(st.text("ab \t漢\x1b\r\n", max_size=300), st.data())
def test_any_span_of_any_text_is_drawn_within_the_page(text: str, data: st.DataObject) -> None:
    spans = []
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        spans.append(
            Span(SourceFile("a.net", text), start, data.draw(st.integers(start, len(text))))
        )
    width = data.draw(st.integers(30, 80))
    diagnostic = make(*(Label(span, "text") for span in spans))
    lines = [line_text(line) for line in render_diagnostic(diagnostic, Page(width))]
    assert any("^" in line for line in lines)
    assert all(count_cells(line) <= width for line in lines)


def test_summary() -> None:
    error = make(Label(find("relu", "relu")))
    warning = make(Label(find("relu", "relu")), severity=Severity.WARNING)
    assert render_summary([error, error, warning], 3) == "2 errors, 1 warning in 3 files"
    assert render_summary([error], 1) == "1 error in 1 file"
    assert render_summary([warning, warning], 1) == "2 warnings in 1 file"
    assert render_summary([], 2) == "no errors in 2 files"


def test_the_ending_names_each_code_once() -> None:
    def end(*codes: str, width: int | None = None) -> list[str]:
        found = [Diagnostic(code, "it is wrong", Label(find("relu", "relu"))) for code in codes]
        return [line_text(line) for line in render_ending(found, 2, Page(width))]

    assert end() == ["no errors in 2 files"]
    assert end("NS203", "NS203") == [
        "2 errors in 2 files",
        "`netspec explain NS203` tells more",
    ]
    assert end("NS203", "NS101", "NS203")[1:] == [
        "`netspec explain CODE` tells more of each: NS203, NS101"
    ]
    many = end(*(f"NS{number}" for number in range(101, 111)), width=60)[1:]
    assert " ".join(part.strip() for part in many).endswith("NS107, NS108, ...")
    assert all(len(part) <= 60 for part in many)


def test_columns_count_code_points() -> None:
    text = "漢字 relu"
    assert " --> a.net:1:4\n" in show(make(Label(find(text, "relu"))))
