"""Runs netspec as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(**changes: str) -> dict[str, str]:
    """That of the tests, but for what says how a result looks."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return kept | {"PYTHONUTF8": "1"} | changes


def run(
    *arguments: str, folder: Path = ROOT, stdin: str | None = None, **changes: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "netspec", *arguments],
        cwd=folder,
        env=environment(**changes),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
