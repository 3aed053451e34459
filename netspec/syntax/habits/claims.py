"""Mistakes about claims: the arrow, what is claimed, and in which order."""

from netspec.syntax.foreign.words import KINDS
from netspec.syntax.mistake import Habit, Place, between, new_token, put_before, replaced
from netspec.syntax.terminals import Token

COUNTS = ("params", "macs", "parameters", "flops", "param", "weights")


def other_arrow(place: Place) -> Habit | None:
    """`=>`, `-->` and `>` for `->`."""
    token, after = place.token, place.look(1)
    if token.type == "ARROW" and place.look(-1).text in ("-", "="):
        edit = replaced(place.look(-1), token, "->")
        return Habit("no arrow of this language", "", (edit,), at=place.look(-1))
    if "ARROW" not in place.expected:
        return None
    skip = 0
    if token.text in ("=", "-", ">", "==") and after.text in (">", "->", ">="):
        skip = 2
    elif token.text == ">":
        skip = 1
    if not skip:
        return None
    target = place.look(skip)
    if target.type == "NAME" and target.text in KINDS:
        instead = (new_token("SEP", ";", token),)
        edit = between(place.look(-1), target, "; ")
        return Habit("layers on one line are separated by `;`", "", (edit,), instead, skip)
    arrow = (new_token("ARROW", "->", token),)
    edit = replaced(token, place.look(skip - 1), "->")
    help = "a claim is written `-> 96x55x55`"
    return Habit("no arrow of this language", help, (edit,), arrow, skip)


def layer_behind_an_arrow(place: Place) -> Habit | None:
    """`conv 96, 11x11 -> relu`."""
    arrow, word = place.look(-2), place.look(-1)
    if arrow.type != "ARROW" or word.type != "NAME" or word.text in COUNTS[:2]:
        return None
    if place.token.type == "NUMBER" and word.text not in KINDS:
        return None
    edit = between(place.look(-3), word, "; ")
    help = "a claim speaks of a shape, of `params` or `macs`"
    if word.text not in KINDS:
        return Habit(help, "for example `-> 96x55x55, params 35k`", at=word)
    return Habit("layers on one line are separated by `;`", help, (edit,), at=arrow)


def sign_in_a_claim(place: Place) -> Habit | None:
    """`expect params: 61M`, `-> params = 35k`."""
    if place.token.type not in ("COLON", "EQUAL", "COMPARE") or place.expected != {"NUMBER"}:
        return None
    edit = between(place.look(-1), place.look(1), " ")
    return Habit("nothing stands between the two", "", (edit,), instead=(), skip=1)


def number_before_its_word(place: Place) -> Habit | None:
    """`-> 35k params`, `expect 61M params`."""
    number, word = place.look(-1), place.token
    if number.type != "NUMBER" or word.text not in COUNTS or not is_in_claims(place):
        return None
    name = "macs" if word.text == "flops" else "params" if word.text != "macs" else "macs"
    edit = replaced(number, word, f"{name} {number.text}")
    return Habit(f"`{name}` stands before its number", "", (edit,), instead=(), skip=1, at=number)


def shape_in_brackets(place: Place) -> Habit | None:
    """`-> (96, 55, 55)`."""
    if place.token.type not in ("LPAR", "LSQB") or not {"SIZE", "NUMBER"} <= place.expected:
        return None
    if place.token.type in place.expected:
        return None
    numbers, skip = read_numbers(place, 1)
    if not numbers:
        return None
    size = "x".join(numbers[-3:])
    token = new_token("SIZE" if len(numbers) > 1 else "NUMBER", size, place.token)
    edit = replaced(place.token, place.look(skip - 1), size)
    return Habit("a shape stands without brackets", "", (edit,), instead=(token,), skip=skip)


def read_numbers(place: Place, offset: int) -> tuple[list[str], int]:
    """The plain numbers with commas between them from an offset up to a bracket, and the offset
    behind that; none where anything else stands there."""
    numbers: list[str] = []
    while place.look(offset).type == "NUMBER" and place.look(offset).text.isdigit():
        numbers.append(place.look(offset).text)
        offset += 1
        if place.look(offset).type == "COMMA":
            offset += 1
    if place.look(offset).type not in ("RPAR", "RSQB"):
        return [], 0
    return numbers, offset + 1


def sources_behind_claims(place: Place) -> Habit | None:
    """`relu -> 8x6x6 from x`."""
    start = place.line_start
    arrow = find_type(place.tokens, start, place.position, "ARROW")
    if place.token.type != "FROM" or not arrow:
        return None
    end = place.line_end
    claims = place.text(arrow, place.position - 1)
    sources = place.text(place.position, end - 1)
    edit = replaced(place.tokens[arrow], place.tokens[end - 1], f"{sources} {claims}")
    return Habit("claims stand last", "", (edit,))


def claim_without_arrow(place: Place) -> Habit | None:
    """`conv 8, 3x3 params 224`."""
    if place.token.text not in COUNTS or place.look(1).type != "NUMBER":
        return None
    if "ARROW" not in place.expected or place.token.type in place.expected:
        return None
    edit = put_before(place.token, "-> ")
    instead = (new_token("ARROW", "->", place.token),)
    return Habit("a claim begins with an arrow", "", (edit,), instead=instead)


def claim_without_a_layer(place: Place) -> Habit | None:
    """`repeat 3 { … } -> 8x28x28`, and `-> 8x28x28` on a line of its own."""
    arrow, before = place.token, place.look(-1)
    if arrow.type != "ARROW" or place.section in ("train", "test", "data"):
        return None
    if place.brace is None:
        claimed = place.text(place.position, place.line_end - 1)[2:].strip()
        help = f"its last line is `expect {claimed}`" if 0 < len(claimed) <= 40 else ""
        return Habit("what a whole net has is claimed in its braces", help)
    if before.type == "SEP":
        return Habit("a claim stands behind its layer", "put it at the end of the layer's line")
    if before.type != "RBRACE" or "SEP" not in place.expected:
        return None
    edit = between(before, arrow, "; identity ")
    instead = new_token("SEP", ";", arrow), new_token("NAME", "identity", arrow)
    return Habit("a claim stands behind a layer, a call or a join", "", (edit,), instead)


def is_in_claims(place: Place) -> bool:
    """Whether the statement at hand has an arrow or `expect` before the place."""
    start = place.line_start
    if place.tokens[start].type == "EXPECT":
        return True
    return find_type(place.tokens, start, place.position, "ARROW") > 0


def find_type(tokens: list[Token], start: int, end: int, type: str) -> int:
    """The first token of a type in a range, as an index; 0 where there is none."""
    return next((index for index in range(start, end) if tokens[index].type == type), 0)


CLAIM_HABITS = (
    other_arrow,
    layer_behind_an_arrow,
    sign_in_a_claim,
    number_before_its_word,
    shape_in_brackets,
    sources_behind_claims,
    claim_without_arrow,
    claim_without_a_layer,
)
