"""Channels in groups: equal runs of neighbouring channels that a layer treats apart.

Group g of G holds the channels g C/G to (g + 1) C/G - 1, in the input as in the output.
"""

from math import gcd

from netspec.layers.base import LayerError
from netspec.tensor import Interval

SHOWN_DIVISORS = 12
LARGEST_SHOWN = 1024


def check_groups(groups: int, inputs: int, outputs: int | None = None) -> None:
    """The input channels, and the output channels where a layer chooses them, must divide."""
    for count, which in ((inputs, "input"), (outputs or inputs, "output")):
        if count % groups:
            whole, rest = divmod(count, groups)
            raise LayerError(
                "NS203",
                f"cannot split {count} {which} channels into {groups} groups",
                argument="groups",
                label=f"{count} = {groups} x {whole} + {rest}",
                help=[describe_divisors(inputs, outputs)],
            )


def describe_divisors(inputs: int, outputs: int | None) -> str:
    """The group counts that would do, smallest first, for a help line."""
    common = gcd(inputs, outputs or inputs)
    small = [n for n in range(1, min(common, LARGEST_SHOWN) + 1) if common % n == 0]
    shown = small[:SHOWN_DIVISORS]
    more = ", …" if shown[-1] < common else ""
    verb = "divides" if common == 1 else "divide"
    whom = str(inputs) if outputs is None else f"both {inputs} and {outputs}"
    return f"{', '.join(map(str, shown))}{more} {verb} {whom}"


def group_reads(inputs: int, outputs: int, groups: int, wanted: Interval) -> tuple[Interval, ...]:
    """The input channels of the groups that the wanted output channels belong to."""
    first = wanted.start * groups // outputs
    last = -(-wanted.end * groups // outputs)
    each = inputs // groups
    return (Interval(first * each, last * each),)
