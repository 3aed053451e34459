"""What `netspec check` may import: start-up is most of the time that a check takes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.syntax.tables import load_tables

ROOT = Path(__file__).parents[2]
HEAVY = ("lark", "torch", "numpy", "PIL", "netspec_torch", "netspec.cli.train")
FOR_COLOURS = ("rich",)
FOR_JSON = ("netspec.render.json_schema",)
FOR_LOOKING_INSIDE = ("netspec.render.stages",)
FOR_MISTAKES = (
    "netspec.syntax.syntax_errors", "netspec.syntax.odd_text", "netspec.syntax.foreign",
    "netspec.compiler.advice", "netspec.compiler.repairs",
)  # fmt: skip


FOR_MEMORY = ("netspec.analyses.training_memory",)


@pytest.fixture(autouse=True, scope="module")
def tables_are_kept() -> None:
    """As they are from the first use of netspec on: only making them takes lark."""
    load_tables()


def list_imported(*arguments: str, code: int = 0) -> set[str]:
    """The modules that a run of netspec imports, each with the packages around it."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "netspec", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == code, result.stdout
    return set(re.findall(r"^import time: .*\| +(\S+)$", result.stderr, re.MULTILINE))


@pytest.mark.parametrize("arguments", [[], ["--format", "plain"], ["--quiet"], ["--full"]])
def test_a_plain_check_imports_no_more_than_it_needs(arguments: list[str]) -> None:
    imported = list_imported("check", "specs/alexnet.net", *arguments)
    assert "netspec.compiler.pipeline" in imported
    assert imported.isdisjoint(
        (*HEAVY, *FOR_COLOURS, *FOR_JSON, *FOR_LOOKING_INSIDE, *FOR_MISTAKES)
    )


def test_a_check_without_options_imports_nothing_that_reads_them() -> None:
    assert "typer" not in list_imported("check", "specs/alexnet.net", "specs/lenet.net:lenet")
    assert "typer" in list_imported("check", "specs/alexnet.net", "--color", "auto")


def test_memory_of_training_is_reckoned_where_it_is_shown(tmp_path: Path) -> None:
    bare = tmp_path / "bare.net"
    bare.write_text("net bare { input 3x8x8; fc 10 }", encoding="utf-8")
    for arguments in (["specs/lenet.net", "--quiet"], [str(bare)]):
        assert list_imported("check", *arguments).isdisjoint(FOR_MEMORY)
    for arguments in (["specs/lenet.net"], [str(bare), "--memory", "3GB"]):
        assert list_imported("check", *arguments) >= {*FOR_MEMORY}


def test_json_needs_its_models_and_no_colours() -> None:
    imported = list_imported("check", "specs/alexnet.net", "--format", "json")
    assert imported >= set(FOR_JSON)
    assert imported.isdisjoint((*HEAVY, *FOR_COLOURS))


def test_colours_need_only_the_light_parts_of_rich() -> None:
    imported = list_imported("check", "specs/alexnet.net", "--color", "always")
    assert "rich.console" in imported
    heavy = {"rich.table", "rich.progress", "rich.traceback", "rich.syntax", "rich.markdown"}
    assert imported.isdisjoint({*HEAVY, *heavy, "pygments"})


def test_version_and_usage_errors_need_no_compiler() -> None:
    for arguments, code in ((["--version"], 0), (["check", "--depth", "0", "x.net"], 2)):
        imported = list_imported(*arguments, code=code)
        assert "netspec.cli.app" in imported
        assert imported.isdisjoint((*HEAVY, "netspec.compiler.pipeline"))


def test_a_plan_on_paper_needs_no_tensor_library() -> None:
    imported = list_imported("plan", "specs/alexnet.net")
    assert "netspec.analyses.scaling" in imported
    assert imported.isdisjoint((*HEAVY, *FOR_COLOURS, *FOR_JSON))


def test_formatting_needs_no_more_than_the_parser() -> None:
    imported = list_imported("fmt", "--check", "specs")
    assert "netspec.syntax.formatter" in imported
    assert imported.isdisjoint((*HEAVY, *FOR_COLOURS, "netspec.compiler", "netspec.layers"))
