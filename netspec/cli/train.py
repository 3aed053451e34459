"""`netspec train`: a network trained by its file's recipe.

The options stand here; what is done with them is in `training.py`, which is imported when a
training begins, so that help and usage errors come at once.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from netspec.cli.check import Color, Settings, parse_settings, read_only_input, refuse

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A file with a net and its recipe, or - for standard input. FILE:NAME where it has"
        " several nets.",
        show_default=False,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="A folder with train/CLASS/ and val/CLASS/, or of CLASS/ folders, which is then split;"
        " a packed set, WebDataset shards, a list file, MNIST's or CIFAR's files. elpv fetches"
        " photographs of solar cells; fashion_mnist is built in, and stands in where the recipe's"
        " data are not there.",
    ),
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1; a GPU where there is one, unless given.")
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The run's folder; runs/NET or the next number unless given."),
]
Epochs = Annotated[
    float | None, typer.Option(metavar="N", help="End after N epochs, whatever the recipe says.")
]
Iterations = Annotated[
    int | None, typer.Option(metavar="N", help="End after N updates, whatever the recipe says.")
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Decides everything random: first weights, order, crops, dropout. Any whole number;"
        " default 0.",
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Train with N seeds, --seed and those after it, each in its own folder of the run's,"
        " and test each and the mean of all.",
    ),
]
Precision = Annotated[
    Literal["float32", "bf16"] | None,
    typer.Option(help="bf16: layers in bfloat16, weights and updates in float32. Default float32."),
]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the net with torch.compile.")]
Views = Annotated[
    int | None,
    typer.Option(
        metavar="1|10", help="Views of each image in the last test, instead of the recipe's."
    ),
]
EvalImages = Annotated[
    int | None,
    typer.Option(
        "--eval-images",
        metavar="N",
        min=1,
        help="Test on N held-out images on the way, and on several views. The last test at the"
        " centre takes all.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Begin from the weights of a file, safetensors or torch.save's, instead of starting"
        " values.",
    ),
]
WeightsMap = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Which of the tensors of --weights becomes which weight: two names a line.",
    ),
]
FreshLast = Annotated[
    bool,
    typer.Option(
        "--fresh-last",
        help="With --weights: the last layer of the net, and of each head, keeps its starting"
        " values.",
    ),
]
WatchLayers = Annotated[
    bool,
    typer.Option(
        "--watch-layers",
        help="Log the mean sizes of each layer's weights and of their updates, and the ratio.",
    ),
]
DeviceBatch = Annotated[
    int | None,
    typer.Option(
        "--device-batch",
        metavar="N",
        min=1,
        help="Compute at most N images at once, where the device has no room for a batch; the"
        " gradients of its parts are added up.",
    ),
]
SnapshotEvery = Annotated[
    int | None,
    typer.Option(
        "--snapshot-every",
        metavar="N",
        min=1,
        help="Take a snapshot after every N updates too; there is one after each test and every ten"
        " minutes.",
    ),
]
Keep = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Keep the last N snapshots, beside that of the best test. Default 2.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in --out, or with the net's latest.")
]
From = Annotated[
    int | None,
    typer.Option(
        "--from",
        metavar="N",
        min=0,
        help="With --resume: go on from the snapshot after N updates, not from the latest.",
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="With --resume: go on by the spec, the data and the options as they are, though they"
        " have changed.",
    ),
]
Form = Annotated[
    Literal["auto", "plain"],
    typer.Option("--format", help="auto: a progress bar on a terminal. plain: lines only."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no plan and no progress.")]


def train(
    file: File,
    data: Data = None,
    device: Device = None,
    out: Out = None,
    epochs: Epochs = None,
    iterations: Iterations = None,
    seed: Seed = None,
    seeds: Seeds = None,
    settings: Settings = None,
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
    from_update: From = None,
    force: Force = False,
    form: Form = "auto",
    quiet: Quiet = False,
    color: Color = "auto",
) -> None:
    """Train a network by its file's recipe, test it on held-out images, and write its weights.

    Shows the plan first. Ctrl-C ends the run after the update that is being done; --resume goes on.
    Exits with 0 if the run came to its end, 1 if the file has errors, 2 if the command is wrong, 3
    if the training failed, 4 if something is not installed, 130 after Ctrl-C,
    143 after SIGTERM.
    """
    refuse_contradictions(
        form,
        color,
        views=views,
        has_two_ends=epochs is not None and iterations is not None,
        has_weights=weights is not None,
        changes_weights=weights_map is not None or fresh_last,
    )
    if weights and resume:
        refuse("--weights", "a run that goes on has its weights already")
    if not resume and (from_update is not None or force):
        refuse("--from, --force", "they say how --resume goes on, which is missing")
    if seeds is not None and from_update is not None:
        refuse("--from", "with --seeds each run goes on from its latest snapshot")
    values = parse_settings(settings or [])
    only = read_only_input(file, "a training has one")

    from netspec.cli import training

    raise typer.Exit(
        training.run(
            only,
            values,
            training.choose_watch(form, color, quiet=quiet),
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
            seeds=seeds,
            **({} if from_update is None else {"from_update": from_update}),
        )
    )


def refuse_contradictions(
    form: Form,
    color: Color,
    *,
    views: int | None,
    has_two_ends: bool,
    has_weights: bool,
    changes_weights: bool,
) -> None:
    """End with a usage error where options of a training say nothing together; those that a sweep
    has as well."""
    if views not in (None, 1, 10):
        refuse("--views", "a test has 1 view or 10")
    if has_two_ends:
        refuse("--epochs, --iterations", "a run ends by one of the two")
    if changes_weights and not has_weights:
        refuse("--map, --fresh-last", "they say what becomes of --weights, which is missing")
    if color == "always" and form == "plain":
        refuse("--color", "the format plain has no colours")
