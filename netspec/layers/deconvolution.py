"""Convolution turned round: deconv."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.layers.base import BiasedLayer, LayerError
from netspec.layers.groups import check_groups, group_reads
from netspec.schema import Count, HeightWidth, PaddingArgument, Pixels, Sides, Window
from netspec.tensor import Interval, Shape, Weight


class Deconv(BiasedLayer):
    """Transposed convolution: each input pixel adds a multiple of a kernel to the output, `stride`
    pixels from its neighbour's.

    Height and width are (input - 1) stride + size - padding before and after + output_pad. PyTorch
    calls it ConvTranspose2d, Caffe Deconvolution (without output_pad), TensorFlow conv2d_transpose
    (which is told the output's size; `pad=same` is its SAME). PyTorch and Caffe read the fans of a
    starting value off the weight's shape (in, out / groups, height, width), so that `fan=in` counts
    output channels; so does this layer.
    """

    kind = "deconv"
    positional = ("channels", "size")
    family: ClassVar[str] = "Convolution"

    channels: Count
    """Number of output channels."""
    size: Window
    """Height x width of a kernel."""
    stride: Window = HeightWidth(1, 1)
    """Output pixels from one input pixel's kernel to the next's."""
    pad: PaddingArgument = Sides(0, 0, 0, 0)
    """Pixels cut off around the output, which undoes the padding of a conv with the same numbers.
    `same` makes the output input x stride, `half` cuts half of the kernel on both sides."""
    output_pad: Pixels = HeightWidth(0, 0)
    """Pixels added below and on the right, which a conv with the same numbers would drop."""
    groups: Count = 1
    """Runs of channels that are computed apart."""

    def padding(self) -> Sides:
        """The pixels that are cut off each side."""
        if isinstance(self.pad, Sides):
            return self.pad
        sides: list[int] = []
        for size, stride in zip(self.size, self.stride, strict=True):
            total = size // 2 * 2 if self.pad == "half" else size - stride
            sides += [total // 2, total - total // 2]
        return Sides(*sides)

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        check_groups(self.groups, input.channels, self.channels)
        self._check_output_pad()
        cut = self.padding()
        if min(cut) < 0:
            raise LayerError(
                "NS204",
                f"cannot pad to input x stride: its kernel of {self.size} is smaller than its "
                f"stride of {self.stride}",
                argument="pad",
                help=["give `pad` and `output_pad` as numbers"],
            )
        extents = (
            (input.height - 1) * self.stride.height + self.size.height - cut.top - cut.bottom,
            (input.width - 1) * self.stride.width + self.size.width - cut.left - cut.right,
        )
        height, width = (e + more for e, more in zip(extents, self.output_pad, strict=True))
        if height < 1 or width < 1:
            raise LayerError(
                "NS204",
                f"cuts off more than it has: {height}x{width} would be left",
                argument="pad",
                label=f"more than its output of {height + cut.top + cut.bottom}"
                f"x{width + cut.left + cut.right}",
            )
        return Shape(self.channels, height, width)

    def _check_output_pad(self) -> None:
        for extra, stride in zip(self.output_pad, self.stride, strict=True):
            if extra >= stride:
                raise LayerError(
                    "NS109",
                    f"has an output_pad of {self.output_pad}, which its stride of {self.stride} "
                    "never drops",
                    argument="output_pad",
                    label="must be less than the stride",
                )

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        (input,) = inputs
        shape = (input.channels, self.channels // self.groups, *self.size)
        return self.kernel_and_bias(shape, self.channels)

    def count_macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Taps of a kernel x output channels that it feeds, at each input position."""
        (input,) = inputs
        return input.elements * self.size.height * self.size.width * (self.channels // self.groups)

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return (group_reads(inputs[0].channels, output.channels, self.groups, wanted),)
