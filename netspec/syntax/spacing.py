"""The spaces between two words of a line: what the canonical form has there.

A sign alone does not tell: a colon ends a label or stands in a padding, a minus has one side or
two, `=` gives an argument its value or a name its. `find_role` tells them apart by their place in
the statement, `count_spaces` knows the spaces between two roles. Where lines begin, and what is
aligned with what, is decided in `formatter.py`.
"""

from typing import Literal, NamedTuple, TypeAlias

Braces: TypeAlias = Literal["file", "lines", "table", "default", "brackets", "parameters"]
"""What a pair of braces or brackets holds; `file` is what stands outside all of them."""

VALUE_ENDS = frozenset({"NAME", "NUMBER", "SIZE", "STRING", "YES", "NO", "RPAR", "RSQB"})
"""Roles that a value can end with: what follows is an operator, an index, a sign with two sides."""
TIGHT_BEFORE = frozenset(
    {
        "COMMA", "CELL_END", "SEP", "RPAR", "RSQB", "DOT", "LABEL_COLON", "PADDING_COLON", "GIVES",
        "CALL", "INDEX",
    }
)  # fmt: skip
"""Roles with no space before them."""
TIGHT_AFTER = frozenset({"LPAR", "CALL", "LSQB", "INDEX", "DOT", "PADDING_COLON", "GIVES", "UNARY"})
"""Roles with no space behind them."""


class Place(NamedTuple):
    """Where in a statement a word stands."""

    braces: Braces
    head: str
    """The role of the statement's first word; empty for that word itself."""
    number: int
    """The words of the statement before this one, those in brackets within it not counted."""
    before: str
    """The role of the word before it."""
    next: str
    """The terminal of the word behind it."""


def find_role(terminal: str, text: str, place: Place) -> str:
    """A word's role: its terminal in the grammar, or one of those that its place makes of it."""
    match terminal:
        case "NAME":
            return _find_role_of_name(text, place)
        case "COLON":
            is_label = place.head == "LABEL" and place.number == 1
            return "LABEL_COLON" if is_label else "PADDING_COLON"
        case "MINUS":
            return "MINUS" if place.before in VALUE_ENDS else "UNARY"
        case "EQUAL":
            names = place.braces in ("file", "lines") and place.head in ("LET", "NET")
            return "EQUAL" if names or place.braces == "parameters" else "GIVES"
        case "LPAR":
            return "CALL" if place.before in ("NAME", "TRAIN", "TEST") else "LPAR"
        case "LSQB":
            return "INDEX" if place.before in VALUE_ENDS else "LSQB"
        case "COMMA":
            return "CELL_END" if place.braces == "table" else "COMMA"
        case _:
            return terminal


def _find_role_of_name(text: str, place: Place) -> str:
    """A label, a kind (which no bracket calls), the x of a size, or else a name."""
    if place.braces == "lines":
        if not place.head:
            return "LABEL" if place.next == "COLON" else "KIND"
        if place.before == "LABEL_COLON":
            return "KIND"
    return "BY" if text == "x" and place.before in VALUE_ENDS else "NAME"


def count_spaces(before: str, after: str) -> int:
    """The spaces between two roles on a line: one or none."""
    if after == "DOT" and before in ("NUMBER", "SIZE"):
        return 1  # a number would take the dot
    return 0 if after in TIGHT_BEFORE or before in TIGHT_AFTER else 1
