"""Syntax errors in the reader's words: what stands there, what could have stood there, and, for the
mistakes that people make most, the line as it should be.
"""

from collections.abc import Sequence
from typing import NamedTuple

from netspec.diagnostics import Diagnostic, Label
from netspec.syntax.tokens import KEYWORDS, UNIT_WORDS, Token

VALUE_STARTS = frozenset(
    {"NUMBER", "SIZE", "STRING", "NAME", "YES", "NO", "LPAR", "LSQB", "MINUS", "NOT", "IF"}
)
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


class Habit(NamedTuple):
    """A recognised mistake: what is wrong at the token, and what to write."""

    label: str
    help: str


def describe_unexpected(
    tokens: Sequence[Token], position: int, expected: frozenset[str]
) -> Diagnostic:
    """The error for the token at `position`, where the grammar could go on with `expected`."""
    token = tokens[position]
    before = tokens[position - 1] if position else token
    if before.type == "COMMA" and is_on_later_line(token, before):
        helps = ("what follows is read as part of the same line: leave the comma out",)
        label = Label(before.span, "nothing follows it")
        return Diagnostic("NS004", "a line ends in a comma", label, help=helps)
    headline = f"unexpected {name_token(token)}"
    habit = recognise_habit(tokens, position, expected)
    if habit:
        return Diagnostic("NS004", headline, Label(token.span, habit.label), help=(habit.help,))
    wanted = list_expected(expected)
    return Diagnostic("NS004", headline, Label(token.span, f"expected {wanted}" if wanted else ""))


def is_on_later_line(token: Token, before: Token) -> bool:
    """Whether a newline, or the end of the file, stands between two tokens."""
    between = before.span.source.text[before.span.end : token.span.start]
    return token.type == "$END" or "\n" in between


def name_token(token: Token) -> str:
    if token.type == "$END":
        return "end of the file"
    if token.type == "SEP":
        return "`;`" if token.text == ";" else "end of the line"
    if token.type == "STRING":
        return f'"{token.text}"'
    return f"`{token.text}`"


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
    rest -= OPERATORS | {"DOT"}
    names += [FORMS.get(kind, f"`{kind.lower()}`") for kind in sorted(rest)]
    if len(names) > 5:
        return ""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def recognise_habit(
    tokens: Sequence[Token], position: int, expected: frozenset[str]
) -> Habit | None:
    """The mistakes that people bring from elsewhere, told by the tokens around them."""
    token = tokens[position]
    before = tokens[position - 1] if position else None
    after = tokens[position + 1] if position + 1 < len(tokens) else None
    if token.type == "LBRACE" and before and before.type == "SEP":
        return Habit("on a line of its own", "`{` stands at the end of the line it belongs to")
    if token.type == "ELSE":
        return Habit("`else` begins a line", "`else` stands on the line of the `}` before it")
    if token.type == "EQUAL" and after and after.type == "COMPARE":
        return Habit("no arrow of this language", "a claim is written `-> 96x55x55`")
    if token.type == "EQUAL" and "COMPARE" in expected:
        return Habit("gives a value, compares nothing", "write `==` to compare")
    if token.text in KEYWORDS and expected & {"NAME"} and token.type not in expected:
        return Habit("a reserved word", f"choose another name than `{token.text}`")
    if before and before.type == "RBRACE" and token.type in LINE_STARTS | {"IF"}:
        return Habit("a second line begins here", "put `;` or a newline before it")
    if before and before.type == "NUMBER" and token.type == "NAME" and "UNIT" in expected:
        from difflib import get_close_matches  # only a file with this mistake needs it

        near = get_close_matches(token.text, UNIT_WORDS, n=1, cutoff=0.7)
        if near:
            return Habit("no unit", f"did you mean `{near[0]}`?")
    if before and before.type == "NAME" and token.type in VALUE_STARTS and "EQUAL" in expected:
        return Habit("a value without its `=`", f"write `{before.text}={token.text}`")
    if token.type in VALUE_STARTS and "COMMA" in expected:
        return Habit("a comma is missing before it", f"write `, {token.text}`")
    return None
