"""From a recipe's solver to a torch optimiser that honours each weight's own rate and decay.

Where `torch.optim` has the rule, it is used, fused where that exists; the rules that it lacks
stand here. What the rate is at an update is decided in `netspec.recipe.rates`.
"""

from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor
from torch.optim.sgd import sgd

from netspec.recipe.solver import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lars,
    RmsProp,
    Sgd,
    Solver,
)
from netspec.tensor import Weight

Group = dict[str, Any]
"""Parameters that share a rate and a decay, as `torch.optim` takes them."""
FUSED_DEVICES = ("cpu", "cuda")


AddParts = Callable[[Tensor, Tensor], Tensor]
"""Takes a parameter and sums over its numbers; gives those over the whole weight that it is part
of."""


def make_optimizer(
    solver: Solver,
    parameters: Iterable[tuple[str, Tensor]],
    factors: Mapping[str, Weight],
    add_parts: AddParts = lambda parameter, sums: sums,
) -> torch.optim.Optimizer:
    """The solver over a module's named parameters; those that are frozen are left alone.

    `factors` holds each parameter's factors on rate and decay. All parameters lie on one device,
    and at least one is not frozen. `add_parts` is for parameters that are parts of weights.
    """
    groups = _group(solver, parameters, factors)
    device = groups[0]["params"][0].device
    optimizer = OPTIMIZERS[type(solver)](solver, groups, device.type in FUSED_DEVICES)
    if isinstance(optimizer, LarsOptimizer):
        optimizer.add_parts = add_parts
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate, times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]


def skip_where(optimizer: torch.optim.Optimizer, is_broken: Tensor) -> bool:
    """Have an optimiser leave weights as they are in each step at which a number on the device,
    float32, is 1 and not 0; whether it can. torch's fused kernels look at one under this name,
    which its gradient scaler gives them."""
    own = optimizer.fused if isinstance(optimizer, StepSgd) else False
    if not (own or optimizer.defaults.get("fused")):
        return False
    optimizer.found_inf = is_broken  # type: ignore[attr-defined]
    return True


def list_remembered(solver: Solver) -> set[str]:
    """The names of what a solver keeps for a weight, found by an update of one."""
    parameter = torch.nn.Parameter(torch.ones(1, 1))
    parameter.grad = torch.ones(1, 1)
    group = {"params": [parameter], "lr": solver.rate, "weight_decay": 0.0, "rate_factor": 1.0}
    optimizer = OPTIMIZERS[type(solver)](solver, [group], False)
    optimizer.step()
    return {name for name, value in optimizer.state[parameter].items() if value is not None}


def _group(
    solver: Solver, parameters: Iterable[tuple[str, Tensor]], factors: Mapping[str, Weight]
) -> list[Group]:
    """In an order that does not depend on which parameters there are."""
    by_factors: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in parameters:
        weight = factors[name]
        if weight.rate > 0:
            by_factors.setdefault((weight.rate, weight.decay), []).append(parameter)
    return [
        {
            "params": tensors,
            "lr": solver.rate * rate,
            "weight_decay": solver.decay * decay,
            "rate_factor": rate,
        }
        for (rate, decay), tensors in sorted(by_factors.items(), key=itemgetter(0))
    ]


class _Optimizer(torch.optim.Optimizer):
    """An optimizer whose groups say all of a rate and a decay."""

    def __init__(self, groups: list[Group]) -> None:
        super().__init__(groups, {"lr": 1.0, "weight_decay": 0.0})


class _OneByOne(_Optimizer):
    """An optimizer that updates a parameter at a time."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group["lr"], group["weight_decay"])

    def _update(self, parameter: Tensor, rate: float, decay: float) -> None:
        raise NotImplementedError


class StepSgd(_Optimizer):
    """The paper's and Caffe's momentum, which carries on whole steps:

        v <- m v - rate (g + decay w);   w <- w + v

    (Krizhevsky et al. 2012, section 5; `SGDSolver` in Caffe), and with nesterov
    w <- w + m v - rate (g + decay w), the new v. It is torch's rule at rate 1 with the rate
    multiplied into gradient and decay, so torch's kernel does it; `step` leaves the gradients
    multiplied. The buffer holds -v.
    """

    def __init__(
        self, groups: list[Group], *, momentum: float, nesterov: bool, fused: bool
    ) -> None:
        super().__init__(groups)
        self.momentum = momentum
        self.nesterov = nesterov
        self.fused = fused
        self.found_inf: Tensor | None = None

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            gradients = [p.grad for p in parameters]
            torch._foreach_mul_(gradients, group["lr"])
            sgd(
                parameters,
                gradients,
                [_buffer(self, p) for p in parameters]
                if self.momentum
                else [None] * len(parameters),
                foreach=not self.fused,
                fused=self.fused,
                found_inf=self.found_inf,
                weight_decay=group["lr"] * group["weight_decay"],
                momentum=self.momentum,
                lr=1.0,
                dampening=0.0,
                nesterov=self.nesterov,
                maximize=False,
            )


class UncorrectedEpsAdam(_OneByOne):
    """Adam, or AdamW, as Caffe and TensorFlow have it, eps beside the root of s itself:

    w <- w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(s) + eps)
    """

    def __init__(self, groups: list[Group], solver: Adam) -> None:
        super().__init__(groups)
        self.solver = solver

    def _update(self, parameter: Tensor, rate: float, decay: float) -> None:
        assert parameter.grad is not None
        beta1, beta2 = self.solver.beta1, self.solver.beta2
        gradient = parameter.grad
        if isinstance(self.solver, AdamW):
            parameter.mul_(1 - rate * decay)
        else:
            gradient = gradient.add(parameter, alpha=decay)
        mean = _buffer(self, parameter, "exp_avg").lerp_(gradient, 1 - beta1)
        square = _buffer(self, parameter, "exp_avg_sq").mul_(beta2)
        square.addcmul_(gradient, gradient, value=1 - beta2)
        t = self._count(parameter)
        correction = sqrt(1 - beta2**t) / (1 - beta1**t)
        root = square.sqrt().add_(self.solver.eps)
        parameter.addcdiv_(mean, root, value=-rate * correction)

    def _count(self, parameter: Tensor) -> float:
        """The number of this update; it is kept on the CPU, so that no device is waited for."""
        step: Tensor = self.state[parameter].setdefault("step", torch.zeros(()))
        return step.add_(1).item()


class RmsPropOptimizer(_OneByOne):
    """RMSprop as its schema writes it, with eps where it is wanted, any start of s, and either
    velocity; `centered` takes the mean gradient's square off s.
    """

    def __init__(self, groups: list[Group], solver: RmsProp) -> None:
        super().__init__(groups)
        self.solver = solver

    def _update(self, parameter: Tensor, rate: float, decay: float) -> None:
        assert parameter.grad is not None
        gradient = parameter.grad.add(parameter, alpha=decay)
        step = gradient / self._root(parameter, gradient)
        if not self.solver.momentum:
            parameter.sub_(step, alpha=rate)
            return
        velocity = _buffer(self, parameter).mul_(self.solver.momentum)
        if self.solver.velocity == "step":
            parameter.sub_(velocity.add_(step, alpha=rate))
        else:
            parameter.sub_(velocity.add_(step), alpha=rate)

    def _root(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        """What the gradient is divided by; s and the mean gradient take it in first."""
        alpha, eps = self.solver.alpha, self.solver.eps
        square = _buffer(self, parameter, "square_avg", self.solver.start)
        variance = square.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
        if self.solver.centered:
            mean = _buffer(self, parameter, "grad_avg").lerp_(gradient, 1 - alpha)
            variance = variance - mean.square()
        return (variance + eps).sqrt() if self.solver.eps_inside else variance.sqrt().add_(eps)


class LarsOptimizer(_OneByOne):
    """You, Gitman and Ginsburg 2017, algorithm 1, with a norm for each tensor:

        l = trust |w| / (|g| + decay |w|);   v <- m v + rate l (g + decay w);   w <- w - v

    l is 1 where |w| or the divisor is 0, and for tensors of one dimension unless `biases`.
    """

    def __init__(self, groups: list[Group], *, momentum: float, trust: float, biases: bool) -> None:
        super().__init__(groups)
        self.momentum = momentum
        self.trust = trust
        self.biases = biases
        self.add_parts: AddParts = lambda parameter, sums: sums

    def _update(self, parameter: Tensor, rate: float, decay: float) -> None:
        assert parameter.grad is not None
        step = parameter.grad.add(parameter, alpha=decay)
        if self.biases or parameter.ndim > 1:
            step.mul_(self._local_rate(parameter, parameter.grad, decay))
        velocity = _buffer(self, parameter)
        velocity.mul_(self.momentum).add_(step, alpha=rate)
        parameter.sub_(velocity)

    def _local_rate(self, parameter: Tensor, gradient: Tensor, decay: float) -> Tensor:
        squares = torch.stack([parameter.square().sum(), gradient.square().sum()])
        norm, gradient_norm = self.add_parts(parameter, squares).sqrt().unbind()
        divisor = gradient_norm + decay * norm
        usable = (norm > 0) & (divisor > 0)
        return torch.where(usable, self.trust * norm / divisor, torch.ones_like(norm))


def _buffer(
    optimizer: torch.optim.Optimizer,
    parameter: Tensor,
    name: str = "momentum_buffer",
    start: float = 0.0,
) -> Tensor:
    """What the optimiser keeps for the parameter, its velocity unless told otherwise, in the
    parameter's own memory format."""
    state = optimizer.state[parameter]
    if name not in state:
        state[name] = torch.full_like(parameter, start, memory_format=torch.preserve_format)
    buffer: Tensor = state[name]
    return buffer


def _make_sgd(solver: Sgd, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    momentum, nesterov = solver.momentum, solver.nesterov
    if solver.velocity == "step":
        return StepSgd(groups, momentum=momentum, nesterov=nesterov, fused=fused)
    return torch.optim.SGD(groups, momentum=momentum, nesterov=nesterov, fused=fused)


def _make_adam(solver: Adam, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    if not solver.eps_corrected:
        return UncorrectedEpsAdam(groups, solver)
    make = torch.optim.AdamW if isinstance(solver, AdamW) else torch.optim.Adam
    return make(groups, betas=(solver.beta1, solver.beta2), eps=solver.eps, fused=fused)


def _make_rmsprop(solver: RmsProp, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    if solver.eps_inside or solver.start or solver.velocity == "step":
        return RmsPropOptimizer(groups, solver)
    return torch.optim.RMSprop(
        groups,
        alpha=solver.alpha,
        eps=solver.eps,
        momentum=solver.momentum,
        centered=solver.centered,
    )


def _make_adagrad(solver: Adagrad, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(groups, eps=solver.eps, initial_accumulator_value=solver.start)


def _make_adadelta(solver: Adadelta, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(groups, rho=solver.rho, eps=solver.eps)


def _make_lars(solver: Lars, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return LarsOptimizer(groups, momentum=solver.momentum, trust=solver.trust, biases=solver.biases)


OPTIMIZERS: dict[type[Solver], Callable[[Any, list[Group], bool], torch.optim.Optimizer]] = {
    Sgd: _make_sgd,
    Adam: _make_adam,
    AdamW: _make_adam,
    RmsProp: _make_rmsprop,
    Adagrad: _make_adagrad,
    Adadelta: _make_adadelta,
    Lars: _make_lars,
}
"""What makes the optimiser of each solver; the last argument: whether the device has fused ones."""
