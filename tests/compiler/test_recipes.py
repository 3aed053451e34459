"""Recipes: sections and their lines, put together for each net."""

from fractions import Fraction

import pytest

from netspec.compiler.program import CheckedNet
from netspec.recipe.data import Crop, Mirror, Subtract
from netspec.recipe.schedule import Cosine, Fixed, Plateau
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


OPEN = """
net n(classes = 10, width = 2) { input 3x8x8; fc width; fc classes }
net m = n(width=3)
train(rate = 0.1, decay = rate / 10, augment = yes, course = cosine) {
  data photos { resize 10; if augment { crop 8; mirror } else { crop 8, at=centre } }
  batch 128
  loss softmax
  if augment { sgd rate=rate, decay=decay } else { adam rate=rate }
  schedule course
  stop after=90 epochs
}
test { if augment { views 10 } }
"""


def compile_open(net: str = "n", **settings: str) -> CheckedNet:
    program = compile_text(OPEN, settings, net)
    assert not program.diagnostics
    return program.nets[0]


def test_a_recipe_has_the_values_of_its_parameters() -> None:
    recipe = compile_open().recipe
    assert recipe
    assert isinstance(recipe.solver, Sgd)
    assert (recipe.solver.rate, recipe.solver.decay) == (0.1, 0.01)
    assert isinstance(recipe.schedule, Cosine)
    assert [transform.kind for transform in recipe.transforms] == ["resize", "crop", "mirror"]
    assert recipe.views == 10


def test_values_from_outside_reach_nets_and_recipes() -> None:
    net = compile_open(rate="0.5", augment="no", course="fixed", width="4")
    recipe = net.recipe
    assert recipe
    assert isinstance(recipe.solver, Adam)
    assert recipe.solver.rate == 0.5
    assert isinstance(recipe.schedule, Fixed)
    assert [transform.kind for transform in recipe.transforms] == ["resize", "crop"]
    assert recipe.transforms[1].at == "centre"  # type: ignore[attr-defined]
    assert recipe.views == 1
    assert net.graph["fc_1"].shape.channels == 4
    assert net.settings == (
        ("rate", "0.5"), ("augment", "no"), ("course", "fixed"), ("width", "4"),
    )  # fmt: skip


def test_a_net_tells_what_it_leaves_open_and_what_its_recipe_does() -> None:
    numbers = {"rate": Fraction(1, 10), "decay": Fraction(1, 100)}
    of_recipe = {**numbers, "augment": True, "course": "cosine"}
    assert dict(compile_open().parameters) == {"classes": 10, "width": 2, **of_recipe}
    assert dict(compile_open("m").parameters) == {"classes": 10, **of_recipe}


def test_a_value_goes_to_the_recipes_that_speak_for_the_nets() -> None:
    text = (
        OPEN.partition("test {")[0]
        + "train m(images = 8)"
        + train("x", batch="batch images").removeprefix("train x")
    )
    assert compile_text(text, {"images": "16"}, "m").nets[0].recipe.batch == 16  # type: ignore[union-attr]
    (problem,) = summaries(compile_text(text, {"images": "16"}, "n"))
    assert problem.startswith("NS122")
    n, m = compile_text(text, {"images": "16", "rate": "0.5"}).nets
    assert (n.settings, m.settings) == ((("rate", "0.5"),), (("images", "16"),))


def test_a_recipe_of_another_value_must_fit_too() -> None:
    text = OPEN.replace("yes, course", "yes, size = 8, course").replace("crop 8;", "crop size;")
    (problem,) = summaries(compile_text(text, {"size": "7"}, "n"))
    assert problem.startswith("NS403")
