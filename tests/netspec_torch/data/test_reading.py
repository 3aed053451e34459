"""What of a recipe is done while an image is read."""

import pytest

from netspec.recipe.data import Crop, Grey, Mirror, Resize, Scale, Subtract, Transform
from netspec.schema import HeightWidth
from netspec.tensor import Shape
from netspec.values import Word
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import DataError
from netspec_torch.data.reading import plan_reading

RESIZE, CROP, MIRROR, GREY = Resize(side=256), Crop.model_validate({"size": 224}), Mirror(), Grey()
MEAN = Subtract.model_validate({"value": Word("mean")})
COLOUR_NET = Shape(3, 224, 224)
GREY_NET = Shape(1, 224, 224)


@pytest.mark.parametrize(
    ("transforms", "resize", "rest"),
    [
        ([RESIZE, CROP, MIRROR], 256, (CROP, MIRROR)),
        ([MIRROR, MEAN, RESIZE, CROP], 256, (MIRROR, MEAN, CROP)),
        ([CROP, RESIZE], None, (CROP, RESIZE)),
        ([RESIZE, CROP, Resize(side=224)], 256, (CROP, Resize(side=224))),
        ([CROP], None, (CROP,)),
    ],
)
def test_first_resize_before_a_crop_is_done_in_reading(
    transforms: list[Transform], resize: int | None, rest: tuple[Transform, ...]
) -> None:
    reading = plan_reading(transforms, COLOUR_NET, None)
    assert reading.form == Form(3, to_grey=False, resize=resize)
    assert reading.rest == rest
    assert reading.note == ""


def test_without_resize_and_crop_images_are_stretched_and_it_is_said() -> None:
    reading = plan_reading([MIRROR], Shape(3, 20, 30), None)
    assert reading.form.resize == HeightWidth(20, 30)
    assert "images that are not 20x30 are stretched" in reading.note


@pytest.mark.parametrize(
    ("transforms", "net", "source", "channels", "to_grey"),
    [
        ([MEAN], COLOUR_NET, None, 3, False),
        ([MEAN], COLOUR_NET, 3, 3, False),
        ([MEAN], COLOUR_NET, 1, 1, False),
        ([MEAN], GREY_NET, 1, 1, False),
        ([MEAN], GREY_NET, None, 1, False),
        ([MEAN], Shape(5, 224, 224), 1, 1, False),
        ([RESIZE, MIRROR, GREY, MEAN], GREY_NET, None, 1, True),
        ([GREY], COLOUR_NET, 3, 1, True),
        ([MEAN, GREY], GREY_NET, 3, 3, False),
        ([Scale(factor=2), GREY], GREY_NET, None, 3, False),
    ],
)
def test_channels(
    transforms: list[Transform], net: Shape, source: int | None, channels: int, to_grey: bool
) -> None:
    form = plan_reading(transforms, net, source).form
    assert (form.channels, form.to_grey) == (channels, to_grey)


@pytest.mark.parametrize("net", [GREY_NET, Shape(4, 224, 224)])
def test_colour_for_a_net_that_does_not_read_it(net: Shape) -> None:
    with pytest.raises(DataError, match="the data set is in colour") as caught:
        plan_reading([MEAN], net, 3)
    assert "write `grey`" in caught.value.help
