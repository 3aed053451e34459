"""The command `netspec`: its subcommands, loaded when they are named, and what happens to the
exceptions that none of them expects.
"""

import gc
import os
import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
import typer.main
from typer.core import TyperGroup

COMMANDS = ("check", "data", "explain", "fmt", "pack", "plan", "predict", "test", "train")
"""Each is a function in the module of its name in this folder."""
SHORT_LIVED = frozenset({"check", "explain", "fmt", "plan"})
"""Commands that make many objects that last, next to no garbage, and end soon: they do without
Python's garbage collector, which takes a fifth of their time, a good part of it at the end."""
INTERNAL_ERROR = 70
LAST_CALLS = 12
"""Calls shown of the traceback of an internal error."""


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is asked for, and no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> typer.core.TyperCommand | None:
        if cmd_name not in COMMANDS:
            return None
        function = getattr(import_module(f"netspec.cli.{cmd_name}"), cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(function)
        command = typer.main.get_command(single)
        assert isinstance(command, typer.core.TyperCommand)
        return command


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    if wanted:
        from netspec import __version__

        typer.echo(f"netspec {__version__}")
        raise typer.Exit


@app.callback()
def netspec(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """A language for convolutional networks: read it, check it, train it."""


def main() -> NoReturn:
    """Run the command line; what no command expects is told as a fault of netspec."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would look into every package
    is_short = not SHORT_LIVED.isdisjoint(sys.argv[1:2])
    if is_short:
        gc.disable()
    try:
        app(prog_name="netspec")
    except Exception as error:
        report_internal_error(error)
    finally:
        if is_short:
            gc.freeze()
    sys.exit(INTERNAL_ERROR)


def report_internal_error(error: Exception) -> None:
    """Say that netspec failed, with what a report of it should hold."""
    import platform
    import traceback

    from netspec import __version__

    versions = f"netspec {__version__}, Python {platform.python_version()}, {platform.platform()}"
    sys.stderr.write(
        f"{''.join(traceback.format_exception(error, limit=-LAST_CALLS))}\n"
        f"error[NS900]: netspec failed: {type(error).__name__}: {error}\n"
        f"  = version: {versions}\n"
        "  = help: this is a fault of netspec, not of your file; please report it, with the lines\n"
        "    above and the file that you gave\n"
    )
