"""What README and docs print is what the commands print. CONTRIBUTING.md says how such blocks are
written.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from netspec.compiler.pipeline import compile_source
from netspec.source import SourceFile
from tests.markdown_blocks import Block, check_golden, read_blocks

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?", re.MULTILINE)
ATTRIBUTES = re.compile(r"norun|slow|exit=\d+")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)#?([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARYING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?\b"), "DATE"),
    (re.compile(r"\b\d+(?::\d\d){1,2}\b"), "TIME"),
    (re.compile(r"\b[\d.,]+ ?(?:ms|s|min|minutes?|seconds?)\b"), "TIME"),
    (re.compile(r"\b[\d.,]+ images/s\b"), "SPEED"),
    (re.compile(r" {2,}(?:\d+\.\d{3}|\d+\.\d %)(?=\s)"), "  NUMBER"),
    (re.compile(r"\b[\d.]+e\+\d+\b"), "NUMBER"),
    (re.compile(r"  #+$", re.MULTILINE), "  BAR"),
    (re.compile(r"\b((?:loss|accuracy|top[- ][15])\W{1,3})[\d.]+ ?%?", re.IGNORECASE), r"\1NUMBER"),
)
"""What differs from run to run and machine to machine, and what stands for it."""


def read_examples(word: str) -> Iterator[object]:
    for block in chain.from_iterable(map(read_blocks, PAGES)):
        if block.word == word:
            page = block.path.relative_to(ROOT).as_posix()
            marks = [pytest.mark.slow] if "slow" in block.attributes else []
            yield pytest.param(block, id=f"{page}:{block.line}", marks=marks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to run in, with the networks in it."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return tmp_path


@pytest.mark.parametrize("block", list(read_examples("console")))
def test_console(block: Block, folder: Path, golden: bool) -> None:
    unknown = [a for a in block.attributes if not ATTRIBUTES.fullmatch(a)]
    assert not unknown, f"{block.path}:{block.line}: attributes that mean nothing: {unknown}"
    if "norun" in block.attributes:
        for command in COMMAND.findall(block.body):
            check_command(command)
        return
    lay_files(block, folder)
    printed, status = run_console(block.body, folder)
    assert status == next((int(a[5:]) for a in block.attributes if a.startswith("exit=")), 0)
    if not prints_same(block.body, printed):
        check_golden(block, printed, rewrite=golden)


@pytest.mark.parametrize("block", list(read_examples("net")))
def test_net(block: Block, folder: Path) -> None:
    """A file that a page shows without a name is one that is accepted without a word."""
    if not block.attributes:
        lay_files(block, folder)
        program = compile_source(SourceFile("example.net", block.body, folder / "example.net"))
        assert not program.diagnostics


@pytest.mark.parametrize("block", list(read_examples("python")))
def test_python(block: Block, folder: Path) -> None:
    if "norun" in block.attributes:
        compile(block.body, f"{block.path}:{block.line}", "exec")
        return
    lay_files(block, folder)
    result = run([sys.executable, "-c", block.body], folder)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        if anchor:
            headings = HEADING.findall(path.read_text(encoding="utf-8"))
            assert anchor in map(to_anchor, headings), f"{target}#{anchor}"


def to_anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def lay_files(block: Block, folder: Path) -> None:
    """Write the files that the block's page shows, the ```net blocks that have a name."""
    for other in read_blocks(block.path):
        if other.word == "net" and other.attributes:
            path = folder / other.attributes[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(other.body, encoding="utf-8")


def run_console(body: str, folder: Path) -> tuple[str, int]:
    """Run the commands of a block in order: what a terminal would show, and the last status."""
    shown, status = "", 0
    for command in COMMAND.findall(body):
        assert status == 0, shown
        result = run(["bash", "-c", command], folder)
        shown += f"$ {command}\n{result.stdout}"
        status = result.returncode
    return shown, status


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run as on a terminal of 100 columns without colour, errors among the output."""
    bin = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def prints_same(written: str, printed: str) -> bool:
    """Whether a text is what a page shows; a line `...` there stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() in ("...", "…") else re.escape(line) + "\n"
        for line in mask(written).splitlines()
    )
    return re.fullmatch(pattern, mask(printed)) is not None


def mask(text: str) -> str:
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def check_command(command: str) -> None:
    """A command that is not run must still be one: its options, and make's targets, exist."""
    words = shlex.split(command.replace("\\\n", " "), comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), command
    if words[0] == "netspec":
        subcommand = [word for word in words[1:2] if not word.startswith("-")]
        help = run(["netspec", *subcommand, "--help"], ROOT)
        assert help.returncode == 0, help.stdout
        for option in (word.split("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", help.stdout), f"{command}: {option}"
