"""What starting values leave of the image, estimated and measured in forward passes.

The images have the spectrum and the colours that the estimate takes photographs to have.
"""

from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from netspec.analyses.signal import Signal
from netspec.analyses.starting_signal import describe_images, estimate_signals
from netspec.compiler.pipeline import compile_file
from netspec.compiler.program import CheckedNet
from netspec_torch import build
from netspec_torch.emission import tensor_name
from netspec_torch.modules import DropPath, PlainDropout
from tests.compiled import compile_text

SPECS = Path(__file__).parents[2] / "specs"
ALEXNET = (SPECS / "alexnet.net").read_text(encoding="utf-8")
CAFFE = (SPECS / "alexnet-caffe.net").read_text(encoding="utf-8")
DROPPING = (nn.Dropout, PlainDropout, DropPath)
FALL = 1.25
"""The power of the frequency by which amplitudes fall."""
COLOURS = torch.tensor(
    [[0.5836, -0.6948, 0.4203], [0.5808, -0.0045, -0.8140], [0.5675, 0.7192, 0.4009]]
) * torch.tensor([121.78, 37.09, 19.72])
"""The principal components of colour, in columns, times their standard deviations."""
SMALL = """
    net small {{
      default conv, fc {{ init={init}, bias_init={bias} }}
      input 3x64x64
      conv1: conv 64, 5x5, pad=2; {act}
             maxpool 3x3, stride=2
             lrn 5, alpha=1e-4, k=2
      conv2: conv 96, 3x3, pad=1; {act}
             avgpool 2x2, stride=2
      conv3: conv 128, 3x3, pad=1; {act}
             maxpool 3x3, stride=2
      fc4:   fc 512; {act}; dropout 0.5, inverted=no
      fc5:   fc 100, bias_init=0
    }}
    train {{
      data photographs {{ resize 64; subtract mean{divide} }}
      batch 8; loss softmax; sgd rate=0.01; stop after=9 epochs
    }}
"""


def make_photographs(count: int, size: int, channels: int, seed: int = 0) -> Tensor:
    """Noise with the wanted spectrum and colours, mean 0 and variance 1 over all images: each is a
    part of a picture of twice its side, since a whole one goes on at its other edge."""
    generator = torch.Generator().manual_seed(seed)
    along = torch.fft.fftfreq(2 * size)
    frequency = (along[:, None] ** 2 + along**2).sqrt()
    frequency[0, 0] = 0.7 * along[1]  # whereby the mean of an image varies as the estimate says
    amplitude = frequency**-FALL
    noise = torch.randn(count, 3, 2 * size, 2 * size, generator=generator)
    waves: Tensor = torch.fft.ifft2(torch.fft.fft2(noise) * amplitude).real[..., :size, :size]
    waves = waves / amplitude.square().mean().sqrt()
    if channels == 1:
        return waves[:, :1]
    colours = COLOURS / COLOURS.square().sum().div(3).sqrt()
    return torch.einsum("ck,nkhw->nchw", colours, waves)


def measure(x: Tensor) -> Signal:
    """The moments of N images' numbers, without the bias that few images bring."""
    x = x.flatten(1).double()
    image = x.var(0).mean().item()
    common = x.mean(0).var(correction=0).item() - image / len(x)
    return Signal(x.mean().item(), max(0.0, common), image)


class Measuring(fx.Interpreter):
    """Runs a module and measures each of its tensors."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.signals: dict[str, Signal] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.signals[n.name] = measure(result)
        return result


def measure_net(net: CheckedNet, count: int, seed: int = 0) -> dict[str, Signal]:
    """The moments of every tensor in training mode, with nothing dropped by chance."""
    shape, images = net.graph[net.graph.inputs[0]].shape, describe_images(net.recipe)
    module = build(net, seed=seed)
    for part in module.modules():
        if isinstance(part, DROPPING):
            part.eval()
    measuring = Measuring(module)
    with torch.no_grad():
        photographs = make_photographs(count, shape.height, shape.channels)
        measuring.run(photographs * images.image**0.5 + images.mean)
    return measuring.signals


def check(net: CheckedNet, count: int = 8, draws: int = 1, factor: float = 2.0) -> None:
    """Of every layer with weights what depends on the image, and its share of all the spread, on
    average over some draws of the starting values."""
    drawn = [measure_net(net, count, seed) for seed in range(draws)]
    estimated = estimate_signals(net.graph, describe_images(net.recipe))
    for node in net.graph.nodes:
        if not node.weights or not node.macs:
            continue
        found = average([signals[tensor_name(node.name)] for signals in drawn])
        told = estimated[node.name]
        assert found.share / factor < told.share < found.share * factor, node.name
        assert found.image**0.5 / factor < told.image**0.5 < found.image**0.5 * factor, node.name


def average(signals: list[Signal]) -> Signal:
    mean, common, image = (
        sum(moments) / len(signals) for moments in zip(*(s[:3] for s in signals), strict=True)
    )
    return Signal(mean, common, image)


def compile_one(text: str) -> CheckedNet:
    (net,) = compile_text(text).nets
    return net


@pytest.mark.parametrize(
    ("act", "bias"),
    [
        ("relu", 0),
        ("relu", 1),
        ("swish", 1),
        *(
            pytest.param(act, bias, marks=pytest.mark.slow)
            for act in ("leakyrelu 0.1", "tanh", "hardswish", "elu")
            for bias in (0, 1)
        ),
    ],
)
def test_a_small_net(act: str, bias: int) -> None:
    """Scaled pixels for functions that saturate."""
    divide = "" if "relu" in act else "; divide std"
    init = "normal(0.01)" if "relu" in act else "xavier"
    check(
        compile_one(SMALL.format(init=init, bias=bias, act=act, divide=divide)), count=16, draws=3
    )


@pytest.mark.parametrize("bias", [0.1, 1])
def test_a_small_net_that_loses_the_image(bias: float) -> None:
    net = compile_one(SMALL.format(init="normal(0.003)", bias=bias, act="relu", divide=""))
    check(net, draws=3)


def test_blocks_that_add_multiply_and_normalize() -> None:
    text = """
        block unit(width) {
          add {
            branch { conv width, 3x3, pad=1, bias=no; batchnorm; relu; conv width, 3x3, pad=1 }
            branch { }
          }
          multiply {
            branch { }
            branch { avgpool global; conv width, 1x1; hardsigmoid }
          }
          relu
        }
        net small {
          default conv { init=msra }
          input 3x64x64
          conv 64, 5x5, stride=2, pad=2; relu
          unit 64; unit 64
          concat { branch { conv 32, 1x1 }; branch { maxpool 3x3, stride=1, pad=1 } }
          groupnorm 8; gelu
          conv 64, 3x3; relu
          avgpool 3x3, stride=3
          fc 200, init=msra
        }
    """
    check(compile_one(text), count=16, draws=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ALEXNET.replace(", init=normal(0.03)", ""), id="paper"),
        pytest.param(ALEXNET, id="2012 code"),
        pytest.param(CAFFE, id="Caffe"),
        pytest.param(CAFFE.replace("bias_init=0.1", "bias_init=1"), id="Caffe with biases of 1"),
    ],
)
def test_alexnet(text: str) -> None:
    check(compile_one(text), factor=1.5)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["alexnet-one-tower", "caffenet", "nin", "vgg11", "vgg16"])
def test_nets_without_batchnorm(spec: str) -> None:
    check(compile_file(SPECS / f"{spec}.net").nets[0])


@pytest.mark.slow
def test_resnet_without_batchnorm() -> None:
    """He's starting values, by which the sum of every block is larger than its input."""
    blocks = (SPECS / "blocks" / "resnet.net").read_text(encoding="utf-8")
    assert "  batchnorm\n" in blocks
    text = blocks.replace("  batchnorm\n", "").replace("bias=no", "bias=yes")
    net = "net resnet18 = resnet(counts=[2, 2, 2, 2], bottlenecks=no)"
    (found,) = compile_text(f"{text}\n{net}\n").nets
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["resnet18", "mobilenet_v2"])
def test_nets_with_batchnorm(spec: str) -> None:
    check(compile_file(SPECS / f"{spec}.net").nets[0])
