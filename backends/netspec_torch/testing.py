"""`test`: how well trained nets do on held-out images, each alone and averaged.

Views and nets are averaged as in Krizhevsky et al. 2012, sections 4.1 and 6.1: the mean of the
probabilities that the softmax gives.

Figures say something of new images only where no net was trained on the images tested. Data with
two parts say themselves which are held out. Of others, netspec drew them when a net was trained,
and they are drawn again; a net that was trained on another division is refused.
"""

# ruff: noqa: PT028 (a function called `test` is no test of pytest's)

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor

from netspec.compiler.program import CheckedNet
from netspec.recipe.device import Precision
from netspec.recipe.results import TestedNet, TestReport
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.classes import count_outputs
from netspec_torch.comparison import compare
from netspec_torch.data import DataError, DataSet, Loader, Split, open_data
from netspec_torch.data.stages import need_statistics
from netspec_torch.distributed.checks import check_same_data, tell_unreadable
from netspec_torch.distributed.images import measure_together
from netspec_torch.distributed.world import World, join_world
from netspec_torch.evaluate import take_some
from netspec_torch.members import (
    WeightsArgument,
    check_classes,
    check_map,
    describe_images,
    find_data_of_runs,
    give_weights,
    list_weights_files,
    missing_statistics,
    recipe_of,
)
from netspec_torch.trained import TrainedNet, digest_split, read_trained


def test(
    weights: WeightsArgument,
    net: CheckedNet | None = None,
    *,
    weights_map: Path | str | None = None,
    data: Path | str | None = None,
    views: int | None = None,
    eval_images: int | None = None,
    all_images: bool = False,
    device: str | None = None,
    precision: Precision = "float32",
    listener: Listener | None = None,
) -> TestReport:
    """Test nets on the held-out images of a data set.

    `weights` is a file of weights, or a run's folder, which stands for its last weights, or
    several; more than one are an ensemble, whose probabilities are averaged. A file that a run
    wrote brings its net and how images are prepared; for any other, `net` is given, and its recipe
    says that, with `weights_map` as for `load_weights`. What the recipe subtracts or divides by
    stands in a run's file; where it does not, it is measured on the images that the data have to
    train on.

    `data` is what `train` takes; the run's own where a run's folder is given. With `views` 10 there
    are figures for the centre view and for the mean of ten; unless given the recipe says how many.
    `eval_images` tests on that many, evenly spread. `all_images` tests on all of the data, where
    they have no part that was held out.

    Raises TrainingError where that cannot be done, and CompileError where a spec does not hold.
    """
    if views not in (None, 1, 10):
        raise TrainingError(f"a test has 1 view or 10, not {views}", cause="usage")
    if eval_images is not None and eval_images < 1:
        raise TrainingError(f"a test cannot have {eval_images} images", cause="usage")
    check_map(net, weights_map)
    with join_world("the net", 1, device) as world:
        heard = listener if listener and world.is_first else Listener()
        try:
            nets, opened = _open(weights, net, weights_map, data, world, heard)
            trial = prepare_trial(nets, opened, eval_images, world, heard, all_images=all_images)
            return _test(trial, views, world, precision, heard, all_images=all_images)
        except DataError as error:
            raise TrainingError(error.message, error.help, cause="usage") from error
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise TrainingError(
                "the device has not enough memory for a test",
                "a smaller `batch` in the recipe's `test` needs less",
                cause="run",
            ) from error


def _test(
    trial: "Trial",
    views: int | None,
    world: World,
    precision: Precision,
    listener: Listener,
    *,
    all_images: bool,
) -> TestReport:
    """The figures of a trial, of which each process of the world computes a part of the images."""
    nets, splits, data = trial.nets, trial.splits, trial.data
    if views is None:
        views = max(recipe_of(each.net).views for each in nets)
    labels = trial.label_of_class.to(world.device)
    results = compare(nets, splits, labels, views, world, precision, listener)
    tell_unreadable(world, splits)
    of_splits = [split.count_readable() for split in splits]
    counts = [sum(of_class) for of_class in zip_longest(*of_splits, fillvalue=0)]
    return TestReport(
        data=data.name,
        origin=data.origin,
        tested="images" if all_images else "held-out images",
        classes=data.num_classes,
        chance=float(max(counts) / sum(counts)),
        nets=tuple(
            TestedNet(str(each.path), each.net.name, each.update, figures)
            for each, figures in zip(nets, results, strict=False)
        ),
        ensemble=results[-1] if len(nets) > 1 else (),
        skipped=tuple(image for split in splits for image in split.skipped),
    )


@dataclass(frozen=True)
class Trial:
    """Nets and the images to test them on."""

    nets: list[TrainedNet]
    data: DataSet
    splits: list[Split]
    label_of_class: Tensor
    """For each class of the data its place among the nets' outputs."""


def prepare_trial(
    nets: list[TrainedNet],
    data: DataSet,
    eval_images: int | None,
    world: World,
    listener: Listener,
    *,
    all_images: bool = False,
) -> Trial:
    """The trial of nets on the held-out images of a data set, or on all of its images; on
    `eval_images` of them, where that is given. Raises TrainingError where they do not fit each
    other."""
    splits = _choose_splits(data, nets, eval_images, all_images=all_images)
    nets = [_complete(each, data, world, listener) for each in nets]
    return Trial(nets, data, splits, _match_classes(data, nets))


def _open(
    weights: WeightsArgument,
    net: CheckedNet | None,
    weights_map: Path | str | None,
    data: Path | str | None,
    world: World,
    listener: Listener,
) -> tuple[list[TrainedNet], DataSet]:
    """The nets, and the data set divided as it was when they were trained."""
    files, device = list_weights_files(weights), world.device
    nets = [] if net is not None else [read_trained(file, device) for file in files]
    images = [each.images for each in nets] or [describe_images(file) for file in files]
    names = [each.data for each in images if each.data]
    if net is not None and net.recipe is not None:
        names.append(net.recipe.data.name)
    seeds = [each.split_seed for each in images if each.split_seed is not None]
    place = data if data is not None else find_data_of_runs(weights)
    with world.one_a_machine_first():
        opened = open_data(place, next(iter(names), ""), next(iter(seeds), 0), listener.announce)
    check_same_data(world, opened)
    if opened.notice:
        listener.announce(f"note: {opened.notice}")
    if net is not None:
        nets = [
            give_weights(
                net,
                file,
                known,
                device,
                weights_map=weights_map,
                listener=listener,
                classes=opened.num_classes,
            )
            for file, known in zip(files, images, strict=True)
        ]
    check_classes(nets)
    return nets, opened


def _choose_splits(
    data: DataSet, nets: Sequence[TrainedNet], eval_images: int | None, *, all_images: bool
) -> list[Split]:
    """The images to test on; raises TrainingError where some net may have been trained on them."""
    if not all_images and data.is_divided_here:
        digest = digest_split(data)
        for each in nets:
            if each.images.split != digest:
                raise TrainingError(
                    f"{data.origin} has no part that is held out, and it is not known which of its "
                    f"images {each.path} was trained on",
                    "--all tests on all of them, where that is none; a folder with train/ and val/ "
                    "says what is held out",
                    cause="usage",
                )
    splits = [data.train, data.held_out] if all_images else [data.held_out]
    if eval_images is None:
        return splits
    total = sum(map(len, splits))
    shares = (min(eval_images, total) * len(split) // total for split in splits)
    return [take_some(split, max(1, count)) for split, count in zip(splits, shares, strict=True)]


def _complete(trained: TrainedNet, data: DataSet, world: World, listener: Listener) -> TrainedNet:
    """A net with the statistics that its preparation of images needs, measured where they are not
    known; raises TrainingError where there is nothing to measure them on."""
    if trained.images.statistics is not None or not need_statistics(trained.transforms):
        return trained
    if data.is_divided_here:
        raise missing_statistics(trained)
    listener.announce(
        f"{trained.path} does not have what its recipe measures on the training images: it is "
        f"measured on the {len(data.train):,} images that {data.name} has to train on"
    )
    loader = Loader(
        data.train,
        trained.transforms,
        trained.shape,
        batch=recipe_of(trained.net).batch,
        seed=0,
        threads=world.threads,
        measure=measure_together(world),
        progress=listener.measuring,
    )
    return replace(trained, images=replace(trained.images, statistics=loader.statistics))


def _match_classes(data: DataSet, nets: Sequence[TrainedNet]) -> Tensor:
    """For each class of the data its place among the nets' outputs: by its name, or by its number
    where no net knows the names. Raises TrainingError where there is none."""
    known: tuple[str, ...] = next((each.class_names for each in nets if each.class_names), ())
    outputs = count_outputs(nets[0].net)
    if not known and outputs != data.num_classes:
        raise TrainingError(
            f"`{nets[0].net.name}` ends in {outputs:,} numbers, and the data have "
            f"{data.num_classes:,} classes",
            "--data says which data are meant",
            cause="usage",
        )
    if not known or known == data.class_names:
        return torch.arange(outputs)
    unknown = [name for name in data.class_names if name not in known]
    if unknown:
        raise TrainingError(
            f"{data.name} ({data.origin}) has the class {unknown[0]}, which "
            f"{nets[0].path} does not know",
            f"it knows {', '.join(known[:10])}{', ...' if len(known) > 10 else ''}; --data says "
            "which data are meant",
            cause="usage",
        )
    return torch.tensor([known.index(name) for name in data.class_names])
