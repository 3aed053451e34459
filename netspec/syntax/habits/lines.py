"""Mistakes about a line of a net or recipe as a whole: its label, its comment, what it reads, the
order of its parts.
"""

import re
from itertools import pairwise

from netspec.source import Span
from netspec.syntax.foreign.words import KINDS, RECIPE_LINES
from netspec.syntax.habits.claims import find_type
from netspec.syntax.mistake import Habit, Place, between, new_token, put_after, put_before, replaced
from netspec.syntax.repairs import Edit, line_of
from netspec.syntax.terminals import Token

RECIPES = ("train", "test", "data")
LINE_WORDS = ("LET", "REPEAT", "FOR", "DEFAULT", "EXPECT", "OUTPUT", "BRANCH")
PARTS = ("SLASH", "MINUS", "DOT")
"""Signs that stand in names elsewhere."""


def comment_of_another_language(place: Place) -> Habit | None:
    """`// why`, `/* why */`, `-- why`."""
    start, end = place.line_start, place.line_end
    tokens = place.tokens
    for index in range(start, place.position + 1):
        pair = tokens[index].text + tokens[min(index + 1, len(tokens) - 1)].text
        is_slashes = tokens[index].type == "FLOOR" and (
            index == start or is_prose(tokens[index + 1 : end])
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
            "a comment begins with `#`",
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
    return Habit("a comment begins with `#`", f"write `# {text}`", (edit,))


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
    if after.type == "NAME" and (after.text in KINDS or place.look(2).type in ("NUMBER", "SIZE")):
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
    last = 1
    while place.look(last + 1).type in PARTS and touches(place, last):
        last += 2
    is_label = place.look(last + 1).type == "COLON"
    if not touches(place, -1) or not (is_in_header or is_label):
        return None
    name = "_".join(place.look(offset).text for offset in range(-1, last + 1, 2))
    name = re.sub(r"_(\d+)$", r"\1", name)
    edit = replaced(before, place.look(last), name)
    label = "names have letters, digits and `_`"
    return Habit(label, f"write `{name}`", (edit,), instead=(), skip=last + 1)


def touches(place: Place, offset: int) -> bool:
    """Whether the token at an offset and the two behind it have no spaces between them."""
    a, b, c = (place.look(offset + step).span for step in range(3))
    return a.end == b.start and b.end == c.start


def arguments_behind_from(place: Place) -> Habit | None:
    """`conv from x 96, 11x11`."""
    start, end = place.line_start, place.line_end
    at = find_type(place.tokens, start, place.position, "FROM")
    starts_value = place.token.type in ("NUMBER", "SIZE", "STRING", "YES", "NO", "LPAR", "LSQB")
    is_named = place.types(0, 1) == ("NAME", "EQUAL")
    if not at or place.look(-1).type != "NAME" or not (starts_value or is_named):
        return None
    kind = place.tokens[at - 1]
    if kind.type != "NAME":
        return None
    arrow = find_type(place.tokens, place.position, end, "ARROW") or end
    arguments = place.text(place.position, arrow - 1)
    sources = place.text(at, place.position - 1)
    moved = f"{arguments} {sources}"
    edit = replaced(place.tokens[at], place.tokens[arrow - 1], moved)
    return Habit("arguments stand before `from`", "", (edit,))


def layer_behind_from(place: Place) -> Habit | None:
    """`from x conv 96, 11x11`."""
    start = place.line_start
    if place.tokens[start].type != "FROM" or place.token.text not in KINDS:
        return None
    end = place.line_end
    sources, layer = place.text(start, place.position - 1), place.text(place.position, end - 1)
    edit = replaced(place.tokens[start], place.tokens[end - 1], f"{layer} {sources}")
    return Habit("`from` stands behind the layer", "", (edit,))


def sum_of_tensors(place: Place) -> Habit | None:
    """`x + y` as a line."""
    joins = {"PLUS": "add", "STAR": "multiply"}
    join = joins.get(place.token.type)
    if not join or place.look(-1).type != "NAME" or not place.starts_line:
        return None
    if place.look(1).type != "NAME" or place.brace is None:
        return None
    text = f"{join} from {place.look(-1).text}, {place.look(1).text}"
    edit = replaced(place.look(-1), place.look(1), text)
    return Habit("tensors are joined by a layer", "", (edit,))


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
    comment_of_another_language,
    text_alone,
    label_without_colon,
    label_behind_an_equal_sign,
    value_behind_a_label,
    sign_in_a_name,
    arguments_behind_from,
    layer_behind_from,
    sum_of_tensors,
    reserved_word,
)
