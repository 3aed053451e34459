"""Pooling: maxpool, avgpool, adaptiveavgpool."""

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from netspec.layers.arithmetic import derive_product
from netspec.layers.base import Layer, LayerError, Told
from netspec.layers.elsewhere import compare_pools
from netspec.layers.windows import (
    Rounding,
    WindowSpan,
    derive_spans,
    describe_window,
    infer_window_output,
    resolve_padding,
    window_spans,
)
from netspec.schema import (
    HeightWidth,
    PaddingArgument,
    Sides,
    Truth,
    Window,
    WindowOrGlobal,
)
from netspec.tensor import Reach, Shape, whole_map

ONE = HeightWidth(1, 1)
NO_PADDING = Sides(0, 0, 0, 0)


class Pool(Layer):
    """What maxpool and avgpool share: one number for each window of each channel."""

    positional = ("size",)
    family: ClassVar[str] = "Pooling"

    size: WindowOrGlobal
    """Height x width of a window, or `global` for the whole map."""
    stride: Window | None = None
    """Step between two windows. It has to be given, unless the window is global: PyTorch and
    TensorFlow's Keras step by the window's size where it is not, Caffe and Darknet by 1."""
    pad: PaddingArgument = NO_PADDING
    """Pixels around the map; `0:1` is before : after. `same` and `half` as TensorFlow and Darknet
    have them. PyTorch and Caffe pad both sides alike, PyTorch by half a window at most; here every
    window has to see at least one pixel of the map."""
    round: Rounding = "down"
    """Whether a last window that does not fit whole is dropped (PyTorch, TensorFlow) or kept with
    what it sees (`up`: PyTorch's ceil_mode, Caffe, cuda-convnet)."""

    def effective_size(self, input: Shape) -> HeightWidth:
        """The window in pixels."""
        if isinstance(self.size, HeightWidth):
            return self.size
        return HeightWidth(input.height, input.width)

    def effective_stride(self) -> HeightWidth:
        """The step in pixels; there is only one window where it is global."""
        return self.stride or ONE

    def padding(self, input: Shape) -> Sides:
        """The padding in effect, in pixels."""
        size = self.effective_size(input)
        return resolve_padding(self.pad, input, size, self.effective_stride(), ONE)

    def spans(self, input: Shape) -> tuple[WindowSpan, WindowSpan]:
        """The window's arithmetic, height first."""
        size, stride = self.effective_size(input), self.effective_stride()
        return window_spans(input, size, stride, self.padding(input), ONE, self.round)

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        self.check_arguments()
        spans = self.spans(input)
        height, width = infer_window_output(spans)
        for span, direction in zip(spans, ("height", "width"), strict=True):
            check_windows_see_the_map(span, direction)
        return Shape(input.channels, height, width)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        if self.size == "global":
            return (whole_map(inputs[0]),)
        height, width = self.spans(inputs[0])
        return ((height.reach, width.reach),)

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        return () if self.size == "global" else derive_spans(self.spans(inputs[0]))

    def describe_window(self, inputs: Sequence[Shape]) -> Told:
        return () if self.size == "global" else describe_window(self.pad, self.spans(inputs[0]))

    def describe_elsewhere(self, inputs: Sequence[Shape]) -> Told:
        return () if self.size == "global" else compare_pools(self.spans(inputs[0]))

    def check_arguments(self) -> None:
        if self.size == "global":
            for argument in ("stride", "pad"):
                if getattr(self, argument) not in (None, NO_PADDING):
                    raise LayerError(
                        "NS109",
                        f"takes no {argument}, because its window is the whole map",
                        argument=argument,
                        label="does nothing beside `global`",
                    )
        elif self.stride is None:
            step = self.size[0] if len(set(self.size)) == 1 else self.size
            raise LayerError(
                "NS108",
                "needs a stride",
                label="how far is it from window to window?",
                notes=[f"PyTorch would take the window's size, {self.size}, and Caffe 1"],
                help=[f"write `{self.kind} {self.size}, stride={step}` or `stride=1`"],
            )


def check_windows_see_the_map(span: WindowSpan, direction: str) -> None:
    """A window that lies in the padding has no maximum and no mean, so it is an error."""
    last = (span.output - 1) * span.stride - span.before
    for which, lost in (("first", span.size <= span.before), ("last", last >= span.input)):
        if lost:
            raise LayerError(
                "NS204",
                f"has a {which} window that lies wholly in the padding",
                argument="pad",
                label=f"in {direction}, {span.formula} = {span.output} windows of {span.size}",
                help=["pad by less than the window"],
            )


class MaxPool(Pool):
    """The largest number of each window. Padding never wins: it counts as minus infinity.

    A row of windows has floor((input + padding - size) / stride) + 1 places, with ceil for
    `round=up`, where a last window is dropped that would start beyond the input and its padding
    before: PyTorch always does so, Caffe only where there is padding. Darknet pads by size - 1 in
    all unless told otherwise, the smaller half before, so its maxpool of size 2 and stride 1 is
    `pad=0:1`. TensorFlow knows `pad=same` and no padding.
    """

    kind = "maxpool"

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        window = derive_product(self.effective_size(inputs[0]))
        return f"the largest of {window} numbers of its channel"


class AvgPool(Pool):
    """The mean of each window.

    The windows are those of maxpool, and what `round=up` adds beyond the padding is no part of a
    window and not counted, as in PyTorch and Caffe. Over a whole map (`global`) it is what PyTorch
    calls AdaptiveAvgPool2d(1), and Darknet's avgpool is always that one.
    """

    kind = "avgpool"

    count_pad: Truth = True
    """Whether the mean counts the padding's zeros. PyTorch (count_include_pad) and Caffe do,
    TensorFlow does not."""

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        (input,) = inputs
        mean = f"the mean of {derive_product(self.effective_size(input))} numbers of its channel"
        if not any(self.padding(input)):
            return mean
        return f"{mean}, the padding's zeros {'counted' if self.count_pad else 'not counted'}"


class AdaptiveAvgPool(Layer):
    """The mean of each of as many windows as the output is to have pixels, whatever the input.

    Window i of n over m pixels runs from floor(i m / n) to ceil((i + 1) m / n), end excluded, so
    windows may overlap and differ in size (PyTorch's AdaptiveAvgPool2d, which torchvision's AlexNet
    and VGG have before their first fc). Caffe and TensorFlow have nothing like it.
    """

    kind = "adaptiveavgpool"
    positional = ("size",)
    family: ClassVar[str] = "Pooling"

    size: Window
    """Height x width of the output."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        return Shape(input.channels, *self.size)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        (input,) = inputs
        return (
            (reach_of_part(input.height, output.height), reach_of_part(input.width, output.width)),
        )

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        ((rows, columns),) = self.list_reaches(inputs, output)
        window = rows.largest(output.height), columns.largest(output.width)
        return f"the mean of {derive_product(window)} numbers of its channel, or of fewer"


def reach_of_part(pixels: int, parts: int) -> Reach:
    """Window i runs from floor(i pixels / parts) to ceil((i + 1) pixels / parts), end excluded."""
    step = Fraction(pixels, parts)
    return Reach(step, -Fraction(parts - 1, parts), step - Fraction(1, parts))
