"""Whether the line where reading stopped is one of another system's, or the whole file is, and the
error for it.
"""

import re
from collections.abc import Sequence

from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.syntax.foreign import caffe, darknet
from netspec.syntax.foreign.calls import (
    MOST_LINES,
    Call,
    Lines,
    read_call,
    translate_all,
    translate_call,
)
from netspec.syntax.mistake import Mistake, Place, find_line_end, find_line_start, token_at
from netspec.syntax.repairs import line_of
from netspec.syntax.terminals import Token

FORM = "a net is lines such as `conv 96, 11x11, stride=4`"
PYTHON = ("import", "def", "class", "return", "self", "super", "print", "lambda")
FLOWING = ("x", "out", "h", "y", "net", "model", "output", "outputs", "inputs", "features")
"""Names that Python code gives to whatever flows; they make no labels."""
AFTER_NAMES = ("DOT", "EQUAL", "COLON")
WHOLE_FILES = {
    "a Caffe prototxt": re.compile(r"^\s*layers?\s*\{", re.MULTILINE),
    "a Darknet cfg": re.compile(r"^\[(net|network|convolutional)\]", re.MULTILINE),
    "Python": re.compile(
        r"^\s*(import \w|from [\w.]+ import |class \w+.*:|def \w+\(|\w+ *= *\w+\.?\w*\()",
        re.MULTILINE,
    ),
    "JSON": re.compile(r"\A\s*[\[{]\s*\"", re.MULTILINE),
}
LONGEST = 60
"""Foreign text longer than this is underlined at its first word alone."""
LOOKED_AT = 20_000
"""Tokens of a foreign file that are translated, and ten times as many characters recognised."""


def recognise_foreign(place: Place) -> Mistake | None:
    """The error for a foreign line or file, if this is one."""
    if place.is_first and place.brace is None:
        whole = recognise_file(place)
        if whole:
            return whole
    message = recognise_message(place)
    if message:
        return message
    start = place.line_start
    found = translate_statement(place.tokens, start)
    if found is None or found.end <= place.position:
        return None
    return tell_lines(place, start, found)


def recognise_message(place: Place) -> Mistake | None:
    """A line inside the braces of Caffe's `layer { … }`."""
    if place.brace is None:
        return None
    start = find_line_start(place.tokens, place.brace)
    found = caffe.translate_message(place.tokens, start)
    return tell_lines(place, start, found, found.end - 1) if found else None


def translate_statement(tokens: Sequence[Token], start: int) -> Lines | None:
    """Our lines for the foreign statement that begins at an index."""
    section = darknet.translate_section(tokens, start)
    if section:
        return section
    index, label = start, ""
    while is_name(token_at(tokens, index)) and token_at(tokens, index + 1).type in AFTER_NAMES:
        label = tokens[index].text
        index += 2
        if tokens[index - 1].type != "DOT":
            break
    is_assigned = index > start and tokens[index - 1].type in ("EQUAL", "COLON")
    if not is_assigned:
        index, label = start, ""
    call = read_call(tokens, index)
    if call is None:
        end = find_line_end(tokens, start)
        is_ours = tokens[end].type == "LBRACE" or token_at(tokens, start + 1).type == "STRING"
        is_python = tokens[start].text in PYTHON and not is_ours
        return Lines("Python", (), end) if is_python else None
    return translate_call_line(tokens, call, "" if label in FLOWING else label)


def is_name(token: Token) -> bool:
    """Whether a token is a name in other languages; some of those are words of this one."""
    return token.text.isidentifier() and token.type != "STRING"


def translate_call_line(tokens: Sequence[Token], call: Call, label: str) -> Lines | None:
    end = find_line_end(tokens, call.end)
    found = translate_call(call, label)
    if found:
        return found._replace(end=end)
    if call.path and call.path.split(".")[0] == "self":
        return Lines("PyTorch", (), end)
    inside = translate_all(tokens, call.opening, call.end)
    return inside and inside._replace(end=end)


def tell_lines(place: Place, start: int, found: Lines, resume: int | None = None) -> Mistake:
    """The error for foreign text from an index on."""
    first, last = place.tokens[start], place.tokens[found.end - 1]
    text = "; ".join(found.lines[:MOST_LINES]) + ("; …" if len(found.lines) > MOST_LINES else "")
    helps = (f"write `{text}`" if text else f"nothing here is known to be the same; {FORM}",)
    if found.system:
        on_line = [
            t for t in place.tokens[start : found.end] if line_of(t.span) == line_of(first.span)
        ]
        span = first.span.to(on_line[-1].span)
        if span.end - span.start > LONGEST:
            span = first.span
        headline, label = f"a line as {found.system} writes it", ""
    else:
        span = next(t.span for t in place.tokens[start : found.end] if t.type == "LPAR")
        headline, label = "unexpected `(`", "arguments have no brackets around them"
    diagnostic = Diagnostic("NS004", headline, Label(span, label), help=helps)
    lines = (line_of(first.span), line_of(last.span)) if found.system else None
    return Mistake(diagnostic, resume=found.end if resume is None else resume, forget=lines)


def recognise_file(place: Place) -> Mistake | None:
    """A file that begins as another system's do, and has nothing of ours before."""
    if any(token.type in ("NET", "BLOCK") for token in place.tokens[: place.position]):
        return None
    source = place.token.span.source
    text = source.text[: LOOKED_AT * 10]
    start = skip_comments(text)
    for what, form in WHOLE_FILES.items():
        match = form.search(text)
        if match and looks_so(what, text, start):
            return tell_file(place, what, source)
    return None


def skip_comments(text: str) -> int:
    match = re.match(r"(?:\s*#[^\n]*\n)*\s*", text)
    return match.end() if match else 0


def looks_so(what: str, text: str, start: int) -> bool:
    """Whether the first line that is no comment is one of such a file."""
    line = text[start:].partition("\n")[0]
    if what == "a Caffe prototxt":
        return re.match(r"\w+\s*[:{]", line) is not None
    if what == "a Darknet cfg":
        return line.startswith("[")
    if what == "Python":
        return (
            re.match(r"import |from |class |def |@|\"\"\"|'''|\w+ *= *\w|model\.", line) is not None
        )
    return True


def tell_file(place: Place, what: str, source: SourceFile) -> Mistake:
    """One error for the whole of a foreign file, with the net that it seems to hold."""
    tokens = place.tokens
    lines = list(translate_file(tokens[:LOOKED_AT]))
    more = ["  …"] if len(lines) > MOST_LINES else []
    shown = [f"  {line}" for line in lines[:MOST_LINES]] + more
    helps = [FORM]
    if lines:
        helps = ["\n".join(["its layers would read", "net NAME {", *shown, "}"])]
    begin = skip_comments(source.text[: LOOKED_AT * 10])
    end = source.text.find("\n", begin)
    span = Span(source, begin, max(begin + 1, len(source.text) if end < 0 else end))
    headline = f"this file is {what}, not a net of this language"
    diagnostic = Diagnostic("NS004", headline, Label(span), help=tuple(helps))
    whole = 1, line_of(tokens[-1].span)
    return Mistake(diagnostic, resume=len(tokens) - 1, forget=whole)


def translate_file(tokens: Sequence[Token]) -> list[str]:
    """Our lines for the layers of a foreign file, in their order."""
    lines: list[str] = []
    index = 0
    while index < len(tokens) - 3 and len(lines) <= MOST_LINES:
        found = caffe.translate_message(tokens, index) or darknet.translate_section(tokens, index)
        if found is None and tokens[index].type == "NAME":
            starts_name = index == 0 or tokens[index - 1].type != "DOT"
            call = read_call(tokens, index) if starts_name else None
            found = translate_call(call) if call else None
        if found:
            lines += found.lines
        index = max(index + 1, found.end if found else 0)
    return lines
