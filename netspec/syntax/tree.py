"""The tree: what a file says, word for word, with the place of every word. No name is resolved here
and no value computed; `compiler/` does both.
"""

from fractions import Fraction
from typing import TypeAlias

from msgspec import Struct

from netspec.source import SourceFile, Span
from netspec.values import Unit


class Name(Struct, frozen=True):
    """A word with its place: a label, an argument's name, a reference."""

    text: str
    span: Span


# Expressions


class Number(Struct, frozen=True):
    """A number as written; `precision` is the worth of its last written digit."""

    value: int | Fraction
    precision: Fraction
    span: Span


class AmountOf(Struct, frozen=True):
    """A number with a unit: `30 epochs`."""

    number: Number
    unit: Unit
    span: Span


class SizeOf(Struct, frozen=True):
    """`3x224x224`, or `3 x r x r` with any values as parts."""

    parts: tuple["Expression", ...]
    span: Span


class PaddingOf(Struct, frozen=True):
    """`before : after`."""

    before: "Expression"
    after: "Expression"
    span: Span


class Text(Struct, frozen=True):
    """Text in double quotes."""

    value: str
    span: Span


class Truth(Struct, frozen=True):
    """`yes` or `no`."""

    value: bool
    span: Span


class ListOf(Struct, frozen=True):
    """`[1, 2, 3]`."""

    items: tuple["Expression", ...]
    span: Span


class Reference(Struct, frozen=True):
    """A name where a value stands."""

    text: str
    span: Span


class Part(Struct, frozen=True):
    """`NAME.channels`, `NAME.height`, `NAME.width`."""

    of: "Expression"
    part: Name
    span: Span


class Index(Struct, frozen=True):
    """`t[0]`."""

    of: "Expression"
    index: "Expression"
    span: Span


class Call(Struct, frozen=True):
    """`max(a, b)`, `normal(0.01)`."""

    function: Name
    arguments: tuple["Argument", ...]
    span: Span


class Unary(Struct, frozen=True):
    """`-a`, `not a`."""

    operator: str
    operand: "Expression"
    span: Span


class Binary(Struct, frozen=True):
    """`a + b` and the other operators with two sides, comparisons among them."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span


class Conditional(Struct, frozen=True):
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


class Argument(Struct, frozen=True):
    """A value, with the name it is given to where it has one."""

    name: Name | None
    value: Expression
    span: Span


# Lines


class Claim(Struct, frozen=True):
    """`96x55x55`, `params 35k`, `macs 724M`: what is claimed and the number or size as written."""

    about: Name | None
    """The word before the number; None where a shape is claimed."""
    value: Number | SizeOf
    span: Span


class Body(Struct, frozen=True):
    """Lines between braces."""

    lines: tuple["Line", ...]
    span: Span


class Let(Struct, frozen=True):
    name: Name
    value: Expression
    span: Span


class If(Struct, frozen=True):
    """`if c { } else if d { } else { }`; the arms in order, the last `else` apart."""

    arms: tuple[tuple[Expression, Body], ...]
    otherwise: Body | None
    span: Span


class Repeat(Struct, frozen=True):
    count: Expression
    index: Name | None
    body: Body
    span: Span


class Row(Struct, frozen=True):
    """A row of a table that `for` runs over."""

    values: tuple[Expression, ...]
    span: Span


class For(Struct, frozen=True):
    """Over the rows of a table, or the items of a list."""

    names: tuple[Name, ...]
    rows: tuple[Row, ...] | Expression
    body: Body
    span: Span


class Default(Struct, frozen=True):
    """`default conv, fc { init=normal(0.01) }`."""

    kinds: tuple[Name, ...]
    arguments: tuple[Argument, ...]
    span: Span


class Expect(Struct, frozen=True):
    claims: tuple[Claim, ...]
    span: Span


class Output(Struct, frozen=True):
    name: Name
    span: Span


class Flow(Struct, frozen=True):
    """`from h` alone on a line: h flows from there."""

    label: Name | None
    sources: tuple[Name, ...]
    claims: tuple[Claim, ...]
    span: Span


class Branch(Struct, frozen=True):
    label: Name | None
    keyword: Name
    body: Body
    claims: tuple[Claim, ...]
    span: Span


class LayerLine(Struct, frozen=True):
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


class Parameter(Struct, frozen=True):
    name: Name
    default: Expression | None


class Use(Struct, frozen=True):
    path: Text
    span: Span


class Net(Struct, frozen=True):
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span


class DerivedNet(Struct, frozen=True):
    """`net resnet50 = resnet(counts=[3, 4, 6, 3]) { expect … }`."""

    name: Name
    base: Name
    arguments: tuple[Argument, ...]
    body: Body | None
    span: Span


class Block(Struct, frozen=True):
    name: Name
    parameters: tuple[Parameter, ...]
    inputs: tuple[Name, ...]
    body: Body
    span: Span


class Section(Struct, frozen=True):
    """`train { … }`, `train(rate = 0.1) { … }`, `test NAME { … }`."""

    kind: Name
    net: Name | None
    parameters: tuple[Parameter, ...]
    body: Body
    span: Span


Item: TypeAlias = Use | Net | DerivedNet | Block | Section


class File(Struct, frozen=True):
    """A parsed file; `comments` are the spans of its comments, signs included, in order."""

    source: SourceFile
    items: tuple[Item, ...]
    comments: tuple[Span, ...]
