"""Texts made wrong: what a slip of the hand, a bad merge or a broken disk does to a file."""

import re
from collections.abc import Callable, Sequence
from random import Random

from netspec.syntax.lexicon import KEYWORDS
from tests.syntax.legal_files import list_spans, respell

ODD = (
    "×", "→", "“", "”", "'", "`", "\0", "\x07", "\x1b[31m", "\ufeff", "\u00a0", "\u200b", "\u202e",  # noqa: RUF001
    "é", "漢字", "ｃｏｎｖ", "с", "²", "😀", "\r", "\t", "\v", "\f",  # noqa: RUF001
    "\x85", "\u2028", "_", "\\", "$",
    "&&", "||", "!", "//", "/*", "*/", "--", "=>", "==", "=", "->", "::", "...", ";", "#", '"',
    "{", "}", "(", ")", "[", "]", ",", ".", ":", "x", "-", "+", "%", "**",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "1", "3.5", "1e400", "1e-400", "9" * 30, "1" * 500, "0x0", "3x3x3x3x3", "0x7f", "1_",
    "2 ** 1024", "1 / 0", "0.1", "1k", "1K", "999999x999999", "1e9", "00", "5.",
)  # fmt: skip
FOREIGN = (
    'layer { name: "conv1" type: "Convolution" convolution_param { num_output: 96 } }',
    "[convolutional]\nfilters=96\nsize=3\n", "nn.Conv2d(3, 96, 11, stride=4)", "x = F.relu(x)",
    "model.add(Conv2D(96, (11, 11), strides=4, activation='relu'))", "import torch.nn as nn",
    "def forward(self, x):\n    return x", "conv1 = L.Convolution(data, num_output=3)",
    "if x:\n    relu\nelse:\n    tanh", "for i in range(3):", "repeat 3:\n  relu", "// why",
    "let x",
    "train { batch = 128; lr: 0.1 }", "conv 96, 11x11 relu -> 3", "from x conv 3, 3x3",
)  # fmt: skip
WORDS = (*sorted(KEYWORDS), "conv", "relu", "add", "concat", "input", "gpus", "head", "again", "x")
LONGEST = 20_000
"""A text grows no longer than this."""

Mutation = Callable[[str, str, Random], str]


def mutate(text: str, other: str, random: Random) -> str:
    """The text with a few things wrong; `other` is one to take parts from."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        text = random.choice(MUTATIONS)(text, other, random)[:LONGEST]
    return text


def split_words(text: str) -> list[str]:
    """Words, signs and the gaps between them."""
    return re.findall(r"\w+|\s+|.", text)


def change_word(text: str, other: str, random: Random) -> str:
    """Delete, repeat, swap or replace one word or sign."""
    words = split_words(text)
    if not words:
        return random.choice(ODD)
    place, second = random.randrange(len(words)), random.randrange(len(words))
    match random.randrange(6):
        case 0:
            del words[place]
        case 1:
            words.insert(place, words[place])
        case 2:
            words[place], words[second] = words[second], words[place]
        case 3:
            words[place] = random.choice(words)
        case 4:
            words[place] = random.choice(WORDS)
        case _:
            words.insert(place, f" {random.choice(WORDS)} ")
    return "".join(words)


def change_line(text: str, other: str, random: Random) -> str:
    """Delete, repeat, move or cut one line, or indent it otherwise."""
    lines = text.splitlines(keepends=True)
    if not lines:
        return other
    place, second = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[place])
        case 2:
            lines[place], lines[second] = lines[second], lines[place]
        case 3:
            lines[place] = lines[place][: random.randrange(len(lines[place]) + 1)]
        case 4:
            lines[place] = " " * random.randrange(12) + lines[place].lstrip()
        case _:
            lines[place] = lines[place].rstrip("\n")
    return "".join(lines)


def change_number(text: str, other: str, random: Random) -> str:
    numbers = list(re.finditer(r"\d[\w.]*", text))
    if not numbers:
        return text + random.choice(NUMBERS)
    number = random.choice(numbers)
    return text[: number.start()] + random.choice(NUMBERS) + text[number.end() :]


def insert(strings: Sequence[str]) -> Mutation:
    def put_in(text: str, other: str, random: Random) -> str:
        place = random.randrange(len(text) + 1)
        return text[:place] + random.choice(strings) + text[place:]

    return put_in


def insert_line(text: str, other: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(random.randrange(len(lines) + 1), f"{random.choice(FOREIGN)}\n")
    return "".join(lines)


def delete(text: str, other: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.choice((1, 1, 2, 5, 40)) :]


def splice(text: str, other: str, random: Random) -> str:
    """The beginning of one and the end of the other."""
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def cut(text: str, other: str, random: Random) -> str:
    return text[: random.randrange(len(text) + 1)]


def drop_signs(text: str, other: str, random: Random) -> str:
    """Leave out all of one sign: braces, commas, colons."""
    return text.replace(random.choice("{},:;=()"), random.choice(("", " ")))


def change_ends(text: str, other: str, random: Random) -> str:
    return text.replace("\n", random.choice(("\r\n", "\r", "", " ", ";")))


def change_spaces(text: str, other: str, random: Random) -> str:
    return respell(text, random) if list_spans(text) else text


def nest(text: str, other: str, random: Random) -> str:
    opener, closer = random.choice(("{}", "()", "[]"))
    depth = random.choice((2, 30, 101, 300))
    place = random.randrange(len(text) + 1)
    return text[:place] + opener * depth + closer * random.choice((0, depth)) + text[place:]


MUTATIONS: tuple[Mutation, ...] = (
    change_word, change_word, change_word, change_word, change_line, change_line, change_number,
    change_number, insert(ODD), insert(ODD), insert(NUMBERS), insert_line, delete, delete, splice,
    cut, drop_signs, change_ends, change_spaces, nest,
)  # fmt: skip
