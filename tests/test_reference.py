"""The reference is what the code says: its generated pages are fresh, and name all there is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.diagnostics import CODES
from netspec.layers import KINDS
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES

ROOT = Path(__file__).parents[1]
HEADINGS = {
    "layers.md": KINDS,
    "recipe.md": {**TRAIN_LINES, **TRANSFORMS, **SCHEDULES, **TEST_LINES}.keys() - {"schedule"},
    "errors.md": (f"{code}: {title}" for code, title in CODES.items()),
}


def test_generated_pages_are_fresh() -> None:
    """The generator lies beside the pages, so it is found from the root of the clone alone."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    result = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", HEADINGS)
def test_page_has_a_heading_for_each(page: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    missing = [name for name in HEADINGS[page] if f"\n### {name}\n" not in text]
    assert not missing
