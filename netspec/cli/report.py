"""`netspec report`: runs as one page of HTML.

The options stand here; what is done with them is in `reporting.py`, which is imported when it
begins, so that help and usage errors come at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.check import Color
from netspec.cli.test import Device
from netspec.cli.train import Form

Runs = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN",
        help="The folder of a run, runs/NAME, of the runs of several seeds, or of a sweep. Several"
        " are shown side by side.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where the page is written: report.html in the run's folder unless given, or for"
        " several runs report.html here.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="What train --data takes. The run's own data unless given."),
]
EvalImages = Annotated[
    int | None,
    typer.Option(
        "--eval-images",
        metavar="N",
        min=0,
        help="Test on N of the held-out images, evenly spread. With 0 none is, and the page shows"
        " no confusion of classes and no predictions.",
    ),
]


def report(
    runs: Runs,
    out: Out = None,
    data: Data = None,
    eval_images: EvalImages = None,
    device: Device = None,
    form: Form = "auto",
    color: Color = "auto",
) -> None:
    """Write a page of HTML on trained networks: figures, curves, layers, kernels, predictions.

    The page needs nothing but itself. The last weights are tested once more, for the confusion of
    classes and the predictions. Exits with 0 if the page is written, 2 if something is no run, 3 if
    the page cannot be written, 4 if something is not installed, 130 after Ctrl-C.
    """
    from netspec.cli import reporting

    raise typer.Exit(
        reporting.run(
            runs, out, form=form, color=color, data=data, eval_images=eval_images, device=device
        )
    )
