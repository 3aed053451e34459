"""`netspec sweep`: a network trained with each of several values of its parameters, side by side.

The options stand here, most of them those of `train`; what is done with them is in `sweeping.py`,
which is imported when a sweep begins.
"""

from typing import Annotated

import typer

from netspec.cli.check import Color, parse_settings, read_only_input, refuse
from netspec.cli.train import (
    Compile,
    Data,
    Device,
    DeviceBatch,
    Epochs,
    EvalImages,
    File,
    Force,
    Form,
    FreshLast,
    Iterations,
    Keep,
    Out,
    Precision,
    Quiet,
    Seed,
    SnapshotEvery,
    Views,
    WatchLayers,
    Weights,
    WeightsMap,
    refuse_contradictions,
)

OPENING, CLOSING = "([", ")]"

Values = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=A,B,C",
        help="Give a net's parameter each of these values, written as in the language:"
        " activation=relu,tanh. May be repeated, and then each is trained with each; a single value"
        " is for all.",
        show_default=False,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Train with N seeds each, --seed and those after it."),
]
UntilError = Annotated[
    float | None,
    typer.Option(
        "--until-error",
        metavar="SHARE",
        help="Compare by the updates until the running mean of the training error is at most this."
        " Default 0.25.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the sweep in --out, or with the net's latest: what is done is not trained"
        " again. Values, seeds and --until-error may be others than before.",
    ),
]


def sweep(
    file: File,
    values: Values,
    seeds: Seeds = 3,
    until_error: UntilError = None,
    data: Data = None,
    device: Device = None,
    out: Out = None,
    epochs: Epochs = None,
    iterations: Iterations = None,
    seed: Seed = None,
    precision: Precision = None,
    compile: Compile = False,
    views: Views = None,
    eval_images: EvalImages = None,
    weights: Weights = None,
    weights_map: WeightsMap = None,
    fresh_last: FreshLast = False,
    watch_layers: WatchLayers = False,
    device_batch: DeviceBatch = None,
    snapshot_every: SnapshotEvery = None,
    keep: Keep = None,
    resume: Resume = False,
    force: Force = False,
    form: Form = "auto",
    quiet: Quiet = False,
    color: Color = "auto",
) -> None:
    """Train a network with each of several values of its parameters, with the same seeds and for as
    long, and show all side by side: a table, and the curves in one picture.

    Every choice of values is checked before the first is trained. Exits with 0 if all runs came to
    their end, 1 if the file has errors, 2 if the command is wrong, 3 if a run diverged, the others
    having been done, or the training failed, 4 if something is not installed, 130 after Ctrl-C, 143
    after SIGTERM.
    """
    refuse_contradictions(
        form,
        color,
        views=views,
        has_two_ends=epochs is not None and iterations is not None,
        has_weights=weights is not None,
        changes_weights=weights_map is not None or fresh_last,
    )
    if until_error is not None and not 0 < until_error < 1:
        refuse("--until-error", "a share lies between 0 and 1")
    if force and not resume:
        refuse("--force", "it says how --resume goes on, which is missing")
    choices = parse_choices(values)
    only = read_only_input(file, "a sweep is of one")

    from netspec.cli import sweeping
    from netspec.cli.training import choose_watch

    raise typer.Exit(
        sweeping.run(
            only,
            choices,
            seeds,
            choose_watch(form, color, quiet=quiet),
            until_error=until_error,
            data=data,
            device=device,
            out=out,
            epochs=epochs,
            iterations=iterations,
            seed=seed,
            precision=precision,
            compile=compile,
            views=views,
            eval_images=eval_images,
            weights=weights,
            weights_map=weights_map,
            fresh_last=fresh_last,
            watch_layers=watch_layers,
            device_batch=device_batch,
            snapshot_every=snapshot_every,
            keep=keep,
            resume=resume,
            force=force,
        )
    )


def parse_choices(words: list[str]) -> dict[str, list[str]]:
    """The names and values of `--set`; ends with a usage error where nothing is to be compared."""
    choices = {name: split_values(text) for name, text in parse_settings(words).items()}
    for name, values in choices.items():
        if not all(values):
            refuse("--set", f"{name} has an empty value: {','.join(values)}")
        for value in values:
            if values.count(value) > 1:
                refuse("--set", f"{name} has the value {value} twice")
    if all(len(values) == 1 for values in choices.values()):
        refuse("--set", "a sweep compares values: one parameter needs two of them, NAME=A,B")
    return choices


def split_values(text: str) -> list[str]:
    """The values between commas, those inside brackets and quotes left out."""
    values, depth, is_quoted = [""], 0, False
    for character in text:
        is_quoted ^= character == '"'
        if not is_quoted:
            depth += (character in OPENING) - (character in CLOSING)
        if character == "," and depth <= 0 and not is_quoted:
            values.append("")
        else:
            values[-1] += character
    return [value.strip() for value in values]
