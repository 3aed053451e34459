"""`parallel fc=split` on processes of their own against one process: weights after ten updates,
whole trainings, snapshots, and what is said of them.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import netspec
from netspec.analyses.fc_split import split_fcs
from netspec.layers import KINDS
from netspec.source import SourceFile
from netspec_torch import train
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.test_training import (
    ADAM,
    CLIPPED,
    LARS,
    SGD,
    check_folders,
    check_state,
    check_updates,
    read_metrics,
    train_alone,
    train_together,
    write_net,
)
from tests.netspec_torch.distributed.training import (
    restore_and_gather,
    run_training,
    train_net,
)
from tests.netspec_torch.small_runs import Recorder, read_last

SPECS = Path(__file__).parents[3] / "specs"
SPLIT = "parallel fc=split"


@pytest.mark.parametrize("solver", [SGD, LARS, ADAM])
def test_two_processes(pair: Processes, solver: str) -> None:
    check_updates(pair, write_net(norm="batchnorm synced=yes", solver=solver, parallel=SPLIT))


def test_two_processes_in_float32(pair: Processes) -> None:
    check_updates(pair, write_net(norm="layernorm", parallel=SPLIT), torch.float32, 1e-5)


@pytest.mark.parametrize("solver", [SGD, LARS])
def test_four_processes_that_divide_neither_channels_nor_images(
    four: Processes, solver: str
) -> None:
    """10 and 6 channels, and batches of 6 and 5 images."""
    check_updates(four, write_net(norm="groupnorm 2", solver=solver, parallel=SPLIT))


def test_clipping_and_parts_of_batches(pair: Processes) -> None:
    text = write_net(norm="layernorm", solver=CLIPPED, parallel=SPLIT)
    check_updates(pair, text, device_batch=2)


def test_clipping_on_four_processes(four: Processes) -> None:
    check_updates(four, write_net(solver=CLIPPED, parallel=SPLIT))


def write_small_alexnet() -> str:
    """The network of "One weird trick" on images of 67 x 67, with a sixteenth of its channels, and
    as large a rate as makes the weights move."""
    net = (SPECS / "alexnet-one-tower.net").read_text(encoding="utf-8").split("train {")[0]
    net = re.sub(r" +(->|expect).*", "", net).replace("3x224x224", "3x67x67")
    net = re.sub(r"(conv|fc) (\d+)", lambda found: f"{found[1]} {int(found[2]) // 16}", net)
    net = net.replace("classes = 1000", "classes = 12").replace("6x6", "1x1")
    return f"""{net}
train {{
  data some {{ crop 67 }}
  batch 6
  loss softmax
  {SGD}
  {SPLIT}
  stop after=1 epoch
}}"""


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
@pytest.mark.parametrize("group", ["pair", "four"])
def test_alexnet_after_ten_updates(
    group: str, dtype: torch.dtype, tolerance: float, request: pytest.FixtureRequest
) -> None:
    check_updates(request.getfixturevalue(group), write_small_alexnet(), dtype, tolerance)


CASES = {
    "nothing between": "",
    "what keeps to a channel": "relu; leakyrelu 0.2; multiply 0.5; identity; tanh",
    "activations": "elu; gelu; swish; hardswish; mish; relu6; hardsigmoid; activate sigmoid",
    "dropout": "dropout 0.4",
    "dropout as the paper has it": "dropout 0.4, inverted=no",
    "droppath": "droppath 0.4",
    "softmax": "softmax",
    "layernorm": "layernorm",
    "groupnorm": "groupnorm 4",
    "batchnorm of all": "batchnorm synced=yes; relu",
    "scale": "scale bias=yes, init=0.7",
    "prelu": "prelu",
    "lrn": "lrn 3, alpha=0.5",
    "shuffle": "shuffle 4",
    "slice": "slice 1, 7",
    "pools": "maxpool 1x1, stride=1; avgpool global; adaptiveavgpool 1",
    "maps": "upsample 2; pad 1; crop 3; flatten",
    "convolution": "conv 6, 1x1; relu",
    "depthwise": "depthwise 1x1, multiplier=2; deconv 5, 2x2",
    "add": "relu; b: fc 8 from h; add from a, b",
    "add of what is split and what is not": "b: avgpool global from h; conv 8, 1x1; add from a, b",
    "multiply": "b: fc 8 from a; sigmoid; multiply from a, b",
    "maximum": "relu; b: tanh; maximum from a, b",
    "concat": "b: fc 5 from h; concat from a, b, a",
    "one weight twice": "b: fc 8; relu; c: again b; add from a, c",
    "fewer channels than processes": "b: fc 1; fc 3",
    "frozen": "fc 7, rate=0",
    "a head": "early: head weight=0.5 { fc 6 }; dropout 0.2",
    "a head of what is not split": "early: head weight=0.5 { conv 6, 1x1; avgpool global } from h",
}
"""Lines between an fc `a` of 8 channels, which reads `h`, and another."""
HEAD_OF_MAPS = "from h; early: head weight=0.5 { conv 6, 1x1; avgpool global }; from a"

BETWEEN = """
net between {{
  input 3x8x8
  h: conv 8, 3x3{rate}; relu; maxpool 2x2, stride=2
  a: fc 8{rate}
  {lines}
  fc 6
}}
train {{
  data some {{ crop 8 }}
  batch 6
  loss softmax
  sgd rate=0.05, momentum=0.9
  parallel fc=split
  stop after=1 epoch
}}
"""


def write_between(lines: str, rate: str = "") -> str:
    return BETWEEN.format(lines=lines.replace("; ", "\n"), rate=rate)


def test_every_kind_is_among_the_cases() -> None:
    written = " ".join(CASES.values())
    assert set(KINDS) - {"input"} <= set(re.findall(r"[a-z0-9]+", written))


@pytest.mark.parametrize("name", CASES)
def test_layers_between_two_fcs(four: Processes, name: str) -> None:
    lines = HEAD_OF_MAPS if name == "a head of what is not split" else CASES[name]
    check_updates(four, write_between(lines))


def test_nothing_trained_before_what_moves(four: Processes) -> None:
    check_updates(four, write_between("relu", rate=", rate=0"))


def test_a_net_of_fcs_alone(four: Processes) -> None:
    text = write_between("relu").replace("h: conv 8, 3x3; relu; maxpool 2x2, stride=2", "h: relu")
    graph = netspec.load(SourceFile("case.net", text)).net.graph
    assert [move.way for move in split_fcs(graph, 4).moves] == ["images", "channels", "back"]
    check_updates(four, text)


@pytest.mark.parametrize("group", ["pair", "four"])
def test_a_training(
    group: str, photos: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """13 held-out images in batches of 8: there is one of which a fourth process has none."""
    text = write_net(norm="batchnorm synced=yes", parallel=SPLIT)
    alone = train_alone(text, tmp_path / "one", photos, views=10)
    together = train_together(
        request.getfixturevalue(group), text, tmp_path / "n", photos, views=10
    )
    assert together["final"] == pytest.approx(alone["final"], rel=1e-3)
    assert together["final"]["images"] == 13
    assert sorted(together["skipped"]) == sorted(alone["skipped"])
    check_folders(tmp_path / "one", tmp_path / "n")


def test_a_training_that_changes_its_processes(
    pair: Processes, four: Processes, photos: Path, tmp_path: Path
) -> None:
    """Two, one, four, and two without the line, which is no change of the run."""
    text = write_net(norm="batchnorm synced=yes", parallel=SPLIT)
    copied = write_net(norm="batchnorm synced=yes")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_alone(text, whole, photos)
    train_together(pair, text, parts, photos, iterations=5)
    train_alone(text, parts, photos, iterations=8, resume=True)
    train_together(four, text, parts, photos, iterations=13, resume=True)
    answer = train_together(pair, copied, parts, photos, epochs=3, resume=True)
    assert answer["updates"] == 18
    for name in ("last.safetensors", "best.safetensors"):
        check_state(load_file(parts / name), load_file(whole / name), 1e-4)


def test_a_training_goes_on_bit_for_bit(pair: Processes, photos: Path, tmp_path: Path) -> None:
    text = write_net(norm="batchnorm", parallel=SPLIT)
    train_together(pair, text, tmp_path / "whole", photos)
    train_together(pair, text, tmp_path / "parts", photos, iterations=8)
    train_together(pair, text, tmp_path / "parts", photos, epochs=3, resume=True)
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("group", ["pair", "four"])
def test_a_snapshot_is_the_same_whoever_writes_it(
    group: str, photos: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Taken apart and put together again, bit for bit."""
    text = write_net(norm="batchnorm", solver=ADAM, parallel=SPLIT)
    train_alone(text, tmp_path, photos, iterations=4)
    before = read_last(tmp_path)
    processes: Processes = request.getfixturevalue(group)
    restored = processes.run(restore_and_gather, text, tmp_path)[0]
    for old, new in ((before.weights, restored[0]), (before.solver, restored[1])):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)


def test_the_sizes_of_layers_are_those_of_the_whole_net(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    text = write_net(parallel=SPLIT)
    train_alone(text, tmp_path / "one", photos, iterations=1, watch_layers=True)
    train_together(pair, text, tmp_path / "two", photos, iterations=1, watch_layers=True)
    alone, together = (
        next(line["layers"] for line in read_metrics(tmp_path / name) if line["kind"] == "layers")
        for name in ("one", "two")
    )
    assert alone.keys() == together.keys()
    for name, sizes in alone.items():
        assert together[name] == pytest.approx(sizes, rel=1e-3), name


@pytest.mark.parametrize("options", [{"device_batch": 3}, {"eval_images": 3, "iterations": 1}])
def test_where_a_loss_breaks_is_found_together(
    pair: Processes, photos: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    """In the second update, and in a test after the first, of which a process has two images."""
    text = write_net(solver="sgd rate=1e13", parallel=SPLIT)
    answers = [
        train_net(text, tmp_path / "one", photos, **options),
        *pair.run(run_training, text, tmp_path / "two", photos, options),
    ]
    messages = {answer["error"].partition(", at")[0] for answer in answers}
    assert len(messages) == 1
    assert "the run diverged: the" in messages.pop()
    places = {answer["details"][0].partition(", of whose")[0] for answer in answers}
    assert len(places) == 1
    assert places.pop().startswith("it starts in `")


def plan_training(text: str, folder: Path, photos: Path) -> str:
    recorder = Recorder()
    net = netspec.load(SourceFile("case.net", text)).net
    train(net, data=photos, out=folder, device="cpu", iterations=1, listener=recorder)
    return recorder.plan.processes if recorder.plan else ""


def test_the_plan_says_which_layers_are_split(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    first, second = pair.run(plan_training, write_net(parallel=SPLIT), tmp_path / "run", photos)
    assert first == (
        "2 processes, each with 4 images of an update, and of early.fc_1, fc1, fc2 a part for "
        "those of all"
    )
    assert not second
