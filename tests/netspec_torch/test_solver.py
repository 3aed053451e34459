"""Every solver against its rule, written out step by step in numpy, across a change of the rate."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from netspec.layers.starting_values import Constant
from netspec.recipe.solver import SOLVERS, Sgd, Solver
from netspec.tensor import Weight
from netspec.values import Word
from netspec_torch.solver import OPTIMIZERS, make_optimizer, set_rate

Array = NDArray[np.float64]
Rule = Iterator[Array]
STEPS = 12
RATES = [0.1] * 5 + [0.01] * 4 + [0.0] + [0.03] * 2


def gradient(step: int, weights: Array) -> Array:
    """Any gradient that depends on the step and on where the weights are."""
    return np.cos(np.arange(weights.size).reshape(weights.shape) + step) + 0.3 * weights


def sgd(w: Array, m: float, decay: float, nesterov: bool = False) -> Rule:
    """PyTorch: the velocity holds gradients."""
    v = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        d = gradient(step, w) + decay * w
        v = m * v + d
        w = w - rate * (d + m * v if nesterov else v)
        yield w


def caffe_sgd(w: Array, m: float, decay: float) -> Rule:
    """The paper: v <- m v - decay rate w - rate g; w <- w + v."""
    v = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        v = m * v - decay * rate * w - rate * gradient(step, w)
        w = w + v
        yield w


def caffe_nesterov(w: Array, m: float, decay: float) -> Rule:
    """Caffe's NesterovSolver: the update is (1 + m) v' - m v."""
    v = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        before, v = v, m * v + rate * (gradient(step, w) + decay * w)
        w = w - ((1 + m) * v - m * before)
        yield w


def adam(w: Array, b1: float, b2: float, eps: float, decay: float, outside: bool) -> Rule:
    m = s = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w)
        if outside:
            w = w - rate * decay * w
        else:
            g = g + decay * w
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        t = step + 1
        w = w - rate * (m / (1 - b1**t)) / (np.sqrt(s / (1 - b2**t)) + eps)
        yield w


def uncorrected_adam(
    w: Array, b1: float, b2: float, eps: float, decay: float, outside: bool
) -> Rule:
    """Caffe's AdamSolver and TensorFlow 1's AdamOptimizer: eps beside the root of s itself."""
    m = s = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w)
        if outside:
            w = w - rate * decay * w
        else:
            g = g + decay * w
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        t = step + 1
        w = w - rate * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(s) + eps)
        yield w


def rmsprop(w: Array, a: float, eps: float, decay: float, m: float, centered: bool) -> Rule:
    s = mean = v = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w) + decay * w
        s, mean = a * s + (1 - a) * g * g, a * mean + (1 - a) * g
        v = m * v + g / (np.sqrt(s - mean * mean if centered else s) + eps)
        w = w - rate * v
        yield w


def tensorflow_rmsprop(w: Array, a: float, eps: float, decay: float, m: float) -> Rule:
    """TensorFlow 1's RMSPropOptimizer: s starts at 1, eps is below the root."""
    s, v = np.ones_like(w), np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w) + decay * w
        s = a * s + (1 - a) * g * g
        v = m * v + rate * g / np.sqrt(s + eps)
        w = w - v
        yield w


def adagrad(w: Array, eps: float, start: float, decay: float) -> Rule:
    s = np.full_like(w, start)
    for step, rate in enumerate(RATES):
        g = gradient(step, w) + decay * w
        s = s + g * g
        w = w - rate * g / (np.sqrt(s) + eps)
        yield w


def adadelta(w: Array, rho: float, eps: float, decay: float) -> Rule:
    s = u = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w) + decay * w
        s = rho * s + (1 - rho) * g * g
        d = g * np.sqrt(u + eps) / np.sqrt(s + eps)
        u = rho * u + (1 - rho) * d * d
        w = w - rate * d
        yield w


def lars(w: Array, m: float, trust: float, decay: float) -> Rule:
    v = np.zeros_like(w)
    for step, rate in enumerate(RATES):
        g = gradient(step, w)
        local = trust * np.linalg.norm(w) / (np.linalg.norm(g) + decay * np.linalg.norm(w))
        v = m * v + rate * local * (g + decay * w)
        w = w - v
        yield w


STEP = {"velocity": Word("step")}
CASES: list[tuple[str, dict[str, Any], Callable[[Array], Rule]]] = [
    ("sgd", {}, lambda w: sgd(w, 0, 0)),
    ("sgd", {"momentum": 0.9, "decay": 0.01}, lambda w: sgd(w, 0.9, 0.01)),
    (
        "sgd",
        {"momentum": 0.9, "decay": 0.01, "nesterov": True},
        lambda w: sgd(w, 0.9, 0.01, nesterov=True),
    ),
    ("sgd", {**STEP}, lambda w: caffe_sgd(w, 0, 0)),
    ("sgd", {**STEP, "momentum": 0.9, "decay": 0.01}, lambda w: caffe_sgd(w, 0.9, 0.01)),
    (
        "sgd",
        {**STEP, "momentum": 0.9, "decay": 0.01, "nesterov": True},
        lambda w: caffe_nesterov(w, 0.9, 0.01),
    ),
    ("adam", {}, lambda w: adam(w, 0.9, 0.999, 1e-8, 0, outside=False)),
    (
        "adam",
        {"beta1": 0.8, "beta2": 0.9, "eps": 0.01, "decay": 0.1},
        lambda w: adam(w, 0.8, 0.9, 0.01, 0.1, outside=False),
    ),
    ("adamw", {"decay": 0.1}, lambda w: adam(w, 0.9, 0.999, 1e-8, 0.1, outside=True)),
    (
        "adam",
        {"eps": 0.01, "decay": 0.1, "eps_corrected": False},
        lambda w: uncorrected_adam(w, 0.9, 0.999, 0.01, 0.1, outside=False),
    ),
    (
        "adamw",
        {"beta1": 0.8, "eps": 0.01, "decay": 0.1, "eps_corrected": False},
        lambda w: uncorrected_adam(w, 0.8, 0.999, 0.01, 0.1, outside=True),
    ),
    ("rmsprop", {}, lambda w: rmsprop(w, 0.99, 1e-8, 0, 0, centered=False)),
    (
        "rmsprop",
        {"alpha": 0.9, "eps": 0.01, "momentum": 0.5, "centered": True, "decay": 0.1},
        lambda w: rmsprop(w, 0.9, 0.01, 0.1, 0.5, centered=True),
    ),
    (
        "rmsprop",
        {**STEP, "alpha": 0.9, "eps": 0.01, "eps_inside": True, "start": 1, "momentum": 0.9},
        lambda w: tensorflow_rmsprop(w, 0.9, 0.01, 0, 0.9),
    ),
    (
        "rmsprop",
        {"eps": 0.01, "eps_inside": True, "start": 1, "decay": 0.1},
        lambda w: tensorflow_rmsprop(w, 0.99, 0.01, 0.1, 0),
    ),
    ("adagrad", {"decay": 0.1}, lambda w: adagrad(w, 1e-10, 0, 0.1)),
    ("adagrad", {"start": 0.5, "eps": 0.01}, lambda w: adagrad(w, 0.01, 0.5, 0)),
    ("adadelta", {"decay": 0.1}, lambda w: adadelta(w, 0.9, 1e-6, 0.1)),
    ("adadelta", {"rho": 0.5, "eps": 0.01}, lambda w: adadelta(w, 0.5, 0.01, 0)),
    (
        "lars",
        {"momentum": 0.9, "decay": 0.01, "trust": 0.1, "biases": True},
        lambda w: lars(w, 0.9, 0.1, 0.01),
    ),
]


def make_solver(word: str, **arguments: Any) -> Solver:
    return SOLVERS[word].model_validate({"rate": RATES[0], **arguments})


def make_weight(rate: float = 1.0, decay: float = 1.0) -> Weight:
    return Weight("weight", (3, 2), "weight", Constant(value=0.0), 1, 1, rate, decay)


def run(
    solver: Solver, start: Array, weight: Weight | None = None, rates: list[float] = RATES
) -> list[Array]:
    """The weights after each step of the torch optimiser."""
    parameter = torch.nn.Parameter(torch.tensor(start))
    named = [("w", parameter)]
    optimizer = make_optimizer(solver, named, {"w": weight or make_weight()})
    seen = []
    for step, rate in enumerate(rates):
        parameter.grad = torch.tensor(gradient(step, parameter.detach().numpy()))
        set_rate(optimizer, rate)
        optimizer.step()
        seen.append(parameter.detach().numpy().copy())
    return seen


@pytest.fixture
def start() -> Array:
    return np.random.default_rng(0).normal(size=(3, 2))


@pytest.mark.parametrize(("word", "arguments", "rule"), CASES)
def test_solver_follows_its_rule(
    word: str, arguments: dict[str, Any], rule: Callable[[Array], Rule], start: Array
) -> None:
    seen = run(make_solver(word, **arguments), start)
    assert len(seen) == STEPS
    np.testing.assert_allclose(seen, list(rule(start)), rtol=1e-9, atol=1e-12)


def test_every_solver_has_an_optimizer() -> None:
    assert set(OPTIMIZERS) == set(SOLVERS.values())


@pytest.mark.parametrize(("word", "arguments", "rule"), CASES)
def test_what_a_solver_says_it_remembers_is_what_its_optimizer_keeps(
    word: str, arguments: dict[str, Any], rule: Callable[[Array], Rule]
) -> None:
    solver = make_solver(word, **arguments)
    weights = torch.nn.Parameter(torch.ones(3, 4))
    weights.grad = torch.ones(3, 4)
    optimizer = make_optimizer(solver, [("w", weights)], {"w": make_weight()})
    optimizer.step()
    kept = [t for t in optimizer.state[weights].values() if t is not None and t.ndim == 2]
    assert len(kept) == solver.remembered


@pytest.mark.parametrize("centered", [False, True])
def test_our_rmsprop_is_torchs_where_torch_has_it(centered: bool, start: Array) -> None:
    """A start that is almost 0 takes ours."""
    arguments = {"eps": 0.01, "momentum": 0.9, "decay": 0.1, "centered": centered}
    torchs = run(make_solver("rmsprop", **arguments), start)
    ours = run(make_solver("rmsprop", **arguments, start=1e-30), start)
    np.testing.assert_allclose(ours, torchs, rtol=1e-9)


@pytest.mark.parametrize("word", ["adam", "adamw"])
def test_both_adams_agree_where_eps_is_nothing(word: str, start: Array) -> None:
    arguments = {"decay": 0.1, "eps": 1e-30}
    corrected = run(make_solver(word, **arguments), start)
    uncorrected = run(make_solver(word, **arguments, eps_corrected=False), start)
    np.testing.assert_allclose(uncorrected, corrected, rtol=1e-9)


def test_both_velocities_agree_while_the_rate_is_constant(start: Array) -> None:
    arguments = {"momentum": 0.9, "decay": 0.01}
    constant = [0.1] * STEPS
    by_gradient = run(make_solver("sgd", **arguments), start, rates=constant)
    by_step = run(make_solver("sgd", **arguments, **STEP), start, rates=constant)
    np.testing.assert_allclose(by_gradient, by_step, rtol=1e-12)


def test_after_a_drop_whole_steps_coast_on() -> None:
    """Twenty steps of a constant gradient after a drop by ten: 4.6 times further, by arithmetic."""
    moved = {}
    for velocity in ("gradient", "step"):
        solver = make_solver("sgd", momentum=0.9, velocity=Word(velocity))
        parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
        optimizer = make_optimizer(solver, [("w", parameter)], {"w": make_weight()})
        for rate in [0.1] * 200 + [0.01] * 20:
            if rate == 0.01 and velocity not in moved:
                moved[velocity] = parameter.item()
            parameter.grad = torch.ones(1, dtype=torch.float64)
            set_rate(optimizer, rate)
            optimizer.step()
        moved[velocity] -= parameter.item()
    assert moved["step"] / moved["gradient"] == pytest.approx(4.6, abs=0.1)


@pytest.mark.parametrize("word", sorted(SOLVERS))
def test_a_weights_own_factors_multiply_rate_and_decay(word: str, start: Array) -> None:
    extra = {"trust": 0.1, "biases": True} if word == "lars" else {}
    factored = run(make_solver(word, decay=0.1, **extra), start, make_weight(rate=2, decay=3))
    plain = make_solver(word, decay=0.3, **extra)
    np.testing.assert_allclose(factored, run(plain, start, rates=[2 * r for r in RATES]))


@pytest.mark.parametrize("word", sorted(SOLVERS))
def test_a_factor_of_zero_freezes(word: str) -> None:
    extra = {"trust": 0.1, "biases": True} if word == "lars" else {}
    named = [(name, torch.nn.Parameter(torch.ones(2))) for name in ("frozen", "free")]
    factors = {"frozen": make_weight(rate=0), "free": make_weight()}
    optimizer = make_optimizer(make_solver(word, decay=0.1, **extra), named, factors)
    for _, parameter in named:
        parameter.grad = torch.ones(2)
    set_rate(optimizer, 0.1)
    optimizer.step()
    assert [bool((parameter == 1).all()) for _, parameter in named] == [True, False]


def test_lars_leaves_biases_at_the_plain_rate_unless_told() -> None:
    start = np.array([1.0, -2.0])
    apart = run(make_solver("lars", momentum=0.9, trust=0.1, biases=False), start)
    np.testing.assert_allclose(apart, list(caffe_sgd(start, 0.9, 0)), rtol=1e-9)
    scaled = run(make_solver("lars", momentum=0.9, trust=0.1, biases=True), start)
    np.testing.assert_allclose(scaled, list(lars(start, 0.9, 0.1, 0)), rtol=1e-9)


def test_lars_moves_weights_that_are_zero() -> None:
    solver = make_solver("lars", trust=0.1, biases=True)
    assert np.isfinite(run(solver, np.zeros((3, 2)))).all()
    assert (run(solver, np.zeros((3, 2)))[0] != 0).all()


def test_weights_of_any_memory_format_are_updated_alike() -> None:
    start = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    ended = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        parameter = torch.nn.Parameter(start.clone(memory_format=memory_format))
        solver = Sgd(rate=0.1, momentum=0.9, decay=0.01, velocity=Word("step"))  # type: ignore[arg-type]
        optimizer = make_optimizer(solver, [("w", parameter)], {"w": make_weight()})
        for _ in range(3):
            parameter.square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        ended.append(parameter.detach())
    torch.testing.assert_close(ended[0], ended[1])
