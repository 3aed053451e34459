"""Where images come in: input."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import PlainValidator

from netspec.layers.base import Layer
from netspec.schema import refuse
from netspec.tensor import Shape
from netspec.values import Size, describe_value


def _as_shape(value: object) -> Shape:
    wanted = "must be channels x height x width, such as 3x224x224 (a vector is 100x1x1)"
    if not isinstance(value, Size) or len(value) != 3:
        raise refuse(f"{wanted}, not {describe_value(value)}")
    if min(value) < 1:
        raise refuse(f"must be at least 1 in each direction, not {describe_value(value)}")
    return Shape(*value)


class Input(Layer):
    """The tensor that the net is given, an image at a time.

    Caffe and PyTorch have the same order, behind the number of images; TensorFlow's is height,
    width, channels.
    """

    kind = "input"
    positional = ("size",)
    family: ClassVar[str] = "Input"
    takes: ClassVar[Literal["none", "one", "some"]] = "none"

    size: Annotated[Shape, PlainValidator(_as_shape)]
    """Channels x height x width."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        return self.size

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return "as the image has it, or what the recipe makes of it"
