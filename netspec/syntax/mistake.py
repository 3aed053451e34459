"""What is handed about when a syntax error is explained: the place where reading stopped, and what
is known of the mistake there.
"""

from collections.abc import Sequence
from typing import NamedTuple

from netspec.diagnostics import Diagnostic
from netspec.source import Span
from netspec.syntax.repairs import Edit
from netspec.syntax.terminals import Token, Tokens

LINE_ENDS = ("SEP", "LBRACE", "RBRACE", "$END")
LONGEST = 500
"""Tokens of a statement that are looked at, before and behind."""


class Habit(NamedTuple):
    """A recognised mistake: what is wrong at the token, and what to write."""

    label: str
    help: str = ""
    """Given where the line as it should be is not known."""
    edits: tuple[Edit, ...] = ()
    """What mends the line, as far as this mistake goes."""
    instead: tuple[Token, ...] | None = None
    """What the parser reads in place of the next `skip` tokens; None where the rest of the line is
    passed over."""
    skip: int = 0
    at: Token | None = None
    """The token to blame, if not the one that the parser stopped at."""
    headline: str = ""
    is_new_line: bool = False
    """Whether a new line begins here, what was read of the old one being whole."""
    indented_until: int = 0
    """Where lines end that are indented in place of braces, as an index among the tokens."""
    resume: int | None = None
    """Where to read on, where that is not the end of the line."""


class Mistake(NamedTuple):
    """An error with what the parser does about it; see `Habit`."""

    diagnostic: Diagnostic
    edits: tuple[Edit, ...] = ()
    instead: tuple[Token, ...] | None = None
    skip: int = 0
    is_new_line: bool = False
    indented_until: int = 0
    resume: int | None = None
    forget: tuple[int, int] | None = None
    """The lines, first and last, whose other mistakes this one explains."""


class Place(NamedTuple):
    """Where the parser stopped."""

    found: Tokens
    position: int
    expected: frozenset[str]
    """The terminals that the grammar could go on with."""
    brace: int | None
    """The place of the innermost open brace, if any."""
    is_first: bool
    """Whether the parser had stopped nowhere before."""

    @property
    def tokens(self) -> list[Token]:
        return self.found.tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def look(self, offset: int) -> Token:
        """A token before or behind the place; beyond the ends, the last one."""
        index = self.position + offset
        return token_at(self.tokens, index) if index >= 0 else self.tokens[-1]

    def types(self, first: int, last: int) -> tuple[str, ...]:
        """The types of the tokens from one offset to another."""
        return tuple(self.look(offset).type for offset in range(first, last + 1))

    @property
    def line_start(self) -> int:
        """Where the statement begins that the place lies in, as an index among the tokens."""
        return find_line_start(self.tokens, self.position)

    @property
    def line_end(self) -> int:
        """The index of what ends the statement."""
        return find_line_end(self.tokens, self.position)

    @property
    def starts_line(self) -> bool:
        """Whether the token before is the first of its statement."""
        return self.line_start == self.position - 1

    def text(self, first: int, last: int) -> str:
        """The source from one token to another, by their indices, the last one included."""
        span = self.tokens[first].span.to(self.tokens[last].span)
        return span.text

    @property
    def section(self) -> str:
        """The word of the innermost braces' line: net, train, data, branch; empty outside all."""
        if self.brace is None:
            return ""
        return self.tokens[find_line_start(self.tokens, self.brace)].text


def token_at(tokens: Sequence[Token], index: int) -> Token:
    """A token by its index; beyond the end, the last one."""
    return tokens[min(index, len(tokens) - 1)]


def find_line_start(tokens: Sequence[Token], position: int) -> int:
    """Where the statement of a token begins; of a very long one a part is enough."""
    index, furthest = position, max(0, position - LONGEST)
    while index > furthest and tokens[index - 1].type not in LINE_ENDS:
        index -= 1
    return index


def find_line_end(tokens: Sequence[Token], position: int) -> int:
    """What ends the statement of a token, or a token of it where it is very long."""
    index, furthest = position, min(len(tokens) - 1, position + LONGEST)
    while index < furthest and tokens[index].type not in LINE_ENDS:
        index += 1
    return index


def replaced(first: Token, last: Token, text: str) -> Edit:
    """The text in place of two tokens and all between them."""
    return Edit(first.span.to(last.span), text)


def put_after(token: Token, text: str) -> Edit:
    span = token.span
    return Edit(Span(span.source, span.end, span.end), text)


def put_before(token: Token, text: str) -> Edit:
    span = token.span
    return Edit(Span(span.source, span.start, span.start), text)


def between(before: Token, after: Token, text: str) -> Edit:
    """The text in place of what stands between two tokens."""
    return Edit(Span(before.span.source, before.span.end, after.span.start), text)


def new_token(type: str, text: str, at: Token) -> Token:
    """A token that the file lacks, at the place of another."""
    return Token(type, text, at.span)
