"""`netspec data`: what is in a data set, and how quickly it is read.

The options stand here; what is done with them is in `inspecting.py`, which is imported when it
begins, so that help and usage errors come at once.
"""

from typing import Annotated, Literal

import typer

from netspec.cli.check import Color, Settings, parse_settings, read_only_input, refuse
from netspec.cli.inputs import Input

Path = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="What train --data takes: a folder, a tar, a list, shards, elpv, fashion_mnist.",
        show_default=False,
    ),
]
Time = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Time the images and the training of FILE's net on them, each alone and both"
        " together. FILE:NAME where it has several nets.",
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Look at N images of each part, evenly spread over it; all unless given.",
    ),
]
Seed = Annotated[int, typer.Option(help="Draws the held-out images where nobody has chosen any.")]
Device = Annotated[
    str | None,
    typer.Option(help="With --time: cpu, cuda, cuda:1; a GPU where there is one, unless given."),
]
Precision = Annotated[
    Literal["float32", "bf16"] | None, typer.Option(help="With --time: as for train.")
]
Seconds = Annotated[
    float | None,
    typer.Option(metavar="N", min=0, help="With --time: measure each for N seconds. Default 5."),
]
Form = Annotated[
    Literal["auto", "plain", "json"],
    typer.Option(
        "--format",
        help="auto: for people, in colour on a terminal. plain: no colour, no lines. json: for"
        " machines.",
    ),
]


def data(
    path: Path,
    time: Time = None,
    images: Images = None,
    seed: Seed = 0,
    settings: Settings = None,
    device: Device = None,
    precision: Precision = None,
    seconds: Seconds = None,
    form: Form = "auto",
    color: Color = "auto",
) -> None:
    """Say what is in a data set: its form, classes, counts, sizes, mean, and broken images.

    Every image is decoded, and those that cannot be are named. Exits with 0 if all could be, 1 if
    images are broken or the file of --time has errors, 2 if there is no such data set or the
    command is wrong, 3 if the training of --time failed, 4 if something is not installed, 130 after
    Ctrl-C.
    """
    if time is None and (settings or device or precision or seconds is not None):
        refuse("--set, --device, --precision, --seconds", "they are about --time, which is missing")
    if color == "always" and form != "auto":
        refuse("--color", f"the format {form} has no colours")
    values = parse_settings(settings or [])
    net = None if time is None else read_net(time)

    from netspec.cli import inspecting

    timing: dict[str, object] = {"device": device, "precision": precision}
    if seconds is not None:
        timing["seconds"] = seconds
    raise typer.Exit(
        inspecting.run(
            path, net, values, form=form, color=color, images=images, seed=seed, timing=timing
        )
    )


def read_net(word: str) -> Input:
    """The file of a net to time; ends with an exit code where it cannot be read."""
    return read_only_input(word, "a training has one", "--time")
