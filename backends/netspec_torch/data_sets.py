"""`pack` and `inspect_data`: what the commands of the same names do with data sets."""

from collections.abc import Sequence
from pathlib import Path

from netspec.recipe.data_report import BrokenImage, DataReport, PackReport
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.data import DataError, inspection, open_data
from netspec_torch.data.packing import pack_data
from netspec_torch.data.shard_writer import Options
from netspec_torch.data.sources import open_sources


def pack(
    sources: Sequence[Path | str],
    out: Path | str,
    *,
    val: Path | str | None = None,
    val_list: Path | str | None = None,
    side: int = Options().side,
    quality: int = Options().quality,
    square: bool = Options().square,
    shard_images: int = Options().shard_images,
    seed: int = 0,
    threads: int | None = None,
    listener: Listener | None = None,
) -> PackReport:
    """Pack a data set of image files into the folder `out`, from which `train` reads it faster.

    `sources` is one place that `train` could read, or several WebDataset shards. `val` has the
    held-out images where they lie elsewhere; where they are a folder or a tar without classes,
    `val_list` has a line `name label` for each. Images are reduced until their shorter side has
    `side` pixels and encoded as JPEG of a `quality` from 1 to 100; with `square` only the centre
    square is kept, which is all that a recipe's `resize` reads. A shard has `shard_images`.
    `seed` draws the held-out images where nobody has chosen any. `threads` work at once, as many as
    the process may use cores unless given.

    A packing that was ended early goes on when it is called again in the same way. Raises
    TrainingError where the sources cannot be read or `out` cannot be written.
    """
    for name, value, most in (("side", side, 10_000), ("quality", quality, 100)):
        if not 1 <= value <= most:
            raise TrainingError(f"{name} goes from 1 to {most:,}, and is {value}", cause="usage")
    listener = listener or Listener()
    try:
        data = open_sources(
            [str(source) for source in sources],
            held_out=None if val is None else str(val),
            list_file=None if val_list is None else Path(val_list),
            seed=seed,
            announce=listener.announce,
        )
        packed = pack_data(
            data,
            Path(out),
            Options(side, quality, shard_images, square),
            threads=threads,
            progress=listener.packing,
        )
    except DataError as error:
        raise TrainingError(error.message, error.help, cause="usage") from error
    except OSError as error:
        raise TrainingError(f"{out} cannot be written: {error.strerror}", cause="run") from error
    index = packed.index
    return PackReport(
        folder=str(packed.folder),
        classes=len(index.classes),
        train=sum(shard.images for shard in index.train),
        held_out=sum(shard.images for shard in index.val),
        shards=len(index.train) + len(index.val),
        bytes=sum(shard.bytes for shard in index.train + index.val),
        done_before=packed.done_before,
        broken=tuple(BrokenImage(name, reason) for name, reason in index.skipped),
        notes=data.notes,
    )


def inspect_data(
    path: Path | str,
    *,
    images: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    listener: Listener | None = None,
) -> DataReport:
    """What is in a data set that `train` could read: form, classes, counts, sizes, broken images.

    Every image is decoded, or `images` of each part, evenly spread over it; none for 0. Raises
    TrainingError where there is no such data set.
    """
    listener = listener or Listener()
    try:
        data = open_data(path, "", seed, listener.announce)
        return inspection.inspect_data(
            data, images=images, threads=threads, progress=listener.inspecting
        )
    except DataError as error:
        raise TrainingError(error.message, error.help, cause="usage") from error
