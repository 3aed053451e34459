"""A trained net as one file: its weights, and all that a use of them needs.

    trained = read_trained("runs/alexnet/best.safetensors")
    scores = trained.module(trained.prepare(Path("cat.jpg").read_bytes()))

The file is safetensors (`tensor_file.py`). Its tensors are the module's `state_dict`; beside them
stand, where the images of a test need them, what was measured on the training images
(`statistics/…`), and texts:

format          pt
netspec         the version that wrote it
net, parameters the net's name, and the values of its parameters
spec, file      the spec as it was used, and its file's name
uses            the texts of the files that it uses, by their paths from it
classes         the names of the classes, in the order of the net's outputs
data            the data set's name, and what is known of its images: `channels` is how many all of
                them have, null where they may differ; `split_seed` drew the held-out images where
                they were drawn, and `split` tells whether the same are
input           what the net reads: its shape, the order of the channels, the range of a pixel
                before `test`, and for images in that range each channel's mean and standard
                deviation
test            what is done to an image before the net, line by line
update, figures how long it was trained, and how well it did then, if it was tested
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

import netspec
from netspec.compiler.pipeline import compile_texts
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import CompileError
from netspec.recipe.data import Transform
from netspec.recipe.run import Figures, TrainingError
from netspec.recipe.written import resolve_line
from netspec.tensor import Shape
from netspec_torch.changes import describe_parameters
from netspec_torch.compute import choose_memory_format
from netspec_torch.data import DataSet, Statistics
from netspec_torch.data.pipeline import prepare_image
from netspec_torch.data.stages import need_statistics
from netspec_torch.module import build
from netspec_torch.storage import write_tensors
from netspec_torch.tensor_file import STATISTICS, DamagedFileError, TensorFile, read_tensor_file
from netspec_torch.weights.files import torch_wrote

NET_HELP = (
    "say which net it is for: `netspec test NET --weights FILE`, or "
    "`netspec predict PICTURE --weights FILE --net NET`"
)


class _BareWeightsError(DamagedFileError):
    """A file that has weights alone."""


@dataclass(frozen=True)
class TrainedOn:
    """The images that a net was trained on, as far as a use of it has to know them."""

    data: str
    """The data set's name."""
    class_names: tuple[str, ...]
    """In the order of the net's outputs."""
    channels: int | None
    """The channels that every image of the set has; None where they may differ."""
    statistics: Statistics | None
    """What was measured on them, if it is needed."""
    split_seed: int | None
    """Drew the held-out images where the data have none of their own; None where nobody knows."""
    split: str
    """What `digest_split` gives of the data; empty where it is not known."""


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net with its trained weights, ready to be used or tested."""

    path: Path
    net: CheckedNet
    module: fx.GraphModule
    """Set to compute as in a test; it gives N x classes."""
    images: TrainedOn
    transforms: tuple[Transform, ...]
    """What is done to an image of a test."""
    update: int | None
    """Updates that it was trained by; None where its weights are from elsewhere."""
    figures: Figures | None
    """How well it did then on held-out images; None where it was not tested."""

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.images.class_names

    @property
    def shape(self) -> Shape:
        """The shape of an image as the net reads it."""
        return self.net.graph[self.net.graph.inputs[0]].shape

    def prepare(self, data: bytes, views: int = 1) -> Tensor:
        """One image file as the net reads it, on the CPU: views x channels x height x width.

        Raises UnreadableImageError and DataError.
        """
        return prepare_image(
            data,
            self.transforms,
            self.shape,
            channels=self.images.channels,
            statistics=self.images.statistics,
            views=views,
        )


def write_trained(
    path: Path,
    weights: Mapping[str, Tensor],
    net: CheckedNet,
    images: TrainedOn,
    *,
    update: int,
    figures: Figures | None,
) -> None:
    """Write a trained net; raises TrainingError where it cannot."""
    assert net.recipe is not None
    (file, spec), *uses = net.texts.items()
    statistics = images.statistics if need_statistics(net.recipe.test_transforms) else None
    about = {
        "format": "pt",
        "netspec": netspec.__version__,
        "net": net.name,
        "parameters": json.dumps(describe_parameters(net)),
        "spec": spec,
        "file": file,
        "uses": json.dumps(dict(uses)),
        "classes": json.dumps(images.class_names),
        "data": json.dumps(
            {
                "name": images.data,
                "channels": images.channels,
                "split_seed": images.split_seed,
                "split": images.split,
            }
        ),
        "input": json.dumps(_describe_input(net, images)),
        "test": json.dumps([resolve_line(line) for line in net.recipe.test_transforms]),
        "update": str(update),
        "figures": json.dumps(figures and figures.to_json()),
    }
    measured = {} if statistics is None else statistics.to_tensors()
    tensors = {**weights, **{STATISTICS + name: tensor for name, tensor in measured.items()}}
    write_tensors(path, tensors, about)


def read_trained(path: Path | str, device: torch.device | str = "cpu") -> TrainedNet:
    """Read a trained net, `last.safetensors` or `best.safetensors` of a run.

    Raises TrainingError where it is missing, damaged or something else, and CompileError where its
    spec does not hold with this version of netspec.
    """
    path = Path(path)
    file = _read(path)
    net = _compile(file.about)
    assert net.recipe is not None
    tensors = file.tensors
    weights = {name: t for name, t in tensors.items() if not name.startswith(STATISTICS)}
    figures = json.loads(file.about["figures"])
    return TrainedNet(
        path=path,
        net=net,
        module=_make_module(net, weights).to(
            device,
            memory_format=choose_memory_format(net.graph.nodes),  # type: ignore[call-overload]
        ),
        images=_read_images(file),
        transforms=net.recipe.test_transforms,
        update=int(file.about["update"]),
        figures=figures and Figures.from_json(figures),
    )


def read_trained_on(path: Path) -> TrainedOn:
    """What a trained net's file says of the images that it was trained on; raises TrainingError as
    above."""
    return _read_images(_read(path))


def digest_split(data: DataSet) -> str:
    """Two sets with the same digest hold out the same images of the same classes, by their names,
    wherever they lie."""
    described = data.describe()
    kept = [described[name] for name in ("classes", "train", "held_out")]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()[:16]


def _read(path: Path) -> TensorFile:
    try:
        if torch_wrote(path):
            raise _BareWeightsError("was written by torch.save, without the net that it is for")
        file = read_tensor_file(path)
        _check_kind(file)
    except (DamagedFileError, FileNotFoundError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else str(error)
        is_bare = isinstance(error, _BareWeightsError)
        raise TrainingError(
            f"{path} is no trained net: it {reason}",
            NET_HELP if is_bare else "`netspec train` writes last.safetensors and best.safetensors",
            cause="usage",
        ) from error
    return file


def _check_kind(file: TensorFile) -> None:
    if "run" in file.about:
        raise DamagedFileError("is the snapshot of a run, which --resume goes on from")
    if not {"net", "spec", "file", "uses"} <= file.about.keys():
        raise _BareWeightsError("has tensors, and no net that they belong to")


def _compile(about: Mapping[str, str]) -> CheckedNet:
    """The net as it was trained, from the texts in the file."""
    texts = {about["file"]: about["spec"], **json.loads(about["uses"])}
    program = compile_texts(texts, json.loads(about["parameters"]), about["net"])
    if program.has_errors:
        raise CompileError(program.diagnostics)
    (net,) = program.nets
    return net


def _make_module(net: CheckedNet, weights: Mapping[str, Tensor]) -> fx.GraphModule:
    """The net with these weights, set to be used."""
    with torch.random.fork_rng(devices=[]):
        module = build(net, seed=0)
    module.load_state_dict(dict(weights))
    module.requires_grad_(False)
    return module.eval()


def _read_images(file: TensorFile) -> TrainedOn:
    data = json.loads(file.about["data"])
    measured = {
        name.removeprefix(STATISTICS): tensor
        for name, tensor in file.tensors.items()
        if name.startswith(STATISTICS)
    }
    return TrainedOn(
        data=data["name"],
        class_names=tuple(json.loads(file.about["classes"])),
        channels=data["channels"],
        statistics=Statistics.from_tensors(measured) if measured else None,
        split_seed=data.get("split_seed"),
        split=data.get("split", ""),
    )


def _describe_input(net: CheckedNet, images: TrainedOn) -> dict[str, Any]:
    shape = net.graph[net.graph.inputs[0]].shape
    described: dict[str, Any] = {
        "shape": list(shape),
        "channels": ["red", "green", "blue"] if shape.channels == 3 else ["grey"],
        "pixels": [0, 255],
    }
    if images.statistics is not None:
        described["mean"] = images.statistics.channel_mean.tolist()
        described["std"] = images.statistics.covariance.diagonal().clamp(min=0).sqrt().tolist()
    return described
