"""Every number with every number: fc."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.layers.arithmetic import derive_product
from netspec.layers.base import BiasedLayer, LayerError, all_channels
from netspec.layers.starting_values import Bilinear
from netspec.schema import Count
from netspec.tensor import Interval, Reach, Shape, Weight, whole_map


class FullyConnected(BiasedLayer):
    """Fully connected: each output is a weighted sum of all numbers of the input.

    The input is read in the order channel, row, column, whatever its shape, and needs no flatten.
    PyTorch's Linear wants one, with the same order and the same weight of (out, C H W); Caffe's
    InnerProduct flattens by itself in that order. TensorFlow reads row, column, channel and stores
    the weight the other way round, so weights from there have to be reordered.
    """

    kind = "fc"
    positional = ("channels",)
    family: ClassVar[str] = "Fully connected"

    channels: Count
    """Number of outputs, which are a vector."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        if isinstance(self.init, Bilinear):
            raise LayerError(
                "NS109",
                "has no kernel that `bilinear` could fill",
                argument="init",
                label="wants a height and a width",
            )
        return Shape(self.channels)

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        return self.kernel_and_bias((self.channels, inputs[0].elements), self.channels)

    def mac_factors(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, ...]:
        """One for each number of the weight."""
        return self.channels, inputs[0].elements

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return all_channels(inputs)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        return (whole_map(inputs[0]),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        (input,) = inputs
        numbers = (input.channels,) if input.is_vector else tuple(input)
        return f"{derive_product(numbers)} products{self.sum_with_bias}"
