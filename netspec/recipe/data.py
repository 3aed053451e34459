"""The `data` line and what it does to images: one schema a transform, done in the file's order.

Pixels are floats from 0 to 255, channels red, green, blue, until the recipe changes them. Decided
here: which transforms there are, their arguments, and which of them are random. How an image is
decoded and how a transform is computed on a batch is the target's.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from netspec.schema import Count, Factor, IsWord, Real, Schema, Window, refuse
from netspec.values import Word, describe_value


def _as_name(value: object) -> str:
    if not isinstance(value, str):
        raise refuse(f"must be a name, not {describe_value(value)}")
    return str(value)


def _as_numbers(value: object, words: str) -> tuple[float, ...]:
    """One number, for all channels, or one a channel."""
    entries = value if isinstance(value, list) else [value]
    if not entries:
        raise refuse(f"must be {words}, not an empty list")
    numbers = []
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, int | Fraction | float):
            raise refuse(f"must be {words}, not {describe_value(entry)}")
        numbers.append(float(entry))
    return tuple(numbers)


def _as_subtrahend(value: object) -> tuple[float, ...] | str:
    if isinstance(value, Word) and value == "mean":
        return "mean"
    return _as_numbers(value, "`mean`, a number, or a list with one number a channel")


def _as_divisor(value: object) -> tuple[float, ...] | str:
    if isinstance(value, Word) and value == "std":
        return "std"
    numbers = _as_numbers(value, "`std`, a number, or a list with one number a channel")
    if min(numbers) <= 0:
        raise refuse(f"must be more than 0, not {describe_value(value)}")
    return numbers


Numbers = tuple[float, ...]
Name = Annotated[str, PlainValidator(_as_name)]
Subtrahend = Annotated[Numbers | Literal["mean"], PlainValidator(_as_subtrahend)]
Divisor = Annotated[Numbers | Literal["std"], PlainValidator(_as_divisor)]


class Transform(Schema):
    """One thing that is done to every image."""

    is_random: ClassVar[bool] = False
    """Whether it has no part in a test. A crop has: there it takes the centre."""


class Resize(Transform):
    """Scales an image, its proportions kept, until its shorter side has the given length, and keeps
    the centre square of it (Krizhevsky et al. 2012, section 2)."""

    kind = "resize"
    positional = ("side",)

    side: Count
    """The side of the square in pixels; the paper's is 256. Caffe's convert_imageset stretches both
    sides instead; torchvision's Resize keeps the whole of the longer side."""


class Crop(Transform):
    """Cuts a window out of an image: at a random place in training, every place as likely; at the
    centre in a test."""

    kind = "crop"
    positional = ("size",)

    size: Window
    """Height x width in pixels. It must be the net's input."""
    at: Annotated[Literal["centre"], IsWord] | None = None
    """`centre`: there in training too, as torchvision's CenterCrop, and as Caffe's crop_size in a
    test."""


class Mirror(Transform):
    """Swaps left and right of every second image, drawn with probability 1/2."""

    kind = "mirror"
    is_random = True


class Scale(Transform):
    """Multiplies every pixel."""

    kind = "scale"
    positional = ("factor",)

    factor: Annotated[Real, Field(gt=0)]
    """The factor: `1 / 255` gives pixels from 0 to 1, as torchvision's ToTensor. In Caffe's
    transform_param it applies after the mean; here it applies where it stands."""


class Subtract(Transform):
    """Subtracts a mean or given numbers: one of `mean`, `mean=channel` and numbers."""

    kind = "subtract"
    positional = ("value",)

    value: Subtrahend | None = None
    """`mean`: the per-pixel mean of the training images, at its centre for every crop, as the 2012
    code has it (Caffe takes it at the crop's own place). Or a number, or a list with one number a
    channel, in the order red, green, blue (Caffe's lists are blue, green, red)."""
    mean: Annotated[Literal["pixel", "channel"], IsWord] | None = None
    """`channel`: one mean for each channel, over the training images; `pixel`: the same as `mean`
    alone."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value is None) == (self.mean is None):
            raise refuse("takes one of `mean`, `mean=channel` and numbers")
        return self

    @property
    def statistic(self) -> Literal["pixel", "channel"] | None:
        """What has to be measured on the training images; None where the numbers are given."""
        return "pixel" if self.value == "mean" else self.mean

    @property
    def numbers(self) -> Numbers:
        """The numbers given: one for all channels or one each; empty for a mean."""
        return self.value if isinstance(self.value, tuple) else ()


class Divide(Transform):
    """Divides every pixel by a number, by one number a channel, or by the spread of the channel."""

    kind = "divide"
    positional = ("value",)

    value: Divisor
    """A number, a list with one number a channel (red, green, blue), or `std`: the standard
    deviation of each channel over the pixels of the training images. The paper and Caffe's AlexNet
    divide by nothing."""

    @property
    def numbers(self) -> Numbers:
        """The numbers given: one for all channels or one each; empty for `std`."""
        return self.value if isinstance(self.value, tuple) else ()


class Lighting(Transform):
    """Shifts an image's colour along the principal components of colour of the training images.

    Adds sum over p of p * sqrt(eigenvalue of p) * N(0, std), on the 0 to 255 scale (Krizhevsky et
    al. 2012, section 4.1; the text prints the eigenvalue itself, the code that made its numbers
    takes the square root, which is the spread along the component).
    """

    kind = "lighting"
    positional = ("std",)
    is_random = True

    std: Factor
    """Standard deviation of the factor drawn for each component and image; the paper's is 0.1."""


class Grey(Transform):
    """Turns colour into its luminance (0.299 red + 0.587 green + 0.114 blue, ITU-R BT.601), in as
    many equal channels as the net reads."""

    kind = "grey"


class Data(Schema):
    """Which data set a net is trained on, and in braces what is done to its images.

    Where the data lies is said on the command line (`--data`), never in the file.
    """

    kind = "data"
    positional = ("name",)

    name: Name
    """The data set's name: a bare word, or text in quotes."""


class TestData(Schema):
    """In braces: what is done to a test image. Without the line: what training does, without what
    is random."""

    __test__ = False
    kind = "data"


TRANSFORMS: dict[str, type[Transform]] = {
    transform.kind: transform
    for transform in (Resize, Crop, Mirror, Scale, Subtract, Divide, Lighting, Grey)
}
"""Every transform by its word."""


def test_transforms_from(train: Sequence[Transform]) -> tuple[Transform, ...]:
    """What is done to a test image where `test` does not say: training's list without what is
    random."""
    return tuple(transform for transform in train if not transform.is_random)


test_transforms_from.__test__ = False  # type: ignore[attr-defined]
