"""Reports on data sets as lines and as JSON."""

import json

import pytest
from msgspec.structs import replace

from netspec.recipe.data_report import (
    BrokenImage,
    DataReport,
    DataTiming,
    PackReport,
    PartReport,
    PixelReport,
    describe_data,
    describe_packing,
    describe_timing,
)

BROKEN = tuple(BrokenImage(f"{i}.jpg", "is empty") for i in range(23))
PIXELS = PixelReport(
    images=4,
    heights=(300, 20, 50),
    widths=(200, 30, 50),
    grey=1,
    bytes=5 * 2**20,
    mean=(1.0, 2.5, 3.0),
    std=(4.0, 5.0, 6.0),
    broken=BROKEN[:1],
)
REPORT = DataReport(
    name="flowers",
    kind="class folders",
    origin="here/flowers",
    division="the folders train/ and val/",
    classes=tuple(f"c{i}" for i in range(12)),
    train=PartReport(30, (2,) * 6 + (3,) * 6),
    held_out=PartReport(12, (1,) * 12),
    pixels=PIXELS,
    notes=("a note",),
)


def test_a_data_set_as_lines() -> None:
    assert describe_data(REPORT) == [
        ("data", "flowers, class folders (here/flowers)"),
        ("", "the folders train/ and val/"),
        ("", "a note"),
        ("classes", "12: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more"),
        ("images", "30 to train on, 2 or 3 of each class"),
        ("", "12 held out, 1 of each class"),
        ("files", "5.0 MiB, 1.2 MiB an image"),
        (
            "sizes",
            "shorter side 20 to 200 pixels, median 50; longer side 30 to 300 pixels, median 50",
        ),
        ("", "1 of 4 images are grey"),
        (
            "mean",
            "[1.00, 2.50, 3.00], standard deviation [4.00, 5.00, 6.00], of the training images",
        ),
        ("broken", "1 image that cannot be read"),
        ("", "0.jpg is empty"),
    ]


def test_a_data_set_as_json() -> None:
    found = json.loads(json.dumps(REPORT.to_json()))
    assert found["pixels"]["shorter_side"] == {"min": 20, "median": 50, "max": 200}
    assert found["pixels"]["longer_side"] == {"min": 30, "median": 50, "max": 300}
    assert found["pixels"]["broken"] == [{"name": "0.jpg", "reason": "is empty"}]
    assert found["held_out"]["images"] == 12
    bare = replace(REPORT, pixels=None)
    assert bare.to_json()["pixels"] is None


@pytest.mark.parametrize(("reading", "limit"), [(100, "reading"), (300, "step")])
def test_the_slower_one_is_the_limit(reading: float, limit: str) -> None:
    timing = DataTiming("net", "cpu", 32, reading, 200, 80, ("kept",))
    assert timing.limit == timing.to_json()["limit"] == limit
    lines = describe_timing(timing)
    assert lines[0] == ("time", "net on cpu, batches of 32 images")
    assert ("", "training step alone: 200 images/s") in lines
    assert ("", "kept") in lines
    assert lines[-1][0] == "limit"
    assert ("packed images" in lines[-1][1]) == (limit == "reading")


def test_a_packing_names_some_of_what_was_left_out() -> None:
    lines = describe_packing(PackReport("out", 2, 8, 3, 2, 1000, 5, BROKEN))
    assert lines[:3] == [
        (
            "packed",
            "8 images to train on, 3 held out, of 2 classes, in 2 shards (1,000 bytes)",
        ),
        ("", "an earlier packing had done 5 of them"),
        ("left out", "23 images that cannot be read"),
    ]
    assert lines[-3:] == [("", "19.jpg is empty"), ("", "and 3 more"), ("into", "out")]
    assert describe_packing(PackReport("out", 2, 8, 3, 2, 1000, 0, ()))[1:] == [("into", "out")]
