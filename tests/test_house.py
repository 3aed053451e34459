"""Rules of the house that no linter knows: what imports bring with them, what the packages show,
what the wheel carries, and that every code of a diagnostic is in use.
"""

import importlib
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

import netspec
import netspec_torch
from netspec.diagnostics import CODES

ROOT = Path(__file__).parents[1]
SOURCES = {"netspec": ROOT / "netspec", "netspec_torch": ROOT / "backends" / "netspec_torch"}
INSTALLED = {module.__name__: Path(module.__file__ or "") for module in (netspec, netspec_torch)}

FOR_IMPORT = {"msgspec", "netspec", "typing_extensions"}
FOR_CHECK = FOR_IMPORT | {
    "annotated_doc",
    "annotated_types",
    "lark",
    "pydantic",
    "pydantic_core",
    "rich",
    "shellingham",
    "typer",
    "typing_inspection",
}
"""The packages beyond Python's own that a check may import: they are few, for its start-up."""


def list_imported(program: str, *arguments: str) -> set[str]:
    """The top-level packages that a program imports, less Python's own."""
    result = subprocess.run(
        [sys.executable, "-c", f"{PROBE}\n{program}", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = set(result.stderr.splitlines()[-1].split()) - set(sys.stdlib_module_names)
    return {name for name in found if not name.startswith("_sysconfigdata")}


PROBE = """
import atexit, sys
before = set(sys.modules)
atexit.register(
    lambda: print(*{name.split(".")[0] for name in set(sys.modules) - before}, file=sys.stderr)
)
"""


def test_importing_netspec_only_defines_names() -> None:
    assert list_imported("import netspec") == FOR_IMPORT


@pytest.mark.parametrize("arguments", [[], ["--format", "plain"], ["--format", "json"]])
def test_check_imports_few_packages(arguments: list[str]) -> None:
    program = "from netspec.cli.app import main; main()"
    imported = list_imported(program, "check", *arguments, "specs/alexnet.net")
    assert imported >= FOR_IMPORT
    assert imported <= FOR_CHECK


@pytest.mark.parametrize("module", [netspec, netspec_torch], ids=lambda module: module.__name__)
def test_public_names_are_documented(module: ModuleType) -> None:
    for name in module.__all__:
        public = getattr(module, name)
        if callable(public):
            assert (public.__doc__ or "").strip(), f"{module.__name__}.{name} says nothing"


@pytest.mark.parametrize("package", sorted(SOURCES))
def test_installed_package_is_whole(package: str) -> None:
    """What git has of a package, its data and grammar too, is what is installed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=SOURCES[package],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    home = INSTALLED[package].parent
    missing = [path for path in listed.stdout.splitlines() if not (home / path).is_file()]
    assert not missing


@pytest.mark.parametrize("package", sorted(SOURCES))
def test_every_module_imports(package: str) -> None:
    for path in sorted(SOURCES[package].rglob("*.py")):
        parts = path.relative_to(SOURCES[package].parent).with_suffix("").parts
        if parts[-1] != "__main__":
            importlib.import_module(".".join(parts).removesuffix(".__init__"))


def test_backends_are_found_by_their_entry_point() -> None:
    backends = {entry.name: entry.value for entry in entry_points(group="netspec.backends")}
    assert backends["torch"] == "netspec_torch"


def test_every_code_is_raised_somewhere() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES["netspec"].rglob("*.py")]
    used = {code for text in texts for code in re.findall(r"\bNS\d{3}\b", text)}
    table = (SOURCES["netspec"] / "diagnostics.py").read_text(encoding="utf-8")
    uses = "".join(texts).replace(table, "")
    assert used == CODES.keys()
    assert not [code for code in CODES if code not in uses]


def test_every_code_has_a_case() -> None:
    """NS9xx, netspec's own mistakes, are what no file can bring about."""
    cases = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests/cases").rglob("*.md")
    )
    assert not [code for code in CODES if code not in cases and not code.startswith("NS9")]
