"""Amounts as options have them: bytes, and bytes or operations a second, with a unit.

All raise ValueError, with what the amount should be, where a text is something else.
"""

import re

AMOUNT = re.compile(
    r"(?P<number>\d+(?:\.\d+)?) ?(?P<prefix>[kKMGTP]?)(?P<binary>i?)"
    r"(?P<unit>B|Byte|bit|FLOP)(?P<rate>/s|S)?"
)
POWERS = "kMGTP"


def parse_memory(text: str) -> int:
    """`80GB` (10^9 bytes each) or `16GiB` (2^30) as bytes."""
    return int(parse_amount(text, "80GB", is_rate=False))


def parse_link(text: str) -> float:
    """`25GB/s`, `200Gbit/s` as bytes a second."""
    return parse_amount(text, "25GB/s", is_rate=True)


def parse_speed(text: str) -> float:
    """`60TFLOP/s` as operations a second."""
    return parse_amount(text, "60TFLOP/s", is_rate=True, is_work=True)


def parse_amount(text: str, example: str, *, is_rate: bool, is_work: bool = False) -> float:
    """Bytes, or operations where it is work; a second where it is a rate."""
    found = AMOUNT.fullmatch(text)
    if not found or bool(found["rate"]) != is_rate or (found["unit"] == "FLOP") != is_work:
        raise ValueError(f"`{text}` should be an amount such as {example}")
    base = 1024.0 if found["binary"] else 1000.0
    prefix = found["prefix"].replace("K", "k")
    factor = base ** (POWERS.index(prefix) + 1) if prefix else 1.0
    number = float(found["number"]) * factor / (8 if found["unit"] == "bit" else 1)
    if not number:
        raise ValueError(f"`{text}` is nothing")
    return number
