"""Runs to be shown, made by hand; and a page taken apart by Python's own parser."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import netspec
from netspec.recipe.results import ClassProbability
from netspec.recipe.run import Figures
from netspec.recipe.run_facts import (
    Answers,
    KernelBlock,
    Kernels,
    Picture,
    RunFacts,
    RunsFacts,
    Sample,
    Session,
)
from netspec.recipe.written import resolve_recipe
from netspec.render.html.page import render_runs

SPECS = Path(__file__).parents[2] / "specs"
WRITTEN = "2026-01-02T03:04:05+00:00"
PICTURE = Picture(b"\x89PNG\r\n\x1a\n", 28, 28)
MACHINE = {"device": "cpu, 2 threads", "processor": "A Maker's", "torch": "2.13.0"}
VOID = {"meta", "br", "img", "link", "input", "hr"}


def make_figures(top1: float = 0.75, views: int = 1) -> Figures:
    return Figures(images=2000, views=views, top1=top1, top5=0.95, loss=0.625)


def make_metrics() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for update in range(1, 11):
        loss = 2.5 / update
        train = {"loss": loss, "error": 0.9 / update, "rate": 0.01}
        entries.append({"kind": "train", "update": update, "epoch": 0.1, **train})
    figures = make_figures()
    test = {name: getattr(figures, name) for name in Figures.__struct_fields__}
    return [*entries, {"kind": "test", "update": 10, "epoch": 1.0, **test, "best": True}]


def make_answers(names: tuple[str, ...] = ("cat", "dog", "owl")) -> Answers:
    """Of each class ten images; of the first, three are taken for the second."""
    confusion = {(n, n): 10 for n in range(len(names))} | {(0, 0): 7, (0, 1): 3}
    classes = tuple(
        ClassProbability(name, number, 0.5 / (number + 1)) for number, name in enumerate(names[:5])
    )
    sample = Sample("val/cat/1.jpg", PICTURE, classes[-1], classes)
    return Answers(
        weights="runs/net/last.safetensors",
        update=10,
        data="pets (data/pets)",
        figures=make_figures(),
        class_names=names,
        confusion=confusion,
        samples=(sample,),
        mistakes=(sample,),
    )


def make_kernels(blocks: int = 1) -> Kernels:
    titles = [""] if blocks == 1 else [f"GPU {n}" for n in range(blocks)]
    made = tuple(KernelBlock(title, PICTURE) for title in titles)
    return Kernels("conv1", 20, 5, 5, 1, -0.25, 0.5, made)


def make_run(spec: str = "lenet", **changes: Any) -> RunFacts:
    """A run of a spec of the house that came to its end."""
    text = (SPECS / f"{spec}.net").read_text(encoding="utf-8")
    net = netspec.load(SPECS / f"{spec}.net").net
    assert net.recipe is not None
    facts = RunFacts(
        folder=f"runs/{spec}",
        net=net.name,
        texts={f"{spec}.net": text},
        parameters={"classes": "1000" if spec != "lenet" else "10"},
        recipe=json.loads(json.dumps(resolve_recipe(net.recipe))),
        options={"data": None, "seed": None, "precision": None, "compile": False},
        data={
            "name": net.recipe.data.name,
            "origin": "data/here",
            "division": "as the data have it",
            "classes": ["cat", "dog", "owl"],
            "train": 8000,
            "held_out": 2000,
        },
        plan="net      lenet\n",
        metrics=make_metrics(),
        updates=10,
        planned=10,
        updates_per_epoch=10,
        ended="done",
        reason="",
        final=make_figures(),
        final_views=None,
        best=make_figures(0.8),
        best_update=5,
        chance=0.1,
        skipped=(),
        sessions=(Session(0, 10, "2026-01-01T00:00:00+00:00", 75.0, MACHINE, ""),),
        answers=make_answers(),
        kernels=make_kernels(),
        missing={},
    )
    return replace(facts, **changes)


class Page(HTMLParser):
    """A page: its elements as they come, each with its attributes, and the text of sections."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.sections: dict[str, str] = {}
        self.mistakes: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        self.mistakes += [f"<{tag}> is not closed" for tag, _ in self._open]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        self.elements.append((tag, named))
        if tag not in VOID:
            self._open.append((tag, named.get("id", "")))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.mistakes.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.sections[name] = self.sections.get(name, "") + data + "\n"

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of the elements that have these among theirs."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and wanted.items() <= found.items()
        ]

    def words(self, section: str) -> str:
        """The text of a section, with single spaces."""
        return " ".join(self.sections.get(section, "").split())


def show(*runs: RunFacts, **more: Any) -> Page:
    """The page of runs; it is well-formed."""
    page = Page(render_runs(RunsFacts(runs, more.get("ensembles", ())), WRITTEN, "0.1.0"))
    assert page.mistakes == []
    return page
