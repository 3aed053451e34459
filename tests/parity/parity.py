"""Compares networks of specs/ with the same networks of torchvision, timm and pretrainedmodels.

The library's network gets random weights, and running averages measured on random images, so that
every batch norm counts. Its state dict is saved and loaded as `netspec train --weights` does, and
both compute the same images, in float32 and in float64. With names of specs only those are
compared; without, docs/parity.md is written. It exits with 1 where a difference is above its aim.

    python tests/parity/parity.py [NAME ...]
"""

import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import netspec
from netspec.compiler.program import CheckedNet
from netspec_torch import build, load_weights

ROOT = Path(__file__).parents[2]
MAPS = Path(__file__).parent
PAGE = ROOT / "docs" / "parity.md"
IMAGES = 4
LEAST_SPREAD = 0.05
"""Outputs that differ less than this between images would hide what the images do."""
AIMS = {torch.float32: 1e-4, torch.float64: 1e-9}


@dataclass(frozen=True)
class Comparison:
    """A spec, and whose network it is to equal."""

    spec: str
    model: str
    """`module.function`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    """The library's name for each head's output."""
    aim: float = AIMS[torch.float32]
    """The largest relative difference in float32."""
    net: str = ""
    """Its name in the spec, where that is not the spec's."""

    def make_theirs(self) -> nn.Module:
        module, _, function = self.model.rpartition(".")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of older syntax in their files
            model = getattr(import_module(module), function)(**self.options)
        assert isinstance(model, nn.Module)
        return model

    def load_net(self) -> CheckedNet:
        spec = netspec.load(ROOT / "specs" / f"{self.spec}.net")
        return spec.nets[self.net or self.spec.replace("-", "_")]

    @property
    def map(self) -> Path | None:
        path = MAPS / f"{self.spec}.map"
        return path if path.exists() else None


def torchvision(spec: str, name: str | None = None, **more: Any) -> Comparison:
    return Comparison(spec, f"torchvision.models.{name or spec}", **more)


def timm(spec: str, name: str | None = None) -> Comparison:
    return Comparison(spec, "timm.create_model", {"model_name": name or spec})


COMPARISONS = [
    torchvision("alexnet-one-tower", "alexnet", aim=1e-5),
    *(torchvision(f"vgg{depth}{norm}") for norm in ("", "_bn") for depth in (11, 13, 16, 19)),
    torchvision(
        "googlenet_bn",
        "googlenet",
        options={"init_weights": False},
        heads={"early": "aux_logits1", "late": "aux_logits2"},
    ),
    torchvision("inception_v3", options={"init_weights": False}, heads={"auxiliary": "aux_logits"}),
    timm("inception_v4"),
    timm("inception_resnet_v2"),
    *(torchvision(f"resnet{depth}") for depth in (18, 34, 50, 101, 152)),
    timm("nasnet_a_large", "nasnetalarge"),
    Comparison(
        "nasnet_a_mobile",
        "pretrainedmodels.nasnetamobile",
        {"pretrained": None, "num_classes": 1000},
    ),
    timm("mobilenet_v1", "mobilenetv1_100"),
    torchvision("mobilenet_v2"),
    torchvision("mobilenet_v3_small"),
    torchvision("mobilenet_v3_large"),
    torchvision("squeezenet", "squeezenet1_0", net="squeezenet1_0"),
    torchvision("squeezenet", "squeezenet1_1", net="squeezenet1_1"),
    torchvision("densenet121"),
    torchvision("resnext50_32x4d"),
    torchvision("shufflenet_v2", "shufflenet_v2_x1_0"),
    torchvision("efficientnet_b0"),
]


@dataclass(frozen=True)
class Result:
    """What a comparison came to."""

    comparison: Comparison
    num_params: int
    how: str
    """How the weights were matched."""
    differences: Mapping[torch.dtype, float]
    spread: float

    @property
    def is_met(self) -> bool:
        return (
            self.differences[torch.float32] < self.comparison.aim
            and self.differences[torch.float64] < AIMS[torch.float64]
            and self.spread > LEAST_SPREAD
        )

    @property
    def row(self) -> str:
        library, model = self.comparison.model.split(".")[0], self.comparison.model.split(".")[-1]
        name = self.comparison.options.get("model_name", model)
        net = f":{self.comparison.net}" if self.comparison.net else ""
        single, double = (write_difference(self.differences[dtype]) for dtype in AIMS)
        return (
            f"| `{self.comparison.spec}.net{net}` | {library} `{name}` | {self.num_params:,} "
            f"| {self.how} | {single} | {double} | {self.spread:.2f} |"
        )


def write_difference(difference: float) -> str:
    return f"{difference:.1e}" if difference else "0"


# Images and weights


def make_images(shape: Sequence[int]) -> Tensor:
    """Random images that are unlike each other: coarse forms, fine noise, contrast, brightness."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(IMAGES, shape[0], 6, 6, generator=generator)
    images = nn.functional.interpolate(coarse, size=list(shape[1:]), mode="bilinear")
    images += 0.3 * torch.randn(images.shape, generator=generator)
    images *= torch.linspace(0.5, 1.5, IMAGES)[:, None, None, None]
    return images + torch.linspace(-0.5, 0.5, IMAGES)[:, None, None, None]


def draw_weights(model: nn.Module) -> None:
    """Weights that keep the size of what they read, and factors and shifts of all sizes."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                fan_in = module.weight[0].numel()
                module.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1, generator=generator)


def measure_averages(model: nn.Module, images: Tensor) -> None:
    """Running averages as after one batch that counts whole."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
            module.train()
    with torch.no_grad():
        model(images)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


# Both networks' outputs

Outputs = dict[str, Tensor]
"""In float64; the net's own output is called `output`."""


def compute_theirs(
    comparison: Comparison, images: Tensor, path: Path
) -> dict[torch.dtype, Outputs]:
    """Save random weights, and give what the library's network computes with them."""
    model = comparison.make_theirs().eval()
    model.training = bool(comparison.heads)  # in training, and only then, heads are computed
    draw_weights(model)
    measure_averages(model, images)
    torch.save(model.state_dict(), path)
    outputs = {}
    for dtype in AIMS:
        with torch.no_grad():
            result = model.to(dtype)(images.to(dtype))
        named = {name: getattr(result, theirs) for name, theirs in comparison.heads.items()}
        named["output"] = result.logits if comparison.heads else result
        outputs[dtype] = {name: tensor.double() for name, tensor in named.items()}
    return outputs


def compute_ours(
    comparison: Comparison, net: CheckedNet, images: Tensor, path: Path, dtype: torch.dtype
) -> tuple[Outputs, str]:
    """What our network computes with the saved weights, and how they were matched."""
    module = build(net, seed=2, dtype=dtype, heads=True)
    loaded = load_weights(module, net, path, weights_map=comparison.map)
    assert not loaded.match.fresh
    assert not loaded.match.unused
    with torch.no_grad():
        output, exits = module.eval()(images.to(dtype))
    how = loaded.match.how if comparison.map is None else f"map, {loaded.match.how}"
    return {name: x.double() for name, x in {**exits, "output": output}.items()}, how


def find_difference(ours: Outputs, theirs: Outputs) -> float:
    """The largest difference, relative to the largest number of its tensor."""
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name] - theirs[name]).abs().max() / theirs[name].abs().max()) for name in theirs
    )


def find_spread(outputs: Outputs) -> float:
    """How much of the largest number is the images', not the same for all; the least of a net's
    outputs."""
    return min(float((x - x.mean(0)).abs().max() / x.abs().max()) for x in outputs.values())


def compare(comparison: Comparison) -> Result:
    net = comparison.load_net()
    images = make_images(net.graph[net.graph.inputs[0]].shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "theirs.pth"
        theirs = compute_theirs(comparison, images, path)
        differences = {}
        for dtype in AIMS:
            ours, how = compute_ours(comparison, net, images, path, dtype)
            differences[dtype] = find_difference(ours, theirs[dtype])
    return Result(
        comparison, net.graph.num_params, how, differences, find_spread(theirs[torch.float64])
    )


# The page


def write_page(results: Sequence[Result]) -> Iterator[str]:
    packages = ("torch", "torchvision", "timm", "pretrainedmodels")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    yield f"""\
# Parity

Networks of `specs/` beside the same networks of the libraries whose pretrained weights one would
give them. Written by `make parity` on {date.today()}, with netspec {netspec.__version__},
Python {platform.python_version()}, {versions}.

The library's network gets random weights, and running averages measured on random images. Its
state dict is saved and loaded as by `netspec train --weights`, and both compute the same {IMAGES}
images, heads included. The differences are the largest of any output, relative to the largest
number of its tensor; 0 means bit for bit. The aims are 1e-4 in float32, 1e-5 for
`alexnet-one-tower.net`, and 1e-9 in float64. The spread says how much of the largest number changes
from image to image: an output that is the same for all would prove nothing.

| spec | equals | parameters | weights by | float32 | float64 | spread |
|---|---|---:|---|---:|---:|---:|
"""
    for result in results:
        yield f"{result.row}\n"
    yield """
A map is needed where a library registers layers in another order than it computes them in: it names
the layers that stand elsewhere (`tests/parity/*.map`), and the others go by order.

`convnext_tiny.net` is not here: torchvision has fully connected layers in place of its 1x1
convolutions, and `--weights` does not take the one for the other.
"""


def main(names: Sequence[str]) -> int:
    unknown = set(names) - {comparison.spec for comparison in COMPARISONS}
    if unknown:
        print(f"no comparison of {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    results = []
    for comparison in COMPARISONS:
        if not names or comparison.spec in names:
            result = compare(comparison)
            print(result.row + ("" if result.is_met else " above its aim"), flush=True)
            results.append(result)
    if not names:
        PAGE.write_text("".join(write_page(results)), encoding="utf-8")
    return int(not all(result.is_met for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
