"""Channels that do not split over the GPUs: one error a mistake, at the line that made it."""

import pytest

from tests.compiled import compile_text, summaries


def check(lines: str, gpus: int = 2) -> list[str]:
    return summaries(compile_text(f"net tiny {{\ngpus {gpus}\nx: input 3x8x8\n{lines}\n}}"))


@pytest.mark.parametrize(
    "lines",
    [
        "conv 8, 3x3",
        "conv 7, 3x3, gpu=0",
        "conv 7, 3x3, gpu=1\nfc 10",
        "conv 8, 3x3\nfc 9, gpu=0\nsoftmax gpu=0",
    ],
)
def test_what_splits_or_says_where_it_lies_is_accepted(lines: str) -> None:
    assert check(lines) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("conv 7, 3x3", ["NS205 4:1 conv"]),
        ("relu\nconv 8, 3x3", ["NS205 4:1 relu"]),
        ("conv 7, 3x3\nrelu\nmaxpool 2x2, stride=2", ["NS205 4:1 conv"]),
        ("conv 7, 3x3\nrelu\nconv 9, 1x1", ["NS205 4:1 conv", "NS205 6:1 conv"]),
        ("a: conv 7, 3x3\nb: conv 8, 3x3 from x\nconcat from a, b", ["NS205 4:4 conv"]),
        ("conv 7, 3x3, gpu=0\nrelu", ["NS205 5:1 relu"]),
        ("conv 8, 3x3\nfc 5", ["NS205 5:1 fc"]),
    ],
)
def test_the_line_that_brings_the_count_is_reported(lines: str, found: list[str]) -> None:
    assert check(lines) == found


def test_a_block_called_twice_with_one_count_is_one_mistake() -> None:
    program = compile_text(
        "block odd(n) { conv n, 3x3, pad=1 }\nnet tiny { gpus 2; input 4x8x8; odd 5; odd 5; odd 6 }"
    )
    assert summaries(program) == ["NS205 1:16 conv"]
    (diagnostic,) = program.diagnostics
    assert [label.text for label in diagnostic.secondary] == ["called here"]
    assert diagnostic.secondary[0].span.text == "odd"


def test_the_message_has_the_arithmetic_and_the_counts_that_would_do() -> None:
    (diagnostic,) = compile_text("net tiny { gpus 4; input 3x8x8; c: conv 7, 3x3 }").diagnostics
    assert diagnostic.headline == "c cannot split 7 channels over 4 GPUs"
    assert diagnostic.primary.text == "7 = 4 x 1 + 3"
    assert diagnostic.help == ("gpu=0 lays c whole on the first GPU; 4 or 8 channels would split",)
