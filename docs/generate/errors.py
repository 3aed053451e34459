"""The list of all errors and warnings, with links to their pages. The pages beside it are written
by hand; `tests/test_error_pages.py` holds them against the codes.
"""

from collections.abc import Iterator
from itertools import groupby

from netspec.diagnostics import CODES
from netspec.render.markdown import fill

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


def write_errors() -> Iterator[str]:
    """The paragraphs of docs/errors/README.md."""
    yield "# Errors and warnings"
    yield fill(
        "Every mistake has a code and a page: what it means, a file that makes it, what is printed "
        "of that, and the file mended. `netspec explain NS203` shows the page on a terminal."
    )
    yield fill(
        "A code is never used for a second thing. All errors of a phase are reported at once: "
        "first those of the text, then of names and structure, then of shapes, claims and recipes. "
        "With an error `netspec check` exits with 1, with a warning only under `--strict`. A "
        "comment at the end of its line silences a warning: `# netspec: allow NS503`."
    )
    for block, codes in groupby(CODES, key=lambda code: code[:3]):
        yield f"## {BLOCKS[block]}"
        yield "\n".join(f"* [{code}]({code}.md): {CODES[code]}" for code in codes)
