"""The reference of errors and warnings: every code with its title and, from tests/cases, a file
that brings it about, with what netspec says of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from netspec.compiler.program import Program
from netspec.diagnostics import CODES
from netspec.render.markdown import fill
from netspec.syntax.tokens import MAX_NESTING, MAX_OPERATORS, MAX_TEXT
from tests.markdown_blocks import Block, read_blocks
from tests.test_cases import CASES, MARKER, compile_case, render_diagnostics

BLOCKS = {
    "NS0": "Text and syntax",
    "NS1": "Names and structure",
    "NS2": "Shapes",
    "NS3": "Claims",
    "NS4": "Recipes",
    "NS5": "Warnings",
    "NS9": "netspec itself",
}
"""What the codes of each block are about."""

WITHOUT_EXAMPLE = {
    "NS007": f"More than {MAX_TEXT:,} characters, braces and brackets over {MAX_NESTING} deep, "
    f"or an expression of more than {MAX_OPERATORS} operators.",
    "NS900": "A fault of netspec, not of your file. Please report it, with all that was printed.",
}
"""Codes whose example would fill a page, or cannot be had."""


@dataclass(frozen=True)
class Example:
    """A case without its markers, compiled."""

    blocks: tuple[Block, ...]
    program: Program

    @property
    def codes(self) -> list[str]:
        return [diagnostic.code for diagnostic in self.program.diagnostics]


def write_errors() -> Iterator[str]:
    """The paragraphs of errors.md."""
    yield "# Errors and warnings"
    yield fill(
        "A code is never used for a second thing. All errors of a phase are reported at once: "
        "first those of the text, then of names and structure, then of shapes, claims and recipes. "
        "With an error `netspec check` exits with 1, with a warning only under `--strict`. A "
        "comment at the end of its line silences a warning: `# netspec: allow NS503`."
    )
    with TemporaryDirectory() as folder:
        examples = list(read_examples(Path(folder)))
    for block, codes in groupby(CODES, key=lambda code: code[:3]):
        yield f"## {BLOCKS[block]}"
        for code in codes:
            yield f"### {code}: {CODES[code]}"
            yield from write_example(code, examples)


def read_examples(folder: Path) -> Iterator[Example]:
    """Every golden case, each laid into a folder of its own."""
    for path in sorted(CASES.rglob("*.md")):
        for _, group in groupby(read_blocks(path), key=lambda block: block.heading):
            blocks = tuple(strip_markers(block) for block in group)
            home = folder / f"{path.stem}-{blocks[0].index}"
            home.mkdir()
            yield Example(blocks, compile_case(blocks, home))


def strip_markers(block: Block) -> Block:
    """Without the comments that only a test reads."""
    lines = (MARKER.sub("", line).rstrip() for line in block.body.splitlines())
    return replace(block, body="".join(f"{line}\n" for line in lines))


def write_example(code: str, examples: list[Example]) -> Iterator[str]:
    """The plainest case of a code: with nothing else wrong, its wording reviewed, early."""
    if code in WITHOUT_EXAMPLE:
        yield fill(WITHOUT_EXAMPLE[code])
        return
    example = min(
        (example for example in examples if code in example.codes),
        key=lambda example: (
            len(example.codes) > 1,
            all(block.word != "diagnostics" for block in example.blocks),
        ),
    )
    for block in example.blocks:
        if block.word == "net" and block.attributes:
            yield f"With a file `{block.attributes[0]}`:"
        if block.word == "settings":
            yield "With the settings:"
        if block.word in ("net", "settings"):
            yield f"```text\n{block.body.strip()}\n```"
    found = tuple(d for d in example.program.diagnostics if d.code == code)
    yield f"```text\n{render_diagnostics(replace(example.program, diagnostics=found)).strip()}\n```"
