"""`netspec check`: what files say of their nets, and what is wrong with them.

The options and their contradictions stand here; the check itself is in `checking.py`, which is
imported when one begins, so that help and usage errors come at once.
"""

from collections.abc import Callable
from typing import Annotated, Literal, NoReturn, TypeVar

import typer

from netspec.cli.amounts import parse_memory
from netspec.cli.exit_codes import IS_UNREADABLE
from netspec.cli.inputs import STANDARD_INPUT, Input, read_inputs, split_picked, tell_unreadable
from netspec.cli.output import standard_output
from netspec.cli.screen import FOR_MACHINES, Format, When
from netspec.recipe.device import Device, Precision

T = TypeVar("T")
Stage = Literal["tree", "graph"]

Files = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders (every .net file below them), patterns such as 'specs/*.net', or -"
        " for standard input. FILE:NAME looks at one net only.",
        show_default=False,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Give a net's parameter a value, written as in the language: classes=10,"
        " counts=[3,4,6,3]. May be repeated.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        help="What a device has, 3GB or 80GiB: show the largest batch that it can train with, and"
        " warn of a recipe's that is larger.",
    ),
]
InPrecision = Annotated[
    Precision,
    typer.Option("--precision", help="What the memory of training is reckoned for: as for train."),
]
Form = Annotated[
    Format,
    typer.Option(
        "--format",
        help="auto: for people, in colour on a terminal. plain: no colour, no lines. json: for"
        " machines. sarif, github: errors and warnings for code scanning, for GitHub Actions.",
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Open every block, however long the table.")]
Depth = Annotated[
    int | None, typer.Option("--depth", min=1, metavar="N", help="Open blocks N levels deep.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors and warnings only.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")]
Color = Annotated[When, typer.Option("--color", help="When to use colours.")]
AfterStage = Annotated[
    Stage | None,
    typer.Option("--stage", help="Show what stands after that phase of the compiler instead."),
]
Watch = Annotated[bool, typer.Option("--watch", help="Check again after every save, until Ctrl-C.")]
StdinFilename = Annotated[
    str | None,
    typer.Option(
        "--stdin-filename",
        metavar="FILE",
        help="The name that standard input is shown under; files that it uses are looked up"
        " beside it.",
    ),
]


def check(
    files: Files,
    settings: Settings = None,
    memory: Memory = None,
    precision: InPrecision = "float32",
    form: Form = "auto",
    full: Full = False,
    depth: Depth = None,
    quiet: Quiet = False,
    strict: Strict = False,
    color: Color = "auto",
    stage: AfterStage = None,
    watch: Watch = False,
    stdin_filename: StdinFilename = None,
) -> None:
    """Check networks: their shapes, what they cost, and every claim they make.

    Tables, errors and warnings go to standard output. Exits with 0 if no file has an error, 1 if
    one has, 2 if one cannot be read or the command is wrong.
    """
    refuse_contradictions(form, color, stage, full=full, depth=depth, quiet=quiet)
    if stage == "tree" and (memory or precision != "float32"):
        refuse("--memory, --precision", "a tree has no layers yet that would need memory")
    is_piped = any(map(is_standard_input, files))
    if stdin_filename and not is_piped:
        refuse("--stdin-filename", "standard input (-) is not among the files")
    if watch and (is_piped or form in FOR_MACHINES):
        refuse("--watch", "it watches files, and shows them in a format for people")
    if watch and strict:
        refuse("--strict", "a watch ends by Ctrl-C, whatever it found")
    values = parse_settings(settings or [])
    device = Device(read_option("--memory", memory, parse_memory), precision)

    from netspec.cli.checking import Checking, check_files, choose_detail

    checking = Checking(values, device, form, color, stage, choose_detail(full, depth, quiet))
    if watch:
        from netspec.cli.rechecking import recheck_forever

        with standard_output() as stream:
            recheck_forever(files, checking, stream)
    raise typer.Exit(check_files(files, checking, stdin_filename, strict=strict))


def refuse_contradictions(
    form: Format, color: When, stage: Stage | None, *, full: bool, depth: int | None, quiet: bool
) -> None:
    """End with a usage error where one option would be ignored for another's sake."""
    if full and depth:
        refuse("--depth", "--full opens every block already")
    if (full or depth or quiet) and (form in FOR_MACHINES or stage):
        refuse("--full, --depth, --quiet", "only the tables can be longer or shorter")
    if color == "always" and form != "auto":
        refuse("--color", f"the format {form} has no colours")
    if stage and form in FOR_MACHINES:
        refuse("--stage", f"the format {form} shows no stages")


def refuse(option: str, reason: str) -> NoReturn:
    """End with a usage error about an option."""
    raise typer.BadParameter(reason, param_hint=option)


def read_only_input(word: str, only: str, option: str = "FILE") -> Input:
    """The one file that a word stands for; ends with an exit code where it cannot be read, and with
    a usage error, of which `only` says why, where it stands for several."""
    inputs = read_inputs([word])
    tell_unreadable(inputs)
    if inputs.unreadable:
        raise typer.Exit(IS_UNREADABLE)
    if len(inputs.found) != 1:
        refuse(option, f"{word} is {len(inputs.found)} files; {only}")
    return inputs.found[0]


def is_standard_input(word: str) -> bool:
    """Whether a word of the command line is `-` or `-:NAME`."""
    picked = split_picked(word)
    return STANDARD_INPUT in (word, picked[0] if picked else None)


def read_option(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """The value of an option; ends with a usage error where its text is none."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        refuse(option, str(error))


def parse_settings(words: list[str]) -> dict[str, str]:
    """The names and values of `--set`; what a value means is up to the language."""
    settings: dict[str, str] = {}
    for word in words:
        name, _, value = (part.strip() for part in word.partition("="))
        if not name.isidentifier() or not value:
            refuse("--set", f"{word!r} is not NAME=VALUE")
        if name in settings:
            refuse("--set", f"{name} is given twice")
        settings[name] = value
    return settings
