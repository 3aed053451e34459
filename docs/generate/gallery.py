"""The gallery: every network in specs/ with what netspec counts of it, family by family."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph
from netspec.render.markdown import fill

SPECS = Path(__file__).parents[2] / "specs"
FAMILIES = {
    "Small networks, for teaching and tests": ("lenet", "cifar10_quick", "cifar10_full"),
    "AlexNet, 2012": (
        *("alexnet", "alexnet-2012-code", "alexnet-caffe", "caffenet", "alexnet-one-tower"),
        "solar-cells",
    ),
    "Network in network, 2013": ("nin",),
    "VGG, 2014: deeper": (
        *("vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    ),
    "Inception, 2014 to 2016: branches": (
        *("googlenet", "googlenet_bn", "inception_v3", "inception_v4"),
    ),
    "ResNet, 2015: sums": (
        *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50_2015"),
    ),
    "Inception-ResNet, 2016: both": ("inception_resnet_v2",),
    "MobileNet, 2017 to 2019: small": (
        *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"),
    ),
    "NASNet, 2017: found by search": ("nasnet_a_mobile", "nasnet_a_large"),
    "Others of these years and after": (
        *("squeezenet", "densenet121", "resnext50_32x4d", "shufflenet_v2", "efficientnet_b0"),
        "convnext_tiny",
    ),
}
"""The files in specs/, without their ending, in the order in which they came."""
COUNTED_IN_DEPTH = ("conv", "depthwise", "deconv", "fc")
PAPER = re.compile(r'"([^"]+)", (\d{4})')


def write_gallery() -> Iterator[str]:
    """The paragraphs of gallery.md."""
    yield "# The networks in `specs/`"
    yield fill(
        "Depth is the number of convolutions and fully connected layers on the longest way from "
        "the input to the output: the number in names such as VGG-16 and ResNet-50. Parameters are "
        "the learned numbers that inference uses, multiply-adds those of convolutions and fully "
        "connected layers for one image. The file's header says where a network comes from, what "
        "it reached, and how it differs from its paper; [descent.md](descent.md) walks from one to "
        "the next."
    )
    check_families({path.stem for path in SPECS.glob("*.net")})
    for family, names in FAMILIES.items():
        yield f"## {family}"
        papers = dict.fromkeys(paper for name in names for paper in read_papers(name))
        if papers:
            yield fill(f"{'Papers' if len(papers) > 1 else 'Paper'}: {'; '.join(papers)}.")
        yield write_table(names)


def check_families(files: set[str]) -> None:
    """Every file has one place in FAMILIES; raises ValueError where that is not so."""
    listed = [name for names in FAMILIES.values() for name in names]
    for name in sorted(files.difference(listed)):
        raise ValueError(f"specs/{name}.net has no place in FAMILIES of docs/generate/gallery.py")
    for name in listed:
        if name not in files:
            raise ValueError(f"FAMILIES of docs/generate/gallery.py has {name}, specs/ has not")
        if listed.count(name) > 1:
            raise ValueError(f"FAMILIES of docs/generate/gallery.py has {name} twice")


def read_papers(name: str) -> Iterator[str]:
    """Titles and years of the papers that the file's header cites."""
    lines = (SPECS / f"{name}.net").read_text(encoding="utf-8").splitlines()
    header = " ".join(line[1:].strip() for line in lines[: lines.index("")])
    for title, year in PAPER.findall(header):
        yield f'"{title}", {year}'


def write_table(names: Sequence[str]) -> str:
    rows = [row for name in names for row in write_rows(name)]
    head = "| network | input | depth | parameters | multiply-adds |"
    return "\n".join([head, "| --- | --- | ---: | ---: | ---: |", *rows])


def write_rows(name: str) -> Iterator[str]:
    """A row for each net of a file."""
    for net in compile_file(SPECS / f"{name}.net").nets:
        graph = net.graph
        cells = (
            f"[{graph.name}](../specs/{name}.net)",
            graph[graph.inputs[0]].shape,
            measure_depth(graph),
            f"{graph.num_params:,}",
            f"{graph.macs:,}",
        )
        yield f"| {' | '.join(map(str, cells))} |"


def measure_depth(graph: Graph) -> int:
    """The layers that count on the longest way from an input to the output."""
    depths: dict[str, int] = {}
    for node in graph.inference_nodes:
        before = max((depths[name] for name in node.inputs), default=0)
        depths[node.name] = before + (node.layer.kind in COUNTED_IN_DEPTH)
    return depths[graph.output]
