"""Brackets matched: what is never closed gets a closer where its line or its item ends, and what
closes nothing is dropped, so that the parser sees balanced text and one mistake stays one error.

Indentation decides nothing about what a file means; here it tells which of several brackets is to
blame.
"""

from bisect import bisect_right

from msgspec import Struct, field

from netspec.diagnostics import Diagnostic, Label
from netspec.source import Span
from netspec.syntax.terminals import CLOSER, FILE_LEVEL, SIGN_OF, Token, Tokens

LONGEST_HEADER = 40


class Opened(Struct):
    """A bracket that is open."""

    token: Token
    place: int
    """Its index among the balanced tokens."""


def balance(found: Tokens) -> None:
    """Match the brackets of a file's tokens."""
    found.tokens = _Balance(found).run()


class _Balance(Struct):
    found: Tokens
    balanced: list[Token] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    suspect: tuple[Token, Token] | None = None
    """The first brace of the item that was closed by one that is indented less, and that one."""
    surplus: list[tuple[int, list[int]]] | None = None
    """Where each item begins, and the places of its braces that close nothing."""

    def run(self) -> list[Token]:
        tokens = self.found.tokens
        at_line_start = True
        for index, token in enumerate(tokens):
            kind = token.type
            begins_item = kind == "$END" or (at_line_start and self.begins_item(index))
            if begins_item or kind in ("LBRACE", "RBRACE"):
                self.close_brackets()
            if begins_item:
                self.close_braces(token)
            if kind in SIGN_OF:
                closed = self.close(token, index, at_line_start)
                if not closed:
                    continue
                token = closed
            elif kind in CLOSER:
                self.opened.append(Opened(token, len(self.balanced)))
            at_line_start = token.is_newline
            self.balanced.append(token)
        return self.balanced

    def begins_item(self, index: int) -> bool:
        """Whether a token at the start of a line begins an item; `net = x` is code of others."""
        tokens = self.found.tokens
        return tokens[index].type in FILE_LEVEL and tokens[index + 1].type not in ("EQUAL", "DOT")

    def close(self, token: Token, index: int, at_line_start: bool) -> Token | None:
        """Take a closer to what it closes; gives it as it should be, None if it closes nothing."""
        if not self.opened or CLOSER[self.opened[-1].token.type] != token.type:
            return self.close_other(token)
        opener = self.opened[-1].token
        if len(self.opened) == 1 and token.type == "RBRACE" and self.closes_too_early(index):
            label = Label(token.span, "lines follow that belong inside")
            secondary = (Label(opener.span, "would be closed"),)
            headline = "a `}` too many"
            self.found.mistakes.add_other(Diagnostic("NS006", headline, label, secondary))
            return None
        self.opened.pop()
        if self.suspect is None and at_line_start and _is_indented_beyond(opener, token):
            self.suspect = opener, token
        return token

    def close_other(self, token: Token) -> Token | None:
        """A closer that is none of the innermost bracket: of one further out, or of none."""
        inner: list[Opened] = []
        while self.opened and self.opened[-1].token.type != "LBRACE":
            opened = self.opened.pop()
            if CLOSER[opened.token.type] == token.type:
                for bracket in inner:
                    closer = CLOSER[bracket.token.type]
                    self.report_unclosed(bracket.token, SIGN_OF[closer])
                    self.balanced.append(Token(closer, SIGN_OF[closer], token.span))
                return token
            inner.append(opened)
        self.opened += reversed(inner)
        self.refuse_closer(token)
        if token.type == "RBRACE" or not inner:
            return None
        closer = CLOSER[self.opened.pop().token.type]
        return Token(closer, SIGN_OF[closer], token.span)

    def closes_too_early(self, index: int) -> bool:
        """Whether lines of the same item follow, and behind them a brace that would close nothing;
        if so, that one is taken to close what this one does not."""
        following = index + 1
        while self.found.tokens[following].type == "SEP":
            following += 1
        if self.found.tokens[following].type in ("RBRACE", "$END", *FILE_LEVEL):
            return False
        if self.surplus is None:
            self.surplus = _list_surplus(self.found.tokens)
        place = bisect_right(self.surplus, following, key=lambda item: item[0]) - 1
        _, closers = self.surplus[place]
        if not closers or closers[-1] < following:
            return False
        closers.pop()
        return True

    def close_brackets(self) -> None:
        """Close every ( and [ that is open, at the end of the line that opened it."""
        closers: dict[int, list[Token]] = {}
        while self.opened and self.opened[-1].token.type != "LBRACE":
            bracket = self.opened.pop()
            closer = CLOSER[bracket.token.type]
            self.report_unclosed(bracket.token, SIGN_OF[closer])
            place = bracket.place
            while place < len(self.balanced) and self.balanced[place].type != "SEP":
                place += 1
            token = Token(closer, SIGN_OF[closer], bracket.token.span)
            closers.setdefault(place, []).append(token)
        if not closers:
            return
        rest = self.balanced[min(closers) :]
        del self.balanced[min(closers) :]
        for place, token in enumerate(rest, start=min(closers)):
            self.balanced += closers.get(place, ())
            self.balanced.append(token)
        self.balanced += closers.get(len(rest) + min(closers), ())

    def close_braces(self, end: Token) -> None:
        """Close every brace that is open before the next item of the file. To blame is the first
        whose line is deeper than the brace that closed it, else the innermost."""
        if self.opened:
            opener, before = self.suspect or (self.opened[-1].token, end)
            self.report_unclosed(opener, "}", before)
        self.suspect = None
        while self.opened:
            self.opened.pop()
            nothing = Span(end.span.source, end.span.start, end.span.start)
            self.balanced.append(Token("RBRACE", "}", nothing))
            self.balanced.append(Token("SEP", "\n", end.span))

    def report_unclosed(self, opener: Token, closer: str, before: Token | None = None) -> None:
        """`before` is what a brace should stand before."""
        what = f"`{opener.text}`"
        secondary: tuple[Label, ...] = ()
        if opener.type == "LBRACE":
            header = self.read_header(opener)
            what = f"the `{{` of `{header}`" if header else what
            if before and before.type != "$END":
                secondary = (Label(before.span, f"a `{closer}` is missing before this"),)
        label = Label(opener.span, f"needs a `{closer}`")
        diagnostic = Diagnostic("NS005", f"{what} is never closed", label, secondary)
        self.found.mistakes.add_other(diagnostic)

    def read_header(self, brace: Token) -> str:
        """What stands before a brace on its line: `net tiny`, `concat`."""
        source = brace.span.source
        start = max(source.text.rfind("\n", 0, brace.span.start) + 1, brace.span.start - 200)
        text = source.text[start : brace.span.start]
        header = text[max(map(text.rfind, "{};")) + 1 :].strip()
        return header if len(header) <= LONGEST_HEADER else ""

    def refuse_closer(self, token: Token) -> None:
        headline = f"`{token.text}` closes nothing"
        secondary: tuple[Label, ...] = ()
        if self.opened:
            opener = self.opened[-1].token
            wanted = SIGN_OF[CLOSER[opener.type]]
            headline = f"`{token.text}` stands where `{wanted}` should close `{opener.text}`"
            secondary = (Label(opener.span, "opened here"),)
        self.found.mistakes.add_other(Diagnostic("NS006", headline, Label(token.span), secondary))


def _list_surplus(tokens: list[Token]) -> list[tuple[int, list[int]]]:
    """For each item of a file where it begins, and the places of the braces that close nothing."""
    items: list[tuple[int, list[int]]] = [(0, [])]
    at_line_start = True
    depth = 0
    for index, token in enumerate(tokens):
        if token.type in FILE_LEVEL and at_line_start:
            items.append((index, []))
            depth = 0
        elif token.type == "LBRACE":
            depth += 1
        elif token.type == "RBRACE":
            depth -= 1
            if depth < 0:
                depth = 0
                items[-1][1].append(index)
        at_line_start = token.is_newline
    return items


def _is_indented_beyond(opener: Token, closer: Token) -> bool:
    source = opener.span.source
    line, _ = source.locate(opener.span.start)
    _, column = source.locate(closer.span.start)
    text = source.line_text(line)
    return len(text) - len(text.lstrip()) > column - 1
