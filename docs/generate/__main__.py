"""Writes the pages that are made from the code; a page is nowhere edited by hand.

`make docs` runs it, in the root of a clone; with `--check` it writes nothing and fails where a page
is not what it would write.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from docs.generate.check_json import write_json_page, write_json_schema
from docs.generate.errors import write_errors
from docs.generate.gallery import write_gallery
from docs.generate.schemas import write_layers, write_recipe

DOCS = Path(__file__).parents[1]
DO_NOT_EDIT = "<!-- Written by `make docs` from the code; do not edit. -->"

PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "reference/layers.md": write_layers,
    "reference/recipe.md": write_recipe,
    "errors/README.md": write_errors,
    "reference/check-json.md": write_json_page,
    "gallery.md": write_gallery,
}
"""The pages, with what gives the paragraphs of each."""


def list_files() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    for name, write in PAGES.items():
        yield DOCS / name, "\n\n".join([DO_NOT_EDIT, *write()]) + "\n"
    yield DOCS / "reference" / "check-json.schema.json", write_json_schema()


def main(arguments: Sequence[str]) -> int:
    only_check = "--check" in arguments
    stale = []
    for path, text in list_files():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not only_check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{', '.join(stale)}: {'`make docs` would change it' if only_check else 'written'}")
    else:
        print("all pages are fresh")
    return int(only_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
