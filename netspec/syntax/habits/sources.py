"""Mistakes about what a line reads: where `from` stands, and what behind it."""

from netspec.syntax.foreign.words import JOINS, KINDS
from netspec.syntax.habits.claims import find_type
from netspec.syntax.mistake import Habit, Place, new_token, replaced

SIGNS = ("PLUS", "STAR", "AND")
"""What people put between the tensors that a join reads."""
ONE_TENSOR = "a line reads one tensor, a join several: `add from a, b`"


def comma_before_from(place: Place) -> Habit | None:
    """`fc 10, from b`."""
    comma = place.look(-1)
    if place.token.type != "FROM" or comma.type != "COMMA":
        return None
    return Habit("no comma stands before `from`", "", (replaced(comma, comma, ""),), at=comma)


def brackets_behind_from(place: Place) -> Habit | None:
    """`add from [a, b]`."""
    opening = place.token
    if opening.type not in ("LPAR", "LSQB") or place.look(-1).type != "FROM":
        return None
    end = 1
    while place.look(end).type in ("NAME", "COMMA", "DOT"):
        end += 1
    names = place.tokens[place.position + 1 : place.position + end]
    if not names or place.look(end).type not in ("RPAR", "RSQB"):
        return Habit("names of tensors stand behind `from`", "for example `add from a, b`")
    text = place.text(place.position + 1, place.position + end - 1)
    edit = replaced(opening, place.look(end), text)
    label = "names stand without brackets"
    return Habit(label, "", (edit,), instead=tuple(names), skip=end + 1)


def sign_between_tensors(place: Place) -> Habit | None:
    """`add from a + b`."""
    start, sign = place.line_start, place.token
    at = find_type(place.tokens, start, place.position, "FROM")
    if sign.type not in SIGNS or place.tokens[at].type != "FROM" or place.look(1).type != "NAME":
        return None
    head = start + 2 * (place.tokens[start + 1].type == "COLON")
    kind = place.tokens[head]
    if kind.text in KINDS and kind.text not in JOINS:
        return Habit("no sign stands between tensors", ONE_TENSOR)
    edits = [replaced(place.look(-1), sign, f"{place.look(-1).text},")]
    if head == at == place.position - 2:
        join = "multiply" if sign.type == "STAR" else "add"
        edits.append(replaced(kind, kind, f"{join} from"))
    comma = new_token("COMMA", ",", sign)
    label = "a comma stands between tensors"
    return Habit(label, "", tuple(edits), instead=(comma,), skip=1)


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


SOURCE_HABITS = (
    comma_before_from,
    brackets_behind_from,
    sign_between_tensors,
    arguments_behind_from,
    layer_behind_from,
    sum_of_tensors,
)
