"""Syntax errors in the reader's words: what stands there, what could have stood there, and, for
what people bring from elsewhere, the line as it should be.

Lines of other systems are recognised in `foreign/`, single mistakes in `habits/`. Imported only for
a file that has a mistake.
"""

from netspec.diagnostics import Diagnostic, Label
from netspec.syntax.foreign.lines import recognise_foreign
from netspec.syntax.habits import recognise_habit
from netspec.syntax.habits.values import VALUE_STARTS
from netspec.syntax.mistake import Mistake, Place
from netspec.syntax.terminals import Token

LINE_STARTS = frozenset(
    {"LET", "REPEAT", "FOR", "DEFAULT", "EXPECT", "OUTPUT", "FROM", "BRANCH", "NAME"}
)
FILE_STARTS = frozenset({"USE", "NET", "BLOCK", "TRAIN", "TEST"})
OPERATORS = frozenset(
    {
        "PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "POWER", "COMPARE", "AND", "OR",
        "BY",
    }
)  # fmt: skip
FORMS = {
    "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`",
    "COMMA": "a comma", "COLON": "`:`", "EQUAL": "`=`", "ARROW": "a claim (`->`)",
    "SEP": "the end of the line", "$END": "the end of the file", "UNIT": "a unit", "SIZE": "a size",
    "NAME": "a name", "NUMBER": "a number", "STRING": "text in quotes", "FROM": "`from`",
}  # fmt: skip


def explain_mistake(place: Place) -> Mistake:
    """The error for the token that the grammar does not have at its place, and what to do next."""
    foreign = recognise_foreign(place)
    if foreign:
        return foreign
    habit = recognise_habit(place)
    headline = f"unexpected {name_token(place.token)}"
    if habit is None:
        wanted = list_expected(place.expected)
        label = Label(place.token.span, f"expected {wanted}" if wanted else "")
        return Mistake(Diagnostic("NS004", headline, label))
    token = habit.at or place.token
    if habit.at:
        headline = f"unexpected {name_token(habit.at)}"
    helps = (habit.help,) if habit.help else ()
    label = Label(token.span, habit.label)
    return Mistake(
        Diagnostic("NS004", habit.headline or headline, label, help=helps),
        habit.edits,
        habit.instead,
        habit.skip,
        habit.is_new_line,
        habit.indented_until,
        habit.resume,
    )


def name_token(token: Token) -> str:
    if token.type == "$END":
        return "end of the file"
    if token.type == "SEP":
        return "`;`" if token.text == ";" else "end of the line"
    if token.type == "STRING":
        return f'"{shorten(token.text)}"'
    return f"`{shorten(token.text)}`"


def shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def list_expected(expected: frozenset[str]) -> str:
    """What could follow, as a reader would say it; groups that have a name of their own first."""
    rest = set(expected)
    names: list[str] = []
    for group, name in (
        (LINE_STARTS, "a line of the net"),
        (FILE_STARTS, "a net, a block, `use`, `train` or `test`"),
        (VALUE_STARTS, "a value"),
    ):
        if group <= rest:
            names.append(name)
            rest -= group | {"IF"}
    rest -= OPERATORS | {"DOT", "IN"}
    names += [FORMS.get(kind, f"`{kind.lower()}`") for kind in sorted(rest)]
    if len(names) > 5:
        return names[0] if names[0].startswith("a ") else ""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
