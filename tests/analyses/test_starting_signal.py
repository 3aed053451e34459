"""What starting values leave of the image, by hand and against what was computed for AlexNet."""

from math import isnan
from pathlib import Path

import pytest

from netspec.analyses.signal import Signal
from netspec.analyses.starting_signal import (
    PIXEL_DEVIATION,
    PIXEL_MEAN,
    describe_images,
    estimate_output,
    estimate_signals,
)
from netspec.compiler.pipeline import compile_file
from tests.compiled import compile_graph, compile_text

SPECS = Path(__file__).parents[2] / "specs"
ALEXNET = (SPECS / "alexnet.net").read_text(encoding="utf-8")
CAFFE = (SPECS / "alexnet-caffe.net").read_text(encoding="utf-8")
UNIT = Signal(0.0, 0.0, 1.0)


def estimate_last(text: str, images: Signal = UNIT) -> Signal:
    graph = compile_graph(text)
    return estimate_signals(graph, images)[graph.output]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (ALEXNET.replace(", init=normal(0.03)", ""), 0.011, 0.012),
        (ALEXNET, 0.097, 0.109),
        (CAFFE, 0.056, 0.058),
        (CAFFE.replace("bias_init=0.1", "bias_init=1"), 0.010, 0.011),
    ],
    ids=["paper", "2012 code", "Caffe", "Caffe with biases of 1"],
)
def test_alexnet_as_it_was_computed(text: str, low: float, high: float) -> None:
    """Shares of the logits' spread that came out of forward passes over six images."""
    (net,) = compile_text(text).nets
    found = estimate_last(text, describe_images(net.recipe)).share
    assert low / 1.6 < found < high * 1.6


def test_products_with_random_weights() -> None:
    """The fc reads 12 numbers with mean square 5, of which 2 depend on the image."""
    found = estimate_last(
        "net a { input 3x2x2; fc 10, init=normal(0.5), bias_init=normal(2) }",
        Signal(1.0, 2.0, 2.0),
    )
    assert found[:3] == pytest.approx((0.0, 12 * 0.25 * 3 + 4, 12 * 0.25 * 2))


def test_taps_in_the_padding_count_for_nothing() -> None:
    """A 3x3 window on 4x4 with a pixel around has 10 of 12 taps on the map in each direction."""
    text = "net a { input 1x4x4; conv 8, 3x3, pad=1, init=normal(1) }"
    assert estimate_last(text).image == pytest.approx(9 * (10 / 12) ** 2)


def test_constant_weights_add_up() -> None:
    found = estimate_last("net a { input 1x1x1; fc 1, init=constant(3) }", Signal(2.0, 0.5, 0.25))
    assert found[:3] == pytest.approx((6.0, 4.5, 2.25))


def test_a_bilinear_kernel_keeps_what_it_enlarges() -> None:
    text = "net a { input 1x8x8; deconv 1, 4x4, stride=2, pad=1, init=bilinear }"
    found = estimate_last(text, Signal(2.0, 0.0, 1.0))
    assert found.mean == pytest.approx(2.0)
    assert 0.5 < found.image <= 1.0


def test_batchnorm_leaves_the_image_alone() -> None:
    text = "net a { input 3x8x8; conv 8, 3x3, init=normal(1), bias_init=5; batchnorm }"
    assert estimate_last(text)[:3] == pytest.approx((0.0, 0.0, 1.0), rel=1e-3)


def test_layernorm_divides_by_both_spreads() -> None:
    found = estimate_last("net a { input 3x8x8; layernorm }", Signal(7.0, 3.0, 1.0))
    assert found[:3] == pytest.approx((0.0, 0.75, 0.25), rel=1e-3)


def test_lrn_divides_by_the_mean_square() -> None:
    found = estimate_last("net a { input 9x4x4; lrn 5, alpha=2, k=1, beta=0.5 }", UNIT)
    assert found.image == pytest.approx(1 / 3)


@pytest.mark.parametrize(("inverted", "factor"), [("no", 0.25), ("yes", 1.0)])
def test_dropout_is_its_mean(inverted: str, factor: float) -> None:
    text = f"net a {{ input 3x8x8; dropout 0.75, inverted={inverted} }}"
    assert estimate_last(text, Signal(4.0, 0.0, 1.0))[:3] == pytest.approx(
        (4 * factor, 0.0, factor**2)
    )


def test_a_maxpool_before_and_behind_a_relu_is_the_same() -> None:
    before = "net a { input 3x8x8; maxpool 2x2, stride=2; relu }"
    behind = "net a { input 3x8x8; relu; maxpool 2x2, stride=2 }"
    assert estimate_last(before)[:3] == pytest.approx(estimate_last(behind)[:3])


def test_joins_of_independent_tensors() -> None:
    head = "net a { a: input 3x4x4; b: input 3x4x4"
    one = Signal(1.0, 2.0, 3.0)
    assert estimate_last(f"{head}; add from a, b }}", one)[:3] == (2.0, 4.0, 6.0)
    assert estimate_last(f"{head}; multiply from a, b }}", one)[:3] == (1.0, 8.0, 27.0)
    assert estimate_last(f"{head}; concat from a, b }}", one)[:3] == pytest.approx(one[:3])
    assert estimate_last(f"{head}; maximum from a, b }}", one).mean > 1.0
    assert estimate_last("net a { input 3x4x4; multiply 2 }", one)[:3] == (2.0, 8.0, 12.0)


def test_softmax_divides_by_the_number_of_channels() -> None:
    found = estimate_last("net a { input 10x1x1; softmax }", Signal(3.0, 0.01, 0.01))
    assert found.mean == pytest.approx(0.1)
    assert found.share == pytest.approx(0.5**0.5, rel=0.05)


def test_zeros_around_the_map_are_common_to_all_images() -> None:
    found = estimate_last("net a { input 1x2x2; pad 1 }", Signal(4.0, 0.0, 1.0))
    assert found[:3] == pytest.approx((1.0, 3.0, 0.25))


def test_images_behind_a_recipe() -> None:
    text = """
        net a {{ input 3x8x8; fc 10 }}
        train {{
          data photographs {{ resize 8; {} }}
          batch 8; loss softmax; sgd rate=0.1; stop after=2 epochs
        }}
    """

    def describe(transforms: str) -> tuple[float, float]:
        mean, _, image, _ = describe_images(compile_text(text.format(transforms)).nets[0].recipe)
        return mean, image**0.5

    assert describe("mirror") == (PIXEL_MEAN, PIXEL_DEVIATION)
    assert describe("subtract mean") == (0.0, PIXEL_DEVIATION)
    assert describe("subtract mean; divide std") == (0.0, 1.0)
    assert describe("subtract [100, 110, 120]; divide 2") == pytest.approx((3.5, 37.0))
    assert describe("scale 1 / 255; subtract 0.5; divide 0.25") == pytest.approx(
        ((117 / 255 - 0.5) * 4, 74 / 255 * 4)
    )


@pytest.mark.parametrize("number", ["9e15", "1e-300", "0"])
def test_no_starting_value_is_too_large_or_too_small(number: str) -> None:
    graph = compile_graph(f"""
        net a {{
          default conv, fc {{ init=normal({number}), bias_init=constant({number}) }}
          input 3x16x16
          repeat 3 {{ conv 8, 3x3, pad=1; activate mish; lrn 3, k=0; conv 8, 1x1; relu }}
          maxpool 2x2, stride=2
          layernorm; conv 4, 1x1; swish; groupnorm 2; conv 4, 1x1; sigmoid; conv 4, 1x1; elu
          fc 10
          softmax
        }}
    """)
    for signal in estimate_signals(graph, UNIT).values():
        assert isnan(signal.share) or 0 <= signal.share <= 1


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.net")), ids=lambda path: path.stem)
def test_of_every_spec_something_is_left(path: Path) -> None:
    """What is estimated of the output alone is an upper bound, and exact without batchnorm."""
    for net in compile_file(path).nets:
        images = describe_images(net.recipe)
        found = estimate_signals(net.graph, images)[net.graph.output].share
        bound = estimate_output(net.graph, images)[net.graph.output].share
        assert 0.01 < found <= bound * (1 + 1e-9) <= 1.0001
        if not any(node.layer.kind == "batchnorm" for node in net.graph.nodes):
            assert found == bound
