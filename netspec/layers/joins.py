"""Several tensors into one: add, multiply, maximum, concat."""

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar, Literal

from netspec.layers.base import Layer, LayerError
from netspec.schema import Real
from netspec.tensor import SAME_PIXEL, Interval, Reach, Shape, whole_map


class Join(Layer):
    """What the joins share: they read one tensor or more, and one alone passes through."""

    family: ClassVar[str] = "Joins"
    takes: ClassVar[Literal["none", "one", "some"]] = "some"


class Elementwise(Join):
    """A join of tensors that have one shape."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        for number, shape in enumerate(inputs, start=1):
            if shape != inputs[0]:
                raise LayerError(
                    "NS201",
                    describe_shapes((1, inputs[0]), (number, shape)),
                    label=f"{self.kind} needs equal shapes",
                    help=suggest_repair(inputs[0], number, shape),
                )
        return inputs[0]


class Add(Elementwise):
    """The sum, number by number: Caffe's Eltwise with SUM, Darknet's shortcut."""

    kind = "add"

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"the sum of {len(inputs)} numbers, one of each input"


class Maximum(Elementwise):
    """The largest, number by number: Caffe's Eltwise with MAX."""

    kind = "maximum"

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"the largest of {len(inputs)} numbers, one of each input"


class Multiply(Join):
    """The product, number by number, or of one tensor with a constant `factor`.

    Beside tensors of C x H x W it takes C x 1 x 1, which stands for every position, and 1 x H x W,
    which stands for every channel. PyTorch and TensorFlow do so of themselves and with more shapes;
    Caffe's Eltwise with PROD wants equal ones, its Scale layer takes the others.
    """

    kind = "multiply"
    positional = ("factor",)

    factor: Real | None = None
    """A constant factor on a single input."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        if self.factor is not None and len(inputs) > 1:
            raise LayerError(
                "NS118",
                f"has a constant factor and {len(inputs)} inputs",
                argument="factor",
                label="takes a single input",
            )
        largest = max(inputs, key=lambda shape: shape.elements)
        spread = (largest, Shape(largest.channels), Shape(1, largest.height, largest.width))
        for number, shape in enumerate(inputs, start=1):
            if shape not in spread:
                taken = " or ".join(dict.fromkeys(map(spell_out, spread)))
                wanted = Shape(largest.channels) if shape.is_vector else largest
                raise LayerError(
                    "NS201",
                    describe_shapes((inputs.index(largest) + 1, largest), (number, shape)),
                    label=f"input {number} would have to be {taken}",
                    help=suggest_repair(wanted, number, shape),
                )
        return largest

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        one = Interval(0, 1)
        return tuple((wanted if shape.channels > 1 else one,) for shape in inputs)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        """The one pixel of C x 1 x 1 is read at every position."""
        same = SAME_PIXEL, SAME_PIXEL
        return tuple(whole_map(shape) if shape.is_vector else same for shape in inputs)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        if self.factor is not None:
            return f"{self.factor:g} x"
        product = f"the product of {len(inputs)} numbers, one of each input"
        spread = [shape for shape in dict.fromkeys(inputs) if shape != output]
        for shape in spread:
            everywhere = "position" if shape.is_vector else "channel"
            product += f"; {spell_out(shape)} stands for every {everywhere}"
        return product


class Concat(Join):
    """The channels of all inputs, one input after the other, as in Caffe (and in Darknet's route).

    Height and width have to be equal. TensorFlow's channels are the last dimension.
    """

    kind = "concat"

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        for number, shape in enumerate(inputs, start=1):
            if shape[1:] != inputs[0][1:]:
                raise LayerError(
                    "NS201",
                    describe_shapes((1, inputs[0]), (number, shape)),
                    label="concat needs equal height and width",
                    help=suggest_repair(inputs[0], number, shape),
                )
        return inputs[0]._replace(channels=sum(shape.channels for shape in inputs))

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        channels = " + ".join(f"{shape.channels:,}" for shape in inputs)
        return (f"channels: {channels} = {output.channels:,}",)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return "a number of one of the inputs, as it is"

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        reads: list[tuple[Interval, ...]] = []
        offset = 0
        for shape in inputs:
            start = max(wanted.start - offset, 0)
            end = min(wanted.end - offset, shape.channels)
            reads.append((Interval(start, end),) if start < end else ())
            offset += shape.channels
        return tuple(reads)


def describe_shapes(*inputs: tuple[int, Shape]) -> str:
    """Two inputs that do not go together, each with its number, counted from 1."""
    described = (f"input {number} is {spell_out(shape)}" for number, shape in sorted(inputs))
    return f"cannot join its inputs: {', '.join(described)}"


def suggest_repair(first: Shape, number: int, shape: Shape) -> list[str]:
    """An edit that would bring one input to the other's shape, where a simple one does."""
    if shape[1:] == first[1:]:
        wanted = first.channels
        return [f"`conv {wanted}, 1x1` would bring input {number} to {wanted} channels"]
    small, large = sorted((first[1:], shape[1:]))
    steps = {Fraction(*extents) for extents in zip(large, small, strict=True)}
    step = steps.pop()
    if steps or step.denominator > 1 or small == (1, 1):
        return []
    return [
        f"`stride={step}` on the way to the input of {large[0]}x{large[1]} would make it "
        f"{small[0]}x{small[1]}"
    ]


def spell_out(shape: Shape) -> str:
    """All three parts, also of a vector, because here they are compared one by one."""
    return "x".join(map(str, shape))
