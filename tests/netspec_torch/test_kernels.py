"""Pictures of kernels: which layer's, how they lie, and that each number has its level."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import netspec
from netspec.recipe.run_facts import Picture
from netspec.source import SourceFile
from netspec_torch import TrainedNet, build
from netspec_torch.kernels import (
    A_ROW,
    GAP,
    LEAST_SIDE,
    NothingToShowError,
    draw_kernels,
    find_kernels,
)
from netspec_torch.members import UNKNOWN_IMAGES


def make(text: str) -> TrainedNet:
    net = netspec.load(SourceFile("net.net", text)).net
    return TrainedNet(Path("net"), net, build(net, seed=0), UNKNOWN_IMAGES, (), None, None)


def read(picture: Picture) -> NDArray[np.uint8]:
    image = Image.open(BytesIO(picture.png))
    assert image.size == (picture.width, picture.height)
    return np.asarray(image)


COLUMNS = """
net some {
  gpus 2
  input 3x12x12
  conv1: conv 40, 5x4
  relu
  maxpool 2x2, stride=2
  conv 8, 3x3, groups=2
  fc 4
}
"""


def test_each_gpu_has_its_block_and_each_number_its_level() -> None:
    trained = make(COLUMNS)
    drawn = draw_kernels(trained)
    assert (drawn.layer, drawn.count, drawn.height, drawn.width) == ("conv1", 40, 5, 4)
    assert [block.title for block in drawn.blocks] == ["GPU 0", "GPU 1"]
    weights = trained.module.state_dict()["conv1.weight"]
    assert (drawn.low, drawn.high) == (weights.min().item(), weights.max().item())
    levels = ((weights - drawn.low) / (drawn.high - drawn.low) * 255).round().byte().numpy()
    scale = LEAST_SIDE // 5
    for number, kernel in enumerate(levels):
        block, place = divmod(number, 20)
        row, column = divmod(place, A_ROW)
        pixels = read(drawn.blocks[block].picture)
        top, left = row * (5 * scale + GAP), column * (4 * scale + GAP)
        tile = pixels[top : top + 5 * scale, left : left + 4 * scale]
        assert (tile[::scale, ::scale, :3] == kernel.transpose(1, 2, 0)).all()
        assert (tile[..., 3] == 255).all()
        assert (tile[: scale - 1, : scale - 1] == tile[0, 0]).all()


def test_between_kernels_and_behind_the_last_the_page_shows_through() -> None:
    pixels = read(draw_kernels(make(COLUMNS)).blocks[0].picture)
    scale = LEAST_SIDE // 5
    height, width = 5 * scale, 4 * scale
    assert pixels.shape == (2 * height + GAP, A_ROW * width + (A_ROW - 1) * GAP, 4)
    assert not pixels[height : height + GAP, :, 3].any()
    assert not pixels[height + GAP :, 4 * (width + GAP) :, 3].any()


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        ("relu; lrn 5; maxpool 2x2, stride=2; c2: conv 8, 3x3, groups=2",
         ["read by group 0 of c2", "read by group 1 of c2"]),
        ("relu; conv 8, 1x1; conv 8, 3x3, groups=2", [""]),
        ("relu; conv 8, 3x3, groups=8", [""]),
        ("depthwise 3x3; conv 8, 3x3, groups=2", [""]),
        ("", [""]),
    ],
)  # fmt: skip
def test_the_groups_that_read_the_kernels_have_a_block_each(lines: str, titles: list[str]) -> None:
    drawn = draw_kernels(
        make(f"net some {{ input 1x12x12; conv 8, 3x3; {lines or 'relu'}; fc 4 }}")
    )
    assert [block.title for block in drawn.blocks] == titles
    if len(titles) == 2:
        assert {block.picture.width for block in drawn.blocks} == {4 * 39 + 3 * GAP}


def test_grey_kernels_are_grey() -> None:
    drawn = draw_kernels(make("net some { input 1x9x9; conv 3, 3x3; fc 4 }"))
    assert read(drawn.blocks[0].picture).shape[2] == 2


def test_kernels_of_equal_numbers_are_drawn_too() -> None:
    trained = make("net some { input 1x9x9; conv 3, 3x3; fc 4 }")
    with torch.no_grad():
        for weight in trained.module.parameters():
            weight.zero_()
    drawn = draw_kernels(replace(trained))
    assert (drawn.low, drawn.high) == (0.0, 0.0)
    assert set(read(drawn.blocks[0].picture)[..., 1].ravel().tolist()) == {0, 255}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("fc 4", "no convolution"),
        ("c: conv 3, 1x1; fc 4", "The kernels of c are single numbers"),
        ("c: conv 3, 1x1; conv 4, 3x3; fc 4", "The kernels of c are single numbers"),
    ],
)
def test_what_makes_no_picture_is_told(lines: str, says: str) -> None:
    graph = make(f"net some {{ input 3x9x9; {lines} }}").net.graph
    with pytest.raises(NothingToShowError, match=says):
        find_kernels(graph)


def test_other_channels_than_colours_make_no_picture() -> None:
    graph = make("net some { input 2x9x9; c: conv 3, 3x3; fc 4 }").net.graph
    with pytest.raises(NothingToShowError, match="2 channels, which make no colour"):
        find_kernels(graph)
