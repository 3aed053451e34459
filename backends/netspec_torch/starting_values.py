"""The first values of weights, drawn as the spec says.

What a distribution means is decided in `netspec.layers.starting_values`; here it is drawn. Each
weight has a generator of its own, seeded from the seed and the weight's name, so that a layer that
is added or taken away leaves the others' values as they were. All is drawn on the CPU in float32:
the values depend neither on the device nor on the precision that they are used in.
"""

import hashlib
from collections.abc import Callable, Mapping
from math import sqrt

import torch
from torch import Tensor

from netspec.layers.starting_values import (
    Bilinear,
    Constant,
    Msra,
    Normal,
    StartingValues,
    Uniform,
    Xavier,
)
from netspec.tensor import Weight


def seeded_generator(seed: int, name: str) -> torch.Generator:
    """A generator that depends on both, on every machine alike."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def fill_weights(tensors: Mapping[str, Tensor], weights: Mapping[str, Weight], seed: int) -> None:
    """Give each of the weights its first values, in place, in the tensor of the same name."""
    for name, weight in weights.items():
        with torch.no_grad():
            tensors[name].copy_(draw(weight, seeded_generator(seed, name)))


def draw(weight: Weight, generator: torch.Generator) -> Tensor:
    """First values for a weight: a float32 tensor of its shape, on the CPU."""
    values = torch.empty(weight.shape)
    FILLS[type(weight.start)](values, weight, generator)
    return values


def _fill_normal(values: Tensor, weight: Weight, generator: torch.Generator) -> None:
    assert isinstance(weight.start, Normal)
    values.normal_(0, weight.start.std, generator=generator)


def _fill_uniform(values: Tensor, weight: Weight, generator: torch.Generator) -> None:
    assert isinstance(weight.start, Uniform)
    values.uniform_(-weight.start.bound, weight.start.bound, generator=generator)


def _fill_scaled(values: Tensor, weight: Weight, generator: torch.Generator) -> None:
    """The standard deviation that the fans ask for; uniform within its square root of 3 times."""
    assert isinstance(weight.start, Xavier | Msra)
    deviation = weight.start.standard_deviation(weight.fan_in, weight.fan_out)
    if weight.start.shape == "normal":
        values.normal_(0, deviation, generator=generator)
    else:
        bound = sqrt(3) * deviation
        values.uniform_(-bound, bound, generator=generator)


def _fill_constant(values: Tensor, weight: Weight, generator: torch.Generator) -> None:
    assert isinstance(weight.start, Constant)
    values.fill_(weight.start.value)


def _fill_bilinear(values: Tensor, weight: Weight, generator: torch.Generator) -> None:
    """The same triangle in every channel: its height falls from the middle by one in half a kernel,
    along rows and columns (Caffe's BilinearFiller)."""
    rows, columns = (_triangle(extent) for extent in weight.shape[-2:])
    values.copy_(rows[:, None] * columns)


def _triangle(extent: int) -> Tensor:
    half = -(-extent // 2)
    middle = (extent - 1) / (2 * half)
    return 1 - (torch.arange(extent) / half - middle).abs()


Fill = Callable[[Tensor, Weight, torch.Generator], None]

FILLS: dict[type[StartingValues], Fill] = {
    Normal: _fill_normal,
    Uniform: _fill_uniform,
    Xavier: _fill_scaled,
    Msra: _fill_scaled,
    Constant: _fill_constant,
    Bilinear: _fill_bilinear,
}
"""How each kind of starting values is drawn."""
