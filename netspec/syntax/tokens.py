"""Text to tokens, with brackets matched and the newlines that end nothing dropped.

Decides what is a word, a number, a size, a comment; which brace closes which; where a statement
ends. What a token means in its place is the parser's. Mistakes found here are mended, so that the
parser sees balanced text and one mistake stays one error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.values import UNITS, Unit

MAX_TEXT = 10_000_000
MAX_NESTING = 100
MAX_OPERATORS = 500

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

CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
SIGN_OF = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}
NESTING = frozenset(
    {
        "COMPARE", "POWER", "FLOOR", "STAR", "SLASH", "PERCENT", "PLUS", "MINUS", "DOT", "LSQB",
        "LPAR", "IF", "NOT", "AND", "OR",
    }
)  # fmt: skip
"""Tokens that can make an expression deeper."""
FILE_LEVEL = frozenset({"USE", "NET", "BLOCK", "TRAIN", "TEST"})
"""Words that begin what stands outside all braces."""

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


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign; `type` is its terminal in the grammar."""

    type: str
    text: str
    span: Span


@dataclass(slots=True)
class Tokens:
    """What scanning gives; the last token is `$END`."""

    tokens: list[Token]
    comments: list[Span]
    diagnostics: list[Diagnostic]


def scan(source: SourceFile) -> Tokens:
    """All tokens of a file, balanced, ready for the parser."""
    if len(source.text) > MAX_TEXT:
        span = Span(source, 0, 0)
        headline = f"the file has {len(source.text):,} characters, the limit is {MAX_TEXT:,}"
        return Tokens([Token("$END", "", span)], [], [Diagnostic("NS007", headline, Label(span))])
    found = Tokens([], [], [])
    found.tokens.extend(_scan_words(source, found))
    found.tokens.append(Token("$END", "", Span(source, len(source.text), len(source.text))))
    _balance(found)
    _drop_joined_newlines(found)
    _check_depth(found)
    return found


def _scan_words(source: SourceFile, found: Tokens) -> Iterator[Token]:
    start = 1 if source.text.startswith("\ufeff") else 0
    for match in SCANNER.finditer(source.text, start):
        text, form = match.group(), match.lastgroup
        if form == "blank":
            continue
        span = Span(source, *match.span())
        match form:
            case "comment":
                found.comments.append(Span(source, span.start, span.start + len(text.rstrip())))
            case "name":
                yield Token(text.upper() if text in KEYWORDS else "NAME", text, span)
            case "number":
                yield _scan_number(text, span, found)
            case "string":
                yield _scan_string(text, span, found)
            case "sign":
                yield Token(SIGNS[text], text, span)
            case _:
                _refuse_character(text, span, found)
                meant = LOOKALIKES.get(text, "")
                if meant in REPLACED:
                    yield Token(REPLACED[meant], meant, span)


def _scan_number(text: str, span: Span, found: Tokens) -> Token:
    if SIZE.fullmatch(text):
        return Token("SIZE", text, span)
    if not NUMBER.fullmatch(text) or len(text) > 400:
        found.diagnostics.append(
            Diagnostic(
                "NS002",
                f"`{_shorten(text)}` is no number",
                Label(span, "neither a number nor a size"),
                help=(_suggest_number(text),),
            )
        )
        return Token("NUMBER", "1", span)
    return Token("NUMBER", text, span)


def _suggest_number(text: str) -> str:
    lowered = text.lower()
    if re.fullmatch(r"\d+(x\d+)*x", lowered) or re.fullmatch(r"\d+x[a-z]\w*", lowered):
        return "a size with names in it has spaces: `3 x r x r`"
    if re.fullmatch(r"\d+(x\d+)+", lowered):
        return f"write `{lowered}`, with a small x"
    if re.fullmatch(r"\d+(\.\d+)?[kmgb]", lowered):
        return "the suffixes are k (thousand), M (million) and G (thousand million)"
    if re.fullmatch(r"\d+\.", text):
        return f"write `{text}0` or `{text[:-1]}`"
    return "numbers are written 96, 4_096, 100k, 1.2M, 5e-4; sizes 11x11, 3x224x224"


def _scan_string(text: str, span: Span, found: Tokens) -> Token:
    if len(text) > 1 and text.endswith('"'):
        return Token("STRING", text[1:-1], span)
    label = Label(span, "opened here")
    helps = ('text ends with `"` on the line it began on',)
    found.diagnostics.append(
        Diagnostic("NS003", "text without its closing quote", label, help=helps)
    )
    return Token("STRING", text[1:].rstrip("\r"), span)


LOOKALIKES = {
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "'": '"',
    "&": "and",
    "|": "or",
    "!": "not",
}
"""Characters that people type for others, with what they mean."""
REPLACED = {"x": "NAME", "->": "ARROW", "-": "MINUS"}
"""What the parser reads in their place, so that the line has no second error."""


def _refuse_character(text: str, span: Span, found: Tokens) -> None:
    """Report a run of foreign characters once, at its first."""
    previous = found.diagnostics[-1] if found.diagnostics else None
    if previous and previous.code == "NS001" and previous.primary.span.end == span.start:
        joined = Label(previous.primary.span.to(span))
        found.diagnostics[-1] = Diagnostic("NS001", previous.headline, joined, help=previous.help)
        return
    shown = f"`{text}`" if text.isprintable() else f"U+{ord(text):04X}"
    instead = LOOKALIKES.get(text)
    helps = (f"write `{instead}`",) if instead else ()
    headline = f"{shown} is no part of the language"
    found.diagnostics.append(Diagnostic("NS001", headline, Label(span), help=helps))


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _balance(found: Tokens) -> None:
    """Match brackets; give what is never closed a closer where its line or its item ends, and drop
    closers that close nothing."""
    balanced: list[Token] = []
    opened: list[Token] = []
    suspect: Token | None = None
    at_line_start = True
    for token in found.tokens:
        kind = token.type
        if kind in ("LBRACE", "RBRACE", "$END") or (kind in FILE_LEVEL and at_line_start):
            _close_brackets(opened, balanced, found)
        if kind == "$END" or (kind in FILE_LEVEL and at_line_start):
            _close_braces(opened, suspect, token, balanced, found)
            suspect = None
        if kind in CLOSER:
            opened.append(token)
        elif kind in SIGN_OF:
            if not opened or CLOSER[opened[-1].type] != kind:
                _refuse_closer(token, opened, found)
                continue
            brace = opened.pop()
            if suspect is None and at_line_start and _is_indented_beyond(brace, token):
                suspect = brace
        at_line_start = _is_newline(token)
        balanced.append(token)
    found.tokens = balanced


def _is_newline(token: Token) -> bool:
    return token.type == "SEP" and token.text != ";"


def _close_brackets(opened: list[Token], balanced: list[Token], found: Tokens) -> None:
    """Close every ( and [ that is open, at the end of the line that opened it."""
    while opened and opened[-1].type != "LBRACE":
        bracket = opened.pop()
        closer = CLOSER[bracket.type]
        _report_unclosed(bracket, SIGN_OF[closer], found)
        place = next(i for i, token in enumerate(balanced) if token is bracket)
        while place < len(balanced) and balanced[place].type != "SEP":
            place += 1
        balanced.insert(place, Token(closer, SIGN_OF[closer], bracket.span))


def _close_braces(
    opened: list[Token], suspect: Token | None, end: Token, balanced: list[Token], found: Tokens
) -> None:
    """Close every brace that is open before the next item of the file. Indentation tells which of
    them lacks its own: the first whose line is deeper than the brace that closed it."""
    if opened:
        _report_unclosed(suspect or opened[-1], "}", found)
    while opened:
        opened.pop()
        balanced.append(Token("RBRACE", "}", Span(end.span.source, end.span.start, end.span.start)))
        balanced.append(Token("SEP", "\n", end.span))


def _report_unclosed(bracket: Token, closer: str, found: Tokens) -> None:
    headline = f"`{bracket.text}` is never closed"
    label = Label(bracket.span, f"needs a `{closer}`")
    found.diagnostics.append(Diagnostic("NS005", headline, label))


def _refuse_closer(token: Token, opened: list[Token], found: Tokens) -> None:
    headline = f"`{token.text}` closes nothing"
    secondary: tuple[Label, ...] = ()
    if opened:
        wanted = SIGN_OF[CLOSER[opened[-1].type]]
        headline = f"`{token.text}` stands where `{wanted}` should close `{opened[-1].text}`"
        secondary = (Label(opened[-1].span, "opened here"),)
    found.diagnostics.append(Diagnostic("NS006", headline, Label(token.span), secondary))


def _is_indented_beyond(opener: Token, closer: Token) -> bool:
    source = opener.span.source
    line, _ = source.locate(opener.span.start)
    _, column = source.locate(closer.span.start)
    text = source.line_text(line)
    return len(text) - len(text.lstrip()) > column - 1


def _drop_joined_newlines(found: Tokens) -> None:
    """Drop newlines inside ( ) and [ ] and after a comma."""
    kept: list[Token] = []
    depth = 0
    for token in found.tokens:
        if token.type in ("LPAR", "LSQB"):
            depth += 1
        elif token.type in ("RPAR", "RSQB"):
            depth -= 1
        elif _is_newline(token) and (depth or (kept and kept[-1].type == "COMMA")):
            continue
        kept.append(token)
    found.tokens = kept


def _check_depth(found: Tokens) -> None:
    """Refuse text so deep that walking it would need more stack than a machine gives."""
    depth = operators = 0
    for token in found.tokens:
        depth += (token.type in CLOSER) - (token.type in SIGN_OF)
        operators = 0 if token.type in ("SEP", "COMMA") else operators + (token.type in NESTING)
        if depth > MAX_NESTING or operators > MAX_OPERATORS:
            what = (
                f"braces and brackets are nested more than {MAX_NESTING} deep"
                if depth > MAX_NESTING
                else f"an expression has more than {MAX_OPERATORS} operators"
            )
            found.diagnostics.append(Diagnostic("NS007", what, Label(token.span)))
            found.tokens = [found.tokens[-1]]
            return
