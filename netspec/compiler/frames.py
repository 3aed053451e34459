"""Where elaboration stands: the names in force, the tensor that flows, the defaults, and the dotted
path under which layers get their names.

Static checks have proven every name good, so look-ups here report only what depends on values.
"""

from collections import Counter
from typing import Any

from msgspec import Struct, field

from netspec.compiler.arguments import bind_starting_values
from netspec.compiler.evaluate import EvaluationError, PoisonedError, Work, fail
from netspec.compiler.library import Module, Thing
from netspec.diagnostics import Diagnostic, Label
from netspec.layers.base import Layer
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import Word

POISON = object()
"""The value of a name whose expression was reported."""


class LayerRecord(Struct, frozen=True):
    """A labelled layer, as `again` needs it."""

    name: str
    layer: Layer
    written: str

    @property
    def num_inputs(self) -> int:
        """How many tensors it reads."""
        return 0 if self.layer.takes == "none" else 1


class CallRecord(Struct, frozen=True):
    """A labelled call of a block, as `again` needs it."""

    name: str
    block: Thing
    values: dict[str, Any]
    defaults: tuple["DefaultEntry", ...]

    @property
    def num_inputs(self) -> int:
        """How many tensors it reads."""
        assert isinstance(self.block.definition, tree.Block)
        return len(self.block.definition.inputs) or 1


class Tensor(Struct, frozen=True):
    """What flows: the node that gives it and its shape, None once a mistake was reported."""

    node: str
    shape: Shape | None
    record: LayerRecord | CallRecord | None = None


UNKNOWN = Tensor("", None)


class DefaultEntry(Struct, frozen=True):
    """One `default` line in force: values by argument, for some kinds."""

    line: tree.Default
    kinds: frozenset[str]
    values: dict[str, Any]
    spans: dict[str, Span]


class Names(Struct):
    """The values and tensors of one pair of braces while they are elaborated."""

    outer: "Names | None" = None
    is_transparent: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def find_tensor(self, name: str) -> Tensor:
        names: Names | None = self
        while names:
            if name in names.tensors:
                return names.tensors[name]
            names = names.outer
        return UNKNOWN

    def label(self, name: str, tensor: Tensor) -> None:
        """Label a tensor; inside `if` and loops a label of outside moves on."""
        names = self
        while name not in names.tensors and names.is_transparent and names.outer:
            names = names.outer
        (names if name in names.tensors else self).tensors[name] = tensor


class Level(Struct):
    """A step of the dotted path: a net, call, join, branch or head, and the names given in it."""

    prefix: str = ""
    unlabelled: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    given: set[str] = field(default_factory=set)

    def name_line(self, kind: str, label: str | None, *, in_loop: bool) -> str:
        """The dotted name: the label, numbered from 0 in a loop, or KIND_n, numbered from 1."""
        if label is None:
            self.unlabelled[kind] += 1
            return f"{self.prefix}{kind}_{self.unlabelled[kind]}"
        if in_loop or label in self.given:
            self.repeated[label] += 1
            return f"{self.prefix}{label}_{self.repeated[label] - 1}"
        self.given.add(label)
        return f"{self.prefix}{label}"


class Frame(Struct):
    """The state of one net, or of one call of a block, while its lines are elaborated."""

    module: Module
    names: Names
    level: Level
    flow: Tensor | None = None
    """What flows here; None before anything does."""
    reading: tuple[Tensor, ...] | None = None
    """What the line at hand reads, where it says `from`."""
    defaults: tuple[DefaultEntry, ...] = ()
    in_loop: bool = False
    head: str | None = None
    calls: tuple[Span, ...] = ()
    work: Work = field(default_factory=Work)

    def look_up(self, reference: tree.Reference) -> object:
        names: Names | None = self.names
        while names:
            if reference.text in names.values:
                value = names.values[reference.text]
                if value is POISON:
                    raise PoisonedError
                return value
            names = names.outer
        if reference.text == "channels":
            return self._flowing_shape(reference).channels
        return Word(reference.text)

    def _flowing_shape(self, reference: tree.Reference) -> Shape:
        tensors = self.reading
        if tensors is None:
            if self.flow is None:
                headline = "`channels` is not known here: no tensor flows yet"
                raise fail(reference.span, headline, "nothing flows")
            tensors = (self.flow,)
        if len(tensors) > 1:
            headline = f"`channels` of {len(tensors)} tensors is no single number"
            raise fail(reference.span, headline, "several inputs", "write `NAME.channels`")
        if tensors[0].shape is None:
            raise PoisonedError
        return tensors[0].shape

    def shape_of(self, reference: tree.Reference) -> Shape:
        shape = self.names.find_tensor(reference.text).shape
        if shape is None:
            raise PoisonedError
        return shape

    def build_starting_values(self, call: tree.Call) -> object:
        return bind_starting_values(call, self)


def nothing_flows(span: Span, word: str) -> EvaluationError:
    headline = f"{word} has no tensor to read: nothing flows here yet"
    helps = ("say which one: `from NAME`",)
    return EvaluationError(Diagnostic("NS117", headline, Label(span, "reads nothing"), help=helps))
