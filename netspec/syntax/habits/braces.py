"""Mistakes about braces and what stands before them: where they stand, what stands in their place,
and how a net or block is named.
"""

from netspec.syntax.foreign.words import KINDS
from netspec.syntax.mistake import (
    Habit,
    Place,
    between,
    find_line_end,
    new_token,
    put_after,
    put_before,
    replaced,
)
from netspec.syntax.repairs import line_of
from netspec.syntax.terminals import FILE_LEVEL, Token

WORDS_FOR = {
    "block": ("def", "define", "function", "func", "fn", "module", "layer", "macro", "class"),
    "net": ("network", "model", "graph", "architecture", "netspec"),
    "use": ("import", "include", "require", "load"),
    "train": ("training", "solver", "optimizer", "recipe"),
    "test": ("testing", "validation", "val", "eval"),
}
"""Words of other languages that begin what stands outside all braces, by ours."""


def brace_on_its_own_line(place: Place) -> Habit | None:
    """`net tiny` and `{` on the line below."""
    if place.token.type != "SEP" or "LBRACE" not in place.expected:
        return None
    skip = count_line_ends(place)
    brace = place.look(skip)
    if brace.type != "LBRACE":
        return None
    label = "on a line of its own"
    help = "`{` stands at the end of the line it belongs to"
    return Habit(label, help, at=brace, instead=(), skip=skip, headline="unexpected `{`")


def lines_that_are_only_indented(place: Place) -> Habit | None:
    """Indented lines behind `repeat 3` or `repeat 3:`, and no braces."""
    colon = place.token.type == "COLON"
    if "LBRACE" not in place.expected or "COLON" in place.expected:
        return None
    if not colon and (place.token.type != "SEP" or "SEP" in place.expected):
        return None
    following = place.position + colon
    end = find_indented_end(place, following)
    if place.tokens[following].type == "SEP" and not end:
        return None
    at, edits = place.token, [replaced(place.token, place.token, " {")]
    if not colon:
        at, edits = place.look(-1), [put_after(place.look(-1), " {")]
    if place.tokens[following].type != "SEP":
        end = find_line_end(place.tokens, following)
        edits.append(put_after(place.tokens[end - 1], " }"))
    return Habit(
        "braces hold the lines that belong to it" if colon else "belongs behind it",
        "write `{` here and `}` below its lines",
        tuple(edits),
        instead=(new_token("LBRACE", "{", at),),
        skip=int(colon),
        at=at,
        headline="" if colon else "a `{` is missing",
        indented_until=end,
    )


def colon_behind_a_join(place: Place) -> Habit | None:
    """`concat:` is read as a label."""
    if place.token.type != "SEP" or place.types(-2, -1) != ("NAME", "COLON"):
        return None
    colon, end = place.look(-1), find_indented_end(place, place.position)
    if not end or place.line_start != place.position - 2:
        return None
    label = "braces hold the lines that belong to it"
    return Habit(label, "", (replaced(colon, colon, " {"),), at=colon)


def count_line_ends(place: Place) -> int:
    """How many line ends stand here, one behind the other."""
    count = 0
    while place.look(count).type == "SEP":
        count += 1
    return count


def find_indented_end(place: Place, position: int) -> int:
    """Where the lines end that are indented deeper than the statement at hand, as the index of the
    first token behind them; 0 where the next line is not indented at all."""
    own = indentation(place.tokens[place.line_start])
    index, depth = position, 0
    found = False
    while place.tokens[index].type == "SEP":
        index += 1
    while (token := place.tokens[index]).type != "$END":
        starts_line = place.tokens[index - 1].is_newline
        if depth == 0 and (token.type == "RBRACE" or (starts_line and indentation(token) <= own)):
            break
        found = True
        depth += (token.type == "LBRACE") - (token.type == "RBRACE")
        index += 1
    return index if found else 0


def indentation(token: Token) -> int:
    """The blanks at the start of a token's line."""
    source = token.span.source
    text = source.line_text(line_of(token.span))[:200]
    return len(text) - len(text.lstrip())


def else_on_its_own_line(place: Place) -> Habit | None:
    if place.token.type != "ELSE" or place.look(-1).type != "SEP":
        return None
    return Habit("`else` begins a line", "`else` stands on the line of the `}` before it")


def else_if_in_one_word(place: Place) -> Habit | None:
    """`elif` and its like."""
    if place.token.text not in ("elif", "elsif", "elseif") or "ELSE" not in place.expected:
        return None
    both = new_token("ELSE", "else", place.token), new_token("IF", "if", place.token)
    edit = replaced(place.token, place.token, "else if")
    return Habit("two words", "write `else if`", (edit,), instead=both, skip=1)


def second_line_behind_a_brace(place: Place) -> Habit | None:
    if place.look(-1).type != "RBRACE" or place.token.type not in (
        "NAME", "LET", "REPEAT", "FOR", "DEFAULT", "EXPECT", "OUTPUT", "FROM", "BRANCH", "IF",
    ):  # fmt: skip
        return None
    separator = new_token("SEP", ";", place.token)
    edit = put_after(place.look(-1), ";")
    label = "a second line begins here"
    return Habit(label, "put `;` or a newline before it", (edit,), instead=(separator,))


def word_before_a_brace(place: Place) -> Habit | None:
    """`if c then {`, `repeat 3 times {`, `for x in list do {`."""
    if place.token.text not in ("then", "times", "do") or "LBRACE" not in place.expected:
        return None
    if place.look(1).type not in ("LBRACE", "AS"):
        return None
    edit = between(place.look(-1), place.look(1), " ")
    label = "no word stands before the brace"
    return Habit(label, f"leave `{place.token.text}` out", (edit,), instead=(), skip=1)


def index_without_as(place: Place) -> Habit | None:
    """`repeat 3 i {`."""
    if place.types(0, 1) != ("NAME", "LBRACE") or "AS" not in place.expected:
        return None
    edit = put_before(place.token, "as ")
    instead = (new_token("AS", "as", place.token),)
    return Habit("`as` names the count of a loop", "", (edit,), instead=instead)


def nameless(place: Place) -> Habit | None:
    """`net {`."""
    word = place.look(-1)
    if place.token.type not in ("LBRACE", "LPAR") or word.type not in ("NET", "BLOCK"):
        return None
    help = f"write `{word.text} NAME {{`"
    instead = (new_token("NAME", f"unnamed{word.span.start}", place.token),)
    return Habit(f"a {word.text} has a name", help, instead=instead)


def name_in_quotes(place: Place) -> Habit | None:
    """`net "tiny" {`."""
    token = place.token
    if token.type != "STRING" or place.look(-1).type not in ("NET", "BLOCK", "TRAIN", "TEST"):
        return None
    name = "".join(char if char.isalnum() else "_" for char in token.text) or "name"
    edit = replaced(token, token, name)
    instead = (new_token("NAME", name, token),)
    return Habit("a name stands without quotes", "", (edit,), instead=instead, skip=1)


def name_behind_an_equal_sign(place: Place) -> Habit | None:
    """`net = tiny {`, `block = pair(width) {`."""
    if place.types(-1, 1) not in (("NET", "EQUAL", "NAME"), ("BLOCK", "EQUAL", "NAME")):
        return None
    edit = between(place.look(-1), place.look(1), " ")
    return Habit("its name follows at once", "", (edit,), instead=(), skip=1)


def default_behind_a_colon(place: Place) -> Habit | None:
    """`net tiny(width: 8) {`."""
    if place.types(-1, 0) != ("NAME", "COLON") or not {"EQUAL", "RPAR"} <= place.expected:
        return None
    if "LPAR" in place.expected or "NUMBER" in place.expected:
        return None
    edit = between(place.look(-1), place.look(1), "=")
    instead = (new_token("EQUAL", "=", place.token),)
    return Habit("a default is given with `=`", "", (edit,), instead=instead, skip=1)


def other_word_for_an_item(place: Place) -> Habit | None:
    """`network tiny {`, `import "x.net"`, `Net tiny {`."""
    token, after = place.token, place.look(1)
    if place.brace is not None or token.type != "NAME":
        return None
    for word, others in WORDS_FOR.items():
        if token.text.lower() not in (word, *others):
            continue
        fits = {
            "use": after.type == "STRING",
            "train": after.type in ("LBRACE", "NAME"),
            "test": after.type in ("LBRACE", "NAME"),
        }.get(word, after.type in ("NAME", "LBRACE"))
        if fits:
            instead = (new_token(word.upper(), word, token),)
            edit = replaced(token, token, word)
            return Habit(f"the word is `{word}`", "", (edit,), instead=instead, skip=1)
    return None


def file_without_quotes(place: Place) -> Habit | None:
    """`use blocks/pair.net`."""
    if place.look(-1).type != "USE" or place.token.type == "STRING":
        return None
    end = place.line_end
    if end == place.position:
        return Habit("a file's name in quotes belongs here", 'write `use "blocks.net"`')
    edit = replaced(place.token, place.tokens[end - 1], f'"{place.text(place.position, end - 1)}"')
    return Habit("the file's name stands in quotes", "", (edit,))


def lines_outside_a_net(place: Place) -> Habit | None:
    """Layers that stand in no braces."""
    if place.brace is not None or place.token.text not in KINDS or not place.expected >= FILE_LEVEL:
        return None
    index = place.position
    while place.tokens[index].type != "$END":
        if place.tokens[index].type in FILE_LEVEL and place.tokens[index - 1].is_newline:
            index -= 1
            break
        index += 1
    label = "layers stand in the braces of a net"
    return Habit(label, "put `net NAME {` above them and `}` below", resume=index)


BRACE_HABITS = (
    lines_outside_a_net,
    brace_on_its_own_line,
    lines_that_are_only_indented,
    colon_behind_a_join,
    else_on_its_own_line,
    else_if_in_one_word,
    second_line_behind_a_brace,
    word_before_a_brace,
    index_without_as,
    nameless,
    name_in_quotes,
    name_behind_an_equal_sign,
    default_behind_a_colon,
    other_word_for_an_item,
    file_without_quotes,
)
