"""`netspec explain`: what the code of an error means, what a word of the language does, and how the
numbers of a layer come about.

The options stand here; what is shown is found in `explaining.py`, which is imported when something
is asked, so that help and usage errors come at once.
"""

import os
from typing import Annotated

import typer

from netspec.cli.check import Color, Settings, parse_settings
from netspec.cli.output import standard_output
from netspec.cli.screen import choose_screen

What = Annotated[
    str,
    typer.Argument(
        metavar="CODE|WORD|FILE",
        help="The code of an error or warning, as NS203; a word, as conv, repeat or cosine; or a"
        " file, or - for standard input. FILE:NAME looks at one net only.",
        show_default=False,
    ),
]
Layer = Annotated[
    str | None,
    typer.Argument(
        metavar="LAYER",
        help="A layer of the file, by its name in `netspec check --full` or by the end of that"
        " name. Without it the layers are listed.",
        show_default=False,
    ),
]


def explain(
    what: What, layer: Layer = None, settings: Settings = None, color: Color = "auto"
) -> None:
    """Explain an error, a word of the language, or a layer of a net.

    Exits with 0 if it is explained, 1 if the file has errors, 2 if there is no such word, file or
    layer, or the command is wrong.
    """
    values = parse_settings(settings or [])

    from netspec.cli.explaining import answer

    with standard_output() as stream:
        status = answer(what, layer, values, choose_screen("auto", color, stream, os.environ))
    raise typer.Exit(status)
