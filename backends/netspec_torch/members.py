"""From files of weights to nets that are ready to be tested or used, one alone or several together.

A file that a run wrote (`trained.py`) says which net it is for, how an image is prepared and what
the classes are called. For any other file the caller gives the net, whose recipe says how an image
is prepared; what the classes are called is then not known.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from netspec.compiler.program import CheckedNet
from netspec.recipe.recipe import Recipe
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.classes import PARAMETER, count_outputs, fit_classes
from netspec_torch.compute import choose_memory_format
from netspec_torch.module import build
from netspec_torch.run_folder import RunFolder
from netspec_torch.tensor_file import read_texts
from netspec_torch.trained import TrainedNet, TrainedOn, read_trained_on
from netspec_torch.weights.layers import (
    FRESH_LAST_HELP,
    MAP_HELP,
    MisfitError,
    OtherClassesError,
)
from netspec_torch.weights.loading import fit_weights, tell_misfit

WeightsArgument = Path | str | Iterable[Path | str]
"""A file of weights or a run's folder, or several."""
LAST = "last.safetensors"
MEMBER = re.compile(r"seed-(-?\d+)")
"""The folder of one run among several of the same net, within theirs."""
UNKNOWN_IMAGES = TrainedOn(
    data="", class_names=(), channels=None, statistics=None, split_seed=None, split=""
)


def list_weights_files(weights: WeightsArgument) -> list[Path]:
    """The files that are meant, each once: a run's folder stands for its last weights, and that of
    several runs for those of all. Raises TrainingError."""
    words = [weights] if isinstance(weights, Path | str) else weights
    files = [file for word in words for file in _expand(Path(word))]
    if not files:
        raise TrainingError("there is no file of weights", cause="usage")
    return list({file.resolve(): file for file in files}.values())


def find_data_of_runs(weights: WeightsArgument) -> str | None:
    """Where the data lay that the runs of these folders read; None where the recipe names them, or
    where a file is given and not a folder. Raises TrainingError where they do not agree."""
    words = [weights] if isinstance(weights, Path | str) else weights
    folders = [file.parent for w in words if Path(w).is_dir() for file in _expand(Path(w))]
    places = {_read_options(folder).get("data") for folder in folders}
    if len(places) > 1:
        named = ", ".join(sorted(str(place) for place in places))
        raise TrainingError(
            f"the runs do not have the same data: {named}", "--data says which", cause="usage"
        )
    return next(iter(places), None)


def describe_images(file: Path) -> TrainedOn:
    """What a file of weights says of the images that its net was trained on; raises TrainingError
    where it is one of a run, and damaged."""
    return read_trained_on(file) if "netspec" in read_texts(file) else UNKNOWN_IMAGES


def give_weights(
    net: CheckedNet,
    file: Path,
    images: TrainedOn,
    device: torch.device,
    *,
    weights_map: Path | str | None,
    listener: Listener,
    classes: int | None = None,
) -> TrainedNet:
    """The net with the weights of any file, on the device and set to be used. `classes` is its
    number of classes where the file does not know them. Which of its tensors became which weight is
    announced where that was not by name.

    Raises TrainingError where the file does not fit, and CompileError where the net does not hold
    with that number.
    """
    if net.recipe is None:
        raise TrainingError(
            f"`{net.name}` has no recipe, which would say what is done to an image",
            "write `train { … }` into its file",
            cause="file",
        )
    wanted = len(images.class_names) or classes
    if wanted is not None:
        net, _ = fit_classes(net, wanted)
    with torch.random.fork_rng(devices=[]):
        module = build(net, seed=0)
    try:
        loaded = fit_weights(module, net, file, weights_map=weights_map)
    except MisfitError as misfit:
        raise _explain_misfit(
            net, file, misfit, classes, has_map=weights_map is not None
        ) from misfit
    if loaded.match.how != "name" or weights_map is not None:
        for line in loaded.describe():
            listener.announce(line)
    memory_format = choose_memory_format(net.graph.nodes)
    update = read_texts(file).get("update")
    return TrainedNet(
        path=file,
        net=net,
        module=module.requires_grad_(False).eval().to(device, memory_format=memory_format),  # type: ignore[call-overload]
        images=images,
        transforms=recipe_of(net).test_transforms,
        update=None if update is None else int(update),
        figures=None,
    )


def _explain_misfit(
    net: CheckedNet, file: Path, misfit: MisfitError, classes: int | None, *, has_map: bool
) -> TrainingError:
    """Why a file does not fit a net that is to be used as it is: nothing of it can stay fresh."""
    if not isinstance(misfit, OtherClassesError):
        return tell_misfit(file, net, misfit, (FRESH_LAST_HELP, *[MAP_HELP] * has_map))
    if classes is not None:
        return TrainingError(
            f"{file} is for {misfit.theirs:,} classes, and the data have {classes:,}: {misfit}",
            f"train on the data first: `netspec train FILE --weights {file} --fresh-last`",
            cause="file",
        )
    takes_classes = PARAMETER in dict(net.graph.parameters)
    return TrainingError(
        f"{file} is for {misfit.theirs:,} classes, and `{net.name}` ends in "
        f"{count_outputs(net):,} numbers: {misfit}",
        f"--set {PARAMETER}={misfit.theirs} gives it as many" if takes_classes else "",
        cause="file",
    )


def recipe_of(net: CheckedNet) -> Recipe:
    """The recipe of a net that has one."""
    assert net.recipe is not None
    return net.recipe


def check_map(net: CheckedNet | None, weights_map: Path | str | None) -> None:
    """Raise TrainingError where a map has no net whose weights it could name."""
    if net is None and weights_map is not None:
        raise TrainingError(
            "a map is for weights from elsewhere, whose net must be given",
            "the weights of a run have their net and their own names",
            cause="usage",
        )


def check_classes(nets: Sequence[TrainedNet]) -> None:
    """Raise TrainingError where the outputs of the nets do not mean the same."""
    first = nets[0]
    for other in nets[1:]:
        counts = [count_outputs(each.net) for each in (first, other)]
        if counts[0] != counts[1]:
            raise TrainingError(
                f"{first.path} tells {counts[0]:,} classes apart and {other.path} {counts[1]:,}: "
                "their answers have no mean",
                cause="usage",
            )
        pairs = zip(first.class_names, other.class_names, strict=False)
        for place, (ours, theirs) in enumerate(pairs):
            if ours != theirs:
                raise TrainingError(
                    f"the class {place} is {ours} in {first.path}, and {theirs} in {other.path}: "
                    "their answers have no mean",
                    cause="usage",
                )


def missing_statistics(trained: TrainedNet) -> TrainingError:
    """That an image cannot be prepared as the recipe says."""
    return TrainingError(
        f"`{trained.net.name}` takes off or divides by what was measured on the training images, "
        f"and {trained.path} does not have it",
        "write the numbers into the recipe's data: `subtract [R, G, B]`, `divide [R, G, B]`",
        cause="usage",
    )


def _expand(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if (path / LAST).exists():
        return [path / LAST]
    files = [folder / LAST for folder in list_members(path)]
    missing = [file for file in files if not file.exists()]
    if not files or missing:
        raise TrainingError(
            f"{missing[0].parent if missing else path} holds no trained weights: there is no "
            f"{LAST} in it",
            "--resume goes on with a run that was stopped" if missing else "",
            cause="usage",
        )
    return files


def list_members(path: Path) -> list[Path]:
    """The folders of the runs of several seeds; none where a path is not theirs."""
    if not path.is_dir():
        return []
    inner = [folder for folder in path.iterdir() if MEMBER.fullmatch(folder.name)]
    return sorted(inner, key=_read_seed)


def _read_seed(folder: Path) -> int:
    match = MEMBER.fullmatch(folder.name)
    assert match is not None
    return int(match[1])


def _read_options(folder: Path) -> dict[str, Any]:
    """The options of a run; none where they cannot be read."""
    try:
        options = RunFolder(folder).read_json("recipe.json")["options"]
    except (OSError, ValueError, LookupError):
        return {}
    return dict(options)
