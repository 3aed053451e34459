"""The values of the language, as they are between evaluation and a schema.

A number is exact (`int` or `Fraction`) until an operation leaves the rationals; truth is `bool`,
text is `str`. The other forms have a class here. How each is written again on the
screen is `format_value`.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

Number: TypeAlias = int | Fraction | float
Unit = Literal["epochs", "iterations", "images"]
UNITS: tuple[Unit, ...] = get_args(Unit)


class Word(str):
    """A bare word that an argument accepts: `same`, `up`, `relu`."""

    __slots__ = ()


class Size(tuple[int, ...]):
    """`11x11`, `3x224x224`: height x width, or channels x height x width."""

    __slots__ = ()


class Items(list[object]):
    """`[1, [2, 3]]`: a list. It never changes, and may stand in another several times."""

    size: int
    """How many values are in it, those in its lists counted: what it is to write it out."""
    depth: int
    """How many lists are inside each other, itself counted."""
    __slots__ = ("depth", "size")

    def __init__(self, values: Iterable[object]) -> None:
        super().__init__(values)
        inner = [value for value in self if isinstance(value, Items)]
        self.size = len(self) + sum(each.size for each in inner)
        self.depth = 1 + max((each.depth for each in inner), default=0)


class Padding(Struct, frozen=True):
    """`0:3`, `0x3:1x4`: what is padded before and after, each a number or height x width."""

    before: int | Size
    after: int | Size


class Amount(Struct, frozen=True):
    """A number with its unit: `30 epochs`."""

    number: Number
    unit: Unit


def format_number(number: Number) -> str:
    """Write a number as a file would: whole where it is whole, `0.1` for a tenth."""
    if isinstance(number, Fraction):
        if number.denominator == 1:
            return str(number.numerator)
        number = float(number)
    return f"{number:g}" if isinstance(number, float) else str(number)


def format_value(value: object) -> str:
    """Write a value as the language would."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | Fraction() | float():
            return format_number(value)
        case Word():
            return str(value)
        case str():
            return f'"{value}"'
        case Size():
            return "x".join(map(str, value))
        case Padding(before, after):
            return f"{format_value(before)}:{format_value(after)}"
        case Amount(number, unit):
            return f"{format_number(number)} {unit}"
        case Items():
            return f"[{', '.join(map(format_value, value))}]"
        case _:
            return str(value)


def write_setting(value: object) -> str:
    """A Python value as the language writes it; text is taken to be in the language already."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return f"[{', '.join(map(write_setting, value))}]"
        case _:
            return str(value)


def spell_value(value: object) -> str:
    """Write a value so that reading it gives the same, whatever its length."""
    match value:
        case bool() | Word() | str() | Size() | Padding():
            return format_value(value)
        case Amount(number, unit):
            return f"{spell_value(number)} {unit}"
        case Items():
            return f"[{', '.join(map(spell_value, value))}]"
        case Fraction():
            decimal = repr(float(value))
            return decimal if Fraction(decimal) == value else str(value)
        case _:
            return str(value)


def describe_value(value: object) -> str:
    """Name a value and its kind for a message: ``the size 3x3``, ``the word `same` ``."""
    match value:
        case bool():
            return f"`{format_value(value)}`"
        case int() | Fraction() | float():
            return format_number(value)
        case Word():
            return f"the word `{value}`"
        case str():
            return f'the text "{value}"'
        case Size():
            return f"the size {format_value(value)}"
        case Padding():
            return f"the padding {format_value(value)}"
        case Amount():
            return f"the amount {format_value(value)}"
        case Items():
            return f"a list of {len(value)}"
        case _:
            return f"`{value}`"
