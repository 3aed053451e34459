"""The hand-written pages that the command shows: those of the errors, and the language page by its
sections.

They are the files of `docs/`; the wheel carries a copy of them in `netspec/pages` (`pyproject.toml`
says which).
"""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def find_folder() -> Path:
    """Where the pages lie: in the package that a wheel brought, else in the clone."""
    carried = PACKAGE / "pages"
    return carried if carried.is_dir() else PACKAGE.parent / "docs"


def read_error_page(code: str) -> str:
    """What a code means, with an example and its repair."""
    return (find_folder() / "errors" / f"{code}.md").read_text(encoding="utf-8")


def read_section(heading: str) -> str:
    """A section of the language page, with its heading."""
    page = (find_folder() / "language.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        if section.startswith(f"{heading}\n"):
            return f"## {section.strip()}\n"
    raise LookupError(f"language.md has no section {heading}")
