"""Amounts on a command line."""

from collections.abc import Callable

import pytest

from netspec.cli.amounts import parse_link, parse_memory, parse_speed

Parse = Callable[[str], float]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80GB", 80_000_000_000),
        ("3GB", 3_000_000_000),
        ("16GiB", 16 * 2**30),
        ("1.5 kB", 1500),
        ("500MB", 500_000_000),
        ("2000B", 2000),
    ],
)
def test_memory(text: str, expected: int) -> None:
    assert parse_memory(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("25GB/s", 25e9), ("200Gbit/s", 25e9), ("1GiB/s", float(2**30))]
)
def test_bytes_a_second(text: str, expected: float) -> None:
    assert parse_link(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("60TFLOP/s", 60e12), ("60TFLOPS", 60e12), ("500MFLOP/s", 5e8)]
)
def test_operations_a_second(text: str, expected: float) -> None:
    assert parse_speed(text) == expected


@pytest.mark.parametrize(
    ("parse", "texts", "says"),
    [
        (parse_memory, ["3", "GB", "3GB/s", "-3GB", "3gb", "3TFLOP", "1e9B", ""], "such as 80GB"),
        (parse_memory, ["0GB", "0.0GiB"], "is nothing"),
        (parse_link, ["25GB", "25TFLOP/s", "25"], "such as 25GB/s"),
        (parse_speed, ["60TFLOP", "60TB/s"], "such as 60TFLOP/s"),
    ],
)
def test_what_is_no_such_amount(parse: Parse, texts: list[str], says: str) -> None:
    for text in texts:
        with pytest.raises(ValueError, match=says):
            parse(text)
