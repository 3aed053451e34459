"""Text to tokens, with brackets matched and the newlines that end nothing dropped.

Decides what is a word, a number, a size, a comment; which brace closes which; where a statement
ends. What a token means in its place is the parser's. Mistakes found here are mended, so that the
parser sees balanced text and one mistake stays one error.
"""

from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.syntax.brackets import balance
from netspec.syntax.lexicon import NUMBER, SCANNER, SIGNS, SIZE, to_word
from netspec.syntax.terminals import CLOSER, SIGN_OF, Token, Tokens

MAX_TEXT = 10_000_000
MAX_NESTING = 100
MAX_OPERATORS = 500

NESTING = frozenset(
    {
        "COMPARE", "POWER", "FLOOR", "STAR", "SLASH", "PERCENT", "PLUS", "MINUS", "DOT", "LSQB",
        "LPAR", "IF", "NOT", "AND", "OR",
    }
)  # fmt: skip
"""Tokens that can make an expression deeper."""


def scan(source: SourceFile) -> Tokens:
    """All tokens of a file, balanced, ready for the parser."""
    if len(source.text) > MAX_TEXT:
        span = Span(source, 0, 0)
        headline = f"the file has {len(source.text):,} characters, the limit is {MAX_TEXT:,}"
        found = Tokens([Token("$END", "", span)])
        found.mistakes.add_other(Diagnostic("NS007", headline, Label(span)))
        return found
    found = Tokens()
    _scan_words(source, found)
    found.tokens.append(Token("$END", "", Span(source, len(source.text), len(source.text))))
    _check_depth(found)
    balance(found)
    _drop_joined_newlines(found)
    _check_operators(found)
    return found


def _scan_words(source: SourceFile, found: Tokens) -> None:
    offset = 1 if source.text.startswith("\ufeff") else 0
    while offset < len(source.text):
        offset = _scan_known(source, offset, found)
        if offset < len(source.text):
            from netspec.syntax.odd_text import read_odd_text  # only a file with such text needs it

            offset = read_odd_text(source, offset, found)


def _scan_known(source: SourceFile, start: int, found: Tokens) -> int:
    """Words and signs up to text that is no part of the language; where that begins."""
    tokens = found.tokens
    for match in SCANNER.finditer(source.text, start):
        text, form = match.group(), match.lastgroup
        if form == "blank":
            continue
        span = Span(source, *match.span())
        match form:
            case "comment":
                found.comments.append(Span(source, span.start, span.start + len(text.rstrip())))
            case "name":
                tokens.append(to_word(text, span))
            case "number":
                tokens.append(_scan_number(text, span, found))
            case "string":
                tokens.append(_scan_string(text, span, found))
            case "sign":
                tokens.append(Token(SIGNS[text], text, span))
            case _:
                return match.start()
    return len(source.text)


def _scan_number(text: str, span: Span, found: Tokens) -> Token:
    if SIZE.fullmatch(text):
        return Token("SIZE", text, span)
    if NUMBER.fullmatch(text) and len(text) <= 400:
        return Token("NUMBER", text, span)
    from netspec.syntax.odd_text import read_odd_number

    return read_odd_number(text, span, found)


def _scan_string(text: str, span: Span, found: Tokens) -> Token:
    if len(text) > 1 and text.endswith('"'):
        return Token("STRING", text[1:-1], span)
    from netspec.syntax.odd_text import read_unclosed_text

    return read_unclosed_text(span, found)


def _drop_joined_newlines(found: Tokens) -> None:
    """Drop newlines inside ( ) and [ ] and after a comma."""
    kept: list[Token] = []
    depth = 0
    for token in found.tokens:
        if token.type in ("LPAR", "LSQB"):
            depth += 1
        elif token.type in ("RPAR", "RSQB"):
            depth -= 1
        elif token.is_newline and (depth or (kept and kept[-1].type == "COMMA")):
            continue
        kept.append(token)
    found.tokens = kept


def _check_depth(found: Tokens) -> None:
    """Refuse brackets so deep that walking them would need more stack than a machine gives."""
    depth = 0
    for token in found.tokens:
        if token.type in CLOSER:
            depth += 1
            if depth > MAX_NESTING:
                _refuse_depth(
                    f"braces and brackets are nested more than {MAX_NESTING} deep", token, found
                )
                return
        elif token.type in SIGN_OF:
            depth = max(0, depth - 1)


def _check_operators(found: Tokens) -> None:
    """The same for expressions, which nest by operators too."""
    operators = 0
    for token in found.tokens:
        operators = 0 if token.type in ("SEP", "COMMA") else operators + (token.type in NESTING)
        if operators > MAX_OPERATORS:
            _refuse_depth(f"an expression has more than {MAX_OPERATORS} operators", token, found)
            return


def _refuse_depth(what: str, token: Token, found: Tokens) -> None:
    found.mistakes.add_other(Diagnostic("NS007", what, Label(token.span)))
    found.tokens = [found.tokens[-1]]
