"""The tree: what a file says, word for word, with the place of every word. No name is resolved here
and no value computed; `compiler/` does both.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from netspec.source import SourceFile, Span
from netspec.values import Unit


@dataclass(frozen=True, slots=True)
class Name:
    """A word with its place: a label, an argument's name, a reference."""

    text: str
    span: Span


# Expressions


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written; `precision` is the worth of its last written digit."""

    value: int | Fraction
    precision: Fraction
    span: Span


@dataclass(frozen=True, slots=True)
class AmountOf:
    """A number with a unit: `30 epochs`."""

    number: Number
    unit: Unit
    span: Span


@dataclass(frozen=True, slots=True)
class SizeOf:
    """`3x224x224`, or `3 x r x r` with any values as parts."""

    parts: tuple["Expression", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class PaddingOf:
    """`before : after`."""

    before: "Expression"
    after: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """Text in double quotes."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Truth:
    """`yes` or `no`."""

    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[1, 2, 3]`."""

    items: tuple["Expression", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A name where a value stands."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Part:
    """`NAME.channels`, `NAME.height`, `NAME.width`."""

    of: "Expression"
    part: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`t[0]`."""

    of: "Expression"
    index: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`max(a, b)`, `normal(0.01)`."""

    function: Name
    arguments: tuple["Argument", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `not a`."""

    operator: str
    operand: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b` and the other operators with two sides, comparisons among them."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if c then a else b`."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    span: Span


Expression: TypeAlias = (
    Number
    | AmountOf
    | SizeOf
    | PaddingOf
    | Text
    | Truth
    | ListOf
    | Reference
    | Part
    | Index
    | Call
    | Unary
    | Binary
    | Conditional
)


@dataclass(frozen=True, slots=True)
class Argument:
    """A value, with the name it is given to where it has one."""

    name: Name | None
    value: Expression
    span: Span


# Lines


@dataclass(frozen=True, slots=True)
class Claim:
    """`96x55x55`, `params 35k`, `macs 724M`: what is claimed and the number or size as written."""

    about: Name | None
    """The word before the number; None where a shape is claimed."""
    value: Number | SizeOf
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    """Lines between braces."""

    lines: tuple["Line", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    name: Name
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`if c { } else if d { } else { }`; the arms in order, the last `else` apart."""

    arms: tuple[tuple[Expression, Body], ...]
    otherwise: Body | None
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    count: Expression
    index: Name | None
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table that `for` runs over."""

    values: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    """Over the rows of a table, or the items of a list."""

    names: tuple[Name, ...]
    rows: tuple[Row, ...] | Expression
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Default:
    """`default conv, fc { init=normal(0.01) }`."""

    kinds: tuple[Name, ...]
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    claims: tuple[Claim, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Output:
    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Flow:
    """`from h` alone on a line: h flows from there."""

    label: Name | None
    sources: tuple[Name, ...]
    claims: tuple[Claim, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Branch:
    label: Name | None
    keyword: Name
    body: Body
    claims: tuple[Claim, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class LayerLine:
    """A layer, a call, a join, a head, an `again`; in a recipe, a word with its arguments."""

    label: Name | None
    kind: Name
    arguments: tuple[Argument, ...]
    sources: tuple[Name, ...] | None
    """What stands after `from`."""
    body: Body | None
    claims: tuple[Claim, ...]
    span: Span


Line: TypeAlias = Let | If | Repeat | For | Default | Expect | Output | Flow | Branch | LayerLine


# Items


@dataclass(frozen=True, slots=True)
class Parameter:
    name: Name
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Use:
    path: Text
    span: Span


@dataclass(frozen=True, slots=True)
class Net:
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class DerivedNet:
    """`net resnet50 = resnet(counts=[3, 4, 6, 3]) { expect … }`."""

    name: Name
    base: Name
    arguments: tuple[Argument, ...]
    body: Body | None
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    name: Name
    parameters: tuple[Parameter, ...]
    inputs: tuple[Name, ...]
    body: Body
    span: Span


@dataclass(frozen=True, slots=True)
class Section:
    """`train { … }`, `test NAME { … }`."""

    kind: Name
    net: Name | None
    body: Body
    span: Span


Item: TypeAlias = Use | Net | DerivedNet | Block | Section


@dataclass(frozen=True, slots=True)
class File:
    """A parsed file; `comments` are the spans of its comments, signs included, in order."""

    source: SourceFile
    items: tuple[Item, ...]
    comments: tuple[Span, ...]
