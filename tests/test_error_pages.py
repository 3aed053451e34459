"""The pages of the errors: one for each code, each with a file that makes the mistake, what is
printed of it, and the file mended. That the commands print so, and that the mended files are
accepted without a word, is held by `test_docs.py`, which runs the blocks of all pages.
"""

from pathlib import Path

import pytest

from netspec.diagnostics import CODES
from netspec.render.pages import read_error_page
from tests.markdown_blocks import read_blocks

PAGES = Path(__file__).parents[1] / "docs" / "errors"
WITHOUT_EXAMPLE = {"NS900"}
"""What no file can bring about."""


def test_there_is_a_page_for_each_code_and_no_other() -> None:
    assert {path.stem for path in PAGES.iterdir()} == {*CODES, "README"}


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_the_title_of_its_code(code: str) -> None:
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {code}: {CODES[code]}\n\n")


@pytest.mark.parametrize("code", CODES)
def test_the_package_has_the_page(code: str) -> None:
    assert read_error_page(code) == (PAGES / f"{code}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [code for code in CODES if code not in WITHOUT_EXAMPLE])
def test_a_page_has_the_mistake_its_output_and_the_repair(code: str) -> None:
    blocks = list(read_blocks(PAGES / f"{code}.md"))
    *files, printed, repaired = blocks
    assert [block.word for block in files] == ["net"] * len(files)
    assert files[-1].attributes == ("wrong.net",)
    is_error = code[2] != "5"
    assert (printed.word, "exit=1" in printed.attributes) == ("console", is_error)
    assert f"{'error' if is_error else 'warning'}[{code}]: " in printed.body
    assert (repaired.word, repaired.attributes) == ("net", ())
    assert repaired.body != files[-1].body
