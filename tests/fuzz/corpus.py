"""The texts that are made wrong: specs, specimens, and the files of the golden cases; and the files
that they use.
"""

from pathlib import Path

from tests.markdown_blocks import read_blocks

TESTS = Path(__file__).parents[1]
SPECS = TESTS.parent / "specs"
LONGEST = 2_300
"""Longer files are left out: it is mistakes that are wanted, not layers."""


def read_corpus() -> list[str]:
    """All of them, in a fixed order."""
    paths = [*sorted(SPECS.glob("**/*.net")), *sorted(TESTS.glob("specimens/*.net"))]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    for path in sorted((TESTS / "cases").glob("*.md")):
        texts += (block.body for block in read_blocks(path) if block.word == "net")
    return [text for text in texts if len(text) <= LONGEST]


def read_used() -> dict[Path, str]:
    """The files that a spec uses, as they lie beside it."""
    paths = sorted(SPECS.glob("blocks/*.net"))
    return {path.relative_to(SPECS): path.read_text(encoding="utf-8") for path in paths}
