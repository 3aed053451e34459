"""Text measured in cells, wrapped, and made safe for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.render.page import (
    count_cells,
    join_blocks,
    pad_cells,
    printable,
    styled,
    take_cells,
    wrap_text,
)


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("conv", 4), ("é", 1), ("e\u0301", 1), ("漢字", 4), ("\uff57", 2)]
)
def test_cells(text: str, cells: int) -> None:
    assert count_cells(text) == cells


def test_take_cells_never_splits_a_wide_character() -> None:
    assert take_cells("a漢字", 2) == "a"
    assert take_cells("a漢字", 3) == "a漢"
    assert pad_cells("漢", 4) == "漢  "
    assert pad_cells("12", 4, right=True) == "  12"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("naïve 漢字", "naïve 漢字"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\tb", "a b"),
        ("a\nb", "a\ufffdb"),
        ("right\u202eleft", "right\ufffdleft"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("no\u00a0break", "no\u00a0break"),
        ("\ud800", "\ufffd"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_wrap_breaks_at_spaces_and_hangs() -> None:
    text = "conv 384, 3x3, pad=1, groups=2"
    assert wrap_text(text, None) == [text]
    assert wrap_text(text, 30) == [text]
    assert wrap_text(text, 20, hang=2) == ["conv 384, 3x3,", "  pad=1, groups=2"]
    assert wrap_text("abcdefghij", 4, hang=1) == ["abc", " def", " ghi", " j"]
    assert wrap_text("", 4) == [""]
    assert wrap_text("  a b", 4) == ["  a", "b"]


def test_wrap_gives_up_spaces_before_a_word_that_has_no_room_behind_them() -> None:
    assert wrap_text("  漢a", 4, hang=1) == ["漢a"]


@given(st.text("ab 漢,", max_size=60), st.integers(4, 30), st.integers(0, 2))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int, hang: int) -> None:
    lines = wrap_text(text, width, hang=hang)
    assert all(count_cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_join_blocks_puts_one_empty_line_between() -> None:
    a, b = styled("a"), styled("b")
    assert join_blocks([[a], [], [b]]) == [a, (), b]
    assert join_blocks([[], [a]]) == [a]
