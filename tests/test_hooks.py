"""The hooks for other repositories: their commands exist and do their work on the files they are
given, and what is installed for them has no torch.
"""

import re
import tomllib
from pathlib import Path

import pytest

from tests.cli.process import run

ROOT = Path(__file__).parents[1]
HOOK = re.compile(r"^- id: (?P<id>.+)\n(?P<fields>(?:  .+\n)+)", re.MULTILINE)
FIELD = re.compile(r"^  (\w+): (.+)$", re.MULTILINE)
TEXT = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
HOOKS = {hook["id"]: dict(FIELD.findall(hook["fields"])) for hook in HOOK.finditer(TEXT)}


@pytest.mark.parametrize("id", ["netspec-check", "netspec-fmt"])
def test_a_hook_runs_on_the_files_of_a_commit(id: str, tmp_path: Path) -> None:
    hook = HOOKS[id]
    assert hook["language"] == "python"
    assert re.search(hook["files"], "specs/alexnet.net")
    assert not re.search(hook["files"], "specs/alexnet.network")
    program, *arguments = hook["entry"].split()
    assert program == "netspec"
    for name in ("a.net", "b.net"):
        (tmp_path / name).write_text("net a{input 3x8x8;relu}\n", encoding="utf-8")
    result = run(*arguments, "a.net", "b.net", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_every_hook_is_tested_above() -> None:
    assert set(HOOKS) == {"netspec-check", "netspec-fmt"}


def test_what_a_hook_installs_has_no_tensor_library() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"\W", each)[0] for each in project["dependencies"]}
    assert needed == {"lark", "msgspec", "pydantic", "rich", "typer"}
