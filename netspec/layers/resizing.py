"""Maps made larger or smaller without weights: pad, crop, upsample."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from netspec.layers.arithmetic import list_both, write_sum
from netspec.layers.base import Layer, LayerError
from netspec.schema import HeightWidth, IsWord, SidesOnly, Window
from netspec.tensor import Reach, Shape


class Pad(Layer):
    """Zeros around the map, as a layer of its own.

    Before an average pool or a conv it is their `pad`; before a max pool it is not, because these
    zeros can win. PyTorch calls it ZeroPad2d and names left and right first.
    """

    kind = "pad"
    positional = ("size",)
    family: ClassVar[str] = "Resizing"

    size: SidesOnly
    """Pixels on all sides, or before : after; each a number or height x width."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        top, bottom, left, right = self.size
        return Shape(input.channels, input.height + top + bottom, input.width + left + right)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        top, left = self.size.top, self.size.left
        return ((Reach(1, -top, -top), Reach(1, -left, -left)),)

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        (input,), (top, bottom, left, right) = inputs, self.size
        return list_both(
            f"{input.height} + {top} + {bottom} = {output.height}",
            f"{input.width} + {left} + {right} = {output.width}",
        )

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"{describe_shift(-self.size.top, -self.size.left)}, or 0"


class Crop(Layer):
    """The middle of the map. Where the pixels to cut are odd in number, one more goes below or on
    the right, as in TensorFlow's Keras; torchvision's center_crop rounds half a pixel to the even
    side, and Caffe's Crop is told its offset.
    """

    kind = "crop"
    positional = ("size",)
    family: ClassVar[str] = "Resizing"

    size: Window
    """Height x width of what stays."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        if self.size.height > input.height or self.size.width > input.width:
            raise LayerError(
                "NS204",
                f"cannot crop {input.height}x{input.width} to {self.size}",
                argument="size",
                label=f"larger than {input.height}x{input.width}",
                help=["`pad` makes a map larger, with zeros around it; `upsample` enlarges it"],
            )
        return Shape(input.channels, *self.size)

    def offset(self, input: Shape) -> HeightWidth:
        """Rows above and columns before what stays."""
        top, left = (input.height - self.size.height) // 2, (input.width - self.size.width) // 2
        return HeightWidth(top, left)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        top, left = self.offset(inputs[0])
        return ((Reach(1, top, top), Reach(1, left, left)),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return describe_shift(*self.offset(inputs[0]))


def describe_shift(down: int, across: int) -> str:
    """Where a number of the output stands in the input."""
    row, column = write_sum("y", down), write_sum("x", across)
    return f"row y, column x is the input's row {row}, column {column}"


class Upsample(Layer):
    """Enlarges the map, by a whole factor or to a size.

    Darknet's upsample is `mode=nearest`; a Caffe net uses a deconv with `init=bilinear`, which
    counts pixels as `align=edges` does but lets the border fade to 0.
    """

    kind = "upsample"
    positional = ("factor",)
    family: ClassVar[str] = "Resizing"

    factor: Window | None = None
    """Output pixels for an input pixel; height x width where the two differ."""
    to: Window | None = None
    """Height x width of the output, in place of a factor."""
    mode: Annotated[Literal["nearest", "bilinear"], IsWord] = "nearest"
    """Whether an output pixel is the nearest input pixel (PyTorch's and Keras's default), or a mean
    of four, weighted by distance."""
    align: Annotated[Literal["edges", "corners"], IsWord] = "edges"
    """What lies on what under `bilinear`: the outer edges of the two maps (PyTorch, TensorFlow 2),
    or the centres of their corner pixels (PyTorch's align_corners=True). TensorFlow 1 puts the
    upper left centres together unless told otherwise, which is neither."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        self.check_arguments()
        height, width = self.to or self._enlarge(input)
        if height < input.height or width < input.width:
            raise LayerError(
                "NS202",
                f"cannot enlarge {input.height}x{input.width} to {height}x{width}",
                argument="to",
                label=f"smaller than {input.height}x{input.width}",
                help=["avgpool or maxpool make a map smaller"],
            )
        return Shape(input.channels, height, width)

    def _enlarge(self, input: Shape) -> HeightWidth:
        factor = self.factor or HeightWidth(1, 1)
        return HeightWidth(input.height * factor.height, input.width * factor.width)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        (input,) = inputs
        return (
            (
                self._reach(input.height, output.height),
                self._reach(input.width, output.width),
            ),
        )

    def _reach(self, input: int, output: int) -> Reach:
        """Nearest: pixel p is that at p input / output, rounded down. Bilinear: those on both sides
        of the place that `align` gives it."""
        step, rounding = Fraction(input, output), Fraction(output - 1, output)
        if self.mode == "nearest":
            return Reach(step, -rounding, 0)
        if self.align == "edges":
            place, rounding = step / 2 - Fraction(1, 2), Fraction(2 * output - 1, 2 * output)
        else:
            step = Fraction(input - 1, max(output - 1, 1))
            place, rounding = Fraction(0), 1 - Fraction(1, max(output - 1, 1))
        return Reach(step, place - rounding, place + rounding)

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        if self.factor is None:
            return ()
        (input,), (rows, columns) = inputs, self.factor
        return list_both(
            f"{input.height} x {rows} = {output.height}",
            f"{input.width} x {columns} = {output.width}",
        )

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        if self.mode == "bilinear":
            return (
                f"a mean of four pixels, weighted by distance, the maps' {self.align} on each other"
            )
        (input,) = inputs
        rows = f"y x {input.height} / {output.height}"
        columns = f"x x {input.width} / {output.width}"
        return f"row y, column x is the input's row {rows}, column {columns}, rounded down"

    def check_arguments(self) -> None:
        if self.factor is None and self.to is None:
            raise LayerError(
                "NS108",
                "needs a factor or a size",
                help=[f"write `{self.kind} 2` or `{self.kind} to=56x56`"],
            )
        if self.factor is not None and self.to is not None:
            raise LayerError(
                "NS109",
                "has both a factor and a size",
                argument="to",
                label=f"the factor {self.factor} says it already",
            )
        if self.mode == "nearest" and self.align == "corners":
            raise LayerError(
                "NS109",
                "has no corners to align: it takes the nearest pixel",
                argument="align",
                label="speaks of `mode=bilinear`",
            )
