"""A report once its options are known: the facts from the backend, the page, and an exit code."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from netspec import __version__
from netspec.backend import find_backend
from netspec.cli.exit_codes import IS_UNREADABLE
from netspec.cli.inspecting import choose_inspection_watch
from netspec.cli.screen import When
from netspec.cli.training import BACKEND, FAILED, fail, tell_failure
from netspec.render.html.page import render_runs

FILE = "report.html"


def run(
    runs: Sequence[Path],
    out: Path | None,
    *,
    form: Literal["auto", "plain"],
    color: When,
    **options: Any,
) -> int:
    """Write the page of some runs; gives the exit code."""
    watch = choose_inspection_watch(form, color)
    path = out or (runs[0] / FILE if len(runs) == 1 else Path(FILE))
    try:
        backend = find_backend(BACKEND)
        if out is not None and (reason := find_obstacle(out)):
            return fail(f"{out} cannot be written: {reason}", "", IS_UNREADABLE)
        with watch:
            facts = backend.inspect_runs(runs, **options, listener=watch)
    except FAILED as error:
        return tell_failure(error, watch.screen)
    page = render_runs(facts, datetime.now(UTC).isoformat(), __version__)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        return fail(f"{path} cannot be written: {error.strerror or error}", "", IS_UNREADABLE)
    for each in facts.runs:
        for reason in dict.fromkeys(each.missing.values()):
            watch.say(f"note: {each.folder}: {reason}", "warning")
    watch.say(f"written to {path}")
    return 0


def find_obstacle(path: Path) -> str:
    """Why nothing can be written to a path, as far as that can be told before; empty where nothing
    is in the way."""
    if path.is_dir():
        return "it is a folder"
    return "" if path.parent.is_dir() else f"there is no folder {path.parent}"
