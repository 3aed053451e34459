"""What a training computes on, as far as a command line says: the memory of each device, and in
which precision layers compute. A recipe says neither. Which devices there are is a backend's to
find out.

Also how an amount of memory is written for people.
"""

from typing import Literal

from msgspec import Struct

Precision = Literal["float32", "bf16"]
"""bf16: convolutions and matrices in bfloat16 under autocast, weights and updates in float32."""


class Device(Struct, frozen=True):
    """A device that nets are to be trained on, or each of several alike."""

    memory: int | None = None
    """Its bytes; None where nothing is said of them."""
    precision: Precision = "float32"


def show_bytes(number: int) -> str:
    """`3.1 GiB`, `232.6 MiB`, `1.5 KiB`, `40 bytes`."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if number >= unit:
            return f"{number / unit:,.1f} {name}"
    return "1 byte" if number == 1 else f"{number:,} bytes"
