"""Where a loss that is not finite is said to come from, and how a run ends by one."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

import netspec
from netspec.compiler.program import CheckedNet
from netspec.graph import Graph
from netspec.layers.starting_values import Constant
from netspec.recipe.run import TrainingError
from netspec.recipe.solver import SOLVERS
from netspec.recipe.training import Loss
from netspec.source import SourceFile
from netspec.tensor import Weight
from netspec.values import Word
from netspec_torch import build
from netspec_torch.distributed.world import World
from netspec_torch.divergence import explain, find_origin
from netspec_torch.losses import Losses, LossNotFiniteError
from netspec_torch.run_folder import RunFolder
from netspec_torch.solver import make_optimizer
from netspec_torch.step import TrainingStep
from tests.netspec_torch.small_runs import Trainer, make_net

SPEC = """
net some {
  image: input 2x6x6
  conv1: conv 4, 3x3, pad=1
         relu
  join:  add {
    branch { conv 4, 1x1; batchnorm }
    branch { identity }
  }
  early: head weight=0.3 { fc 3 }
  again conv1 from image
  fc2: fc 3
}
"""
ALONE = World(torch.device("cpu"))


@pytest.fixture
def graph() -> Graph:
    return netspec.load(SourceFile("some.net", SPEC)).net.graph


@pytest.fixture
def module(graph: Graph) -> fx.GraphModule:
    return build(graph, seed=0, heads=True)


def spoil(module: nn.Module, name: str, value: float = math.nan) -> None:
    """Put a number into a weight or a running average."""
    with torch.no_grad():
        module.state_dict()[name].view(-1)[0] = value


def images() -> Tensor:
    return torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(0))


def test_a_sound_net_has_no_origin(module: fx.GraphModule, graph: Graph) -> None:
    assert find_origin(module, graph, images()) is None
    assert explain(module, graph, [images()], ALONE) == (
        "what every layer gives is finite, and the loss that comes of it is not"
    )


@pytest.mark.parametrize(
    ("weight", "layer"),
    [
        ("conv1.bias", "conv1"),
        ("join.branch_1.conv_1.weight", "join.branch_1.conv_1"),
        ("join.branch_1.batchnorm_1.running_var", "join.branch_1.batchnorm_1"),
        ("early.fc_1.weight", "early.fc_1"),
        ("fc2.weight", "fc2"),
    ],
)
def test_the_first_layer_whose_weights_are_not_finite(
    module: fx.GraphModule, graph: Graph, weight: str, layer: str
) -> None:
    spoil(module, weight)
    spoil(module, "fc2.bias")
    origin = find_origin(module, graph, images())
    assert origin is not None
    assert (origin.node.name, origin.weight) == (layer, weight.rpartition(".")[2])
    assert origin.count == 1


def test_the_first_layer_whose_output_is_not_finite(module: fx.GraphModule, graph: Graph) -> None:
    with torch.no_grad():
        module.get_parameter("conv1.weight").fill_(1e38)
    origin = find_origin(module, graph, images())
    assert origin is not None
    assert (origin.node.name, origin.weight) == ("conv1", "")
    assert origin.largest_read == pytest.approx(float(images().abs().max()))
    assert origin.describe().startswith("it starts in `conv1` (some.net:4:10), of whose output ")
    assert origin.describe().endswith("what it reads is at most 3.41")


def test_images_that_are_not_finite_are_told_as_such(module: fx.GraphModule, graph: Graph) -> None:
    bad = images()
    bad[3, 1, 2, 2] = math.inf
    assert explain(module, graph, [images(), bad], ALONE) == (
        "it starts in the images, of which 1 of 288 numbers are not finite"
    )


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
SOLVER_ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    *((word, {}) for word in sorted(SOLVERS) if word != "lars"),
    ("lars", {"trust": Fraction(1, 1000), "biases": True}),
    ("sgd", {"velocity": Word("step")}),
    ("adam", {"eps_corrected": False}),
    ("rmsprop", {"velocity": Word("step"), "momentum": Fraction(9, 10)}),
]


def make_step(word: str, arguments: dict[str, Any], device: str) -> tuple[nn.Linear, TrainingStep]:
    """A layer, and what trains it in parts of two images."""
    layer = nn.Linear(2, 3, device=device)
    factors = {
        name: Weight(name, tuple(each.shape), "weight", Constant(value=0.0), 1, 1)
        for name, each in layer.named_parameters()
    }
    solver = SOLVERS[word].model_validate({"rate": Fraction(1, 10), **arguments})
    return layer, TrainingStep(
        layer,
        make_optimizer(solver, layer.named_parameters(), factors),
        Loss.model_validate({"function": Word("softmax")}),
        device=torch.device(device),
        device_batch=2,
    )


def make_batch(device: str, value: float = 6.0) -> tuple[Tensor, Tensor]:
    pixels = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [value, 1.0]]
    return torch.tensor(pixels, device=device), torch.tensor([0, 1, 2, 0], device=device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("word", "arguments"), SOLVER_ARGUMENTS)
def test_a_loss_that_is_not_finite_changes_no_weight(
    word: str, arguments: dict[str, Any], value: float, device: str
) -> None:
    """Nor does any update after it, before somebody asks for the losses."""
    layer, step = make_step(word, arguments, device)
    start = layer.weight.detach().clone()
    step(*make_batch(device), 0)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    assert not torch.equal(before["weight"], start)

    def go_on() -> None:
        step(*make_batch(device, value), 1)
        step(*make_batch(device), 2)
        step.losses.fetch()

    with pytest.raises(LossNotFiniteError) as caught:
        go_on()
    assert not math.isfinite(caught.value.loss)
    assert caught.value.updates_before == 1
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())
    assert layer.weight.grad is None


def test_the_sum_of_losses_goes_on_from_where_it_stood() -> None:
    losses = Losses(torch.device("cpu"))
    losses.begin_with(2.0, 1.0)
    for loss in (0.5, 0.25):
        losses.note(torch.tensor([loss, 0.25]))
    assert losses.fetch() == losses.fetch() == (2.75, 1.5)
    losses.begin_with(0.0, 0.0)
    losses.note(torch.tensor([math.inf, 0.0]))
    losses.note(torch.tensor([math.nan, 0.0]))
    with pytest.raises(LossNotFiniteError) as caught:
        losses.fetch()
    assert (caught.value.loss, caught.value.updates_before) == (math.inf, 2)


def diverge(run: Trainer, net: CheckedNet, **options: Any) -> TrainingError:
    with pytest.raises(TrainingError, match="the run diverged") as caught:
        run(net, **options)
    return caught.value


def test_a_run_ends_with_the_layer_where_its_loss_broke(run: Trainer) -> None:
    error = diverge(run, make_net("sgd rate=1e15", more="fc 9; fc 9"))
    assert error.cause == "run"
    assert error.message.startswith(
        "the run diverged: the loss of update 2, at a rate of 1e+15, is"
    )
    (line,) = error.details
    assert line.startswith("it starts in `fc_2` (tiny.net:7:")
    assert "what it reads is at most" in line


def test_its_report_says_why(run: Trainer, tmp_path: Path) -> None:
    error = diverge(run, make_net("sgd rate=1e15", more="fc 9; fc 9"))
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["failed"] == f"{error.message}\n{error.details[0]}"
    assert (report["updates"], report["final"], report["interrupted"]) == (1, None, None)


@pytest.mark.parametrize("options", [{"device_batch": 3}, {"precision": "bf16"}])
def test_the_batch_is_computed_as_it_was(run: Trainer, options: dict[str, Any]) -> None:
    error = diverge(run, make_net("sgd rate=1e15", more="fc 9; fc 9"), **options)
    assert error.details[0].startswith("it starts in `fc_")


def test_a_test_loss_that_is_not_finite_is_told_too(
    run: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running average alone can break: the loss of training does not read it."""
    after = TrainingStep.__call__

    def break_average(self: TrainingStep, images: Tensor, labels: Tensor, update: int) -> Tensor:
        loss = after(self, images, labels, update)
        if update == 3:
            assert isinstance(self._net, nn.Module)
            spoil(self._net, "n.running_mean")
        return loss

    monkeypatch.setattr(TrainingStep, "__call__", break_average)
    error = diverge(run, make_net(more="n: batchnorm"))
    assert "the test loss after update 4, at a rate of 0.05, is not a number" in error.message
    assert error.details[0].startswith("it starts in `n` (tiny.net:7:6), of whose `running_mean` 1")


def test_the_weights_before_are_kept(run: Trainer, tmp_path: Any) -> None:
    diverge(run, make_net("sgd rate=1e15", more="fc 9; fc 9"))
    assert RunFolder(tmp_path / "run").list_snapshots() == [0]
