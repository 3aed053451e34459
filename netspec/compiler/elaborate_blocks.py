"""Lines that hold or call other lines, to nodes: joins with their branches, heads, calls of blocks,
and `again`. How the lines inside are run is left to `elaborate_lines`.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from netspec.compiler.arguments import place_arguments
from netspec.compiler.build_graph import DefaultUse, TooMuchError
from netspec.compiler.elaborate_layers import LayerElaboration
from netspec.compiler.evaluate import EvaluationError, PoisonedError, evaluate
from netspec.compiler.frames import (
    POISON,
    UNKNOWN,
    CallRecord,
    Frame,
    LayerRecord,
    Level,
    Names,
    Tensor,
)
from netspec.compiler.library import Thing
from netspec.compiler.structure import Head as HeadSchema
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Head, Node
from netspec.layers import find_layer_kind
from netspec.layers.arithmetic import write_product
from netspec.syntax import tree

MAX_CALLS = 64


class BlockElaboration(LayerElaboration):
    """Adds to the graph what holds or calls other lines."""

    def __init__(self, name: str, use: DefaultUse) -> None:
        super().__init__(name, use)
        self.branches: list[list[Tensor]] = []
        """The results of the branches of each join that is open."""

    @abstractmethod
    def elaborate_lines(self, body: tree.Body, frame: Frame) -> None:
        """Run the lines between braces."""

    @contextmanager
    def braces(self, frame: Frame, *, is_transparent: bool = True) -> Iterator[None]:
        """Inside: names and defaults that end with the braces."""
        names, defaults = frame.names, frame.defaults
        frame.names = Names(names, is_transparent)
        try:
            yield
        finally:
            frame.names, frame.defaults = names, defaults

    @contextmanager
    def inside(self, frame: Frame, name: str, start: Tensor | None) -> Iterator[None]:
        """Inside the braces of a join, branch or head: a step of the dotted path of its own, and a
        flow that begins at `start` and ends with the braces."""
        before = frame.flow, frame.level, frame.in_loop, frame.reading
        frame.flow, frame.level, frame.in_loop = start, Level(f"{name}."), False
        frame.reading = None
        with self.braces(frame, is_transparent=False):
            yield
        frame.flow, frame.level, frame.in_loop, frame.reading = before

    def value_of(self, expression: tree.Expression, frame: Frame) -> Any:
        """The value of an expression, POISON after a mistake in it."""
        try:
            return evaluate(expression, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
        except PoisonedError:
            pass
        return POISON

    def join(self, line: tree.LayerLine, frame: Frame) -> Tensor:
        """Branches, or the tensors after `from`, into one; one alone passes through."""
        built = self.build(line, find_layer_kind(line.kind.text), frame)
        name = self.name_line(line, frame)
        if line.body:
            (start,) = self.read(line, frame)
            tensors = self.elaborate_branches(line, name, start, frame)
        else:
            tensors = self.read(line, frame)
        if built is None:
            return UNKNOWN
        layer, written = built
        if not tensors:
            headline = f"{line.kind.text} has no branch to join"
            raise EvaluationError(Diagnostic("NS118", headline, Label(line.kind.span)))
        if len(tensors) == 1 and not getattr(layer, "factor", None):
            return tensors[0]
        return self.add_node(line, frame, name, layer, written, tensors)

    def elaborate_branches(
        self, line: tree.LayerLine, name: str, start: Tensor, frame: Frame
    ) -> tuple[Tensor, ...]:
        """Run the lines in a join's braces; every branch starts from the same tensor."""
        assert line.body
        self.branches.append([])
        with self.inside(frame, name, start):
            self.elaborate_lines(line.body, frame)
        return tuple(self.branches.pop())

    def head(self, line: tree.LayerLine, frame: Frame) -> None:
        """A side exit: its nodes are marked, and the flow is as it was."""
        assert line.body
        built = self.build(line, HeadSchema, frame)
        (start,) = self.read(line, frame)
        name = self.name_line(line, frame)
        before = len(self.nodes)
        frame.head = name
        with self.inside(frame, name, start):
            self.elaborate_lines(line.body, frame)
            output = frame.flow
        frame.head = None
        if output is start:
            headline = "a head without a layer"
            raise EvaluationError(Diagnostic("NS119", headline, Label(line.kind.span)))
        if built and output and output.shape:
            self.heads.append(Head(name, built[0].weight, output.node))
            subject = line.label.text if line.label else "head"
            self.claim(line.claims, subject, output, before, frame)

    def call(self, line: tree.LayerLine, frame: Frame) -> Tensor:
        """A block: its lines run in a frame of their own."""
        block = frame.module.find(line.kind.text)
        assert block
        definition = block.definition
        assert isinstance(definition, tree.Block)
        tensors = self.read(line, frame)
        values = self.bind_parameters(line, definition, frame)
        name = self.name_line(line, frame)
        tensor = self.enter(line, block, values, tensors, name, frame)
        return replace(tensor, record=CallRecord(name, block, values, frame.defaults))

    def bind_parameters(
        self, line: tree.LayerLine, block: tree.Block, frame: Frame
    ) -> dict[str, Any]:
        """The values of a block's parameters: given ones in the caller's terms, defaults in terms
        of the parameters before them and of the call's own input."""
        names = [parameter.name.text for parameter in block.parameters]
        self.count_values(len(names) + len(line.arguments), line.kind.span, frame)
        placed = place_arguments(line.kind.text, line.arguments, names, names).by_field
        reading = self.read(line, frame)
        inside = Frame(frame.module, Names(), Level(), reading=reading, work=self.work)
        values = inside.names.values
        for parameter in block.parameters:
            name = parameter.name.text
            if name in placed:
                values[name] = self.value_of(placed[name].value, frame)
            elif parameter.default is not None:
                values[name] = self.value_of(parameter.default, inside)
        return values

    def enter(
        self,
        line: tree.LayerLine,
        block: Thing,
        values: dict[str, Any],
        tensors: Sequence[Tensor],
        name: str,
        frame: Frame,
    ) -> Tensor:
        definition = block.definition
        assert isinstance(definition, tree.Block)
        if len(frame.calls) >= MAX_CALLS:
            headline = f"calls are nested more than {MAX_CALLS} deep"
            self.report(Diagnostic("NS120", headline, Label(line.kind.span)), frame)
            raise TooMuchError
        input_names = [name.text for name in definition.inputs] or ["input"]
        names = Names(values=dict(values), tensors=dict(zip(input_names, tensors, strict=True)))
        inside = Frame(
            block.module,
            names,
            Level(f"{name}."),
            flow=tensors[0] if len(tensors) == 1 else None,
            defaults=frame.defaults,
            head=frame.head,
            calls=(*frame.calls, line.kind.span),
            work=self.work,
        )
        self.elaborate_lines(definition.body, inside)
        if inside.flow is None:
            headline = f"block `{block.name}` gives no tensor"
            span = definition.name.span
            helps = ("let one flow with `from NAME`, or end with `output NAME`",)
            self.report(Diagnostic("NS117", headline, Label(span), help=helps), inside)
            return UNKNOWN
        return inside.flow

    def again(self, line: tree.LayerLine, frame: Frame) -> Tensor:
        """A labelled layer or call once more, with the same weights."""
        reference = line.arguments[0].value
        record = frame.names.find_tensor(reference.span.text).record
        if record is None:
            if frame.names.find_tensor(reference.span.text).shape is None:
                raise PoisonedError
            headline = f"`{reference.span.text}` is no layer or call with weights of its own"
            raise EvaluationError(Diagnostic("NS103", headline, Label(reference.span)))
        tensors = self.read(line, frame)
        if len(tensors) != record.num_inputs:
            wanted = f"{record.num_inputs} tensor{'s' * (record.num_inputs > 1)}"
            headline = f"`{reference.span.text}` reads {wanted}, not {len(tensors)}"
            raise EvaluationError(Diagnostic("NS118", headline, Label(line.kind.span)))
        name = self.name_line(line, frame)
        before = len(self.nodes)
        if isinstance(record, LayerRecord):
            written = f"again {reference.span.text}"
            tensor = self.add_node(line, frame, name, record.layer, written, tensors)
        else:
            tensor = self.again_call(line, record, tensors, name, frame)
        self.share_weights(before, name, record.name, line, frame)
        return tensor

    def again_call(
        self,
        line: tree.LayerLine,
        record: CallRecord,
        tensors: Sequence[Tensor],
        name: str,
        frame: Frame,
    ) -> Tensor:
        defaults, frame.defaults = frame.defaults, record.defaults
        try:
            return self.enter(line, record.block, record.values, tensors, name, frame)
        finally:
            frame.defaults = defaults

    def share_weights(
        self, before: int, name: str, original: str, line: tree.LayerLine, frame: Frame
    ) -> None:
        """Let the nodes from `before` on use the weights of those they repeat."""
        for place in range(before, len(self.nodes)):
            node = self.nodes[place]
            if not node.weights:
                continue
            first = self.node_by_name.get(original + node.name[len(name) :])
            mine = [(weight.name, weight.shape) for weight in node.weights]
            if first is None or mine != [(w.name, w.shape) for w in first.weights]:
                self.report(self.refuse_weights(node, first, original, line), frame)
                return
            shared = replace(node, shares_weights_of=first.shares_weights_of or first.name)
            self.nodes[place] = self.node_by_name[node.name] = shared

    def refuse_weights(
        self, node: Node, first: Node | None, original: str, line: tree.LayerLine
    ) -> Diagnostic:
        """The error for a layer whose weights are not those that it would share."""
        needed = ", ".join(f"{w.name} {write_product(w.shape)}" for w in node.weights)
        headline = f"the weights of `{original}` do not fit here"
        notes = [f"needed: {needed}, for an input of {node.input_shapes[0]}"]
        secondary: tuple[Label, ...] = ()
        if first:
            there = ", ".join(f"{w.name} {write_product(w.shape)}" for w in first.weights)
            notes.append(f"`{original}` has: {there}, for an input of {first.input_shapes[0]}")
            secondary = (Label(first.span, "these weights"),)
        helps = (f"`again` reads tensors with the channels that `{original}` reads",)
        label = Label(line.kind.span)
        return Diagnostic("NS206", headline, label, secondary, tuple(notes), helps)
