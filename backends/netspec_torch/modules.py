"""The small modules that PyTorch lacks: an fc that flattens, layer normalization over channels, a
factor for each channel, dropout as it first was, and stochastic depth.

All take and give N x C x H x W. Their weights have PyTorch's names and are created at the values
that are usual; a spec's own are filled in later.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


class FullyConnected(nn.Linear):
    """nn.Linear of all numbers of an image, in the order channel, row, column; it gives a vector,
    N x C x 1 x 1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))[:, :, None, None]


class ChannelNorm(nn.LayerNorm):
    """nn.LayerNorm over the channels, at each position by itself; in channels_last it copies
    nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return normalize_channels(x, self.eps, self.weight, self.bias)


def normalize_channels(
    x: Tensor, eps: float, weight: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """The channels to mean 0 and variance 1, then each times its weight, plus its bias."""
    rows_last = x.permute(0, 2, 3, 1)
    return layer_norm(rows_last, (x.shape[1],), weight, bias, eps).permute(0, 3, 1, 2)


class ChannelScale(nn.Module):
    """Multiplies each channel with a learned number and, where it has a bias, adds another."""

    bias: nn.Parameter | None

    def __init__(self, channels: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        scaled = x * self.weight[:, None, None]
        return scaled if self.bias is None else scaled + self.bias[:, None, None]

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, bias={self.bias is not None}"


class PlainDropout(nn.Module):
    """In training, 0 in place of each number with probability p; at test, all times 1 - p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x * (1 - self.p)
        return x * torch.empty_like(x).bernoulli_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class DropPath(nn.Module):
    """In training, 0 in place of a whole image's tensor with probability p, and 1 / (1 - p) times
    it otherwise."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty(len(x), 1, 1, 1).bernoulli_(1 - self.p)
        return x * kept.div_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
