"""The reference is what the code says: its generated pages are fresh, and name all there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.layers import KINDS
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES

ROOT = Path(__file__).parents[1]
HEADINGS = {
    "layers.md": KINDS,
    "recipe.md": {**TRAIN_LINES, **TRANSFORMS, **SCHEDULES, **TEST_LINES}.keys() - {"schedule"},
}


def run_at_root(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python where the generator is found: it lies beside the pages, in the root of a clone."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def test_generated_pages_are_fresh() -> None:
    result = run_at_root("-m", "docs.generate", "--check")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", HEADINGS)
def test_page_has_a_heading_for_each(page: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    missing = [name for name in HEADINGS[page] if f"\n### {name}\n" not in text]
    assert not missing


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("files.add('vgg99')", "specs/vgg99.net has no place in FAMILIES"),
        ("files.remove('lenet')", "has lenet, specs/ has not"),
        ("FAMILIES['Again'] = ('lenet',)", "has lenet twice"),
    ],
)
def test_a_spec_has_one_place_in_the_gallery(change: str, says: str) -> None:
    program = f"""
from docs.generate.gallery import FAMILIES, check_families
files = {{name for names in FAMILIES.values() for name in names}}
check_families(files)
{change}
check_families(files)
"""
    result = run_at_root("-c", program)
    assert result.returncode == 1
    assert says in result.stdout


def test_depth_in_the_gallery_is_that_of_the_name() -> None:
    rows = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    depths = re.findall(
        r"^\| \[(?:vgg|resnet|resnext|densenet)(\d+)\w*\]\(\S+\) \| \S+ \| (\d+) \|", rows, re.M
    )
    assert len(depths) >= 15
    assert all(name == depth for name, depth in depths)
