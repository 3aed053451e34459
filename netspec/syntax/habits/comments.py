"""Comments as other languages write them."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from netspec.diagnostics import Diagnostic, Label
from netspec.syntax.habits.claims import find_type
from netspec.syntax.habits.given import list_values
from netspec.syntax.mistake import Habit, Place, replaced, token_at
from netspec.syntax.repairs import line_of
from netspec.syntax.terminals import Token, Tokens

COMMENT = "a comment begins with `#`"


def comment_of_another_language(place: Place) -> Habit | None:
    """`// why`, `/* why */`, `-- why`."""
    start, end = place.line_start, place.line_end
    tokens = place.tokens
    values = list_values(tokens) if find_type(tokens, start, end, "FLOOR") else set()
    for index in range(start, place.position + 1):
        pair = tokens[index].text + tokens[min(index + 1, len(tokens) - 1)].text
        is_slashes = tokens[index].type == "FLOOR" and (
            index == start
            or is_prose(tokens[index + 1 : end])
            or divides_by_no_value(tokens, index, values)
        )
        is_starred = pair == "/*" and tokens[index].span.end == tokens[index + 1].span.start
        is_dashes = pair == "--" and index == start
        if not (is_slashes or is_starred or is_dashes):
            continue
        last = index if is_slashes else index + 1
        sign = replaced(tokens[index], tokens[last], "#")
        edits, resume = [sign], None
        if is_starred:
            resume = find_comment_end(place, index)
            if resume is None or line_of(tokens[resume - 1].span) > line_of(tokens[index].span):
                edits = []
            elif tokens[resume].type in ("SEP", "RBRACE", "$END"):
                edits.append(replaced(tokens[resume - 2], tokens[resume - 1], ""))
        return Habit(
            COMMENT,
            "begin each line of it with `#`",
            tuple(edits),
            at=tokens[index],
            resume=resume,
            headline=f"unexpected `{place.text(index, last)}`",
        )
    return None


def is_prose(tokens: list[Token]) -> bool:
    """Whether two words follow one another, as in no value."""
    return any(a.type == b.type == "NAME" and b.text != "x" for a, b in pairwise(tokens))


def find_comment_end(place: Place, start: int) -> int | None:
    """The index behind `*/`, if it is anywhere near."""
    for index in range(start + 2, min(len(place.tokens) - 1, start + 2000)):
        if place.tokens[index].type == "STAR" and place.tokens[index + 1].type == "SLASH":
            return index + 2
    return None


def text_alone(place: Place) -> Habit | None:
    """A line that is a text: documentation elsewhere."""
    if place.token.type != "STRING" or place.line_start != place.position:
        return None
    if place.line_end != place.position + 1:
        return None
    text = place.token.text.strip()
    edit = replaced(place.token, place.token, f"# {text}")
    return Habit(COMMENT, f"write `# {text}`", (edit,))


def divides_by_no_value(tokens: Sequence[Token], index: int, values: Collection[str]) -> bool:
    """Whether a single word stands behind the `//` at an index, which is none of the values."""
    word, after = token_at(tokens, index + 1), token_at(tokens, index + 2)
    is_alone = word.type == "NAME" and after.type in ("SEP", "RBRACE", "$END")
    return is_alone and word.text != "channels" and word.text not in values


def report_more_comments(found: Tokens) -> None:
    """Where a line has a comment behind `//`, report also those that read as a division, such as
    `3x3  // first`."""
    lines = found.mistakes.lines
    if not any(line.diagnostic.primary.text == COMMENT for line in lines.values()):
        return
    values = list_values(found.tokens)
    for index, token in enumerate(found.tokens):
        if token.type != "FLOOR" or line_of(token.span) in lines:
            continue
        if divides_by_no_value(found.tokens, index, values):
            diagnostic = Diagnostic("NS004", "unexpected `//`", Label(token.span, COMMENT))
            found.mistakes.add(diagnostic, (replaced(token, token, "#"),), follows=True)


COMMENT_HABITS = (comment_of_another_language, text_alone)
