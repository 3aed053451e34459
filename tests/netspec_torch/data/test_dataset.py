"""Splitting at random, and what is written down of a data set."""

import json
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.dataset import divide_at_random
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import make_folder, make_split

LABELS = np.repeat([0, 1, 2], [10, 50, 2])


def test_a_fifth_of_each_class_is_held_out() -> None:
    train, held_out = divide_at_random(LABELS, seed=3)
    assert np.bincount(LABELS[held_out]).tolist() == [2, 10, 1]
    assert sorted([*train, *held_out]) == list(range(62))
    assert train == sorted(train)
    assert held_out == sorted(held_out)


def test_seed_decides_the_division() -> None:
    assert divide_at_random(LABELS, seed=3) == divide_at_random(LABELS, seed=3)
    assert divide_at_random(LABELS, seed=3) != divide_at_random(LABELS, seed=4)


def test_chance_is_that_of_the_images_that_can_be_read() -> None:
    split = make_split(5, 4, 4, classes=2)
    assert split.chance == 3 / 5
    for index in (0, 2):
        split.skip(index, "is empty")
    assert split.chance == 2 / 3
    assert split.count_readable().tolist() == [1, 2]


@pytest.mark.parametrize("seed", [0, -1, 2**70])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    train, held_out = divide_at_random(LABELS, seed)
    assert len(train) + len(held_out) == 62


def test_description_lists_the_images_of_a_division_made_here(tmp_path: Path) -> None:
    names = [f"{label}/{i}.png" for label in "ab" for i in range(5)]
    data = open_place(str(make_folder(tmp_path / "set", names)), seed=1)
    data.write_description(tmp_path / "data.json")
    written = json.loads((tmp_path / "data.json").read_text())
    assert written == data.describe()
    assert written["classes"] == ["a", "b"]
    assert [len(written["train"]), len(written["held_out"])] == [8, 2]
    assert sorted(name for name, _ in written["train"] + written["held_out"]) == names
    assert all(name.startswith("ab"[label]) for name, label in written["train"])


def test_description_tells_two_divisions_apart(tmp_path: Path) -> None:
    names = [f"{label}/{i}.png" for label in "ab" for i in range(20)]
    folder = str(make_folder(tmp_path / "set", names))
    assert open_place(folder, 1).describe() == open_place(folder, 1).describe()
    assert open_place(folder, 1).describe() != open_place(folder, 2).describe()


def test_description_counts_the_images_of_given_halves(tmp_path: Path) -> None:
    names = [f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in "12"]
    written = open_place(str(make_folder(tmp_path, names)), seed=1).describe()
    assert [written["train"], written["held_out"]] == [4, 4]
