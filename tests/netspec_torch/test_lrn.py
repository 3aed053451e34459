"""Local response normalization in closed form, against a loop and against PyTorch's."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from netspec.tensor import Shape
from netspec_torch import build
from netspec_torch.lrn import LocalResponseNorm
from tests.layers.build import build_layer
from tests.netspec_torch.graphs import make_layer_graph

FORMATS = [torch.contiguous_format, torch.channels_last]


def random_maps(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(len(shape) + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).mul_(3).to(dtype)


def normalize_by_loop(
    x: Tensor, size: int, scale: float, beta: float, k: float, groups: int
) -> Tensor:
    """The definition, channel by channel: the window starts size // 2 before and stays at home."""
    channels = x.shape[1]
    home = channels // groups
    output = torch.empty_like(x)
    for i in range(channels):
        start, end = i - size // 2, i - size // 2 + size
        first = i // home * home
        window = x[:, max(start, first) : min(end, first + home)]
        output[:, i] = x[:, i] / (k + scale * window.square().sum(1)) ** beta
    return output


def normalize_map_by_loop(x: Tensor, size: int, scale: float, beta: float, k: float) -> Tensor:
    output = torch.empty_like(x)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            top, left = (max(0, place - size // 2) for place in (row, column))
            bottom, right = (place - size // 2 + size for place in (row, column))
            window = x[:, :, top:bottom, left:right]
            squares = window.square().sum((2, 3))
            output[:, :, row, column] = x[:, :, row, column] / (k + scale * squares) ** beta
    return output


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("beta", [0.75, 0.5, 1, 0.6])
@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 13])
def test_across_channels(
    size: int, groups: int, beta: float, memory_format: torch.memory_format
) -> None:
    x = random_maps(2, 12, 3, 4).to(memory_format=memory_format)
    module = LocalResponseNorm(size, 0.3, beta, 2, groups=groups)
    expected = normalize_by_loop(x, size, 0.3, beta, 2, groups)
    torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_across_the_map(size: int) -> None:
    x = random_maps(2, 3, 5, 4)
    module = LocalResponseNorm(size, 0.3, 0.75, 1, across_map=True)
    expected = normalize_map_by_loop(x, size, 0.3, 0.75, 1)
    torch.testing.assert_close(module(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("across_map", [False, True])
@pytest.mark.parametrize(("size", "groups"), [(5, 1), (5, 2), (4, 2), (3, 3), (1, 1)])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_gradient(
    size: int, groups: int, beta: float, across_map: bool, memory_format: torch.memory_format
) -> None:
    x = random_maps(2, 6, 3, 2).to(memory_format=memory_format).requires_grad_()
    module = LocalResponseNorm(size, 0.3, beta, 1, groups=groups, across_map=across_map)
    assert gradcheck(module, (x,))


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize(("beta", "k"), [(0.75, 1.0), (0.75, 2.0), (0.5, 1.0)])
def test_as_torch(size: int, beta: float, k: float) -> None:
    """PyTorch divides alpha by the size, and has no groups."""
    alpha = 0.2
    layer = build_layer("lrn", size, alpha=alpha, beta=beta, k=k)
    ours = build(make_layer_graph(layer, Shape(7, 4, 3)), dtype=torch.float64)
    x, y = (random_maps(2, 7, 4, 3).requires_grad_() for _ in range(2))
    expected = nn.LocalResponseNorm(size, alpha, beta, k)(y)
    output = ours(x)
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)
    gradient = random_maps(2, 7, 4, 3).flip(0)
    output.backward(gradient)
    expected.backward(gradient)
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("across", "over", "places"),
    [("channels", "mean", 5), ("channels", "sum", 1), ("map", "mean", 25), ("map", "sum", 1)],
)
def test_what_alpha_multiplies(across: str, over: str, places: int) -> None:
    layer = build_layer("lrn", 5, alpha=0.5, over=over, across=across)
    module = build(make_layer_graph(layer, Shape(1))).get_submodule("it")
    assert module.scale == 0.5 / places


def test_windows_stay_in_their_group() -> None:
    layer = build_layer("lrn", 5, alpha=1, groups=2)
    module = build(make_layer_graph(layer, Shape(8, 1, 1)), dtype=torch.float64)
    x = random_maps(1, 8, 1, 1)
    halves: Sequence[Tensor] = [nn.LocalResponseNorm(5, 1.0)(half) for half in x.chunk(2, dim=1)]
    torch.testing.assert_close(module(x), torch.cat(list(halves), dim=1).flatten(1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_is_rounded_once(dtype: torch.dtype, autocast: bool) -> None:
    module = LocalResponseNorm(5, 2e-5, 0.75, 2, groups=2)
    x = random_maps(2, 8, 3, 3, dtype=dtype).mul_(20).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = module(x)
    output.backward(torch.ones_like(output))
    exact = x.detach().double().requires_grad_()
    expected = module(exact)
    expected.backward(torch.ones_like(expected))
    assert output.dtype == dtype
    half_a_step = torch.finfo(dtype).eps / 2
    torch.testing.assert_close(output.double(), expected, rtol=1.01 * half_a_step, atol=0)
    assert x.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=1.01 * half_a_step, atol=1e-6)


def test_float32_is_near_float64() -> None:
    module = LocalResponseNorm(5, 2e-5, 0.75, 2)
    x = random_maps(2, 96, 5, 5).mul_(10)
    torch.testing.assert_close(module(x.float()).double(), module(x), rtol=5e-7, atol=0)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_memory_format_is_kept(dtype: torch.dtype, memory_format: torch.memory_format) -> None:
    x = random_maps(2, 8, 3, 4, dtype=dtype).to(memory_format=memory_format).requires_grad_()
    output = LocalResponseNorm(5, 0.1, 0.75, 1, groups=2)(x)
    output.sum().backward()
    assert output.is_contiguous(memory_format=memory_format)
    assert x.grad is not None
    assert x.grad.is_contiguous(memory_format=memory_format)


def test_input_is_left_as_it_was() -> None:
    x = random_maps(1, 4, 2, 2)
    before = x.clone()
    LocalResponseNorm(3, 0.1, 0.75, 1)(x)
    assert torch.equal(x, before)


def test_second_derivative_is_refused() -> None:
    x = random_maps(1, 4, 2, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(
        LocalResponseNorm(3, 0.1, 0.75, 1)(x).square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.gpu
@pytest.mark.parametrize("memory_format", FORMATS)
def test_on_cuda_as_on_the_cpu(memory_format: torch.memory_format) -> None:
    module = LocalResponseNorm(5, 0.1, 0.75, 2, groups=2)
    x = random_maps(2, 8, 3, 4).to(memory_format=memory_format)
    torch.testing.assert_close(module(x.cuda()).cpu(), module(x))
    assert gradcheck(module, (x.cuda().requires_grad_(),))


@pytest.mark.parametrize("memory_format", FORMATS)
def test_images_do_not_meet(memory_format: torch.memory_format) -> None:
    """A batch too large to be computed at once is, image by image, what each is alone."""
    module = LocalResponseNorm(5, 0.1, 0.75, 2, groups=2)
    x = random_maps(21, 64, 40, 41, dtype=torch.float32).to(memory_format=memory_format)
    together, apart = x.clone().requires_grad_(), x.clone().requires_grad_()
    output = module(together)
    each = torch.cat([module(image) for image in apart.split(1)])
    assert torch.equal(output, each)
    for y in (output, each):
        y.backward(x.flip(0))
    assert together.grad is not None
    assert apart.grad is not None
    assert torch.equal(together.grad, apart.grad)
