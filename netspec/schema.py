"""What a line's arguments may be: the base of every schema, and the types that its fields use.

A layer kind, a starting value and a line of a recipe are all the same thing to the reader: a word
with arguments. Each is one `Schema` class, and the class alone decides which arguments exist, their
order, defaults, ranges and documentation. Values come from `netspec.values`; a field's type turns
them into what the rest of the house computes with, or says what it wanted instead. How a refusal
becomes a diagnostic with a place is decided in `compiler/arguments.py`, not here.
"""

from fractions import Fraction
from math import inf, isfinite
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from netspec.values import Amount, Padding, Size, Word, describe_value

LARGEST_WHOLE = 2**53


class Schema(BaseModel):
    """A word of the language with its arguments as fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    kind: ClassVar[str]
    """The word that a file writes."""
    positional: ClassVar[tuple[str, ...]] = ()
    """The fields that may be given without their name, in order."""


def refuse(message: str) -> PydanticCustomError:
    """A refusal that completes the sentence "`stride` …"."""
    return PydanticCustomError("netspec", "{message}", {"message": message})


def _as_whole(value: object, wanted: str = "a whole number") -> int:
    if isinstance(value, bool) or not isinstance(value, int | Fraction | float):
        raise refuse(f"must be {wanted}, not {describe_value(value)}")
    if value != value // 1:
        raise refuse(f"must be {wanted}, not {describe_value(value)}")
    if not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
        raise refuse(f"must be at most 2^53, not {describe_value(value)}")
    return int(value)


def as_real(value: object) -> float:
    """A number as a float; raises the refusal of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction | float):
        raise refuse(f"must be a number, not {describe_value(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = inf
    if not isfinite(number):
        raise refuse("must be a number that a computer's float can hold, below 1e308")
    return number


def as_truth(value: object) -> bool:
    """yes or no as it is; raises the refusal of anything else."""
    if not isinstance(value, bool):
        raise refuse(f"must be yes or no, not {describe_value(value)}")
    return value


def _as_word(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Word):
        raise refuse(f"must be a bare word, not {describe_value(value)}")
    return str(value) if isinstance(value, Word) else value


def _as_text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Word):
        raise refuse(f"must be text in double quotes, not {describe_value(value)}")
    return value


def _as_pair(value: object, least: int) -> "HeightWidth":
    wanted = "a size such as 3x3"
    if isinstance(value, Size):
        if len(value) != 2:
            raise refuse(f"must be height x width, not {describe_value(value)}")
        pair = HeightWidth(*value)
    else:
        pair = HeightWidth(*[_as_whole(value, wanted)] * 2)
    if min(pair) < least:
        raise refuse(f"must be at least {least}, not {describe_value(value)}")
    return pair


class HeightWidth(NamedTuple):
    """A pair for the two directions of a map."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


class Sides(NamedTuple):
    """Padding in pixels on the four sides of a map."""

    top: int
    bottom: int
    left: int
    right: int


def _as_sides(value: object) -> Sides:
    if isinstance(value, Padding):
        before, after = (_as_pair(side, least=0) for side in (value.before, value.after))
    else:
        before = after = _as_pair(value, least=0)
    return Sides(before.height, after.height, before.width, after.width)


def _as_padding(value: object) -> Sides | str:
    if isinstance(value, Word):
        if value not in ("same", "half"):
            raise refuse(f"must be a number, `same` or `half`, not {describe_value(value)}")
        return str(value)
    return _as_sides(value)


def _as_window_or_global(value: object) -> "HeightWidth | str":
    if isinstance(value, Word):
        if value != "global":
            raise refuse(f"must be a size such as 3x3, or `global`, not {describe_value(value)}")
        return str(value)
    return _as_pair(value, least=1)


def _as_amount(value: object) -> Amount:
    """A plain number counts epochs (`docs/reference/recipe.md`)."""
    amount = value if isinstance(value, Amount) else Amount(as_real(value), "epochs")
    if amount.number <= 0:
        raise refuse(f"must be more than 0, not {describe_value(value)}")
    return amount


Whole = Annotated[int, BeforeValidator(_as_whole), Field(ge=0)]
Count = Annotated[int, BeforeValidator(_as_whole), Field(ge=1)]
Real = Annotated[float, BeforeValidator(as_real)]
Factor = Annotated[float, BeforeValidator(as_real), Field(ge=0)]
Share = Annotated[float, BeforeValidator(as_real), Field(ge=0, lt=1)]
Truth = Annotated[bool, BeforeValidator(as_truth)]
Text = Annotated[str, BeforeValidator(_as_text)]
Window = Annotated[HeightWidth, PlainValidator(lambda value: _as_pair(value, least=1))]
Pixels = Annotated[HeightWidth, PlainValidator(lambda value: _as_pair(value, least=0))]
WindowOrGlobal = Annotated[HeightWidth | Literal["global"], PlainValidator(_as_window_or_global)]
SidesOnly = Annotated[Sides, PlainValidator(_as_sides)]
PaddingArgument = Annotated[Sides | Literal["same", "half"], PlainValidator(_as_padding)]
AmountArgument = Annotated[Amount, PlainValidator(_as_amount)]
IsWord = BeforeValidator(_as_word)
"""Put beside a `Literal[...]`: the words are bare, text in quotes is refused."""
