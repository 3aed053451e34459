"""The fenced blocks of a Markdown file, each under its heading: what goldens and docs are made of.

A block's info string is a word and what follows it, as in ```net blocks/x.net. What the words mean
is decided by the tests that read them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^`\s][^\n]*)\n(?P<body>.*?)^(?P=fence)$"
    r"|^(?P<unclosed>`{3,})"
    r"|^#+ (?P<heading>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    path: Path
    index: int
    """Its number among the file's blocks, from 0."""
    line: int
    """The line of its opening fence, from 1."""
    heading: str
    word: str
    """The info string's first word: net, diagnostics, console."""
    attributes: tuple[str, ...]
    """The words behind it."""
    body: str

    def replace_body(self, body: str) -> None:
        """Write another body into the file."""
        text = self.path.read_text(encoding="utf-8")
        fences = [piece for piece in PIECE.finditer(text) if piece["fence"]]
        start, end = fences[self.index].span("body")
        self.path.write_text(text[:start] + body + text[end:], encoding="utf-8")


def read_blocks(path: Path) -> Iterator[Block]:
    """The blocks of a file, in order."""
    text = path.read_text(encoding="utf-8")
    heading = ""
    index = 0
    for piece in PIECE.finditer(text):
        line = text.count("\n", 0, piece.start()) + 1
        if piece["unclosed"]:
            raise ValueError(f"{path}:{line}: a fence without a word, or one that is never closed")
        if piece["heading"]:
            heading = piece["heading"]
            continue
        word, *attributes = piece["info"].split()
        yield Block(path, index, line, heading, word, tuple(attributes), piece["body"])
        index += 1


def check_golden(block: Block, actual: str, rewrite: bool) -> None:
    """Hold a block's body against what the program gives, or put that in its place."""
    if rewrite:
        if actual != block.body:
            block.replace_body(actual)
        return
    place = f"{block.path}:{block.line}"
    assert block.body, f"{place}: an empty golden; `make golden` (pytest --golden) fills it"
    assert actual == block.body, f"{place}: if this is meant, `make golden`, and review the diff"
