"""The page of runs, taken apart: what is in it, what it loads, and what hostile names become."""

import re
from base64 import b64decode
from typing import Any

import pytest
from msgspec.structs import replace

from netspec.recipe.results import TestedNet, TestReport
from netspec.recipe.run_facts import RunFacts, Session
from netspec.render.html.markup import read_style
from tests.render.html_pages import (
    MACHINE,
    PICTURE,
    WRITTEN,
    make_answers,
    make_figures,
    make_kernels,
    make_run,
    show,
)

LOADING = ("src", "href", "srcset", "data", "action", "poster", "background", "xlink:href")
HOSTILE = '"><script src="http://x.example/a.js">alert(1)</script>'


def test_a_run_has_all_its_parts() -> None:
    page = show(make_run())
    parts = ["results", "curves", "confusion", "predictions", "kernels", "net", "recipe", "changes"]
    assert [each["id"] for each in page.find("section")] == [
        f"run-1-{name}" for name in (*parts, "machine", "spec")
    ]
    assert "0.750 0.950 0.625 25.0 % 5.0 %" in page.words("run-1-results")
    assert "best on the way, after update 5" in page.words("run-1-results")
    assert "conv1 conv 20, 5x5 20x24x24 520 288,000" in page.words("run-1-net")
    assert "total 7 layers 431,080 2,293,000" in page.words("run-1-net")
    assert "sgd rate=0.01, decay=0.0005, momentum=0.9" in page.words("run-1-recipe")
    assert "8,000 images, 2,000 held out, 3 classes" in page.words("run-1-recipe")
    assert "Nothing: the run is what its file says." in page.words("run-1-changes")
    assert "A Maker's" in page.words("run-1-machine")
    assert "1 min 15 s" in page.words("run-1-machine")
    assert "net lenet(classes = 10) {" in page.sections["run-1-spec"]
    assert "Written by netspec" in page.source
    assert "2026-01-02 03:04 UTC" in page.source


@pytest.mark.parametrize("runs", [1, 2])
def test_nothing_is_loaded_and_nothing_runs(runs: int) -> None:
    page = show(*(make_run(folder=f"runs/{n}") for n in range(runs)))
    assert not page.find("script")
    assert not page.find("link")
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in LOADING:
                assert value.startswith("#" if tag == "a" else "data:image/png;base64,"), (
                    tag,
                    value,
                )
    (policy,) = [each for each in page.find("meta") if "http-equiv" in each]
    assert policy["content"].startswith("default-src 'none'")
    for style in ("page.css", "charts.css"):
        assert not re.search(r"url\(|@import|https?:", read_style(style))


def test_links_lead_to_what_is_there() -> None:
    page = show(make_run(folder="a"), make_run(folder="b"))
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    links = [each["href"] for each in page.find("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(names)


def test_pictures_are_in_the_page() -> None:
    page = show(make_run(kernels=make_kernels(2)))
    images = page.find("img")
    assert len(images) == 4
    for image in images:
        assert b64decode(image["src"].partition(",")[2]) == PICTURE.png
        assert image["alt"]
    assert page.words("run-1-kernels").endswith("GPU 0 GPU 1")


def make_hostile(text: str) -> RunFacts:
    options = {"data": text, "weights": text}
    names = {"name": text, "origin": text, "division": text, "classes": [text, "b"]}
    return make_run(
        folder=text,
        answers=make_answers((text, "b", f"{text}{text}")),
        options=options,
        data={**names, "train": 1, "held_out": 1},
        plan=text,
        ended="failed",
        reason=text,
        skipped=((text, text),),
        sessions=(Session(0, 1, text, 1.0, {**MACHINE, "system": text}, text),),
        missing={"answers": text},
        texts={f"{text}.net": f"# {text}\n{make_run().texts['lenet.net']}"},
    )


@pytest.mark.parametrize("runs", [1, 2])
def test_hostile_names_are_text(runs: int) -> None:
    page = show(*[make_hostile(HOSTILE)] * runs)
    assert not page.find("script")
    assert all("http" not in each.get("src", "") for each in page.find("img"))
    assert HOSTILE in page.sections["run-1-confusion"]
    assert HOSTILE in page.sections["run-1-predictions"]
    assert HOSTILE in page.sections["run-1-machine"]
    assert HOSTILE in page.sections["run-1-spec"]


@pytest.mark.parametrize("char", ["\0", "\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}", "\udcff", "\x85"])
def test_characters_that_hide_or_reorder_become_visible(char: str) -> None:
    page = show(make_hostile(f"a{char}b"))
    assert char not in page.source
    assert "a\N{REPLACEMENT CHARACTER}b" in page.words("run-1-confusion")
    page.source.encode("utf-8")


def read_cells(page: Any) -> list[str]:
    return [each.get("style", "") for each in page.find("td", class_="right")]


def test_the_confusion_has_a_cell_for_each_pair() -> None:
    page = show(make_run())
    assert page.words("run-1-confusion").endswith(
        "class cat dog owl images right cat 7 3 10 70.0 % dog 10 10 100.0 % owl 10 10 100.0 % "
        "Rows are the classes that images are of, columns the answers."
    )
    assert read_cells(page) == ["--share: 0.700", "--share: 1.000", "--share: 1.000"]
    (wrong,) = [each for each in page.find("td", class_="wrong") if "style" in each]
    assert wrong == {"class": "wrong", "style": "--share: 0.300", "title": "cat taken for dog"}


def test_of_many_classes_the_pairs_confused_most_are_listed() -> None:
    names = tuple(f"class {n}" for n in range(300))
    page = show(make_run(answers=make_answers(names)))
    words = page.words("run-1-confusion")
    assert "class 0 class 1 3 30.0 %" in words
    assert "Recognised least class images right class 0 10 70.0 % class 1 10 100.0 %" in words
    assert "class 250" not in words


def test_a_class_that_no_image_is_of_has_no_row() -> None:
    answers = make_answers()
    few = {pair: n for pair, n in answers.confusion.items() if pair[0] != 1}
    page = show(make_run(answers=replace(answers, confusion=few)))
    assert "owl 10 10 100.0 %" in page.words("run-1-confusion")
    assert "dog 10" not in page.words("run-1-confusion")


def test_a_sample_shows_its_class_even_where_that_is_not_among_the_likeliest() -> None:
    answers = make_answers()
    (sample,) = answers.samples
    changed = replace(sample, classes=sample.classes[:2])
    page = show(make_run(answers=replace(answers, samples=(changed,))))
    assert "owl val/cat/1.jpg cat 0.500 dog 0.250 owl 0.167" in page.words("run-1-predictions")


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"answers": None, "missing": {"answers": "the data are gone"}}, "confusion",
         "This is missing: the data are gone."),
        ({"kernels": None, "missing": {"kernels": "The net has no convolution."}}, "kernels",
         "This is missing: The net has no convolution."),
        ({"answers": None}, "confusion", "This is missing: it cannot be had."),
        ({"metrics": []}, "curves", "Nothing was logged yet."),
        ({"sessions": ()}, "machine", "does not say on what it computed"),
        ({"final": None, "answers": None, "best": None}, "results", "No held-out image was tested"),
        ({"final": None}, "results", "last weights, tested for this report"),
        ({"texts": {"lenet.net": "net lenet { input 3x8x8; rulu }"}, "parameters": {}}, "net",
         "the spec does not hold, there is no layer kind or block `rulu`"),
        ({"data": {"train": None, "held_out": None}}, "recipe", "batch 64"),
        ({"recipe": {"data": "mnist"}}, "recipe", "data mnist"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_in_its_place(
    changes: dict[str, Any], part: str, says: str
) -> None:
    page = show(make_run(**changes))
    assert says in page.words(f"run-1-{part}")
    assert show(make_run(**changes), make_run()).sections


@pytest.mark.parametrize(
    ("ended", "reason", "says"),
    [
        ("interrupted", "SIGINT", "The run was stopped by SIGINT after 10 of 20 updates, 1 epoch."),
        ("failed", "the run diverged: the loss", "The run diverged: the loss"),
        ("unknown", "", "it goes on, or was killed"),
    ],
)
def test_a_run_that_did_not_come_to_its_end_says_so(ended: str, reason: str, says: str) -> None:
    page = show(make_run(ended=ended, reason=reason, planned=20))
    assert says in page.words("run-1")
    assert "10 of 20" in page.words("run-1")


def test_what_the_caller_changed_stands_beside_the_file() -> None:
    options = {"data": None, "seed": 3, "precision": "bf16", "compile": True, "device_batch": None}
    recipe = {**make_run().recipe, "stop": "10 iterations"}
    data = {**make_run().data, "name": "fashion_mnist"}
    page = show(make_run(options=options, recipe=recipe, data=data, parameters={"classes": "3"}))
    assert page.words("run-1-changes").endswith(
        "this run the file parameter classes 3 10 stop 10 iterations 10,000 iterations "
        "data fashion_mnist mnist seed 3 precision bf16 compiled yes"
    )


def test_alexnet_is_held_against_its_paper_and_no_other_net() -> None:
    assert "run-1-paper" not in show(make_run()).sections
    page = show(make_run("alexnet"))
    assert "conv3.weight, conv4.weight, conv5.weight" in page.words("run-1-paper")


def test_deep_nets_are_folded_and_whole_on_request() -> None:
    page = show(make_run("resnet50", texts=read_with_blocks("resnet50", "resnet")))
    assert "All 17" in page.words("run-1-net")
    assert page.find("details")
    tables = page.find("table", class_="layers")
    assert len(tables) == 2


def read_with_blocks(name: str, blocks: str) -> dict[str, str]:
    from tests.render.html_pages import SPECS

    paths = (SPECS / f"{name}.net", SPECS / "blocks" / f"{blocks}.net")
    return {str(path): path.read_text(encoding="utf-8") for path in paths}


def test_heads_have_their_table() -> None:
    page = show(make_run("googlenet", texts=read_with_blocks("googlenet", "inception")))
    assert "trained but not in the total" in page.words("run-1-net")


def test_watched_layers_are_shown() -> None:
    sizes = {"weights": 0.5, "updates": 0.001, "ratio": 0.002}
    layers = [
        {"kind": "layers", "update": n, "layers": {"conv1.weight": {**sizes, "ratio": n / 1000}}}
        for n in (1, 2, 4)
    ]
    page = show(make_run(metrics=[*make_run().metrics, *layers]))
    assert page.words("run-1-health").endswith("conv1.weight 0.5 0.001 0.004 0.001 0.004")


def test_a_run_that_went_on_tells_each_time() -> None:
    first = Session(0, 4, "2026-01-01T00:00:00+00:00", 30.0, {**MACHINE, "torch": "2.12.0"}, "")
    second = Session(4, 10, "2026-01-01T01:00:00+00:00", 60.0, MACHINE, "2 processes")
    page = show(make_run(sessions=(first, second)))
    words = page.words("run-1-machine")
    assert "2026-01-01 00:00 UTC 0 to 4 30.0 s torch 2.12.0" in words
    assert "processes 2 processes" in words
    assert "time 1 min 30 s" in page.words("run-1")


def test_several_runs_stand_side_by_side() -> None:
    faster = {**make_run().recipe, "batch": 128}
    runs = (make_run(folder="a"), make_run(folder="b", recipe=faster, final=make_figures(0.5)))
    report = TestReport(
        data="pets",
        origin="",
        tested="held-out images",
        classes=3,
        chance=0.1,
        nets=tuple(TestedNet(name, "lenet", 10, (make_figures(),)) for name in "ab"),
        ensemble=(make_figures(0.875),),
        skipped=(),
    )
    page = show(*runs, ensembles=(report,))
    words = page.words("comparison")
    assert "a lenet 10 0.750 0.950 0.625 25.0 % 80.0 % 1 min 15 s" in words
    assert "b lenet 10 0.500 0.950 0.625 50.0 %" in words
    assert "mean 2,000 1 0.875" in words
    assert "What they differ in a b batch 64 128" in words
    assert len(page.find("article")) == 2
    assert len(page.find("ul", class_="legend")) == 1
    assert "What they differ in" not in show(make_run(), make_run()).words("comparison")


def test_layers_of_alike_nets_are_compared_and_those_of_others_counted() -> None:
    wider = make_run().texts["lenet.net"].replace("conv 20, 5x5 ", "conv 24, 5x5 ")
    wider = re.sub(r"(->.*|expect.*)", "", wider)
    page = show(make_run(), make_run(texts={"lenet.net": wider}))
    assert "layer conv1 conv 20, 5x5 conv 24, 5x5" in page.words("comparison")
    page = show(make_run(), make_run("alexnet"))
    assert "layers 8 layers 23 layers" in page.words("comparison")


def test_images_that_could_not_be_read_are_named() -> None:
    page = show(make_run(skipped=(("A1.jpg", "is empty"),)))
    assert "Skipped, because they cannot be read: A1.jpg (is empty)." in page.words("run-1-results")


def test_the_five_likeliest_say_nothing_of_five_classes() -> None:
    figures = replace(make_figures(), top5=1.0)
    answers = replace(make_answers(), figures=figures)
    metrics = [{**e, "top5": 1.0} if "top5" in e else e for e in make_run().metrics]
    page = show(make_run(final=figures, best=None, answers=answers, metrics=metrics))
    assert "top-5" not in page.words("run-1")
    assert "0.750 0.625 25.0 %" in page.words("run-1-results")
    many = {**make_run().data, "classes": list("abcdef")}
    assert "top-5" in show(make_run(final=figures, best=None, answers=None, data=many)).words(
        "run-1"
    )


def test_the_same_runs_give_the_same_page() -> None:
    assert show(make_run()).source == show(make_run()).source
    assert WRITTEN[:10] in show(make_run()).source
