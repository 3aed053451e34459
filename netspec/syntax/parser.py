"""Tokens to tree: feeds the parser token by token, and goes on after a mistake.

Decides what two words mean by their place (`x` between sizes, a unit after a number), how a syntax
error is told, and where parsing takes up again: at the next line of the same braces. All syntax
errors of a file are reported at once.
"""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netspec.diagnostics import Diagnostic
from netspec.source import SourceFile, Span
from netspec.syntax import tree
from netspec.syntax.automaton import Automaton
from netspec.syntax.lexicon import UNIT_WORDS
from netspec.syntax.terminals import Token, Tokens
from netspec.syntax.tokens import scan

if TYPE_CHECKING:
    from netspec.syntax.mistake import Mistake


class OpenBrace(Struct):
    """A brace whose lines are being read."""

    height: int
    """The height of the parser's stack above it."""
    position: int
    """Its place among the tokens."""
    end: int | None = None
    """Where it is to be closed, if it stands for lines that are only indented."""


def parse_source(source: SourceFile) -> tuple[tree.File, list[Diagnostic]]:
    """Parse a file. With errors, the tree holds what could be understood."""
    found = scan(source)
    items = _Parse(found, "start").run()
    if found.mistakes.lines:
        from netspec.syntax.habits.comments import report_more_comments  # for mistakes alone

        report_more_comments(found)
    return tree.File(source, items, tuple(found.comments)), found.diagnostics


def parse_value(source: SourceFile) -> tuple[tree.Expression | None, list[Diagnostic]]:
    """Parse a single value, as `--set` gives it."""
    found = scan(source)
    value = _Parse(found, "value").run()
    errors = found.diagnostics
    return (None if errors else value), errors


class _Parse:
    """One run of the parser over a file's tokens."""

    def __init__(self, found: Tokens, start: str) -> None:
        self.found = found
        self.tokens = found.tokens
        self.position = 0
        self.mended = -1
        """The place of the last mistake that was mended; what is wrong there again is not."""
        self.begun: set[int] = set()
        """Where lines were begun that the text runs on with the line above."""
        self.automaton = Automaton(start)
        self.open_braces: list[OpenBrace] = []
        self.built: Any = ()
        """What the start rule gave, empty where nothing could be read."""

    def run(self) -> Any:
        while self.position < len(self.tokens):
            if self._close_indented():
                continue
            if self._feed(self.tokens[self.position]):
                self.position += 1
            elif self.found.mistakes.are_too_many or not self._mend():
                break
        return self.built

    def _feed(self, token: Token) -> bool:
        """Hand a token to the parser; whether the grammar has it here."""
        token = self._settle_word(token)
        if not self.automaton.feed(token):
            return False
        if token.type == "LBRACE":
            self.open_braces.append(OpenBrace(self.automaton.height, self.position))
        elif token.type == "RBRACE":
            self.open_braces.pop()
        elif token.type == "$END":
            self.built = self.automaton.built
        return True

    def _settle_word(self, token: Token) -> Token:
        """A name is a unit or the x of a size where only that can follow."""
        if token.type != "NAME":
            return token
        expected = self.automaton.expected
        if token.text == "x" and "BY" in expected:
            return Token("BY", token.text, token.span)
        if token.text in UNIT_WORDS and "UNIT" in expected:
            return Token("UNIT", token.text, token.span)
        return token

    # mistakes

    def _mend(self) -> bool:
        """Report the token that the grammar does not have here, and go on: with what should stand
        in its place where that is certain, else behind its line."""
        from netspec.syntax.mistake import Place  # only a file with a mistake needs these
        from netspec.syntax.syntax_errors import explain_mistake

        span = self.tokens[self.position].span
        if self.mended == self.position or self.found.mistakes.is_hopeless(span):
            self.found.mistakes.give_up(span)
            return self._recover()
        is_first = self.mended < 0
        self.mended = self.position
        expected = frozenset(kind for kind in self.automaton.expected if kind.isupper())
        brace = self.open_braces[-1].position if self.open_braces else None
        mistake = explain_mistake(Place(self.found, self.position, expected, brace, is_first))
        if mistake.forget:
            self.found.mistakes.forget(*mistake.forget)
        self.found.mistakes.add(mistake.diagnostic, mistake.edits, follows=True)
        if mistake.is_new_line and mistake.resume is not None:
            return self._begin_line(mistake.resume)
        if mistake.instead is not None:
            return self._replace(mistake)
        if mistake.resume is not None:
            self.position = mistake.resume
        return self._recover()

    def _begin_line(self, position: int) -> bool:
        """Go back to where a new line begins, what was read of the old one being whole."""
        if position in self.begun or not self.automaton.unwind("SEP", self._floor):
            return self._recover()
        self.begun.add(position)
        self.position = position
        token = self.tokens[position]
        return self._feed(Token("SEP", "\n", token.span)) or self._recover()

    def _replace(self, mistake: "Mistake") -> bool:
        """Hand over what should have stood here."""
        assert mistake.instead is not None
        if mistake.is_new_line and not self.automaton.unwind("SEP", self._floor):
            return self._recover()
        for token in mistake.instead:
            if not self._feed(token):
                self.found.mistakes.give_up(mistake.diagnostic.primary.span)
                return self._recover()
        self.position += mistake.skip
        if mistake.indented_until:
            self.open_braces[-1].end = mistake.indented_until
        return True

    def _close_indented(self) -> bool:
        """Where lines end that are indented in place of braces, hand over the closing one."""
        if not self.open_braces or self.open_braces[-1].end is None:
            return False
        if self.position < self.open_braces[-1].end:
            return False
        token = self.tokens[self.position]
        nothing = Span(token.span.source, token.span.start, token.span.start)
        self.open_braces[-1].end = None
        self.automaton.unwind("RBRACE", self._floor)
        self._feed(Token("RBRACE", "}", nothing))
        if token.type != "ELSE":
            self._feed(Token("SEP", "\n", nothing))
        return True

    @property
    def _floor(self) -> int:
        """The height of the stack below which the lines at hand have nothing."""
        return self.open_braces[-1].height if self.open_braces else 1

    def _recover(self) -> bool:
        """Skip the rest of the mistaken line and put the parser where a line may begin.

        A brace that the line opens is entered where the grammar allows one there, so that the lines
        inside are still read; otherwise everything in it is skipped.
        """
        while (token := self.tokens[self.position]).type != "$END":
            if token.type in ("SEP", "RBRACE"):
                break
            if token.type == "LBRACE":
                if self.automaton.unwind("LBRACE", self._floor):
                    return True
                self._skip_braces()
            self.position += 1
        return self.automaton.unwind(token.type, self._floor)

    def _skip_braces(self) -> None:
        """From an opening brace to the one that closes it."""
        depth = 0
        while True:
            depth += {"LBRACE": 1, "RBRACE": -1}.get(self.tokens[self.position].type, 0)
            if not depth:
                return
            self.position += 1
