"""A learned factor for each channel: scale."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from netspec.layers.base import WeightedLayer
from netspec.layers.starting_values import BiasStart, Constant
from netspec.schema import Truth
from netspec.tensor import Shape, Weight


class Scale(WeightedLayer):
    """Multiplies each channel with a learned number, and adds one with `bias=yes`.

    Caffe's Scale, which its nets put behind BatchNorm; ConvNeXt's layer scale with `init=1e-6`.
    PyTorch and TensorFlow have no layer for it.
    """

    kind = "scale"
    family: ClassVar[str] = "Normalization"
    weight_words: ClassVar[Mapping[str, str]] = {"weight": "factors", "bias": "biases"}

    init: BiasStart = Constant(value=1.0)
    """Starting value of the factors, a number or starting values: 1, as in Caffe."""
    bias: Truth = False
    """Whether each channel also adds a learned number, from 0."""

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = (inputs[0].channels,)
        factor = Weight("weight", channels, "weight", self.init, 1, 1, self.rate, self.decay)
        if not self.bias:
            return (factor,)
        factors = self.effective_bias_rate, self.bias_decay
        return factor, Weight("bias", channels, "bias", Constant(value=0.0), 1, 1, *factors)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"x times its channel's factor{', and its bias' if self.bias else ''}"
