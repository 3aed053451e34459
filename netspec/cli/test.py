"""`netspec test`: how well trained nets do on held-out images, one alone or several averaged.

The options stand here; what is done with them is in `testing.py`, which is imported when a test
begins, so that help and usage errors come at once.
"""

# ruff: noqa: PT028 (a function called `test` is no test of pytest's)

import os
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from netspec.cli.check import Color, Settings, parse_settings, read_only_input, refuse
from netspec.cli.exit_codes import IS_UNREADABLE
from netspec.cli.inputs import STANDARD_INPUT, Input, split_picked

Form = Literal["auto", "plain", "json"]

File = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help="A file with a net and its recipe, FILE:NAME where it has several nets; or a run's"
        " folder, runs/NAME. Not needed for weights that netspec train wrote.",
        show_default=False,
    ),
]
Weights = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Weights that netspec train wrote, a run's folder, or with FILE anybody's, safetensors"
        " or torch.save's. Given more than once, all are tested and their mean.",
    ),
]
WeightsMap = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Which tensors of anybody's weights become which weights: two names a line.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="What train --data takes. Where a run's folder is given, its data unless given.",
    ),
]
Views = Annotated[
    int | None,
    typer.Option(
        metavar="1|10",
        help="10: the centre view, and the mean of corners and centre, mirrored too. 1: the centre"
        " view alone. The recipe's unless given.",
    ),
]
EvalImages = Annotated[
    int | None,
    typer.Option(
        "--eval-images", metavar="N", min=1, help="Test on N of the images, evenly spread."
    ),
]
All = Annotated[
    bool,
    typer.Option("--all", help="Test on all images of the data, not on a part that is held out."),
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1; a GPU where there is one, unless given.")
]
Precision = Annotated[
    Literal["float32", "bf16"],
    typer.Option(help="bf16: layers in bfloat16, on weights in float32."),
]
TestForm = Annotated[
    Form,
    typer.Option(
        "--format",
        help="auto: for people, in colour on a terminal. plain: no colour, no lines. json: for"
        " machines.",
    ),
]


def test(
    file: File = None,
    weights: Weights = None,
    weights_map: WeightsMap = None,
    data: Data = None,
    settings: Settings = None,
    views: Views = None,
    eval_images: EvalImages = None,
    all_images: All = False,
    device: Device = None,
    precision: Precision = "float32",
    form: TestForm = "auto",
    color: Color = "auto",
) -> None:
    """Test trained networks on held-out images: accuracy, top five, loss, on one view and on ten.

    Several weights are tested each alone and as an ensemble, whose probabilities are averaged.
    Exits with 0 if the test came to its end, 1 if the file has errors or the weights do not fit it,
    2 if the command is wrong or something cannot be read, 3 if the test failed, 4 if something is
    not installed, 130 after Ctrl-C.
    """
    if views not in (None, 1, 10):
        refuse("--views", "a test has 1 view or 10")
    if color == "always" and form != "auto":
        refuse("--color", f"the format {form} has no colours")
    files = weights or []
    if file is not None and os.path.isdir(file):
        files, file = [Path(file), *files], None
    if not files:
        refuse_without_weights(file)
    if settings and file is None:
        refuse("--set", "the weights have the net with its values; FILE would give another")
    if weights_map and file is None:
        refuse("--map", "it names the weights of a net, and FILE is missing")
    values = parse_settings(settings or [])
    net = None if file is None else read_net(file)

    from netspec.cli import testing

    raise typer.Exit(
        testing.run(
            net,
            values,
            files,
            form=form,
            color=color,
            weights_map=weights_map,
            data=data,
            views=views,
            eval_images=eval_images,
            all_images=all_images,
            device=device,
            precision=precision,
        )
    )


def refuse_without_weights(file: str | None) -> NoReturn:
    """End with an exit code, as there are no weights: a word that names nothing may have been meant
    for a run's folder."""
    is_path = file is not None and file != STANDARD_INPUT and not split_picked(file)
    if is_path and not os.path.lexists(file or ""):
        typer.echo(f"error: {file}: there is no such file or folder", err=True)
        raise typer.Exit(IS_UNREADABLE)
    refuse("--weights", "there is nothing to test without weights, or a run's folder")


def read_net(word: str) -> Input:
    """The file with the net; ends with an exit code where it cannot be read."""
    return read_only_input(word, "one net is tested")
