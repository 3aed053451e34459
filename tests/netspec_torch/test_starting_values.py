"""Starting values are drawn as their descriptions say, each weight by itself."""

from math import sqrt
from typing import Literal

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn

from netspec.layers.base import Layer
from netspec.layers.starting_values import STARTING_VALUES, StartingValues
from netspec.tensor import Shape, Weight
from netspec_torch import build
from netspec_torch.starting_values import FILLS, draw, seeded_generator
from tests.layers.build import as_value, build_layer
from tests.netspec_torch.graphs import make_chain, make_layer_graph

LARGE = (200, 300)


def make_start(kind: str, **arguments: object) -> StartingValues:
    """Starting values from their arguments: a string is a bare word."""
    values = {name: as_value(value) for name, value in arguments.items()}
    return STARTING_VALUES[kind].model_validate(values)


def draw_start(
    start: StartingValues, shape: tuple[int, ...] = LARGE, fan_in: int = 300, fan_out: int = 100
) -> Tensor:
    weight = Weight("weight", shape, "weight", start, fan_in, fan_out)
    return draw(weight, seeded_generator(0, "weight"))


def test_every_kind_is_drawn() -> None:
    assert FILLS.keys() == set(STARTING_VALUES.values())


@pytest.mark.parametrize(
    ("start", "deviation"),
    [
        (make_start("normal", std=0.01), 0.01),
        (make_start("uniform", bound=0.3), 0.3 / sqrt(3)),
        (make_start("xavier"), sqrt(1 / 200)),
        (make_start("xavier", fan="in", shape="normal"), sqrt(1 / 300)),
        (make_start("xavier", fan="out"), sqrt(1 / 100)),
        (make_start("msra"), sqrt(2 / 300)),
        (make_start("msra", fan="out", shape="uniform"), sqrt(2 / 100)),
        (make_start("msra", fan="average"), sqrt(2 / 200)),
    ],
    ids=repr,
)
def test_mean_and_deviation(start: StartingValues, deviation: float) -> None:
    values = draw_start(start).double()
    assert values.mean().item() == pytest.approx(0, abs=4 * deviation / sqrt(values.numel()))
    assert values.std().item() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(
    "start",
    [make_start("uniform", bound=0.3), make_start("xavier"), make_start("msra", shape="uniform")],
    ids=repr,
)
def test_uniform_ends_at_its_bound(start: StartingValues) -> None:
    values = draw_start(start)
    largest = values.abs().max().item()
    assert largest == pytest.approx(values.double().std().item() * sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    "start",
    [make_start("normal", std=1), make_start("xavier", shape="normal"), make_start("msra")],
    ids=repr,
)
def test_normal_has_its_tails(start: StartingValues) -> None:
    values = draw_start(start)
    beyond_two = (values.abs() > 2 * values.std()).double().mean().item()
    assert beyond_two == pytest.approx(0.0455, abs=0.005)


def test_constant() -> None:
    assert torch.equal(draw_start(make_start("constant", value=0.1)), torch.full(LARGE, 0.1))


@pytest.mark.parametrize(
    ("extent", "triangle"),
    [
        (1, [1.0]),
        (2, [0.5, 0.5]),
        (3, [0.5, 1.0, 0.5]),
        (4, [0.25, 0.75, 0.75, 0.25]),
        (5, [1 / 3, 2 / 3, 1.0, 2 / 3, 1 / 3]),
    ],
)
def test_bilinear_triangle(extent: int, triangle: list[float]) -> None:
    values = draw_start(make_start("bilinear"), (2, 1, extent, 1))
    torch.testing.assert_close(values[1, 0, :, 0], torch.tensor(triangle))


def test_bilinear_deconv_enlarges_as_interpolation_does() -> None:
    """Away from the border, where the deconv misses pixels."""
    layer = build_layer(
        "deconv", 2, 4, stride=2, pad=1, groups=2, bias=False, init=make_start("bilinear")
    )
    module = build(make_layer_graph(layer, Shape(2, 6, 6)))
    x = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    expected = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")
    inner = slice(1, -1)
    torch.testing.assert_close(module(x)[..., inner, inner], expected[..., inner, inner])


def chain_state(*names: str, seed: int | None = 0) -> dict[str, Tensor]:
    """The weights of a chain of equal layers."""
    conv = build_layer("conv", 4, 3, pad=1, init=make_start("normal", std=1))
    return build(
        make_chain(Shape(4, 5, 5), [(name, conv) for name in names]), seed=seed
    ).state_dict()


def test_same_seed_same_values() -> None:
    first, second = chain_state("a", "b"), chain_state("a", "b")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_other_values() -> None:
    assert not torch.equal(chain_state("a")["a.weight"], chain_state("a", seed=1)["a.weight"])


def test_equal_layers_differ() -> None:
    state = chain_state("a", "b")
    assert not torch.equal(state["a.weight"], state["b.weight"])


def test_a_further_layer_leaves_the_others_alone() -> None:
    alone, among = chain_state("a", "c"), chain_state("a", "b", "c")
    assert all(torch.equal(alone[name], among[name]) for name in alone)


def test_dtype_only_rounds() -> None:
    graph = make_layer_graph(build_layer("fc", 8), Shape(8))
    single, double = (build(graph, seed=3, dtype=t) for t in (torch.float32, torch.float64))
    for name, value in double.state_dict().items():
        assert value.dtype == torch.float64
        assert torch.equal(value.float(), single.state_dict()[name])


def test_without_a_seed_torchs_own_decides() -> None:
    states = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        states.append(chain_state("a", seed=None)["a.weight"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_with_a_seed_torchs_own_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    chain_state("a", seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_torchs_own_start() -> None:
    """Without `init`, weights and biases within 1 / sqrt(fan in), as in nn.Linear and nn.Conv2d."""
    for layer, fan_in in ((build_layer("fc", 200), 100), (build_layer("conv", 200, 5), 2500)):
        state = build(
            make_layer_graph(layer, Shape(100, 1, 1) if fan_in == 100 else Shape(100, 5, 5)), seed=0
        ).state_dict()
        for name in ("it.weight", "it.bias"):
            assert state[name].abs().max().item() == pytest.approx(1 / sqrt(fan_in), rel=0.05)


def test_fans_are_those_of_the_weight() -> None:
    weight = Weight("weight", LARGE, "weight", make_start("msra"), 300, 100)
    wide = draw(replace(weight, fan_in=1200), seeded_generator(0, "w"))
    torch.testing.assert_close(wide * 2, draw(weight, seeded_generator(0, "w")))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (build_layer("conv", 8, (3, 5)), Shape(6, 9, 9)),
        (build_layer("conv", 8, (3, 5), groups=2), Shape(6, 9, 9)),
        (build_layer("depthwise", 3, multiplier=2), Shape(6, 9, 9)),
        (build_layer("deconv", 8, (3, 5), groups=2), Shape(6, 9, 9)),
        (build_layer("fc", 8), Shape(6, 9, 9)),
    ],
    ids=repr,
)
def test_fans_are_those_that_torch_reads_off_the_weight(layer: Layer, shape: Shape) -> None:
    """kaiming_normal_ fills with variance 2 / fan; its fans are no public name."""
    weight, _ = layer.list_weights([shape])
    fans: dict[Literal["fan_in", "fan_out"], int] = {
        "fan_in": weight.fan_in,
        "fan_out": weight.fan_out,
    }
    for mode, fan in fans.items():
        torch.manual_seed(0)
        values = nn.init.kaiming_normal_(torch.empty(weight.shape), mode=mode, nonlinearity="relu")
        torch.manual_seed(0)
        expected = torch.empty(weight.shape).normal_(0, sqrt(2 / fan))
        torch.testing.assert_close(values, expected)
