"""The command `netspec`: how it starts, and what happens to the exceptions that no command expects.

The commands themselves are in `commands.py`. A check without options, as one types it all day, is
begun here: it needs nothing of what reads options, which takes an eighth of its time.
"""

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from netspec.cli.exit_codes import INTERNAL_ERROR, INTERRUPTED

SHORT_LIVED = frozenset({"check", "explain", "fmt", "plan"})
"""Commands that make many objects that last, next to no garbage, and end soon: they do without
Python's garbage collector, which takes a fifth of their time, a good part of it at the end."""
LAST_CALLS = 12
"""Calls shown of the traceback of an internal error."""


def main() -> NoReturn:
    """Run the command line; what no command expects is told as a fault of netspec."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would look into every package
    is_short = not SHORT_LIVED.isdisjoint(sys.argv[1:2])
    if is_short:
        gc.disable()
    try:
        run_command(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        report_internal_error(error)
    finally:
        if is_short:
            gc.freeze()
    sys.exit(INTERNAL_ERROR)


def run_command(words: Sequence[str]) -> NoReturn:
    """Do what the words of a command line say, and exit."""
    if words[:1] == ["check"] and words[1:] and not any(word.startswith("-") for word in words):
        from netspec.cli.checking import Checking, check_files

        sys.exit(check_files(words[1:], Checking()))
    from netspec.cli.commands import app

    app(prog_name="netspec")
    raise AssertionError("a command always exits")


def report_internal_error(error: Exception) -> None:
    """Say that netspec failed, with what a report of it should hold."""
    import platform
    import shlex
    import traceback

    from netspec import __version__

    notes = "".join(f"  = {note}\n" for note in getattr(error, "__notes__", ()))
    versions = f"netspec {__version__}, Python {platform.python_version()}, {platform.platform()}"
    sys.stderr.write(
        f"{''.join(traceback.format_exception(error, limit=-LAST_CALLS))}\n"
        f"error[NS900]: netspec failed: {type(error).__name__}: {error}\n"
        f"{notes}"
        f"  = command: netspec {shlex.join(sys.argv[1:])}\n"
        f"  = version: {versions}\n"
        "  = help: this is a fault of netspec, not of your file; please report it, with the lines\n"
        "    above and the file that you gave\n"
    )
