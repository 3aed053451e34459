"""`netspec predict`: what pictures show, by trained nets.

The options stand here; what is done with them is in `predicting.py`, which is imported when it
begins, so that help and usage errors come at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.check import Color, Settings, parse_settings, refuse
from netspec.cli.test import Device, Precision, TestForm, WeightsMap, read_net

Pictures = Annotated[
    list[str],
    typer.Argument(
        metavar="PICTURE",
        help="Image files, folders (every image file below them), or - for one on standard input.",
        show_default=False,
    ),
]
Weights = Annotated[
    list[Path],
    typer.Option(
        metavar="FILE",
        help="Weights that netspec train wrote, a run's folder, or with --net anybody's. Given more"
        " than once, the mean of all answers.",
        show_default=False,
    ),
]
Net = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A file with the net and its recipe, for weights that do not have them. FILE:NAME"
        " where it has several nets.",
    ),
]
Views = Annotated[
    int,
    typer.Option(
        metavar="1|10",
        help="10: the mean of four corners and the centre, mirrored too. 1: the centre.",
    ),
]


def predict(
    pictures: Pictures,
    weights: Weights,
    net: Net = None,
    weights_map: WeightsMap = None,
    settings: Settings = None,
    views: Views = 1,
    device: Device = None,
    precision: Precision = "float32",
    form: TestForm = "auto",
    color: Color = "auto",
) -> None:
    """Say what pictures show: the five most probable classes of each, with their probabilities.

    Exits with 0 if every picture has its answer, 1 if one cannot be read, or the weights do not
    fit, 2 if the command is wrong or a file is not there, 3 if computing failed, 4 if something is
    not installed, 130 after Ctrl-C.
    """
    if views not in (1, 10):
        refuse("--views", "a picture has 1 view or 10")
    if color == "always" and form != "auto":
        refuse("--color", f"the format {form} has no colours")
    if settings and net is None:
        refuse("--set", "the weights have the net with its values; --net would give another")
    if weights_map and net is None:
        refuse("--map", "it names the weights of a net, and --net is missing")
    if pictures.count("-") > 1:
        refuse("PICTURE", "standard input (-) can be read once")
    values = parse_settings(settings or [])
    input = None if net is None else read_net(net)

    from netspec.cli import predicting

    raise typer.Exit(
        predicting.run(
            pictures,
            input,
            values,
            form=form,
            color=color,
            weights=weights,
            weights_map=weights_map,
            views=views,
            device=device,
            precision=precision,
        )
    )
