"""Activations: relu and its kin, softmax, and `activate` for one that a parameter names.

Each works on every number by itself, but for softmax. None but prelu has weights.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from netspec.layers.base import Layer, all_channels
from netspec.layers.starting_values import Constant
from netspec.schema import Factor, IsWord
from netspec.tensor import Interval, Shape, Weight


class Activation(Layer):
    """A function of each number."""

    family: ClassVar[str] = "Activation"
    is_activation: ClassVar[bool] = True


class Relu(Activation):
    """max(x, 0)."""

    kind = "relu"


class Relu6(Activation):
    """min(max(x, 0), 6)."""

    kind = "relu6"


class Elu(Activation):
    """x where it is positive, exp(x) - 1 where not: alpha is 1, the default of all."""

    kind = "elu"


class Gelu(Activation):
    """x times the normal distribution's share below x, by the error function, as in PyTorch and
    TensorFlow. Both also have an approximation by tanh, which this is not."""

    kind = "gelu"


class Sigmoid(Activation):
    """1 / (1 + exp(-x)). Darknet calls it logistic."""

    kind = "sigmoid"


class Tanh(Activation):
    """The hyperbolic tangent. cuda-convnet's takes two numbers, a tanh(b x); this is a = b = 1, as
    in PyTorch, Caffe and TensorFlow."""

    kind = "tanh"


class HardSigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6, as in PyTorch, MobileNetV3 and Keras 3. Keras 2 and ONNX have the
    slope 0.2 instead of 1/6."""

    kind = "hardsigmoid"


class Swish(Activation):
    """x sigmoid(x). PyTorch and TensorFlow also call it SiLU."""

    kind = "swish"


class HardSwish(Activation):
    """x min(max(x + 3, 0), 6) / 6 (MobileNetV3)."""

    kind = "hardswish"


class Mish(Activation):
    """x tanh(log(1 + exp(x)))."""

    kind = "mish"


class Softmax(Activation):
    """exp(x) divided by its sum over the channels, at each position by itself.

    Caffe and TensorFlow take the channels unless told otherwise, PyTorch wants the dimension said.
    A training loss of `softmax` has one built in.
    """

    kind = "softmax"

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return all_channels(inputs)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"exp(x) / sum of exp(x) over the {output.channels:,} channels"


class LeakyRelu(Activation):
    """x where it is positive, slope x where not."""

    kind = "leakyrelu"
    positional = ("slope",)

    slope: Factor = 0.01
    """The slope below 0. PyTorch: 0.01; Darknet's leaky: 0.1; TensorFlow: 0.2, its Keras 0.3;
    Caffe's ReLU: 0, which makes it a relu."""

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"x where it is positive, {self.slope:g} x where not"


class Prelu(Activation):
    """x where it is positive, slope x where not, with a slope learned for each channel.

    PyTorch learns a single slope unless told the number of channels; Caffe learns one a channel,
    Keras one for each number of the map.
    """

    kind = "prelu"
    positional = ("slope",)
    weight_words: ClassVar[Mapping[str, str]] = {"weight": "slopes"}

    slope: Factor = 0.25
    """The slope below 0 that learning starts from: 0.25 in PyTorch and Caffe, 0 in Keras."""
    rate: Factor = 1.0
    """Factor on the solver's rate for the slopes; 0 freezes them."""
    decay: Factor = 1.0
    """Factor on the solver's decay for the slopes, which the paper does not decay (He et al. 2015:
    it would draw them to a plain relu)."""

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        start, channels = Constant(value=self.slope), inputs[0].channels
        return (Weight("weight", (channels,), "weight", start, 1, 1, self.rate, self.decay),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return "x where it is positive, its channel's slope times x where not"


ActivationWord = Literal[
    "relu", "relu6", "elu", "gelu", "sigmoid", "tanh", "hardsigmoid", "swish", "hardswish", "mish",
    "softmax", "leakyrelu", "prelu",
]  # fmt: skip


class Activate(Activation):
    """The activation that a word names, for a block or net that has it as a parameter:
    `activate act`. Only those that need no argument; the graph holds the kind that is meant."""

    kind = "activate"
    positional = ("word",)

    word: Annotated[ActivationWord, IsWord]
    """The layer kind of the activation."""

    def resolve(self) -> Layer:
        """The layer that the word stands for."""
        return ACTIVATIONS[self.word](gpu=self.gpu)


ACTIVATIONS: dict[str, type[Activation]] = {
    activation.kind: activation
    for activation in (
        Relu, Relu6, Elu, Gelu, Sigmoid, Tanh, HardSigmoid, Swish, HardSwish, Mish, Softmax,
        LeakyRelu, Prelu,
    )
}  # fmt: skip
"""What `activate` may stand for: every activation, because all start without an argument."""
