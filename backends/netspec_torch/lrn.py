"""Local response normalization in closed form, forward and backward.

    y_i = x_i d_i^-beta,    d_i = k + scale S(x^2)_i

S sums a window around i. With g the gradient of y, and S' the sum over the mirrored window (the
places whose window has i in it),

    dL/dx_i = g_i d_i^-beta - 2 beta scale x_i S'(g x d^(-beta - 1))_i

nn.LocalResponseNorm pads, pools in three dimensions and takes a general power; here a window is a
few additions of shifted slices and the usual power two square roots. Which numbers a spec's `lrn`
means is decided in `netspec.layers.normalization`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

GROUPED_CHANNELS = (2,)
"""The dimension of a group's channels in N x groups x channels x H x W."""
ROWS_AND_COLUMNS = (3, 4)
CACHED_NUMBERS = 2**20
"""4 MB in float32: few enough for a core's share of the cache, and enough that the threads, which
wait for one another after each operation, seldom do."""


class LocalResponseNorm(nn.Module):
    """Divides each number by a power of the squares around it.

    The window of `size` starts `size // 2` before each place: in channels, where those of one of
    `groups` runs don't see the others', or with `across_map` in rows and columns of one channel.
    """

    def __init__(
        self,
        size: int,
        scale: float,
        beta: float,
        k: float,
        *,
        groups: int = 1,
        across_map: bool = False,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale = scale
        """What multiplies the sum of squares."""
        self.beta = beta
        self.k = k
        self.groups = groups
        self.across_map = across_map

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to the same shape, dtype and memory format.

        float16 and bfloat16 are computed in float32 and rounded once, at the end, under autocast
        or not: the power of a rounded sum would lose what is left of their precision.
        """
        dimensions = ROWS_AND_COLUMNS if self.across_map else GROUPED_CHANNELS
        normalized: Tensor = _Normalize.apply(  # type: ignore[no-untyped-call]
            x.unflatten(1, (self.groups, -1)), dimensions, self.size, self.scale, self.beta, self.k
        )
        return normalized.flatten(1, 2)

    def extra_repr(self) -> str:
        where = "map" if self.across_map else "channels"
        return (
            f"{self.size}, scale={self.scale:g}, beta={self.beta:g}, k={self.k:g}, "
            f"groups={self.groups}, across={where}"
        )


class _Normalize(torch.autograd.Function):
    """The formula above on N x groups x channels x H x W."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        dimensions: tuple[int, ...],
        size: int,
        scale: float,
        beta: float,
        k: float,
    ) -> Tensor:
        y = torch.empty_like(x)
        denominator, factor = _wide_like(x), _wide_like(x)
        for images in _runs_of_images(x):
            wide = _widen(x[images])
            sums = _sum_windows(wide * wide, dimensions, size // 2, (size - 1) // 2)
            denominator[images] = sums.mul_(scale).add_(k)
            factor[images] = _negative_power(sums, beta)
            y[images] = wide * factor[images]
        ctx.save_for_backward(x, denominator, factor)
        ctx.dimensions, ctx.size, ctx.scale, ctx.beta = dimensions, size, scale, beta
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, denominator, factor = ctx.saved_tensors
        result = torch.empty_like(x)
        for images in _runs_of_images(x):
            wide = _widen(x[images])
            direct = _widen(gradient[images]) * factor[images]
            shares = (direct * wide).div_(denominator[images])
            sums = _sum_windows(shares, ctx.dimensions, (ctx.size - 1) // 2, ctx.size // 2)
            result[images] = direct.add_(sums.mul_(wide), alpha=-2 * ctx.beta * ctx.scale)
        return result, None, None, None, None, None


def _runs_of_images(x: Tensor) -> list[slice]:
    """The batch in parts: on a CPU so few images that what is made on the way stays in its cache,
    which halves the time and more; in all else, and where a compiler sees to it, all at once."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return [slice(None)]
    images = max(1, CACHED_NUMBERS // max(1, x[:1].numel()))
    return [slice(start, start + images) for start in range(0, len(x), images)]


def _wide_like(x: Tensor) -> Tensor:
    return torch.empty_like(x, dtype=torch.promote_types(x.dtype, torch.float32))


def _widen(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _sum_windows(x: Tensor, dimensions: tuple[int, ...], before: int, after: int) -> Tensor:
    """At each place the sum from `before` places before it to `after` behind it, in every one of
    the dimensions; a window is cut at the ends."""
    for dimension in dimensions:
        total, length = x.clone(), x.shape[dimension]
        for shift in range(1, min(before, length - 1) + 1):
            kept = length - shift
            total.narrow(dimension, shift, kept).add_(x.narrow(dimension, 0, kept))
        for shift in range(1, min(after, length - 1) + 1):
            kept = length - shift
            total.narrow(dimension, 0, kept).add_(x.narrow(dimension, shift, kept))
        x = total
    return x


def _negative_power(x: Tensor, beta: float) -> Tensor:
    """x^-beta; the usual powers by square roots, which are much quicker than a general one."""
    if beta == 0.75:
        return torch.rsqrt(x * torch.sqrt(x))
    if beta == 0.5:
        return torch.rsqrt(x)
    if beta == 1:
        return torch.reciprocal(x)
    return x.pow(-beta)
