"""Measures a training step of `specs/alexnet.net` beside the same network written by hand.

By hand means what one would write in plain, eager PyTorch: float32, nn.LocalResponseNorm, torch's
SGD. Ours is the net that the spec builds, with the spec's own solver, as `netspec train` runs it:
in channels_last, in float32 and in bf16. All start from the same weights, take the same images and
take turns, so that a busy moment of the machine falls on all of them. Prints a Markdown table of
the median times. That the two compute the same is seen to first.

    python tests/bench/bench_training_step.py [--batch 32] [--threads 2] [--rounds 7]
"""

import argparse
import platform
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import netspec
import netspec_torch
from netspec.compiler.program import CheckedNet
from netspec_torch.compute import Precision
from netspec_torch.solver import make_optimizer
from netspec_torch.step import TrainingStep

SPEC = Path(__file__).parents[2] / "specs" / "alexnet.net"
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
        nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 1000),
    )  # fmt: skip


def load_by_hand(weights: dict[str, Tensor]) -> nn.Sequential:
    module = write_by_hand()
    module.load_state_dict(dict(zip(module.state_dict(), weights.values(), strict=True)))
    return module


def check_that_both_agree(net: CheckedNet, weights: dict[str, Tensor]) -> None:
    images = torch.randn(4, 3, 224, 224) * 60
    with torch.inference_mode():
        expected = load_by_hand(weights).eval()(images)
        torch.testing.assert_close(netspec_torch.build(net, seed=0).eval()(images), expected)


def step_by_hand(weights: dict[str, Tensor]) -> Step:
    module = load_by_hand(weights)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step(images: Tensor, classes: Tensor) -> float:
        optimizer.zero_grad()
        loss = cross_entropy(module(images), classes)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def step_of_ours(net: CheckedNet, precision: Precision) -> Step:
    assert net.recipe is not None
    module = netspec_torch.build(net, seed=0)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    factors = netspec_torch.parameter_factors(net.graph)
    optimizer = make_optimizer(net.recipe.solver, module.named_parameters(), factors)
    device = torch.device("cpu")
    update = TrainingStep(module, optimizer, net.recipe.loss, device=device, precision=precision)
    numbers = count()

    def step(images: Tensor, classes: Tensor) -> float:
        images = images.contiguous(memory_format=torch.channels_last)
        return update(images, classes, next(numbers)).item()

    return step


def measure(steps: dict[str, Step], batch: int, rounds: int) -> dict[str, float]:
    """The median time of a step, in milliseconds; the first round warms up."""
    generator = torch.Generator().manual_seed(0)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds + 1):
        images = torch.randn(batch, 3, 224, 224, generator=generator) * 60
        classes = torch.randint(1000, (batch,), generator=generator)
        for name, step in steps.items():
            start = time.perf_counter()
            step(images, classes)
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: median(taken[1:]) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=32, help="images a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7, help="steps of each that are timed")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    net = netspec.load(SPEC).net
    weights = netspec_torch.build(net, seed=0).state_dict()
    check_that_both_agree(net, weights)
    steps: dict[str, Step] = {
        "by hand, float32, eager": step_by_hand(weights),
        "`specs/alexnet.net`, float32": step_of_ours(net, "float32"),
        "`specs/alexnet.net`, bf16": step_of_ours(net, "bf16"),
    }
    taken = measure(steps, options.batch, options.rounds)

    first = next(iter(taken.values()))
    print(
        f"Batch {options.batch}, {options.threads} threads, torch {torch.__version__}, "
        f"{platform.processor() or platform.machine()}.\n"
    )
    print("| training step | ms | images/s | times as fast |\n|---|---:|---:|---:|")
    for name, ms in taken.items():
        print(f"| {name} | {ms:,.0f} | {options.batch / ms * 1000:.0f} | {first / ms:.2f} |")


if __name__ == "__main__":
    main()
