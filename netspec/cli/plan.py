"""`netspec plan`: what training a net on several devices would take, on paper.

The formulas are those of `netspec.analyses.scaling`; here are the options.
"""

import os
from typing import Annotated

import typer

from netspec.cli.amounts import parse_link, parse_memory, parse_speed
from netspec.cli.check import Color, Settings, parse_settings, read_only_input, read_option, refuse
from netspec.cli.output import standard_output
from netspec.cli.screen import choose_screen

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A file with a net, or - for standard input. FILE:NAME where it has several nets.",
        show_default=False,
    ),
]
Gpus = Annotated[
    int | None,
    typer.Option(
        "--gpus",
        min=1,
        metavar="N",
        help="Devices in all: a multiple of those that the net says. As many, unless given.",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option("--batch", min=1, metavar="N", help="Images of an update, else the recipe's."),
]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="What a device has: 80GB, 16GiB.")
]
Speed = Annotated[
    str | None,
    typer.Option("--speed", metavar="RATE", help="What a device computes: 60TFLOP/s."),
]
Link = Annotated[
    str | None,
    typer.Option("--link", metavar="RATE", help="What a device sends: 25GB/s, 200Gbit/s."),
]
ColumnLink = Annotated[
    str | None,
    typer.Option(
        "--column-link",
        metavar="RATE",
        help="The same to the other columns of its net, where these stand nearer.",
    ),
]


def plan(
    file: File,
    gpus: Gpus = None,
    batch: Batch = None,
    memory: Memory = None,
    speed: Speed = None,
    link: Link = None,
    column_link: ColumnLink = None,
    settings: Settings = None,
    color: Color = "auto",
) -> None:
    """Reckon what training on several devices takes of each: memory, operations, bytes on its link.

    With --speed and --link also how long, and the efficiency on up to 4,096 devices. Exits with 0
    if the file has no error, 1 if it has, 2 if it cannot be read or the command is wrong.
    """
    if (speed is None) != (link is None):
        refuse("--speed, --link", "a time needs both")
    if column_link and link is None:
        refuse("--column-link", "it says where --link is another")
    values = parse_settings(settings or [])
    room = read_option("--memory", memory, parse_memory)
    rates = (
        read_option("--speed", speed, parse_speed),
        read_option("--link", link, parse_link),
        read_option("--column-link", column_link, parse_link),
    )
    only = read_only_input(file, "a plan is of one")

    from netspec.cli.planning import show_plan

    with standard_output() as stream:
        screen = choose_screen("auto", color, stream, os.environ)
        status = show_plan(only, values, screen, gpus, batch, room, rates)
    raise typer.Exit(status)
