"""Hypothesis strategies for whole files without syntax errors, in any spelling: what the formatter
and the parser have to take. The files mean nothing; most of them have other errors.

A text is made in two steps, a list of words that the grammar allows, and spaces, line ends and
comments between them. `respell` does the second step for words that a file already has.
"""

from collections.abc import Iterable
from functools import cache
from random import Random

from hypothesis import strategies as st

from netspec.source import SourceFile, Span
from netspec.syntax.lexicon import SCANNER
from netspec.syntax.tokens import scan

Words = list[str]
END = "\n"
"""The word that ends a statement, spelled as a line's end or as `;`."""
COMMENTS = ("#", "# why", "#no space", "# netspec: allow NS503", "# a -> b { } \t # c", "#  é 漢")

names = st.sampled_from(["a", "b1", "x", "conv", "relu", "channels", "epochs", "long_name"])
numbers = st.sampled_from(["0", "3", "4_096", "1.2M", "5e-4", "1E+3", "0.5", "35k"])
sizes = st.sampled_from(["3x3", "3x224x224", "0x1"])
strings = st.sampled_from(['""', '"a b"', '"# no comment"', '"é\t{"'])
truths = st.sampled_from(["yes", "no"])
units = st.sampled_from(["epoch", "epochs", "iterations", "images"])
operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "and", "or"])
comparisons = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def join(
    *parts: "str | st.SearchStrategy[str] | st.SearchStrategy[Words]",
) -> st.SearchStrategy[Words]:
    """Words one after the other, from strategies and literal words."""
    strategies = [
        st.just([part]) if isinstance(part, str) else part.map(as_words) for part in parts
    ]
    return st.tuples(*strategies).map(lambda lists: [word for words in lists for word in words])


def as_words(part: str | Words) -> Words:
    return [part] if isinstance(part, str) else part


def maybe(strategy: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    return st.just([]) | strategy


def separated(
    strategy: st.SearchStrategy[Words], separator: str = ",", least: int = 1, most: int = 3
) -> st.SearchStrategy[Words]:
    def put_between(items: list[Words]) -> Words:
        return [word for item in items for word in (separator, *item)][1:]

    return st.lists(strategy, min_size=least, max_size=most).map(put_between)


def many(
    first: st.SearchStrategy[Words], rest: st.SearchStrategy[Words], most: int = 2
) -> st.SearchStrategy[Words]:
    """Something, and up to so many times something else behind it."""

    def flatten(items: list[Words]) -> Words:
        return [word for item in items for word in item]

    return join(first, st.lists(rest, max_size=most).map(flatten))


# values

plain = st.one_of(
    join(numbers), join(sizes), join(strings), join(truths), join(names), join(numbers, units)
)


def extend(values: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    atoms = st.one_of(
        plain,
        join(names, "(", maybe(arguments_of(values)), ")"),
        join("(", values, ")"),
        join("[", separated(values, least=0), "]"),
    )
    postfixes = many(atoms, join("[", values, "]") | join(".", names))
    sizes_of = many(postfixes, join("x", postfixes))
    signed = sizes_of | join("-", sizes_of)
    sums = many(signed, join(operators, signed))
    return st.one_of(
        sums,
        join(signed, comparisons, signed),
        join("not", signed),
        join("if", values, "then", values, "else", values),
    )


def arguments_of(values: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    padded = values | join(values, ":", values)
    return separated(padded | join(names, "=", padded) | join(names, "=", "in"))


expressions = st.recursive(plain, extend, max_leaves=6)
values = expressions | join(expressions, ":", expressions)
arguments = arguments_of(expressions)

# lines

references = join(names) | join(names, ".", names)
sources = join("from", separated(references))
claim = st.one_of(join(sizes), join(numbers), join(names, numbers))
claims = join("->", separated(claim))
label = join(names, ":")
parameters = join("(", separated(join(names) | join(names, "=", expressions), least=0), ")")
row = separated(values)
table = join("{", END, separated(row, END), END, "}") | join("{", separated(row, END, least=0), "}")
default = join(
    "default",
    separated(join(names)),
    "{",
    st.sampled_from([",", END]).flatmap(lambda sign: separated(join(names, "=", values), sign)),
    "}",
)
simple_line = st.one_of(
    join("let", names, "=", values),
    default,
    join("expect", separated(claim)),
    join("output", references),
    join(maybe(label), sources, maybe(claims)),
    join(maybe(label), names, maybe(arguments), maybe(sources), maybe(claims)),
)


def nest(lines: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    body = body_of(lines)
    condition = join("if", expressions, body)
    return st.one_of(
        many(condition, join("else", condition), most=1),
        join(condition, "else", body),
        join("repeat", expressions, maybe(join("as", names)), body),
        join("for", separated(join(names)), "in", expressions | table, body),
        join(maybe(label), "branch", body, maybe(claims)),
        join(maybe(label), names, maybe(arguments), maybe(sources), body, maybe(claims)),
    )


def body_of(lines: st.SearchStrategy[Words]) -> st.SearchStrategy[Words]:
    inside = separated(lines, END, least=0, most=4)
    return join("{", inside, "}") | join("{", END, inside, END, "}")


lines = st.recursive(simple_line, nest, max_leaves=6)
body = body_of(lines)
item = st.one_of(
    join("use", strings),
    join("net", names, maybe(parameters), body),
    join("net", names, "=", names, "(", maybe(arguments), ")", maybe(body)),
    join("block", names, maybe(parameters), maybe(sources), body),
    join(st.sampled_from(["train", "test"]), maybe(join(names)), maybe(parameters), body),
)
words = separated(item, END, least=0, most=3)

# spelling


@cache
def may_touch(before: str, after: str) -> bool:
    """Whether two words are still two where no space is between them."""
    return [match.group() for match in SCANNER.finditer(before + after)] == [before, after]


def spell_gap(before: str, after: str, random: Random) -> str:
    """Some spaces between two words of a line; `before` is empty at its beginning."""
    gap = random.choice(["", "", " ", " ", "  ", "      ", "\t"])
    return gap if gap or not before or may_touch(before, after) else " "


def spell_indent(random: Random) -> str:
    return random.choice(["", "  ", "    ", "         ", " " * random.randrange(20), "\t", "\t  "])


def spell_end(random: Random) -> str:
    """The end of a line: spaces and a comment before it, blank lines and indentation after."""
    text = random.choice(["", "", " ", "   ", "\t"])
    text += f"{random.choice(['', '', '', *COMMENTS])}\n"
    while random.random() < 0.2:
        text += f"{spell_indent(random)}{random.choice(['', COMMENTS[1]])}\n"
    return text + spell_indent(random)


def spell(words: Iterable[str], random: Random) -> str:
    """A text with these words; a line may also end after a comma and in brackets."""
    text, before, depth = "", "", 0
    for word in words:
        if word == END:
            text += random.choice([";", *[spell_end(random)] * 4])
            before = ""
            continue
        may_end = depth or before == ","
        is_ended = may_end and random.random() < 0.15
        text += (spell_end(random) if is_ended else spell_gap(before, word, random)) + word
        depth += (word in ("(", "[")) - (word in (")", "]"))
        before = word
    return text + random.choice(["", "\n", "\n\n", " # end", "\n  # end\n"])


@st.composite
def legal_files(draw: st.DrawFn) -> str:
    """The text of a file without syntax errors."""
    text = spell(draw(words), Random(draw(st.integers(0, 2**32))))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def respell(text: str, random: Random) -> str:
    """A file's text with its words, comments and line ends, but other spaces between them, and a
    line end more where it ends nothing."""
    result, end, before = "", 0, ""
    for span in list_spans(text):
        gap = text[end : span.start]
        if "\n" in gap:
            result += "\n".join(random.choice(["", "  "]) for _ in gap.split("\n"))
            result += spell_indent(random)
        elif before == "," and not span.text.startswith("#") and random.random() < 0.02:
            result += f"\n{spell_indent(random)}"
        else:
            result += spell_gap(before, span.text, random)
        result += span.text
        end, before = span.end, span.text
    return result + text[end:]


def list_spans(text: str) -> list[Span]:
    """Where the words and comments of a text stand."""
    found = scan(SourceFile("", text))
    spans = [token.span for token in found.tokens if token.span.text.strip()]
    return sorted(spans + found.comments, key=lambda span: span.start)
