"""Recipes: sections and their lines, put together for each net."""

import pytest

from netspec.recipe.data import Crop, Mirror, Subtract
from netspec.recipe.schedule import Fixed, Plateau
from netspec.recipe.solver import Adam, Sgd
from netspec.values import Amount
from tests.compiled import compile_text, summaries

NET = "net n(classes = 10) { input 3x8x8; fc classes }\nnet m { input 3x8x8; fc 4 }\n"
TRAIN = {
    "data": "data photos { resize 10; crop 8; mirror; subtract mean }",
    "batch": "batch 128",
    "loss": "loss softmax",
    "solver": "sgd rate=0.01, momentum=0.9, velocity=step",
    "schedule": "schedule plateau, factor=0.1, times=3",
    "stop": "stop after=90 epochs",
}


def train(name: str = "", **changed: str) -> str:
    lines = (line for line in (TRAIN | changed).values() if line)
    return f"train {name} {{\n" + "\n".join(lines) + "\n}\n"


def test_a_recipe_is_whole() -> None:
    recipe = compile_text(NET + train() + "test { views 10; batch 4 }").nets[0].recipe
    assert recipe
    assert recipe.data.name == "photos"
    assert [transform.kind for transform in recipe.transforms] == [
        "resize",
        "crop",
        "mirror",
        "subtract",
    ]
    assert recipe.batch == 128
    assert isinstance(recipe.solver, Sgd)
    assert recipe.solver.velocity == "step"
    assert isinstance(recipe.schedule, Plateau)
    assert recipe.stop == Amount(90, "epochs")
    assert (recipe.views, recipe.test_batch) == (10, 4)


def test_a_test_takes_what_it_does_not_say_from_training_without_what_is_random() -> None:
    recipe = compile_text(NET + train()).nets[0].recipe
    assert recipe
    assert not any(isinstance(transform, Mirror) for transform in recipe.test_transforms)
    assert any(isinstance(transform, Crop) for transform in recipe.test_transforms)
    assert recipe.views == 1


def test_a_test_may_say_what_is_done_to_its_images() -> None:
    recipe = compile_text(NET + train() + "test { data { crop 8 } }").nets[0].recipe
    assert recipe
    assert not any(isinstance(transform, Subtract) for transform in recipe.test_transforms)


def test_a_section_for_one_net_and_one_for_the_others() -> None:
    n, m = compile_text(NET + train() + train("m", solver="adam rate=1e-3", schedule="")).nets
    assert n.recipe
    assert m.recipe
    assert isinstance(n.recipe.solver, Sgd)
    assert isinstance(m.recipe.solver, Adam)
    assert isinstance(m.recipe.schedule, Fixed)


def test_a_file_without_a_recipe_has_none() -> None:
    assert compile_text(NET).nets[0].recipe is None


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (train(data=""), ["NS402 3:1 train"]),
        (train(batch="", stop=""), ["NS402 3:1 train"]),
        (train(solver=""), ["NS402 3:1 train"]),
        ("test { views 10 }", ["NS402 3:1 test"]),
        (train() + train(), ["NS104 11:1 train"]),
        (train("k"), ["NS122 3:7 k"]),
        (train(batch="batch 128\nbatch 64"), ["NS104 6:1 batch"]),
        (train(solver="sgd rate=1\nadam rate=1"), ["NS104 8:1 adam"]),
        (train(batch="bacth 128\nbatch 1"), ["NS401 5:1 bacth"]),
        (train(batch="batch 12.5"), ["NS109 5:7 12.5"]),
        (train(batch="batch many"), ["NS109 5:7 many"]),
        (train(solver="sgd rate=0.01, momentun=0.9"), ["NS105 7:16 momentun"]),
        (train(solver="sgd momentum=0.9"), ["NS108 7:1 sgd"]),
        (train(solver="sgd rate=0.1, velocity=both"), ["NS109 7:15 velocity=both"]),
        (train(schedule="schedule"), ["NS108 8:1 schedule"]),
        (train(schedule="schedule pleateau"), ["NS401 8:10 pleateau"]),
        (train(data="data photos { resize 10; crop 8; miror }"), ["NS401 4:34 miror"]),
        (train(data="data photos { resize 10; crop 9 }"), ["NS403 4:26 crop"]),
        (train(data="data photos { fc: resize 10; crop 8 }"), ["NS116 4:15 fc: resize 10"]),
        (train(batch="batch 3 { }"), ["NS123 5:9 {"]),
        (train(batch="let a = 3\nbatch 1"), ["NS116 5:1 let a = 3"]),
        (train(stop="stop after=0 epochs"), ["NS109 9:6 after=0 epochs"]),
        (train(batch="batch 1 / 0"), ["NS121 5:11 0"]),
        (train() + "test { views 7 }", ["NS109 11:14 7"]),
    ],
)
def test_mistakes_and_their_places(section: str, found: list[str]) -> None:
    problems = summaries(compile_text(NET + section))
    assert sorted(set(problems)) == found


def test_a_recipe_is_not_held_against_sizes_that_were_changed() -> None:
    text = "net n(r = 8) { input 3 x r x r; fc 4 }\n" + train()
    assert summaries(compile_text(text, {"r": "16"})) == []
    assert summaries(compile_text(text.replace("crop 8", "crop 9"))) == ["NS403 3:26 crop"]
