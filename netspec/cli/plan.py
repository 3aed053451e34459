"""`netspec plan`: what training a net on several devices would take, on paper.

The formulas are those of `netspec.analyses.scaling`; here are the options and the amounts that they
are written in.
"""

import os
import re
from typing import Annotated

import typer

from netspec.cli.check import Color, Settings, parse_settings, refuse
from netspec.cli.exit_codes import IS_UNREADABLE
from netspec.cli.inputs import read_inputs, tell_unreadable
from netspec.cli.output import standard_output
from netspec.cli.screen import choose_screen

AMOUNT = re.compile(
    r"(?P<number>\d+(?:\.\d+)?) ?(?P<prefix>[kKMGTP]?)(?P<binary>i?)"
    r"(?P<unit>B|Byte|bit|FLOP)(?P<rate>/s|S)?"
)
POWERS = "kMGTP"

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
    room = parse_amount("--memory", memory, "B", is_rate=False)
    rates = (
        parse_amount("--speed", speed, "FLOP", is_rate=True),
        parse_amount("--link", link, "B", is_rate=True),
        parse_amount("--column-link", column_link, "B", is_rate=True),
    )
    inputs = read_inputs([file])
    tell_unreadable(inputs)
    if inputs.unreadable:
        raise typer.Exit(IS_UNREADABLE)
    if len(inputs.found) != 1:
        refuse("FILE", f"{file} is {len(inputs.found)} files; a plan is of one")

    from netspec.cli.planning import show_plan

    with standard_output() as stream:
        screen = choose_screen("auto", color, stream, os.environ)
        status = show_plan(inputs.found[0], values, screen, gpus, batch, room, rates)
    raise typer.Exit(status)


def parse_amount(option: str, text: str | None, unit: str, *, is_rate: bool) -> float | None:
    """`80GB`, `16GiB`, `25GB/s`, `200Gbit/s`, `60TFLOP/s` as bytes or operations, a second where it
    is a rate; None for None. Ends with a usage error where it is something else."""
    if text is None:
        return None
    example = {"B": "25GB/s" if is_rate else "80GB", "FLOP": "60TFLOP/s"}[unit]
    found = AMOUNT.fullmatch(text)
    if not found or bool(found["rate"]) != is_rate or (found["unit"] == "FLOP") != (unit == "FLOP"):
        refuse(option, f"`{text}` should be an amount such as {example}")
    base = 1024.0 if found["binary"] else 1000.0
    prefix = found["prefix"].replace("K", "k")
    factor = base ** (POWERS.index(prefix) + 1) if prefix else 1.0
    number = float(found["number"]) * factor / (8 if found["unit"] == "bit" else 1)
    if not number:
        refuse(option, f"`{text}` is nothing")
    return number
