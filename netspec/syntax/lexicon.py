"""The words of the language: those that are reserved, those for units, its signs, and how a number,
a size and a comment look. What they mean in their places is the grammar's.
"""

import re

from netspec.source import Span
from netspec.syntax.terminals import Token
from netspec.values import UNITS, Unit

KEYWORDS = frozenset(
    {
        "use", "net", "block", "from", "let", "if", "then", "else", "repeat", "as", "for", "in",
        "default", "expect", "branch", "output", "and", "or", "not", "yes", "no", "train", "test",
    }
)  # fmt: skip

UNIT_WORDS: dict[str, Unit] = {word: unit for unit in UNITS for word in (unit, unit[:-1])}
"""The words for a unit, many or one, with the unit."""

SIGNS = {
    "->": "ARROW", "==": "COMPARE", "!=": "COMPARE", "<=": "COMPARE", ">=": "COMPARE",
    "<": "COMPARE", ">": "COMPARE", "**": "POWER", "//": "FLOOR", "*": "STAR", "/": "SLASH",
    "%": "PERCENT", "+": "PLUS", "-": "MINUS", "=": "EQUAL", ":": "COLON", ",": "COMMA",
    ".": "DOT", "(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB", "{": "LBRACE", "}": "RBRACE",
    ";": "SEP", "\n": "SEP", "\r\n": "SEP",
}  # fmt: skip

# A number takes every letter, digit and dot that follows, so `35kg` is one wrong number.
SCANNER = re.compile(
    r"""(?P<blank>[ \t]+)
      | (?P<comment>\#[^\n]*)
      | (?P<number>\d[\d_]*(?:\.\d+)?[eE][+-]\d[\w.]*|\d[\w.]*)
      | (?P<name>[A-Za-z]\w*)
      | (?P<string>"[^"\n]*"?)
      | (?P<sign>->|==|!=|<=|>=|\*\*|//|\r?\n|[-+*/%<>=:,.;()\[\]{}])
      | (?P<other>.)""",
    re.VERBOSE | re.ASCII,
)
NUMBER = re.compile(r"\d+(_\d+)*(\.\d+(_\d+)*)?([eE][-+]?\d+|[kMG])?", re.ASCII)
SIZE = re.compile(r"\d+(x\d+)+", re.ASCII)


def to_word(text: str, span: Span) -> Token:
    """A reserved word is a terminal of its own, any other a name."""
    return Token(text.upper() if text in KEYWORDS else "NAME", text, span)
