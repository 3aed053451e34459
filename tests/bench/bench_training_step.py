"""Measures a training step of `specs/alexnet.net` beside the same network and recipe by hand.

By hand means what one would write in plain PyTorch: nn.LocalResponseNorm, torch's SGD, and autocast
for bf16. Ours is the net that the spec builds, with the spec's own solver, as `netspec train` runs
it, in channels_last. Both are measured in float32 and in bf16, with torch.compile for both and for
neither. All start from the same weights, take the same images and take turns, so that a busy moment
of the machine falls on all of them. Prints a Markdown table of the median times. That the two
compute the same is seen to first. Compiling takes minutes, where torch has not kept it from before.

    python tests/bench/bench_training_step.py [--batch 32] [--threads 2] [--rounds 7] [--no-compile]
"""

import argparse
import platform
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import netspec
import netspec_torch
from netspec.compiler.program import CheckedNet
from netspec.recipe.device import Precision
from netspec_torch.solver import make_optimizer
from netspec_torch.step import TrainingStep

WARM_UP = 2
SPEC = Path(__file__).parents[2] / "specs" / "alexnet.net"
BY_HAND = "by hand"
OURS = "`specs/alexnet.net`"
Step = Callable[[Tensor, Tensor], float]
"""Updates a net by a batch of images with their classes, and gives the loss."""


class NormOfEachTower(nn.Module):
    """nn.LocalResponseNorm over each half of the channels by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)

    def forward(self, x: Tensor) -> Tensor:
        towers = x.unflatten(1, (2, -1)).flatten(0, 1)
        normalized: Tensor = self.norm(towers)
        result: Tensor = normalized.unflatten(0, (-1, 2)).flatten(1, 2)
        return result


class PaperDropout(nn.Dropout):
    """nn.Dropout less what it multiplies survivors by: at test all are multiplied instead."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 - self.p)


def write_by_hand() -> nn.Sequential:
    """AlexNet in plain PyTorch."""
    return nn.Sequential(
        nn.ZeroPad2d((0, 3, 0, 3)), nn.Conv2d(3, 96, 11, 4),
        nn.ReLU(), NormOfEachTower(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(), NormOfEachTower(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), PaperDropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), PaperDropout(0.5), nn.Linear(4096, 1000),
    )  # fmt: skip


def load_by_hand(weights: dict[str, Tensor]) -> nn.Sequential:
    module = write_by_hand()
    module.load_state_dict(dict(zip(module.state_dict(), weights.values(), strict=True)))
    return module


def check_that_both_agree(net: CheckedNet, weights: dict[str, Tensor]) -> None:
    """In float64: what they differ in by rounding is no mistake, and depends on the processor."""
    images = 60 * torch.randn(4, 3, 224, 224, dtype=torch.float64)
    with torch.inference_mode():
        expected = load_by_hand(weights).double().eval()(images)
        ours = netspec_torch.build(net, seed=0).double().eval()(images)
        torch.testing.assert_close(ours, expected)


def step_by_hand(
    weights: dict[str, Tensor], precision: Precision, make_net: Callable[[nn.Module], nn.Module]
) -> Step:
    module = load_by_hand(weights)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    net = make_net(module)

    def step(images: Tensor, classes: Tensor) -> float:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = cross_entropy(net(images), classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def step_of_ours(
    net: CheckedNet, precision: Precision, make_net: Callable[[nn.Module], nn.Module]
) -> Step:
    assert net.recipe is not None
    module = netspec_torch.build(net, seed=0)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    factors = netspec_torch.parameter_factors(net.graph)
    optimizer = make_optimizer(net.recipe.solver, module.named_parameters(), factors)
    update = TrainingStep(
        make_net(module),
        optimizer,
        net.recipe.loss,
        device=torch.device("cpu"),
        precision=precision,
    )
    numbers = count()

    def step(images: Tensor, classes: Tensor) -> float:
        images = images.contiguous(memory_format=torch.channels_last)
        loss, _ = update(images, classes, next(numbers)).tolist()
        return float(loss)

    return step


class Variant(NamedTuple):
    """One way to train; the table has two, by hand and ours, of each precision and way to run."""

    who: str
    precision: Precision
    is_compiled: bool

    def __str__(self) -> str:
        return f"{self.who}, {self.precision}, {'compiled' if self.is_compiled else 'eager'}"


PLAIN = Variant(BY_HAND, "float32", is_compiled=False)


def make_steps(net: CheckedNet, weights: dict[str, Tensor], compiles: bool) -> dict[Variant, Step]:
    def compile_net(module: nn.Module) -> nn.Module:
        return cast(nn.Module, torch.compile(module))

    def keep(module: nn.Module) -> nn.Module:
        return module

    steps: dict[Variant, Step] = {}
    for is_compiled in (False, True) if compiles else (False,):
        make_net = compile_net if is_compiled else keep
        for precision in get_args(Precision):
            hand = step_by_hand(weights, precision, make_net)
            steps[Variant(BY_HAND, precision, is_compiled)] = hand
            steps[Variant(OURS, precision, is_compiled)] = step_of_ours(net, precision, make_net)
    return steps


def measure(steps: dict[Variant, Step], batch: int, rounds: int) -> dict[Variant, float]:
    """The median time of a step, in milliseconds; the first rounds warm up."""
    generator = torch.Generator().manual_seed(0)
    times: dict[Variant, list[float]] = {variant: [] for variant in steps}
    for _ in range(WARM_UP + rounds):
        images = torch.randn(batch, 3, 224, 224, generator=generator) * 60
        classes = torch.randint(1000, (batch,), generator=generator)
        for variant, step in steps.items():
            start = time.perf_counter()
            step(images, classes)
            times[variant].append((time.perf_counter() - start) * 1000)
    return {variant: median(taken[WARM_UP:]) for variant, taken in times.items()}


def show(taken: dict[Variant, float], batch: int) -> None:
    print(
        "| training step | ms | images/s | beside the plain one | beside the same by hand |\n"
        "|---|---:|---:|---:|---:|"
    )
    for variant, ms in taken.items():
        same = taken[variant._replace(who=BY_HAND)]
        print(
            f"| {variant} | {ms:,.0f} | {batch / ms * 1000:.0f} | {taken[PLAIN] / ms:.2f} | "
            f"{same / ms:.2f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=32, help="images a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7, help="steps of each that are timed")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    net = netspec.load(SPEC).net
    weights = netspec_torch.build(net, seed=0).state_dict()
    check_that_both_agree(net, weights)
    steps = make_steps(net, weights, compiles=not options.no_compile)
    taken = measure(steps, options.batch, options.rounds)

    print(
        f"Batch {options.batch}, {options.threads} threads, torch {torch.__version__}, "
        f"{platform.processor() or platform.machine()}.\n"
    )
    show(taken, options.batch)


if __name__ == "__main__":
    main()
