"""How large the weights of each layer are, and how far an update moves them.

A healthy ratio of the two is about a thousandth; cuda-convnet prints the same three numbers. When
it is measured is decided in `trainer.py`.
"""

import torch
from torch import Tensor

from netspec_torch.distributed.local_net import LocalNet

Sizes = dict[str, dict[str, float | None]]
"""By the name of the weight: the mean absolute value of its numbers (`weights`) and of their last
change (`updates`), and the second over the first (`ratio`; None where the first is 0)."""


class LayerSizes:
    """Measures one update of a net's learned weights."""

    def __init__(self, local: LocalNet) -> None:
        self._local = local
        self._weights = {n: p for n, p in local.trained.named_parameters() if p.requires_grad}
        self._before: dict[str, Tensor] = {}

    def remember(self) -> None:
        """Keep the weights as they are before the update."""
        self._before = {name: weight.detach().clone() for name, weight in self._weights.items()}

    @torch.no_grad()
    def measure(self) -> Sizes:
        """The sizes after the update since `remember`; the device is waited for once. Every process
        calls it, and has those of the whole net."""
        sums = torch.stack([self._add_up(name) for name in self._weights])
        self._before = {}
        sizes: Sizes = {}
        for each in self._local.world.collect(dict(zip(self._weights, sums.tolist(), strict=True))):
            for name, (weights, updates, count) in each.items():
                ratio = updates / weights if weights else None
                sizes[name] = {
                    "weights": weights / count,
                    "updates": updates / count,
                    "ratio": ratio,
                }
        return sizes

    def _add_up(self, name: str) -> Tensor:
        """The absolute values of a weight and of its change, and how many there are, over all
        columns that have parts of it."""
        weight = self._weights[name]
        change = weight - self._before[name]
        count = torch.tensor(weight.numel(), dtype=torch.float64, device=weight.device)
        sums = [weight.abs().sum(dtype=torch.float64), change.abs().sum(dtype=torch.float64), count]
        return self._local.add_parts(weight, torch.stack(sums))
