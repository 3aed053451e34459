# ruff: noqa: RUF001, RUF002 - the characters that look alike are what this file is about
"""Text that is no part of the language, told with what was meant by it: the signs of a typesetter,
quotes of other kinds, letters that only look like ours, numbers that are none.

What can be read as it was meant goes on to the parser as that, so that the line has no second
error. Imported only for a file that has such text.
"""

import re
import unicodedata

from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.syntax.lexicon import NUMBER, SCANNER, SIGNS, SIZE, to_word
from netspec.syntax.repairs import Edit
from netspec.syntax.terminals import Token, Tokens

SIGNS_MEANT = {
    "×": "x", "✕": "x", "✖": "x", "⨯": "x", "→": "->", "⟶": "->", "➔": "->", "➜": "->",
    "⇒": "->", "⟹": "->", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
    "≤": "<=", "≥": ">=", "≠": "!=", "÷": "/", "·": "*", "∗": "*", "⋅": "*", "∶": ":", "¬": "not",
    "∧": "and", "∨": "or", "²": "**2", "³": "**3",
}  # fmt: skip
"""Signs of print, with what they mean."""
LETTERS_MEANT = str.maketrans(
    "авсеһіјкмнорѕтухАВСЕНІЈКМОРЅТХУαοριντυκχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abcehijkmhopstyxABCEHIJKMOPSTXYaopivtukxABEZHIKMNOPTYX",
)
"""Cyrillic and Greek letters, with those of the language that they look like."""
PROGRAMMERS_SIGNS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}
QUOTES = {
    "'": "'", "`": "`", "“": "”", "„": "“”", "‘": "’", "‚": "‘’", "«": "»", "”": "”", "’": "’",
}  # fmt: skip
"""What opens text in quotes elsewhere, with all that may close it."""
ASCII_RUN = re.compile(r"&&|\|\||_\w*|.", re.ASCII | re.DOTALL)
WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)
ODD_WORD = re.compile(r"(?:[^\x00-\x7f]|[A-Za-z0-9_])+")


def read_odd_text(source: SourceFile, start: int, found: Tokens) -> int:
    """Report the odd text that begins here and add the tokens that it means; where it ends."""
    char = source.text[start]
    if char in QUOTES:
        end = _read_quoted(source, start, found)
        if end:
            return end
    if char.isascii():
        return _read_ascii(source, start, found)
    return _read_word(source, start, found)


def _report(span: Span, found: Tokens, label: str, *help: str, edit: str | None = None) -> None:
    shown = span.text if len(span.text) <= 40 else f"{span.text[:37]}..."
    if not any(char.isprintable() for char in shown):
        shown = " ".join(map(_code_point, shown[:8]))
    headline = f"`{shown}` is no part of the language"
    edits = () if edit is None else (Edit(span, edit),)
    diagnostic = Diagnostic("NS001", headline, Label(span, label), help=help)
    found.mistakes.add(diagnostic, edits, follows=True)


def _code_point(char: str) -> str:
    return f"U+{ord(char):04X}"


# quotes


def _read_quoted(source: SourceFile, start: int, found: Tokens) -> int | None:
    """Text in other quotes, if they are closed on their line."""
    closers = QUOTES[source.text[start]]
    end = source.text.find("\n", start)
    line = source.text[start : len(source.text) if end < 0 else end]
    place = min((p for p in (line.find(closer, 1) for closer in closers) if p > 0), default=0)
    if not place:
        return None
    span = Span(source, start, start + place + 1)
    text = line[1:place]
    opening = Span(source, start, start + 1)
    sign = "a backquote" if line[0] == "`" else f"`{line[0]}`"
    is_word = WORD.fullmatch(text) and not (found.tokens and found.tokens[-1].type == "USE")
    if is_word:
        instead, token = text, Token("NAME", text, span)
        headline, label = f"{sign} is no part of the language", "a word stands without quotes"
    else:
        instead, token = f'"{text}"', Token("STRING", text, span)
        headline, label = f"text stands in double quotes, not in {sign}", ""
    diagnostic = Diagnostic("NS001", headline, Label(opening, label), help=(f"write `{instead}`",))
    found.mistakes.add(diagnostic, (Edit(span, instead),), follows=True)
    found.tokens.append(token)
    return span.end


def read_unclosed_text(span: Span, found: Tokens) -> Token:
    """A `"` without its fellow on the line."""
    label = Label(span, "opened here")
    helps = ('text ends with `"` on the line it began on',)
    diagnostic = Diagnostic("NS003", "text without its closing quote", label, help=helps)
    found.mistakes.add(diagnostic, follows=False)
    return Token("STRING", span.text[1:].rstrip("\r"), span)


# characters


def _read_ascii(source: SourceFile, start: int, found: Tokens) -> int:
    """A sign of the keyboard that the language has no use for, a run of control characters, or a
    name that begins with `_`."""
    match = ASCII_RUN.match(source.text, start)
    assert match
    text = match.group()
    span = Span(source, *match.span())
    if text in PROGRAMMERS_SIGNS:
        meant = PROGRAMMERS_SIGNS[text]
        is_called = source.text[span.end : span.end + 1] not in ("", " ", "\n")
        _report(span, found, "", f"write `{meant}`", edit=f"{meant} " if is_called else meant)
        found.tokens.append(Token(meant.upper(), meant, span))
    elif text.startswith("_") and text.strip("_")[:1].isalpha():
        name = text.lstrip("_")
        _report(span, found, "names begin with a letter", f"write `{name}`", edit=name)
        _add_words(name, span, found)
    elif text == "\\":
        _report(span, found, "", "a line goes on behind a comma, and inside brackets")
    elif text in "~^$@?'`":
        helps = {
            "^": "a power is written `2 ** 3`",
            "?": "a choice is written `if c then a else b`",
            "'": 'text stands in double quotes: `"text"`',
        }
        _report(span, found, "", *filter(None, [helps.get(text)]))
    else:
        end = start + 1
        while end < len(source.text) and source.text[end] == text:
            end += 1
        _report(Span(source, start, end), found, "a control character: delete it", edit="")
        return end
    return span.end


def _read_word(source: SourceFile, start: int, found: Tokens) -> int:
    """Foreign characters with the letters and digits around them, as one word: `11×11`."""
    previous = found.tokens[-1] if found.tokens else None
    begin = start
    if previous and previous.span.end == start and previous.type in ("NAME", "NUMBER", "SIZE"):
        begin = previous.span.start
    match = ODD_WORD.match(source.text, start)
    assert match
    end = match.end()
    while source.text[end - 1].isascii():
        end -= 1  # a word of ours that stands behind foreign signs is read by itself
    odd = Span(source, start, end)
    parts = [_read_character(char) for char in odd.text]
    instead = "".join(part for part in parts if part is not None)
    if None in parts:
        return _refuse_word(odd, found)
    rest = _rest_of_word(source, end, instead)
    meant = source.text[begin:start] + instead + source.text[end:rest]
    meant = " ".join(meant.split())
    help = f"write `{meant}`" if meant else "put a plain space" if instead else "delete it"
    _report(odd, found, describe_characters(odd.text), help, edit=instead)
    if begin < start:
        found.tokens.pop()
    _add_words(meant, Span(source, begin, rest), found)
    return rest


def _rest_of_word(source: SourceFile, end: int, meant: str) -> int:
    """Where the word ends whose foreign part means this: letters and digits go on with it."""
    if not meant[-1:].isalnum():
        return end
    match = re.compile(r"\w*", re.ASCII).match(source.text, end)
    assert match
    return match.end()


def _read_character(char: str) -> str | None:
    """What a character was meant for; None where nobody can say."""
    if char in SIGNS_MEANT:
        return SIGNS_MEANT[char]
    if unicodedata.category(char) in ("Cf", "Cc"):
        return ""
    meant = char.translate(LETTERS_MEANT)
    if not meant.isascii():
        meant = unicodedata.normalize("NFKD", char)
        meant = "".join(c for c in meant if not unicodedata.combining(c))
    if meant.isascii() and meant.isprintable():
        return meant
    return meant if meant.isascii() else None


def _add_words(text: str, span: Span, found: Tokens) -> None:
    """The tokens of a text that stands in place of the span's."""
    for match in SCANNER.finditer(text):
        word = match.group()
        match match.lastgroup:
            case "name":
                found.tokens.append(to_word(word, span))
            case "number" if SIZE.fullmatch(word):
                found.tokens.append(Token("SIZE", word, span))
            case "number" if NUMBER.fullmatch(word):
                found.tokens.append(Token("NUMBER", word, span))
            case "number":
                found.tokens.append(Token("NUMBER", "1", span))
            case "sign":
                found.tokens.append(Token(SIGNS[word], word, span))
            case _:
                pass


def _refuse_word(span: Span, found: Tokens) -> int:
    """Characters that mean nothing; letters of another alphabet stand for a name."""
    if not span.text[0].isalpha():
        _report(span, found, describe_characters(span.text))
    else:
        help = "names have the letters a to z, digits and `_`"
        _report(span, found, describe_characters(span.text), help)
        found.tokens.append(Token("NAME", "name", span))
    return span.end


def describe_characters(text: str) -> str:
    """What a run of foreign characters is, for a label."""
    foreign = {char for char in text if not char.isascii()}
    categories = {unicodedata.category(char) for char in foreign}
    if len(foreign) == 1:
        return unicodedata.name(foreign.pop(), "a control character").lower()
    if categories == {"Cf"}:
        return "characters that cannot be seen"
    if any("FULLWIDTH" in unicodedata.name(char, "") for char in foreign):
        return "wide letters and signs"
    alphabets = {unicodedata.name(char, " ").split()[0] for char in foreign if char.isalpha()}
    if len(alphabets) == 1 and all(char.isalpha() for char in foreign):
        return f"{alphabets.pop().capitalize()} letters"
    return ""


# numbers


def read_odd_number(text: str, span: Span, found: Tokens) -> Token:
    """A word that begins with a digit and is neither a number nor a size."""
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    help, edit = _mend_number(text)
    label = Label(span, "neither a number nor a size")
    diagnostic = Diagnostic("NS002", f"`{shown}` is no number", label, help=(help,))
    edits = (Edit(span, edit),) if edit else ()
    found.mistakes.add(diagnostic, edits, follows=False)
    return Token("NUMBER", "1", span)


def _mend_number(text: str) -> tuple[str, str | None]:
    """What to say of a malformed number, and what to write where that is certain."""
    lowered = text.lower()
    if re.fullmatch(r"\d+([x*]\d+)+", lowered):
        return f"write `{lowered}`, with a small x", lowered
    if re.fullmatch(r"0x[0-9a-f]{1,12}", lowered):
        return f"write `{int(lowered, 16)}`", str(int(lowered, 16))
    if re.fullmatch(r"\d+(x\d+)*x", lowered) or re.fullmatch(r"\d+x[a-z]\w*", lowered):
        return "a size with names in it has spaces: `3 x r x r`", None
    if re.fullmatch(r"\d+(\.\d+)?k", lowered):
        return f"write `{lowered}`", lowered
    if re.fullmatch(r"\d+(\.\d+)?[mgb]", lowered):
        mended = lowered[:-1] + ("M" if lowered[-1] == "m" else "G")
        return "the suffixes are k (thousand), M (million) and G (thousand million)", mended
    if re.fullmatch(r"\d+\.", text):
        return f"write `{text}0` or `{text[:-1]}`", f"{text}0"
    if re.fullmatch(r"\d[\d.]*f", lowered):
        return f"write `{text[:-1]}`", text[:-1]
    if re.fullmatch(r"\d+\.\.+\d+", text):
        return "a loop counts from 0: `repeat 3 as i { … }`", None
    if re.fullmatch(r"\d+[a-z_]\w*", lowered):
        return "names begin with a letter; numbers are written 96, 4_096, 100k, 5e-4", None
    return "numbers are written 96, 4_096, 100k, 1.2M, 5e-4; sizes 11x11, 3x224x224", None
