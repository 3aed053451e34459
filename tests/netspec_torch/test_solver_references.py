"""Whole recipes against what others do with them: Caffe's solvers, written out step by step as its
source has them, and `torch.optim` with `torch.optim.lr_scheduler`.

Both are given the net's own gradients, layer by layer with factors of their own on rate and decay,
over changes of the rate, with clipping, and in parts of a batch.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import lr_scheduler

import netspec
from netspec.recipe.clock import Clock
from netspec.recipe.rates import Rates
from netspec.recipe.recipe import Recipe
from netspec.source import SourceFile
from netspec_torch.module import build, parameter_factors
from netspec_torch.solver import make_optimizer, set_rate
from netspec_torch.step import TrainingStep

NET = """
net tiny {{
  input 2x6x6
  frozen: conv 3, 3x3, rate=0
  relu
  conv1:  conv 4, 3x3, rate=2, decay=0.5, bias_rate=3, bias_decay=0
  relu
  fc2:    fc 3
}}
train {{
  data numbers
  batch 12
  loss softmax
  {solver}
  schedule {schedule}
  stop after=30 iterations
}}
"""
FACTORS = {
    "conv1.weight": (2.0, 0.5),
    "conv1.bias": (3.0, 0.0),
    "fc2.weight": (1.0, 1.0),
    "fc2.bias": (1.0, 1.0),
}
"""Caffe's lr_mult and decay_mult of each parameter that is trained."""
UPDATES = 30
BATCH = 12
Arrays = dict[str, NDArray[np.float64]]


def draw_batch(update: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(update)
    images = torch.randn(BATCH, 2, 6, 6, generator=generator)
    return images, torch.randint(0, 3, (BATCH,), generator=generator)


def load(solver: str, schedule: str = "fixed") -> tuple[nn.Module, Recipe, netspec.Spec]:
    spec = netspec.load(SourceFile("tiny.net", NET.format(solver=solver, schedule=schedule)))
    assert spec.net.recipe is not None
    return build(spec.net, seed=0), spec.net.recipe, spec


def train_ours(solver: str, schedule: str, device_batch: int | None = None) -> list[Arrays]:
    """The weights after each update."""
    net, recipe, spec = load(solver, schedule)
    factors = parameter_factors(spec.net.graph)
    optimizer = make_optimizer(recipe.solver, net.named_parameters(), factors)
    step = TrainingStep(
        net,
        optimizer,
        recipe.loss,
        clip=recipe.solver.clip,
        device=torch.device("cpu"),
        device_batch=device_batch,
    )
    rates = Rates(recipe.solver.rate, recipe.schedule, Clock(BATCH * 10, BATCH), UPDATES)
    seen = []
    for update in range(UPDATES):
        set_rate(optimizer, rates.at(update))
        step(*draw_batch(update), update)
        seen.append(read_weights(net))
    return seen


def read_weights(net: nn.Module) -> Arrays:
    return {name: p.detach().double().numpy().copy() for name, p in net.named_parameters()}


@dataclass
class Caffe:
    """`SolverParameter`, as far as it is used here."""

    type: str
    base_lr: float
    momentum: float = 0.0
    momentum2: float = 0.999
    rms_decay: float = 0.99
    delta: float = 1e-8
    weight_decay: float = 0.0
    clip_gradients: float = -1.0
    iter_size: int = 1
    lr_policy: str = "fixed"
    gamma: float = 0.1
    power: float = 1.0
    stepsize: int = 1
    stepvalue: tuple[int, ...] = ()
    max_iter: int = UPDATES


class CaffeSolver:
    """`SGDSolver::ApplyUpdate` and what its subclasses put into it, on numpy arrays."""

    def __init__(self, param: Caffe, names: Iterable[str]) -> None:
        self.param = param
        self.iteration = 0
        self.history: dict[str, Any] = dict.fromkeys(names, 0.0)
        self.history2: dict[str, Any] = dict.fromkeys(self.history, 0.0)

    def apply_update(self, data: Arrays, diff: Arrays) -> None:
        """`diff` has the sum over the parts of a batch; `data` is updated."""
        rate = self.get_learning_rate()
        self.clip_gradients(diff)
        for name, (lr_mult, decay_mult) in FACTORS.items():
            if self.param.iter_size != 1:  # Normalize
                diff[name] = diff[name] / self.param.iter_size
            local_decay = self.param.weight_decay * decay_mult  # Regularize
            diff[name] = diff[name] + local_decay * data[name]
            update = getattr(self, f"compute_{self.param.type}")
            data[name] = data[name] - update(name, diff[name], rate * lr_mult)
        self.iteration += 1

    def get_learning_rate(self) -> float:
        p, i = self.param, self.iteration
        match p.lr_policy:
            case "fixed":
                return p.base_lr
            case "step":
                return p.base_lr * math.pow(p.gamma, i // p.stepsize)
            case "exp":
                return p.base_lr * math.pow(p.gamma, i)
            case "inv":
                return p.base_lr * math.pow(1 + p.gamma * i, -p.power)
            case "multistep":
                return p.base_lr * math.pow(p.gamma, sum(i >= value for value in p.stepvalue))
            case "poly":
                return p.base_lr * math.pow(1 - i / p.max_iter, p.power)
            case "sigmoid":
                return p.base_lr * (1 / (1 + math.exp(-p.gamma * (i - p.stepsize))))
        raise ValueError(p.lr_policy)

    def clip_gradients(self, diff: Arrays) -> None:
        clip = self.param.clip_gradients
        norm = math.sqrt(sum(float((diff[name] ** 2).sum()) for name in FACTORS))
        if clip >= 0 and norm > clip:
            for name in FACTORS:
                diff[name] = diff[name] * (clip / norm)

    def compute_sgd(self, name: str, diff: Any, local_rate: float) -> Any:
        self.history[name] = local_rate * diff + self.param.momentum * self.history[name]
        return self.history[name]

    def compute_nesterov(self, name: str, diff: Any, local_rate: float) -> Any:
        momentum, before = self.param.momentum, self.history[name]
        self.history[name] = local_rate * diff + momentum * before
        return (1 + momentum) * self.history[name] - momentum * before

    def compute_adagrad(self, name: str, diff: Any, local_rate: float) -> Any:
        self.history[name] = diff**2 + self.history[name]
        return local_rate * (diff / (np.sqrt(self.history[name]) + self.param.delta))

    def compute_rmsprop(self, name: str, diff: Any, local_rate: float) -> Any:
        decay = self.param.rms_decay
        self.history[name] = (1 - decay) * diff**2 + decay * self.history[name]
        return local_rate * (diff / (np.sqrt(self.history[name]) + self.param.delta))

    def compute_adadelta(self, name: str, diff: Any, local_rate: float) -> Any:
        delta, momentum = self.param.delta, self.param.momentum
        self.history[name] = (1 - momentum) * diff**2 + momentum * self.history[name]
        update = diff * np.sqrt((delta + self.history2[name]) / (delta + self.history[name]))
        self.history2[name] = (1 - momentum) * update**2 + momentum * self.history2[name]
        return local_rate * update

    def compute_adam(self, name: str, diff: Any, local_rate: float) -> Any:
        beta1, beta2, t = self.param.momentum, self.param.momentum2, self.iteration + 1
        correction = math.sqrt(1 - beta2**t) / (1 - beta1**t)
        self.history[name] = (1 - beta1) * diff + beta1 * self.history[name]
        self.history2[name] = (1 - beta2) * diff**2 + beta2 * self.history2[name]
        step = self.history[name] / (np.sqrt(self.history2[name]) + self.param.delta)
        return local_rate * correction * step


def train_as_caffe(param: Caffe) -> list[Arrays]:
    """The weights after each update; gradients are PyTorch's, in double precision."""
    net = load("sgd rate=1")[0].double()
    data = read_weights(net)
    solver = CaffeSolver(param, FACTORS)
    seen = []
    for update in range(UPDATES):
        solver.apply_update(data, compute_diff(net, data, update, param.iter_size))
        seen.append(dict(data))
    return seen


def compute_diff(net: nn.Module, data: Arrays, update: int, iter_size: int) -> Arrays:
    """The sum over the parts of a batch of the gradients of their mean losses."""
    parameters = dict(net.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(data[name]))
    net.zero_grad()
    images, labels = draw_batch(update)
    for some, theirs in zip(images.chunk(iter_size), labels.chunk(iter_size), strict=True):
        cross_entropy(net(some.double()), theirs).backward()
    grads = {name: parameters[name].grad for name in FACTORS}
    return {name: grad.numpy().copy() for name, grad in grads.items() if grad is not None}


SGD = "sgd rate=0.05, momentum=0.9, decay=0.01, velocity=step"
CAFFE_SGD: dict[str, Any] = {"base_lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}
DROPS = "multistep, at=[8 iterations, 20 iterations], factor=0.3"
CAFFE_DROPS: dict[str, Any] = {"lr_policy": "multistep", "gamma": 0.3, "stepvalue": (8, 20)}


@pytest.mark.parametrize(
    ("solver", "param"),
    [
        (SGD, Caffe("sgd", **CAFFE_SGD, **CAFFE_DROPS)),
        (f"{SGD}, nesterov=yes", Caffe("nesterov", **CAFFE_SGD, **CAFFE_DROPS)),
        (
            "adagrad rate=0.02, decay=0.01, eps=1e-8",
            Caffe("adagrad", 0.02, weight_decay=0.01, **CAFFE_DROPS),
        ),
        (
            "rmsprop rate=0.002, decay=0.01, alpha=0.9",
            Caffe("rmsprop", 0.002, rms_decay=0.9, weight_decay=0.01, **CAFFE_DROPS),
        ),
        (
            "adadelta rate=1, decay=0.01, rho=0.95, eps=1e-6",
            Caffe("adadelta", 1, momentum=0.95, delta=1e-6, weight_decay=0.01, **CAFFE_DROPS),
        ),
        (
            "adam rate=0.003, decay=0.01, eps=0.01, eps_corrected=no",
            Caffe("adam", 0.003, momentum=0.9, delta=0.01, weight_decay=0.01, **CAFFE_DROPS),
        ),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else value.type,
)
def test_solvers_are_caffes(solver: str, param: Caffe) -> None:
    assert_same(train_ours(solver, DROPS), train_as_caffe(param))


@pytest.mark.parametrize(
    ("schedule", "policy"),
    [
        (
            "step, every=7 iterations, factor=0.5",
            {"lr_policy": "step", "gamma": 0.5, "stepsize": 7},
        ),
        ("exp, factor=0.9, every=1 iteration", {"lr_policy": "exp", "gamma": 0.9}),
        (
            "inv, gamma=0.1, power=0.75, every=1 iteration",
            {"lr_policy": "inv", "gamma": 0.1, "power": 0.75},
        ),
        ("poly, power=0.5", {"lr_policy": "poly", "power": 0.5}),
        (
            "sigmoid, gamma=-0.3, at=12 iterations, every=1 iteration",
            {"lr_policy": "sigmoid", "gamma": -0.3, "stepsize": 12},
        ),
    ],
)
def test_schedules_are_caffes(schedule: str, policy: dict[str, Any]) -> None:
    assert_same(train_ours(SGD, schedule), train_as_caffe(Caffe("sgd", **CAFFE_SGD, **policy)))


@pytest.mark.parametrize("iter_size", [1, 2, 3])
def test_accumulation_and_clipping_are_caffes(iter_size: int) -> None:
    """Caffe holds its bound against the sum over the parts, so there it is so many times ours."""
    clip = 0.4
    param = Caffe("sgd", **CAFFE_SGD, clip_gradients=clip * iter_size, iter_size=iter_size)
    ours = train_ours(f"{SGD}, clip={clip}", "fixed", device_batch=BATCH // iter_size)
    assert_same(ours, train_as_caffe(param))
    free = train_as_caffe(Caffe("sgd", **CAFFE_SGD))
    assert np.abs(free[-1]["fc2.weight"] - ours[-1]["fc2.weight"]).max() > 0.01


def assert_same(ours: list[Arrays], theirs: list[Arrays]) -> None:
    """In single and in double precision."""
    for mine, other in zip(ours, theirs, strict=True):
        for name, values in mine.items():
            np.testing.assert_allclose(values, other[name], rtol=1e-4, atol=2e-6, err_msg=name)


MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
MakeScheduler = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def train_as_torch(
    make: MakeOptimizer, rate: float, decay: float, schedule: MakeScheduler, clip: float | None
) -> list[Arrays]:
    """The usual loop, with a group of its own for each parameter."""
    net = load("sgd rate=1")[0]
    parameters = dict(net.named_parameters())
    groups = [
        {"params": [parameters[name]], "lr": rate * rate_factor, "weight_decay": decay * factor}
        for name, (rate_factor, factor) in FACTORS.items()
    ]
    optimizer = make(groups)
    scheduler = schedule(optimizer)
    seen = []
    for update in range(UPDATES):
        images, labels = draw_batch(update)
        cross_entropy(net(images), labels).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_([parameters[name] for name in FACTORS], clip)
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        seen.append(read_weights(net))
    return seen


def drop_twice(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
    return lr_scheduler.MultiStepLR(optimizer, [8, 20], gamma=0.3)


@pytest.mark.parametrize(
    ("solver", "rate", "make"),
    [
        ("sgd", 0.05, lambda groups: torch.optim.SGD(groups)),
        ("sgd momentum=0.9", 0.05, lambda groups: torch.optim.SGD(groups, momentum=0.9)),
        (
            "sgd momentum=0.9, nesterov=yes",
            0.05,
            lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True),
        ),
        ("adam", 0.003, torch.optim.Adam),
        (
            "adam beta1=0.8, beta2=0.9, eps=0.01",
            0.003,
            lambda groups: torch.optim.Adam(groups, betas=(0.8, 0.9), eps=0.01),
        ),
        ("adamw", 0.003, torch.optim.AdamW),
        ("adagrad", 0.02, torch.optim.Adagrad),
        (
            "adagrad start=0.1",
            0.02,
            lambda groups: torch.optim.Adagrad(groups, initial_accumulator_value=0.1),
        ),
        ("adadelta", 1.0, torch.optim.Adadelta),
        ("rmsprop", 0.002, torch.optim.RMSprop),
        (
            "rmsprop momentum=0.9, centered=yes",
            0.002,
            lambda groups: torch.optim.RMSprop(groups, momentum=0.9, centered=True),
        ),
    ],
)
@pytest.mark.parametrize("clip", [None, 0.4])
def test_solvers_are_torchs(
    solver: str, rate: float, make: MakeOptimizer, clip: float | None
) -> None:
    word, _, arguments = solver.partition(" ")
    more = [arguments] * bool(arguments) + ([f"clip={clip}"] if clip else [])
    line = ", ".join([f"{word} rate={rate}, decay=0.01", *more])
    theirs = train_as_torch(make, rate, 0.01, drop_twice, clip)
    assert_same(train_ours(line, DROPS), theirs)


SCHEDULES: list[tuple[str, MakeScheduler]] = [
    ("fixed", lambda o: lr_scheduler.ConstantLR(o, factor=1)),
    ("step, every=7 iterations", lambda o: lr_scheduler.StepLR(o, 7)),
    ("exp, factor=0.9, every=1 iteration", lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    ("poly, power=2", lambda o: lr_scheduler.PolynomialLR(o, UPDATES, power=2)),
    ("poly, power=1, over=2", lambda o: lr_scheduler.PolynomialLR(o, 20, power=1)),
    ("cosine", lambda o: lr_scheduler.CosineAnnealingLR(o, UPDATES)),
    (
        "cosine, to=0.1",
        lambda o: lr_scheduler.CosineAnnealingLR(o, UPDATES, eta_min=0.1 * o.defaults["lr"]),
    ),
    (
        "fixed, warmup=6 iterations",
        lambda o: lr_scheduler.LinearLR(o, start_factor=1 / 6, end_factor=1, total_iters=5),
    ),
]


@pytest.mark.parametrize(("schedule", "make"), SCHEDULES, ids=[text for text, _ in SCHEDULES])
def test_rates_are_torchs(schedule: str, make: MakeScheduler) -> None:
    _, recipe, _ = load("sgd rate=0.05", schedule)
    rates = Rates(0.05, recipe.schedule, Clock(BATCH * 10, BATCH), UPDATES)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    scheduler = make(optimizer)
    theirs = []
    for _ in range(UPDATES):
        theirs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert [rates.at(update) for update in range(UPDATES)] == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.1])
@pytest.mark.parametrize("patience", [1, 2, 3])
def test_a_plateau_drops_where_torchs_does(threshold: float, patience: int) -> None:
    """Figures that fall and stall, one after each epoch of ten updates."""
    text = f"plateau, patience={patience}, factor=0.5, watch=loss, threshold={threshold}"
    _, recipe, _ = load("sgd rate=0.05", text)
    rates = Rates(0.05, recipe.schedule, Clock(BATCH * 10, BATCH), 600)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, threshold=threshold, eps=0
    )
    chance = np.random.default_rng(0)
    figures = np.maximum.accumulate(np.linspace(0, 1, 60)[::-1])[::-1] + chance.random(60) * 0.2
    drops = 0
    for epoch, loss in enumerate(figures.tolist(), start=1):
        drops += rates.observe({"error": 0.5, "loss": loss}, epoch * 10)
        scheduler.step(loss)
        assert rates.at(epoch * 10) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
    assert drops > 1
