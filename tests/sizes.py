"""Prints the longest files and functions, with what the work tree adds to them, and fails where one
is over its limit. Run by `make check`; a limit is for splitting, not for raising.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
FOLDERS = ("netspec", "backends")
FILE_LIMIT = 600
FUNCTION_LIMIT = 100

Sizes = dict[str, int]
"""Lines of a file or function, by its place."""


def read_files() -> dict[str, str]:
    """The text of every module, by its path from the root."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def read_committed(path: str) -> str:
    """The text of a module as it was last committed; empty where it was not."""
    result = subprocess.run(
        ["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, check=False
    )
    return result.stdout.decode("utf-8") if result.returncode == 0 else ""


def measure_functions(files: dict[str, str]) -> Iterator[tuple[str, int]]:
    for path, text in files.items():
        yield from measure_within(ast.parse(text), f"{path} ")


def measure_within(tree: ast.AST, place: str) -> Iterator[tuple[str, int]]:
    for node in ast.iter_child_nodes(tree):
        inner = place
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{place}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield inner.rstrip("."), (node.end_lineno or node.lineno) - node.lineno + 1
        yield from measure_within(node, inner)


def measure_files(files: dict[str, str]) -> Iterator[tuple[str, int]]:
    for path, text in files.items():
        yield path, text.count("\n")


def print_longest(title: str, sizes: Sizes, before: Sizes) -> None:
    total = sum(sizes.values())
    print(f"{title}: {len(sizes)}, {total:,} lines, median {median(sizes.values()):.0f}")
    for place in sorted(sizes, key=sizes.__getitem__, reverse=True)[:3]:
        change = sizes[place] - before.get(place, 0)
        print(f"  {sizes[place]:5}  {change:+5}  {place}")


def main() -> int:
    files = read_files()
    committed = {path: read_committed(path) for path in files}
    failed = False
    for title, measure, limit in (
        ("files", measure_files, FILE_LIMIT),
        ("functions", measure_functions, FUNCTION_LIMIT),
    ):
        sizes = dict(measure(files))
        print_longest(title, sizes, dict(measure(committed)))
        for place, size in sizes.items():
            if size > limit:
                print(f"{place} has {size} lines; the limit for {title} is {limit}")
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
