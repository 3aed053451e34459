"""How the images of a recipe are read: what of it is done while an image is decoded.

Images of a data set differ in size, and a batch has one. So the first `resize` that stands before
any `crop` is done image by image, on the CPU, whatever stands before it: nothing but a crop minds
the order. A `grey` that no arithmetic precedes is done there too.
"""

from collections.abc import Sequence
from itertools import dropwhile
from typing import NamedTuple

from netspec.recipe.data import Crop, Grey, Mirror, Resize, Transform
from netspec.schema import HeightWidth
from netspec.tensor import Shape
from netspec_torch.data.decoding import Form
from netspec_torch.data.images import colour_error


class Reading(NamedTuple):
    """The form that images are read in, and what is left to do."""

    form: Form
    rest: tuple[Transform, ...]
    note: str
    """What the plan has to say of it; empty where nothing."""


def plan_reading(transforms: Sequence[Transform], shape: Shape, channels: int | None) -> Reading:
    """Decide how images are read for a net whose input has the given shape.

    `channels` is what every image of the source has, None where they may differ. Raises DataError
    for colour images and a net that does not read them.
    """
    resize, rest, note = _plan_size(tuple(transforms), shape)
    colour, to_grey = _plan_channels(transforms, shape, channels)
    return Reading(Form(colour, to_grey, resize), rest, note)


def _plan_size(
    transforms: tuple[Transform, ...], shape: Shape
) -> tuple[int | HeightWidth | None, tuple[Transform, ...], str]:
    sizing = [transform for transform in transforms if isinstance(transform, Resize | Crop)]
    if not sizing:
        note = (
            "the recipe's data says neither `resize` nor `crop`: images that are not "
            f"{shape.height}x{shape.width} are stretched to it"
        )
        return HeightWidth(shape.height, shape.width), transforms, note
    first = sizing[0]
    if not isinstance(first, Resize):
        return None, transforms, ""
    return first.side, tuple(t for t in transforms if t is not first), ""


def _plan_channels(
    transforms: Sequence[Transform], shape: Shape, channels: int | None
) -> tuple[int, bool]:
    """The channels to read, and whether colour becomes luminance in doing so."""
    if channels == 1:
        return 1, False
    arithmetic = dropwhile(lambda t: isinstance(t, Resize | Crop | Mirror), transforms)
    if isinstance(next(arithmetic, None), Grey):
        return 1, True
    if shape.channels == 3 or any(isinstance(transform, Grey) for transform in transforms):
        return 3, False
    if channels == 3:
        raise colour_error("the data set")
    return 1, False
