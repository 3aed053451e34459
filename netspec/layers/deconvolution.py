"""Convolution turned round: deconv."""

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar, NamedTuple

from netspec.layers.arithmetic import derive_product, join_both, list_both
from netspec.layers.base import BiasedLayer, LayerError, Told
from netspec.layers.groups import check_groups, group_reads
from netspec.schema import Count, HeightWidth, PaddingArgument, Pixels, Sides, Window
from netspec.tensor import Interval, Reach, Shape, Weight


class Spread(NamedTuple):
    """One direction of the kernels that an input's pixels lay onto the output."""

    input: int
    size: int
    stride: int
    before: int
    """Output pixels that are cut off, and behind them those after."""
    after: int
    extra: int

    @property
    def output(self) -> int:
        cut = self.before + self.after
        return (self.input - 1) * self.stride + self.size - cut + self.extra

    @property
    def derivation(self) -> str:
        """The arithmetic: `(13 - 1) x 2 + 4 - 1 - 1 = 26`."""
        cut = f" - {self.before} - {self.after}" if self.before or self.after else ""
        extra = f" + {self.extra}" if self.extra else ""
        return f"({self.input} - 1) x {self.stride} + {self.size}{cut}{extra} = {self.output}"

    @property
    def reach(self) -> Reach:
        """Input pixel i lies under the output pixels from i stride - before on, `size` of them."""
        last = Fraction(self.before, self.stride)
        return Reach(Fraction(1, self.stride), last - Fraction(self.size - 1, self.stride), last)


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

    def channel_groups(self, input: Shape) -> int:
        return self.groups

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
        height, width = (spread.output for spread in self.spreads(input))
        if height < 1 or width < 1:
            raise LayerError(
                "NS204",
                f"cuts off more than it has: {height}x{width} would be left",
                argument="pad",
                label=f"more than its output of {height + cut.top + cut.bottom}"
                f"x{width + cut.left + cut.right}",
                help=self._advise_padding(
                    height + cut.top + cut.bottom, width + cut.left + cut.right
                ),
            )
        return Shape(self.channels, height, width)

    def _advise_padding(self, *uncut: int) -> list[str]:
        """The most that can be cut off on all sides, with something left."""
        most = (min(uncut) - 1) // 2
        return [f"`pad={most}` leaves something"] if most else ["leave `pad` out"]

    def spreads(self, input: Shape) -> tuple[Spread, Spread]:
        """The arithmetic of the output, height first."""
        cut, size, stride, extra = self.padding(), self.size, self.stride, self.output_pad
        return (
            Spread(input.height, size.height, stride.height, cut.top, cut.bottom, extra.height),
            Spread(input.width, size.width, stride.width, cut.left, cut.right, extra.width),
        )

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
        return self.kernel_and_bias((input.channels, *self.kernel), self.channels)

    @property
    def kernel(self) -> tuple[int, ...]:
        """The extents of one kernel: the output channels that it feeds, height, width."""
        return self.channels // self.groups, *self.size

    def mac_factors(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, ...]:
        """A kernel's taps in all the channels it feeds, at each input position of each channel."""
        return *inputs[0], *self.kernel

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return (group_reads(inputs[0].channels, output.channels, self.groups, wanted),)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        height, width = self.spreads(inputs[0])
        return ((height.reach, width.reach),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        kernel = f"every number of the input times a kernel of {derive_product(self.kernel)}"
        bias = ", and the bias of its channel" if self.bias else ""
        return f"{kernel}, added up where they overlap{bias}"

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        height, width = (spread.derivation for spread in self.spreads(inputs[0]))
        return list_both(height, width)

    def describe_window(self, inputs: Sequence[Shape]) -> Told:
        cuts = (f"{s.before} cut off before, {s.after} after" for s in self.spreads(inputs[0]))
        return (("padding", join_both(*cuts)),) if any(self.padding()) else ()

    def describe_elsewhere(self, inputs: Sequence[Shape]) -> Told:
        height, width = self.spreads(inputs[0])
        same, valid = zip(*map(derive_in_keras, (height, width)), strict=True)
        return (
            ("Caffe", join_both(derive_in_caffe(height), derive_in_caffe(width))),
            ("TensorFlow", f"SAME: {join_both(*same)}"),
            ("", f"VALID: {join_both(*valid)}"),
        )


def derive_in_caffe(spread: Spread) -> str:
    """Caffe cuts both sides alike, and adds nothing."""
    cuts = sorted({spread.before, spread.after})
    told = [spread._replace(before=cut, after=cut, extra=0).derivation for cut in cuts]
    if len(cuts) == 1:
        return told[0]
    return "; ".join(f"pad={cut}: {text}" for cut, text in zip(cuts, told, strict=True))


def derive_in_keras(spread: Spread) -> tuple[str, str]:
    """Conv2DTranspose makes the output's size of its padding, SAME and VALID."""
    enlarged = spread.input * spread.stride
    beyond = max(spread.size - spread.stride, 0)
    same = f"{spread.input} x {spread.stride}"
    return f"{same} = {enlarged}", f"{same} + {beyond} = {enlarged + beyond}"
