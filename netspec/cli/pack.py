"""`netspec pack`: a data set packed into shards.

The options stand here; what is done with them is in `packing.py`, which is imported when a packing
begins, so that help and usage errors come at once.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from netspec.cli.check import Color, refuse

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="A folder or file that train --data reads, ImageNet's tar of training images, or"
        " several WebDataset shards.",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option(metavar="DIR", help="The folder for the packed set.", show_default=False)
]
Val = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="The held-out images, where they lie elsewhere: a source of its own, or with"
        " --val-list a folder or tar without classes.",
    ),
]
ValList = Annotated[
    Path | None,
    typer.Option(
        "--val-list",
        metavar="FILE",
        help="Which class each image of --val is of: `name label` a line, as in Caffe's val.txt."
        " Labels are numbers from 0 or names of classes.",
    ),
]
Side = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=10_000,
        help="Reduce images until their shorter side has N pixels; none is enlarged.",
    ),
]
Quality = Annotated[
    int, typer.Option(metavar="N", min=1, max=100, help="The quality of the JPEG files.")
]
Square = Annotated[
    bool,
    typer.Option(
        "--square",
        help="Keep the centre square alone: all that a recipe's resize reads, smaller and quicker.",
    ),
]
Shard = Annotated[int, typer.Option(metavar="N", min=1, help="Images of a shard.")]
Seed = Annotated[int, typer.Option(help="Draws the held-out images where nobody has chosen any.")]
Threads = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Work on N shards at once; as many as there are cores."),
]
Form = Annotated[
    Literal["auto", "plain"],
    typer.Option("--format", help="auto: a progress bar on a terminal. plain: lines only."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def pack(
    sources: Sources,
    out: Out,
    val: Val = None,
    val_list: ValList = None,
    side: Side = 256,
    quality: Quality = 90,
    square: Square = False,
    shard: Shard = 4096,
    seed: Seed = 0,
    threads: Threads = None,
    form: Form = "auto",
    quiet: Quiet = False,
    color: Color = "auto",
) -> None:
    """Pack a data set for training: its images reduced, encoded as JPEG, in a few large files.

    train --data DIR reads the result. Images that cannot be read are named and left out. A packing
    that was ended early goes on when the same command is given again. Exits with 0 if the
    set is packed, 2 if the sources cannot be read or the command is wrong, 3 if DIR cannot be
    written, 4 if something is not installed, 130 after Ctrl-C.
    """
    if val_list is not None and val is None:
        refuse("--val-list", "it labels the images of --val, which is missing")
    if color == "always" and form == "plain":
        refuse("--color", "the format plain has no colours")

    from netspec.cli import packing, training

    raise typer.Exit(
        packing.run(
            sources,
            training.choose_watch(form, color, quiet=quiet),
            out=out,
            val=val,
            val_list=val_list,
            side=side,
            quality=quality,
            square=square,
            shard_images=shard,
            seed=seed,
            threads=threads,
        )
    )
