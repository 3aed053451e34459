"""Mistakes about a line of a net or recipe as a whole: its label, the order of its parts, where it
ends.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from netspec.source import Span
from netspec.syntax.foreign.calls import find_closer
from netspec.syntax.foreign.words import KINDS, RECIPE_LINES, to_our_line
from netspec.syntax.habits.given import is_block, list_values
from netspec.syntax.mistake import (
    Habit,
    Place,
    between,
    new_token,
    put_after,
    put_before,
    replaced,
    token_at,
)
from netspec.syntax.repairs import Edit, line_of
from netspec.syntax.terminals import CLOSER, Token

RECIPES = ("train", "test", "data")
LINE_WORDS = ("LET", "REPEAT", "FOR", "DEFAULT", "EXPECT", "OUTPUT", "BRANCH")
PARTS = ("SLASH", "MINUS", "DOT")
"""Signs that stand in names elsewhere."""
CHANGES = ("PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "POWER")
"""Signs that change a value elsewhere, with `=` behind them."""


def label_without_colon(place: Place) -> Habit | None:
    """`conv1 conv 96, 11x11`."""
    label, kind = place.look(-2), place.look(-1)
    if label.type != "NAME" or kind.text not in KINDS or label.text in KINDS:
        return None
    if place.line_start != place.position - 2 or "EQUAL" not in place.expected:
        return None
    edit = put_after(label, ":")
    return Habit("a label ends in a colon", "", (edit,), at=label, headline="a label without `:`")


def label_behind_an_equal_sign(place: Place) -> Habit | None:
    """`conv1 = conv 96, 11x11`, `batch = 128` in a recipe, `x = 3`."""
    if place.token.type not in ("EQUAL", "COMPARE") or not place.starts_line:
        return None
    name, after = place.look(-1), place.look(1)
    if name.type != "NAME" or place.token.text not in ("=", "=="):
        return None
    if place.section in RECIPES:
        return sign_in_a_recipe(place, name, after)
    if place.brace is None:
        return None
    if place.types(1, 3) == ("NAME", "PLUS", "NAME"):
        last = place.look(3)
        span = Span(name.span.source, name.span.end, last.span.end)
        edit = Edit(span, f": add from {after.text}, {last.text}")
        return Habit("tensors are added by a layer", "", (edit,))
    is_layer = after.text in KINDS or is_block(place.tokens, after.text)
    if after.type == "NAME" and (is_layer or place.look(2).type in ("NUMBER", "SIZE")):
        edit = between(name, after, ": ")
        instead = (new_token("COLON", ":", place.token),)
        return Habit("a label ends in a colon", "", (edit,), instead=instead, skip=1)
    edit = put_before(name, "let ")
    return Habit("a value gets its name by `let`", "", (edit,))


def sign_in_a_recipe(place: Place, name: Token, value: Token) -> Habit:
    """`batch = 128`, `batch: 128`, and lines that stand elsewhere here."""
    label = "nothing stands between the two"
    if name.text in RECIPE_LINES:
        return Habit("no line of a recipe", RECIPE_LINES[name.text])
    edit = between(name, value, " ")
    return Habit(label, "", (edit,), instead=(), skip=1)


def value_behind_a_label(place: Place) -> Habit | None:
    """`kernel_size: 11` on a line of its own, `batch: 128` in a recipe."""
    name, colon = place.look(-2), place.look(-1)
    if colon.type != "COLON" or name.type != "NAME" or place.line_start != place.position - 2:
        return None
    if place.token.type not in ("NUMBER", "SIZE", "STRING", "YES", "NO", "LPAR", "LSQB", "MINUS"):
        return None
    if place.section in RECIPES:
        return sign_in_a_recipe(place, name, place.token)._replace(at=colon, instead=None)
    help = "arguments stand on their layer's line: `conv 96, 11x11, stride=4`"
    return Habit("a label stands before a layer", help)


def sign_in_a_name(place: Place) -> Habit | None:
    """`conv1/relu: relu`, `net my-net {`, `block-1: conv 8, 3x3`."""
    before = place.look(-1)
    if place.token.type not in PARTS or before.type != "NAME":
        return None
    is_in_header = place.look(-2).type in ("NET", "BLOCK")
    if not (is_in_header or place.starts_line):
        return None
    last = find_name_end(place.tokens, place.position - 1)
    is_label = token_at(place.tokens, last + 1).type == "COLON"
    if last < place.position or not (is_in_header or is_label):
        return None
    return mend_name(place, place.position - 1, last)._replace(
        instead=(), skip=last + 1 - place.position, at=None
    )


def sign_in_a_label(place: Place) -> Habit | None:
    """`conv-1: conv 64, 3x3`, which reads as a layer with a padding of `-1:conv`."""
    start = place.line_start
    last = find_name_end(place.tokens, start)
    if last == start or last >= place.position or place.brace is None:
        return None
    if place.tokens[last + 1].type != "COLON" or place.tokens[last + 2].type != "NAME":
        return None
    return mend_name(place, start, last)


def find_name_end(tokens: Sequence[Token], first: int) -> int:
    """The index of the last token of a name with signs in it; of its first where there are none."""
    last = first
    while (
        token_at(tokens, last + 1).type in PARTS
        and token_at(tokens, last + 2).text[:1].isalnum()
        and touches(tokens[last : last + 3])
    ):
        last += 2
    return last if tokens[first].type == "NAME" else first


def mend_name(place: Place, first: int, last: int) -> Habit:
    """A name from one token to another, without the signs between its parts."""
    tokens = place.tokens
    name = "_".join(token.text for token in tokens[first : last + 1 : 2])
    name = re.sub(r"_(\d+)$", r"\1", name)
    edit = replaced(tokens[first], tokens[last], name)
    label = "names have letters, digits and `_`"
    return Habit(label, f"write `{name}`", (edit,), at=tokens[first + 1])


def touches(tokens: Sequence[Token]) -> bool:
    """Whether tokens have no spaces between them."""
    return all(a.span.end == b.span.start for a, b in pairwise(tokens))


def changed_value(place: Place) -> Habit | None:
    """`n += 1`; `n = 4` where `n` is a value already."""
    start = place.line_start
    name, *signs = place.tokens[start : start + 3]
    if name.type != "NAME" or len(signs) < 2 or place.brace is None:
        return None
    if place.position not in (start + 1, start + 2) or place.section in RECIPES:
        return None
    if token_at(place.tokens, start + 2).text in KINDS:
        return None
    is_changed = signs[0].type in CHANGES and signs[1].type == "EQUAL" and touches(signs)
    is_given_again = signs[0].type == "EQUAL" and name.text in list_values(place.tokens)
    if not is_changed and not is_given_again:
        return None
    end = place.line_end
    sign = signs[0].text if is_changed else ""
    value = place.text(start + 2 + is_changed, end - 1) if end > start + 2 + is_changed else ""
    help = "give the new one a name of its own"
    if value and len(value) <= 40:
        new = f"{name.text} {sign} {value}" if sign else value
        help += f": `let new_{name.text} = {new}`"
    at = new_token("EQUAL", f"{sign}=", signs[0])
    if is_changed:
        span = signs[0].span.to(signs[1].span)
        at = Token("EQUAL", span.text, span)
    return Habit("a value does not change", help, at=at)


def brackets_around_arguments(place: Place) -> Habit | None:
    """`cell(3, 2)`, where `cell` is a block, and `Relu()`."""
    start = place.line_start
    if token_at(place.tokens, start + 1).type in ("COLON", "EQUAL"):
        start += 2
    name, opening = token_at(place.tokens, start), token_at(place.tokens, start + 1)
    if name.type != "NAME" or place.brace is None or opening.type != "LPAR":
        return None
    end = find_closer(place.tokens, start + 1)
    if not touches((name, opening)) or not start < place.position <= end:
        return None
    if place.tokens[end].type != "RPAR":
        return None
    within = place.tokens[start + 2 : end]
    written = to_our_line(name.text, is_bare=not within) or name.text
    label = "arguments have no brackets around them"
    edits = [replaced(name, opening, f"{written} " if within else written)]
    edits.append(replaced(place.tokens[end], place.tokens[end], ""))
    is_plain = all(token.type not in CLOSER for token in within)
    return Habit(label, "", tuple(edits) if is_plain else (), at=opening, resume=end + 1)


def comma_before_a_line(place: Place) -> Habit | None:
    """A comma at the end of a line, and on the next one what can be no argument."""
    tokens = place.tokens
    for index in range(place.position - 1, place.line_start, -1):
        comma, token = tokens[index], tokens[index + 1]
        if comma.type != "COMMA" or line_of(comma.span) == line_of(token.span):
            continue
        labels = tokens[index + 2].type == "COLON" and tokens[index + 3].text in KINDS
        begins = token.text in KINDS and tokens[index + 2].type not in ("EQUAL", "COMMA")
        if (token.type == "NAME" and labels) or begins or token.type in LINE_WORDS:
            return Habit(
                "nothing follows it",
                "what follows is read as part of the same line: leave the comma out",
                (replaced(comma, comma, ""),),
                at=comma,
                headline="a line ends in a comma",
                is_new_line=True,
                resume=index + 1,
            )
    return None


def comma_at_the_end(place: Place) -> Habit | None:
    """A comma behind a line, so that the next one is read as part of it."""
    comma, token = place.look(-1), place.token
    if comma.type != "COMMA":
        return None
    between_them = comma.span.source.text[comma.span.end : token.span.start]
    if token.type != "$END" and "\n" not in between_them:
        return None
    return Habit(
        "nothing follows it",
        "what follows is read as part of the same line: leave the comma out",
        (replaced(comma, comma, ""),),
        instead=(new_token("SEP", "\n", token),),
        at=comma,
        headline="a line ends in a comma",
        is_new_line=True,
    )


def reserved_word(place: Place) -> Habit | None:
    """A word of the language where a name is to be given."""
    from netspec.syntax.lexicon import KEYWORDS

    token = place.token
    if token.text not in KEYWORDS or "NAME" not in place.expected or token.type in place.expected:
        return None
    label_follows = place.look(1).type == "COLON" and place.line_start == place.position
    if not (label_follows or place.look(-1).type in ("LET", "NET", "BLOCK", "AS", "FOR", "FROM")):
        return None
    instead = (new_token("NAME", token.text, token),)
    help = f"choose another name than `{token.text}`"
    return Habit("a reserved word", help, instead=instead, skip=1)


LINE_HABITS = (
    comma_before_a_line,
    comma_at_the_end,
    sign_in_a_label,
    changed_value,
    brackets_around_arguments,
    label_without_colon,
    label_behind_an_equal_sign,
    value_behind_a_label,
    sign_in_a_name,
    reserved_word,
)
