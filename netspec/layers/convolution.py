"""Convolutions that keep or shrink a map: conv, depthwise. (`deconvolution.py` enlarges.)"""

from collections.abc import Sequence
from typing import ClassVar

from netspec.layers.arithmetic import derive_product
from netspec.layers.base import BiasedLayer, Told
from netspec.layers.elsewhere import compare_convolutions, compare_depthwise
from netspec.layers.groups import check_groups, group_reads
from netspec.layers.windows import (
    Rounding,
    WindowSpan,
    derive_spans,
    describe_window,
    infer_window_output,
    resolve_padding,
    window_spans,
)
from netspec.schema import Count, HeightWidth, PaddingArgument, Sides, Window
from netspec.tensor import Interval, Reach, Shape, Weight

ONE = HeightWidth(1, 1)


class Kernels(BiasedLayer):
    """What conv and depthwise share: kernels that slide over the map."""

    family: ClassVar[str] = "Convolution"

    size: Window
    """Height x width of a kernel."""
    stride: Window = ONE
    """Step between two windows."""
    pad: PaddingArgument = Sides(0, 0, 0, 0)
    """Pixels of zeros around the map; `0:3` is before : after. `same` and `half` as TensorFlow and
    Darknet have them. PyTorch and Caffe pad both sides alike; cuda-convnet runs off the right and
    lower edge, which is `0:n`."""
    dilation: Window = ONE
    """Distance between two taps of a kernel."""
    round: Rounding = "down"
    """Whether a last window that does not fit whole is dropped (PyTorch, Caffe) or completed with
    zeros (cuda-convnet)."""

    def output_channels(self, input: Shape) -> int:
        raise NotImplementedError

    def padding(self, input: Shape) -> Sides:
        """The padding in effect, in pixels."""
        return resolve_padding(self.pad, input, self.size, self.stride, self.dilation)

    def spans(self, input: Shape) -> tuple[WindowSpan, WindowSpan]:
        """The window's arithmetic, height first."""
        return window_spans(
            input, self.size, self.stride, self.padding(input), self.dilation, self.round
        )

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(self.output_channels(inputs[0]), *infer_window_output(self.spans(inputs[0])))

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        (input,) = inputs
        channels = self.output_channels(input)
        return self.kernel_and_bias((channels, *self.kernel(input)), channels)

    def kernel(self, input: Shape) -> tuple[int, ...]:
        """The extents of one kernel: the input channels that it sees, height, width."""
        return input.channels // self.channel_groups(input), *self.size

    def mac_factors(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, ...]:
        """A kernel's taps in all the channels it sees, at each output position of each channel."""
        return *output, *self.kernel(inputs[0])

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        (input,) = inputs
        groups = self.channel_groups(input)
        return (group_reads(input.channels, output.channels, groups, wanted),)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        height, width = self.spans(inputs[0])
        return ((height.reach, width.reach),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"{derive_product(self.kernel(inputs[0]))} products{self.sum_with_bias}"

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        return derive_spans(self.spans(inputs[0]))

    def describe_window(self, inputs: Sequence[Shape]) -> Told:
        return describe_window(self.pad, self.spans(inputs[0]))


class Conv(Kernels):
    """Convolution. Multiplies a window of all channels of its group with a kernel, per output
    channel.

    A row of windows has floor((input + padding - kernel) / stride) + 1 places. PyTorch, Caffe and
    Darknet round down; cuda-convnet rounds up (`round=up`, or padding after).
    """

    kind = "conv"
    positional = ("channels", "size")

    channels: Count
    """Number of kernels, which is the number of output channels."""
    groups: Count = 1
    """Runs of channels that are convolved apart; AlexNet's columns are two."""

    def output_channels(self, input: Shape) -> int:
        return self.channels

    def channel_groups(self, input: Shape) -> int:
        return self.groups

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        check_groups(self.groups, inputs[0].channels, self.channels)
        return super().infer_shape(inputs)

    def describe_elsewhere(self, inputs: Sequence[Shape]) -> Told:
        return compare_convolutions(self.spans(inputs[0]))

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        formula = super().describe_formula(inputs, output)
        if self.groups == 1:
            return formula
        channels = inputs[0].channels
        own = f"{channels} / {self.groups} = {channels // self.groups}"
        return f"{formula}; of the input's channels it sees the {own} of its group"


class Depthwise(Kernels):
    """Depthwise convolution: each channel has kernels of its own and meets no other.

    It is a conv whose groups are its input channels (PyTorch's way to write it).
    """

    kind = "depthwise"
    positional = ("size",)

    multiplier: Count = 1
    """Output channels for each input channel (TensorFlow's depth_multiplier)."""

    def output_channels(self, input: Shape) -> int:
        return input.channels * self.multiplier

    def channel_groups(self, input: Shape) -> int:
        return input.channels

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"{derive_product(self.size)} products in one channel{self.sum_with_bias}"

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        channels = f"channels: {derive_product((inputs[0].channels, self.multiplier))}"
        return channels, *super().derive_shape(inputs, output)

    def describe_elsewhere(self, inputs: Sequence[Shape]) -> Told:
        return compare_depthwise(self.spans(inputs[0]))
