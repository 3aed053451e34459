"""Tokens to tree: drives lark's LALR parser token by token, and goes on after a mistake.

Decides what two words mean by their place (`x` between sizes, a unit after a number), how a syntax
error is told, and where parsing takes up again: at the next line of the same braces. All syntax
errors of a file are reported at once.
"""

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import lark
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from netspec.diagnostics import Diagnostic
from netspec.source import SourceFile
from netspec.syntax import tree
from netspec.syntax.builder import TreeBuilder
from netspec.syntax.syntax_errors import describe_unexpected
from netspec.syntax.tokens import UNIT_WORDS, Token, Tokens, scan

Expected = dict[str, Any]


class _NoLexer(Lexer):
    """Satisfies lark, which is handed finished tokens."""

    def __init__(self, lexer_conf: object) -> None: ...

    def lex(self, *_: object) -> Iterator[lark.Token]:
        return iter(())


@cache
def _load_parser() -> lark.Lark:
    """The LALR parser; its tables are kept between runs in the user's cache folder."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return lark.Lark(
        grammar,
        parser="lalr",
        start=["start", "value"],
        lexer=_NoLexer,
        maybe_placeholders=True,
        keep_all_tokens=True,
        transformer=TreeBuilder(),
        cache=_cache_file(),
    )


def _cache_file() -> str | bool:
    """Where lark keeps its tables; lark itself checks that they fit the grammar and its version."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "netspec"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return str(folder / "grammar.cache")


def parse_source(source: SourceFile) -> tuple[tree.File, list[Diagnostic]]:
    """Parse a file. With errors, the tree holds what could be understood."""
    found = scan(source)
    items, errors = _Parse(found, "start").run()
    mended = {_line_of(error) for error in found.diagnostics}
    errors = [error for error in errors if _line_of(error) not in mended]
    diagnostics = sorted(found.diagnostics + errors, key=lambda d: d.primary.span.start)
    return tree.File(source, items, tuple(found.comments)), diagnostics


def _line_of(error: Diagnostic) -> int:
    """A line that was mended while scanning is not complained of twice."""
    span = error.primary.span
    return span.source.locate(span.start)[0]


def parse_value(source: SourceFile) -> tuple[tree.Expression | None, list[Diagnostic]]:
    """Parse a single value, as `--set` gives it."""
    found = scan(source)
    value, errors = _Parse(found, "value").run()
    errors = found.diagnostics or errors
    return (None if errors else value), errors


class _Parse:
    """One run of the parser over a file's tokens."""

    def __init__(self, found: Tokens, start: str) -> None:
        self.tokens = found.tokens
        self.position = 0
        self.errors: list[Diagnostic] = []
        state = _load_parser().parse_interactive("", start).parser_state
        self.state = state
        self.table: dict[int, Expected] = state.parse_conf.states
        self.open_braces: list[int] = []
        """For each open brace, the height of the parser's stack above it."""

    def run(self) -> tuple[Any, list[Diagnostic]]:
        """What the start rule's callback gave, empty where nothing could be read."""
        built: Any = ()
        while self.position < len(self.tokens):
            token = self._settle_word(self.tokens[self.position])
            try:
                result = self.state.feed_token(token, is_end=token.type == "$END")  # type: ignore[arg-type]
            except UnexpectedToken:
                self._report(token)
                if not self._recover():
                    return (), self.errors
                continue
            self._follow_brace(token)
            self.position += 1
            if token.type == "$END":
                built = result
        return built, self.errors

    def _expected(self) -> Expected:
        return self.table[self.state.state_stack[-1]]

    def _settle_word(self, token: Token) -> Token:
        """A name is a unit or the x of a size where only that can follow."""
        if token.type != "NAME":
            return token
        expected = self._expected()
        if token.text == "x" and "BY" in expected:
            return Token("BY", token.text, token.span)
        if token.text in UNIT_WORDS and "UNIT" in expected:
            return Token("UNIT", token.text, token.span)
        return token

    def _follow_brace(self, token: Token) -> None:
        if token.type == "LBRACE":
            self.open_braces.append(len(self.state.state_stack))
        elif token.type == "RBRACE":
            self.open_braces.pop()

    def _report(self, token: Token) -> None:
        expected = frozenset(kind for kind in self._expected() if kind.isupper())
        brace_follows = self.tokens[min(self.position + 1, len(self.tokens) - 1)].type == "LBRACE"
        if token.type == "SEP" and brace_follows and "LBRACE" in expected:
            self.position += 1
        self.errors.append(describe_unexpected(self.tokens, self.position, expected))

    def _recover(self) -> bool:
        """Skip the rest of the mistaken line and put the parser where a line may begin.

        A brace that the line opens is entered where the grammar allows one there, so that the lines
        inside are still read; otherwise everything in it is skipped.
        """
        floor = self.open_braces[-1] if self.open_braces else 1
        while (token := self.tokens[self.position]).type != "$END":
            if token.type in ("SEP", "RBRACE"):
                break
            if token.type == "LBRACE":
                if self._unwind("LBRACE", floor):
                    return True
                self._skip_braces()
            self.position += 1
        return self._unwind(token.type, floor)

    def _unwind(self, wanted: str, floor: int) -> bool:
        """Drop unfinished parts from the parser's stack until `wanted` may follow."""
        stack, values = self.state.state_stack, self.state.value_stack
        for height in range(len(stack), floor - 1, -1):
            if wanted in self.table[stack[height - 1]]:
                del stack[height:]
                del values[height - 1 :]
                return True
        return False

    def _skip_braces(self) -> None:
        """From an opening brace to the one that closes it."""
        depth = 0
        while True:
            depth += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[self.position].type, 0)
            if not depth:
                return
            self.position += 1
