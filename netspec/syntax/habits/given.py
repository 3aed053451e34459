"""Which names a file gives to values and blocks, as far as its tokens tell: all of them, wherever
they may be seen.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from netspec.syntax.terminals import Token

ENDS = ("SEP", "EQUAL", "IN")
"""What stands behind the names that a line gives."""
STARTS = ("LPAR", "COMMA")
"""What stands before a parameter."""


def list_values(tokens: Sequence[Token]) -> set[str]:
    """The names of parameters, of what `let` gives, and of loop variables."""
    return set(_list_values(tokens))


def _list_values(tokens: Sequence[Token]) -> Iterator[str]:
    giver = ""
    for index, token in enumerate(tokens):
        is_value = giver in ("LET", "AS", "FOR")
        if token.type in ("LET", "AS", "FOR", "NET", "BLOCK"):
            giver = token.type
        elif token.type in ("LBRACE", "FROM") or (is_value and token.type in ENDS):
            giver = ""
        elif token.type == "NAME" and (is_value or (giver and tokens[index - 1].type in STARTS)):
            yield token.text


def is_block(tokens: Sequence[Token], name: str) -> bool:
    """Whether the file has a block of that name."""
    return any(a.type == "BLOCK" and b.text == name for a, b in pairwise(tokens))
