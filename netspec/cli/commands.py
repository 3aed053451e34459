"""The commands of `netspec`, each loaded when it is named."""

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

COMMANDS = (
    *("check", "data", "explain", "fmt", "pack", "plan"),
    *("predict", "report", "sweep", "test", "train"),
)
"""Each is a function in the module of its name in this folder."""


class Command(typer.core.TyperCommand):
    """A command whose options refuse values in netspec's words, not in those of pydantic, which
    typer reads them with."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = describe_refusal(error)
            raise


def describe_refusal(error: typer.BadParameter) -> str:
    """Why the value of an option is none."""
    errors = getattr(error.__cause__, "errors", None)
    if errors is None:
        return error.message
    first = errors()[0]
    value, about = first["input"], first.get("ctx", {})
    match first["type"]:
        case "value_error":
            return str(about["error"])
        case "greater_than_equal":
            return f"it is at least {about['ge']}, not {value}"
        case "less_than_equal":
            return f"it is at most {about['le']}, not {value}"
        case "int_parsing" | "int_from_float":
            return f"{value!r} is no whole number"
        case "float_parsing":
            return f"{value!r} is no number"
    return error.message


class LazyGroup(TyperGroup):
    """Imports a command's module when the command is asked for, and no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> typer.core.TyperCommand | None:
        if cmd_name not in COMMANDS:
            return None
        function = getattr(import_module(f"netspec.cli.{cmd_name}"), cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name, cls=Command)(function)
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
