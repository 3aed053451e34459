"""Mistakes about values and what stands between them: commas, equal signs, sizes, numbers."""

from difflib import get_close_matches

from netspec.syntax.foreign.words import KINDS
from netspec.syntax.lexicon import UNIT_WORDS
from netspec.syntax.mistake import Habit, Place, between, new_token, replaced

VALUE_STARTS = frozenset(
    {"NUMBER", "SIZE", "STRING", "NAME", "YES", "NO", "LPAR", "LSQB", "MINUS", "NOT", "IF"}
)
UNITS = {
    "iter": "iterations", "iters": "iterations", "it": "iterations", "updates": "iterations",
    "passes": "epochs", "ep": "epochs", "samples": "images", "examples": "images",
}  # fmt: skip
"""Other words for a unit."""
ARGUMENTS = ("pad", "scale")
"""Layer kinds that are arguments too, which is what is meant within a line."""


def size_in_brackets(place: Place) -> Habit | None:
    """`(11, 11)` for 11x11."""
    from netspec.syntax.habits.claims import read_numbers

    if place.token.type != "COMMA" or place.types(-2, -1) != ("LPAR", "NUMBER"):
        return None
    rest, skip = read_numbers(place, 1)
    if not rest or not place.look(-1).text.isdigit():
        return None
    size = "x".join([place.look(-1).text, *rest])
    edit = replaced(place.look(-2), place.look(skip - 1), size)
    closer = new_token("RPAR", ")", place.token)
    label = "a size stands without brackets"
    return Habit(label, f"write `{size}`", (edit,), (closer,), skip, at=place.look(-2))


def number_without_its_zero(place: Place) -> Habit | None:
    """`.5`."""
    dot, digits = place.token, place.look(1)
    if dot.type != "DOT" or digits.type != "NUMBER" or "NUMBER" not in place.expected:
        return None
    if dot.span.end != digits.span.start or not digits.text.isdigit():
        return None
    instead = (new_token("NUMBER", f"0.{digits.text}", dot),)
    edit = replaced(dot, digits, f"0.{digits.text}")
    return Habit("a number begins with a digit", "", (edit,), instead=instead, skip=2)


def plus_as_a_sign(place: Place) -> Habit | None:
    """`+5`."""
    if place.token.type != "PLUS" or "NUMBER" not in place.expected or "PLUS" in place.expected:
        return None
    edit = replaced(place.token, place.token, "")
    return Habit("a number has no plus", "leave it out", (edit,), instead=(), skip=1)


def per_cent(place: Place) -> Habit | None:
    """`dropout 50%`."""
    number, sign = place.look(-2), place.look(-1)
    if (number.type, sign.type) != ("NUMBER", "PERCENT") or "NUMBER" not in place.expected:
        return None
    if place.token.type not in ("SEP", "COMMA", "RPAR", "RBRACE", "$END"):
        return None
    try:
        share = f"{float(number.text.replace('_', '')) / 100:g}"
    except ValueError:
        return None
    edit = replaced(number, sign, share)
    hundred = (new_token("NUMBER", "100", sign),)
    return Habit("`%` is the rest of a division", f"write `{share}`", (edit,), hundred, at=sign)


def comparison_with_one_sign(place: Place) -> Habit | None:
    """`if a = b`."""
    if place.token.type != "EQUAL" or "COMPARE" not in place.expected:
        return None
    edit = replaced(place.token, place.token, "==")
    instead = (new_token("COMPARE", "==", place.token),)
    label = "gives a value, compares nothing"
    return Habit(label, "write `==` to compare", (edit,), instead=instead, skip=1)


def choice_as_in_python(place: Place) -> Habit | None:
    """`a if c else b`."""
    if place.token.type != "IF" or place.look(-1).type not in VALUE_STARTS:
        return None
    return Habit("a condition stands first", "a choice is written `if c then a else b`")


def unknown_unit(place: Place) -> Habit | None:
    """`90 epoks`, `100 iters`."""
    token = place.token
    if place.look(-1).type != "NUMBER" or token.type != "NAME" or "UNIT" not in place.expected:
        return None
    near = get_close_matches(token.text[:40].lower(), UNIT_WORDS, n=1, cutoff=0.7)
    meant = UNITS.get(token.text.lower()) or (near[0] if near else None)
    if meant is None:
        return None
    edit = replaced(token, token, meant)
    instead = (new_token("UNIT", meant, token),)
    return Habit("no unit", f"did you mean `{meant}`?", (edit,), instead=instead, skip=1)


def value_without_equal_sign(place: Place) -> Habit | None:
    """`stride 4`."""
    name, token = place.look(-1), place.token
    if name.type != "NAME" or token.type not in VALUE_STARTS or "EQUAL" not in place.expected:
        return None
    if place.starts_line:
        return None
    edit = between(name, token, "=")
    instead = (new_token("EQUAL", "=", token),)
    help = f"write `{name.text}={token.text}`"
    return Habit("a value without its `=`", help, (edit,), instead=instead)


def second_layer_on_the_line(place: Place) -> Habit | None:
    """`conv 96, 11x11 relu`."""
    token = place.token
    if (
        token.text not in KINDS
        or token.text in ARGUMENTS
        or place.look(1).type in ("EQUAL", "COMMA", "RPAR", "RSQB")
    ):
        return None
    if "SEP" not in place.expected or place.brace is None:
        return None
    edit = between(place.look(-1), token, "; ")
    instead = (new_token("SEP", ";", token),)
    label = "a second layer begins here"
    return Habit(label, "put `;` or a newline before it", (edit,), instead=instead)


def missing_comma(place: Place) -> Habit | None:
    """`conv 96 11x11`."""
    if place.token.type not in VALUE_STARTS or "COMMA" not in place.expected:
        return None
    edit = between(place.look(-1), place.token, ", ")
    instead = (new_token("COMMA", ",", place.token),)
    label = "a comma is missing before it"
    return Habit(label, f"write `, {place.token.text}`", (edit,), instead=instead)


def two_equal_signs(place: Place) -> Habit | None:
    """`stride= =4`, `stride=:4`."""
    if place.token.type not in ("EQUAL", "COMPARE", "COLON") or place.look(-1).type != "EQUAL":
        return None
    edit = between(place.look(-2), place.look(1), "=")
    return Habit("one `=` is enough", "", (edit,), instead=(), skip=1)


VALUE_HABITS = (
    size_in_brackets,
    number_without_its_zero,
    plus_as_a_sign,
    per_cent,
    comparison_with_one_sign,
    choice_as_in_python,
    unknown_unit,
    second_layer_on_the_line,
    value_without_equal_sign,
    missing_comma,
    two_equal_signs,
)
