"""What is not as in the paper: nothing of a run in the paper's words, and each thing that is
changed in them. What the paper says is held against its facts as they are known."""

from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.analyses.alexnet_paper import (
    Deviation,
    PaperRun,
    is_of_its_line,
    list_deviations,
)
from netspec.recipe.written import resolve_recipe
from netspec.source import SourceFile

SPECS = Path(__file__).parents[2] / "specs"
ALEXNET = (SPECS / "alexnet.net").read_text(encoding="utf-8")
AS_PRINTED = (
    ALEXNET.replace(", init=normal(0.03)", "")
    .replace("k=2, groups=2", "k=2, over=sum")
    .replace("; lighting 0.1", "")
)
"""The paper's words, but for its colour noise, whose unit the language does not have; and for the
padding, which the paper does not mention, and its figure 2 needs."""


def compare(text: str, *, data: str = "imagenet", **changes: Any) -> list[Deviation]:
    net = netspec.load(SourceFile("net.net", text)).net
    assert net.recipe is not None
    run = PaperRun(net.graph, resolve_recipe(net.recipe), data, 1_281_167, "90 epochs", "")
    return list_deviations(run._replace(**changes))


def test_of_a_run_in_the_papers_words_only_noise_and_padding_are_told() -> None:
    noise, padding = compare(AS_PRINTED)
    assert (noise.section, noise.what) == ("2, 4.1", "preparing images")
    assert (padding.section, padding.here) == ("3.5", "3 at the bottom, 3 at the right")


def test_our_alexnet_differs_where_its_header_says_so() -> None:
    assert [(each.section, each.what, each.layers) for each in compare(ALEXNET)] == [
        ("3.3", "alpha multiplies", ("lrn_1", "lrn_2")),
        ("3.3", "windows run over", ("lrn_1", "lrn_2")),
        ("3.5", "zeros around the image", ("conv1",)),
        ("4.1", "colour noise is in units of", ()),
        ("5", "starting values", ("conv3.weight", "conv4.weight", "conv5.weight")),
    ]
    assert compare(ALEXNET)[-1].here == "normal, standard deviation 0.03"


@pytest.mark.parametrize(
    ("before", "after", "section", "here"),
    [
        ("224", "227", "2", "3x227x227"),
        ("gpus 2", "gpus 4", "3.2", "4 GPUs"),
        ("lrn 5, alpha=1e-4", "lrn 7, alpha=1e-4", "3.3", "7, 2, 0.0001, 0.75"),
        ("k=2", "k=1", "3.3", "5, 1, 0.0001, 0.75"),
        ("over=sum", "over=sum, across=map", "3.3", "pixels of a map"),
        ("maxpool 3x3, stride=2", "maxpool 2x2, stride=2", "3.4", "2x2, stride 2x2"),
        ("conv 96, 11x11", "conv 64, 11x11", "3.5", "64 of 11x11, stride 4x4"),
        ("3x3, pad=1, groups=2, bias_init=1\n", "3x3, pad=1, bias_init=1\n", "3.5",
         "384 of 3x3, stride 1x1"),
        ("fc 4096", "fc 2048", "3.5", "2,048 neurons"),
        ("pad=0:3", "pad=0:7", "3.5, figure 2", "56x56"),
        ("relu; dropout 0.5, inverted=no", "relu", "3.5, 4.2", "relu"),
        ("dropout 0.5, inverted=no", "dropout 0.5", "4.2",
         "0.5 is dropped, what is kept is enlarged in training"),
        ("views 10", "views 1", "4.1", "1"),
        ("normal(0.01)", "msra", "5", "msra, fan in, shape normal"),
        ("bias_init=1", "bias_init=0.1", "5", "constant 0.1"),
        ("{ init=normal(0.01) }", "{ init=normal(0.01), bias_rate=2 }", "5", "2 times that of all"),
        ("batch 128", "batch 256", "5", "256"),
        ("velocity=step", "velocity=gradient", "5",
         "sgd, momentum 0.9, decay 0.0005, the rate outside the momentum"),
        ("sgd rate=0.01, momentum=0.9, decay=5e-4, velocity=step", "adam rate=0.001", "5",
         "from 0.001, three times a tenth of it when the held-out error stops improving"),
        ("rate=0.01,", "rate=0.02,", "5",
         "from 0.02, three times a tenth of it when the held-out error stops improving"),
        ("schedule plateau, factor=0.1, times=3", "schedule fixed", "5", "from 0.01, fixed"),
    ],
)  # fmt: skip
def test_what_is_changed_is_told(before: str, after: str, section: str, here: str) -> None:
    assert before in AS_PRINTED
    text = AS_PRINTED.replace(before, after)
    text = "\n".join(line.partition("->")[0] for line in text.splitlines() if "expect" not in line)
    found = [(each.section, each.here) for each in compare(text)]
    assert (section, here) in found


def test_data_length_and_machine() -> None:
    run = {"images": 8000, "epochs": "0.317 epochs", "device": "cpu, 2 threads, in 12 min 5 s"}
    found = {each.what: each.here for each in compare(AS_PRINTED, data="fashion_mnist", **run)}
    assert found["data"] == "fashion_mnist"
    assert found["trained for"] == "0.317 epochs of 8,000 images"
    assert found["computed on"] == "cpu, 2 threads, in 12 min 5 s"


@pytest.mark.parametrize("name", ["alexnet", "alexnet-2012-code", "alexnet-one-tower", "caffenet"])
def test_nets_of_its_line_are_known_by_their_layers(name: str) -> None:
    graph = netspec.load(SPECS / f"{name}.net").net.graph
    assert is_of_its_line(graph)
    assert list_deviations(PaperRun(graph, make_recipe(), "imagenet", None, "", ""))


@pytest.mark.parametrize("name", ["lenet", "vgg11", "resnet18", "googlenet", "nin"])
def test_others_are_not(name: str) -> None:
    assert not is_of_its_line(netspec.load(SPECS / f"{name}.net").net.graph)


def make_recipe() -> dict[str, Any]:
    recipe = netspec.load(SPECS / "alexnet.net").net.recipe
    assert recipe is not None
    return resolve_recipe(recipe)
