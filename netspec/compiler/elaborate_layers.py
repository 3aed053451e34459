"""Layer lines to nodes: the arguments of a line and the defaults in force, made into the object of
the layer's kind.
"""

from typing import Any

from msgspec.structs import replace

from netspec.compiler.arguments import Placed, bind, place_arguments
from netspec.compiler.build_graph import GraphBuilder
from netspec.compiler.evaluate import evaluate
from netspec.compiler.frames import POISON, UNKNOWN, Frame, LayerRecord, Tensor, nothing_flows
from netspec.compiler.structure import Gpus
from netspec.diagnostics import Diagnostic, Label
from netspec.layers import find_layer_kind
from netspec.layers.base import Layer
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.values import format_value

LITERALS = (tree.Number, tree.SizeOf, tree.Text, tree.Truth)


class LayerElaboration(GraphBuilder):
    """Adds to the graph what is a single layer."""

    def read(self, line: tree.LayerLine, frame: Frame) -> tuple[Tensor, ...]:
        """The tensors that a line reads."""
        if frame.reading is not None:
            return frame.reading
        if frame.flow is None:
            raise nothing_flows(line.kind.span, line.kind.text)
        return (frame.flow,)

    def plain(self, line: tree.LayerLine, frame: Frame) -> Tensor:
        """A layer of one input, or an input itself."""
        kind = line.kind.text
        tensors = () if kind == "input" else self.read(line, frame)
        built = self.build(line, find_layer_kind(kind), frame)
        if built is None:
            return UNKNOWN
        layer, written = built
        if kind == "activate":
            layer = layer.resolve()
        if layer.gpu is not None and not self.check_gpu(line, layer, frame):
            return UNKNOWN
        name = self.name_line(line, frame)
        tensor = self.add_node(line, frame, name, layer, written, tensors)
        if kind == "input" and tensor.shape:
            self.inputs.append(name)
            if not line.label:
                frame.names.tensors["input"] = tensor
        return replace(tensor, record=LayerRecord(name, layer, written))

    def name_line(self, line: tree.LayerLine | tree.Branch, frame: Frame) -> str:
        kind = line.kind.text if isinstance(line, tree.LayerLine) else "branch"
        label = line.label.text if line.label else None
        return frame.level.name_line(kind, label, in_loop=frame.in_loop)

    def build(
        self, line: tree.LayerLine, schema: type[Any], frame: Frame
    ) -> tuple[Any, str] | None:
        """The schema's object from the line's arguments and the defaults in force, with the line as
        written, values in place of names."""
        kind = line.kind.text
        self.count_values(len(frame.defaults), line.kind.span, frame)
        values, spans = self.collect_defaults(kind, frame)
        shown: list[str] = []
        for name, argument in self.place(line, schema).by_field.items():
            value = values[name] = evaluate(argument.value, frame)
            spans[name] = argument.span
            literal = isinstance(argument.value, LITERALS)
            text = argument.value.span.text if literal else format_written(argument.value, value)
            shown.append(f"{name}={text}" if argument.name else text)
        if any(value is POISON for value in values.values()):
            return None
        built, problems = bind(schema, values, spans, line.kind.span)
        for problem in problems:
            self.report(problem, frame)
        if built is None:
            return None
        return built, f"{kind} {', '.join(shown)}".rstrip()

    def place(self, line: tree.LayerLine, schema: type[Schema]) -> Placed:
        """Which argument goes where; the same for every pass over the line."""
        placed = self.placed.get(id(line))
        if placed is None:
            placed = place_arguments(
                schema.kind, line.arguments, schema.positional, schema.model_fields
            )
            self.placed[id(line)] = placed
        return placed

    def collect_defaults(self, kind: str, frame: Frame) -> tuple[dict[str, Any], dict[str, Span]]:
        """The defaults in force for a kind: later and inner ones win, argument by argument."""
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for entry in frame.defaults:
            if kind in entry.kinds:
                values |= entry.values
                spans |= entry.spans
                self.use.taken |= {id(name) for name in entry.line.kinds if name.text == kind}
        return values, spans

    def check_gpu(self, line: tree.LayerLine, layer: Layer, frame: Frame) -> bool:
        """`gpu=` names one of the net's devices."""
        if self.gpus > 1 and layer.gpu is not None and layer.gpu < self.gpus:
            return True
        span = self.argument_span(line, "gpu")
        helps: tuple[str, ...] = ()
        if self.gpus == 1:
            headline, helps = "the net lies on one device", ("say `gpus 2` before `input`",)
        else:
            headline = f"the net has GPUs 0 to {self.gpus - 1}"
        diagnostic = Diagnostic("NS109", f"`gpu={layer.gpu}`: {headline}", Label(span), help=helps)
        self.report(diagnostic, frame)
        return False

    def set_gpus(self, line: tree.LayerLine, frame: Frame) -> None:
        built = self.build(line, Gpus, frame)
        if built:
            self.gpus = built[0].count


def format_written(expression: tree.Expression, value: object) -> str:
    """An argument for the table: a call as it stands, any other value in place of names."""
    if isinstance(expression, tree.Call) and not isinstance(value, int):
        return expression.span.text
    return format_value(value)
