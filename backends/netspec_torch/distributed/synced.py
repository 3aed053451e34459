"""Batch normalization by the whole batch, of which each replica has a part.

PyTorch's SyncBatchNorm does the same, on GPUs alone.
"""

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torch.distributed._functional_collectives import all_reduce, wait_tensor

from netspec_torch.distributed.masks import Rows


class SyncedBatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d whose mean and variance in training are summed over the replicas, first the
    one and then, around it, the other; gradients take the same way."""

    def __init__(self, like: nn.BatchNorm2d, replicas: ProcessGroup, rows: Rows) -> None:
        """With the arguments and the weights of `like`."""
        super().__init__(like.num_features, like.eps, like.momentum, affine=False)
        self.weight = like.weight
        self.bias = like.bias
        self.replicas = replicas
        self.rows = rows

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        count = self.rows.together * x.shape[2] * x.shape[3]
        mean = self._add(wide.sum((0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = self._add(centred.square().sum((0, 2, 3))) / count
        self._note(mean.detach(), variance.detach() * count / (count - 1))
        factor = torch.rsqrt(variance + self.eps)
        weight, bias = self._parameters["weight"], self._parameters["bias"]
        y = centred * (factor if weight is None else factor * weight)[:, None, None]
        return (y if bias is None else y + bias[:, None, None]).to(x.dtype)

    def _add(self, sums: Tensor) -> Tensor:
        total: Tensor = wait_tensor(all_reduce(sums, "sum", self.replicas))
        return total

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor) -> None:
        """Take the batch into the running averages."""
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        self.num_batches_tracked += 1
