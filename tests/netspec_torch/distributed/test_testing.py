"""`netspec test` on several processes: the figures of one, of images that they share."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import asdict
from safetensors.torch import load_file

import netspec
import netspec_torch
from netspec.recipe.run import Figures, TrainingError
from netspec.source import SourceFile
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.test_torchrun import run, write_spec
from tests.netspec_torch.distributed.test_training import train_alone, write_net
from tests.netspec_torch.small_runs import Hearer


def try_nets(
    weights: list[Path], text: str, options: dict[str, Any], *, is_foreign: bool = False
) -> dict[str, Any]:
    """A test of the weights, of the net whose text it is where they are somebody else's."""
    net = netspec.load(SourceFile("case.net", text)).net if is_foreign else None
    listener = Hearer()
    try:
        report = netspec_torch.test(weights, net, device="cpu", listener=listener, **options)
    except TrainingError as error:
        return {"error": error.message}
    return {**report.to_json(), "said": len(listener.said)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> tuple[str, list[Path]]:
    """A net of two columns with two sets of weights."""
    root = tmp_path_factory.mktemp("trained")
    text = write_net(gpus=2, norm="batchnorm")
    for seed in (0, 1):
        train_alone(text, root / f"{seed}", photos, iterations=3, seed=seed)
    return text, [root / "0", root / "1"]


def check_same(together: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    for report in together:
        assert report["skipped"] == alone["skipped"]
        figures = [net.pop("figures") for net in report["nets"]] + [report["ensemble"]]
        expected = [net["figures"] for net in alone["nets"]] + [alone["ensemble"]]
        for found, wanted in zip(figures, expected, strict=True):
            assert len(found) == len(wanted)
            for one, other in zip(found, wanted, strict=True):
                assert as_values(one) == pytest.approx(as_values(other), rel=1e-5)


def as_values(figures: Figures) -> dict[str, Any]:
    return figures if isinstance(figures, dict) else asdict(figures)


@pytest.mark.parametrize("group", ["pair", "four"])
@pytest.mark.parametrize("options", [{"views": 10}, {"eval_images": 3}, {"all_images": True}])
def test_the_figures_are_those_of_one_process(
    group: str,
    options: dict[str, Any],
    trained: tuple[str, list[Path]],
    photos: Path,
    request: pytest.FixtureRequest,
) -> None:
    """13 images that can be read in batches of 8, and of three a fourth process has none."""
    text, folders = trained
    options = {"data": photos, **options}
    processes: Processes = request.getfixturevalue(group)
    check_same(processes.run(try_nets, folders, text, options), try_nets(folders, text, options))


def test_what_is_measured_for_it_is_measured_together(
    pair: Processes, trained: tuple[str, list[Path]], photos: Path, tmp_path: Path
) -> None:
    """Said once, by the first."""
    text, folders = trained
    weights = load_file(folders[0] / "last.safetensors")
    foreign = tmp_path / "foreign.pth"
    torch.save({n: t for n, t in weights.items() if not n.startswith("statistics")}, foreign)
    options = {"data": photos, "views": 1}
    alone = try_nets([folders[0]], text, options)
    answers = pair.run(try_foreign, foreign, text, options)
    assert [answer["said"] for answer in answers] == [1, 0]
    check_same(answers, alone)


def try_foreign(weights: Path, text: str, options: dict[str, Any]) -> dict[str, Any]:
    return try_nets([weights], text, options, is_foreign=True)


def test_what_cannot_be_tested_is_refused_by_all(pair: Processes, tmp_path: Path) -> None:
    answers = pair.run(try_nets, [tmp_path / "none.safetensors"], "", {})
    assert all("none.safetensors" in answer["error"] for answer in answers)


@pytest.mark.parametrize("form", ["plain", "json"])
def test_torchrun_prints_one_report(
    form: str, trained: tuple[str, list[Path]], photos: Path, tmp_path: Path
) -> None:
    _, folders = trained
    write_spec(tmp_path)
    arguments = (folders[0], "--data", photos, "--format", form)
    one, two = (run(*arguments, size=size, command="test") for size in (1, 2))
    assert (one.returncode, two.returncode) == (0, 0), two.stderr
    if form == "json":
        figures = [json.loads(done.stdout)["nets"][0]["figures"][0] for done in (one, two)]
        assert figures[0] == pytest.approx(figures[1], rel=1e-5)
    else:
        assert one.stdout == two.stdout
