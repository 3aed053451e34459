"""Tree to graph: runs the lines of a net from top to bottom, a line and its shape in one step.

Loops are unrolled, blocks are entered, every layer becomes a node with its sizes and weights. Names
and structure have been checked (`names.py`); what remains are values and shapes. After a mistake the
tensor is unknown, and what depends on it is skipped in silence. Claims are collected, not judged.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from netspec.compiler.arguments import Placed, bind, place_arguments
from netspec.compiler.claims import ClaimMade
from netspec.compiler.evaluate import EvaluationError, Poisoned, evaluate, truth, whole
from netspec.compiler.frames import (
    POISON,
    UNKNOWN,
    CallRecord,
    DefaultEntry,
    Frame,
    LayerRecord,
    Level,
    Names,
    Tensor,
    nothing_flows,
)
from netspec.compiler.library import Module, Thing
from netspec.compiler.scopes import NUMBERED
from netspec.compiler.structure import AGAIN, JOINS, Gpus
from netspec.compiler.structure import Head as HeadSchema
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Graph, Head, Node, count_params
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.activation import Activate
from netspec.layers.base import Layer, LayerError
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape
from netspec.values import format_value

MAX_STEPS = 1_000_000
MAX_CALLS = 64
LITERALS = (tree.Number, tree.SizeOf, tree.Text, tree.Truth)


class TooMuch(Exception):
    """The file asks for more than the language allows; elaboration ends."""


@dataclass(slots=True)
class Elaborated:
    """What running a net's lines gave."""

    graph: Graph | None
    claims: list[ClaimMade]
    diagnostics: list[Diagnostic]


@dataclass(slots=True)
class DefaultUse:
    """Which `default` lines were met, and for which of their kinds some layer took a value."""

    met: dict[int, tuple[tree.Default, tree.Name]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)

    def find_unused(self) -> list[Diagnostic]:
        return [
            Diagnostic(
                "NS111",
                f"no {kind.text} takes this default",
                Label(kind.span, "never used"),
            )
            for key, (_, kind) in self.met.items()
            if key not in self.taken
        ]


def elaborate_net(
    name: str, net: Thing, values: dict[str, Any], use: DefaultUse | None = None
) -> Elaborated:
    """Run a net with all its parameters given."""
    run = Elaboration(name, use or DefaultUse())
    try:
        run.run(net, values)
    except TooMuch:
        return Elaborated(None, run.claims, run.diagnostics)
    graph = None if run.diagnostics else run.finish(values)
    return Elaborated(graph, run.claims, run.diagnostics)


class Elaboration:
    """One net being elaborated."""

    def __init__(self, name: str, use: DefaultUse) -> None:
        self.name = name
        self.use = use
        self.nodes: list[Node] = []
        self.node_by_name: dict[str, Node] = {}
        self.heads: list[Head] = []
        self.inputs: list[str] = []
        self.claims: list[ClaimMade] = []
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[str, str, int]] = set()
        self.gpus = 1
        self.output = UNKNOWN
        self.branches: list[list[Tensor]] = []
        """The results of the branches of each join that is open."""
        self.steps = 0
        self.placed: dict[int, Placed] = {}

    def run(self, net: Thing, values: dict[str, Any]) -> None:
        definition = net.definition
        assert isinstance(definition, tree.Net)
        frame = Frame(net.module, Names(values=dict(values)), Level())
        self.elaborate_lines(definition.body, frame)
        self.output = frame.flow or UNKNOWN
        if not self.diagnostics and all(node.layer.kind == "input" for node in self.nodes):
            headline = f"net `{self.name}` has no layers"
            self.report(Diagnostic("NS119", headline, Label(definition.name.span)), frame)
        if self.output.shape is not None:
            self.claim_totals(definition.body.lines, "the net")

    def finish(self, values: dict[str, Any]) -> Graph:
        return Graph(
            self.name,
            tuple(self.nodes),
            tuple(self.inputs),
            self.output.node,
            tuple(self.heads),
            self.gpus,
            tuple(values.items()),
        )

    def claim_totals(self, lines: Sequence[tree.Line], subject: str) -> None:
        """Note the `expect` lines of a net, now that everything is counted."""
        nodes = [node for node in self.nodes if node.head is None]
        totals = {"params": count_params(nodes), "macs": sum(node.macs for node in nodes)}
        for line in lines:
            for claim in line.claims if isinstance(line, tree.Expect) else ():
                if claim.about:
                    self.claims.append(ClaimMade(claim, subject, totals[claim.about.text]))

    # mistakes and limits

    def report(self, diagnostic: Diagnostic, frame: Frame) -> None:
        """Report a mistake once, whatever the number of calls and passes that meet it."""
        span = diagnostic.primary.span
        key = diagnostic.code, span.source.name, span.start
        if key in self.reported:
            return
        self.reported.add(key)
        calls = tuple(Label(call, "called here") for call in reversed(frame.calls[-3:]))
        self.diagnostics.append(replace(diagnostic, secondary=diagnostic.secondary + calls))

    def spend(self, span: Span, frame: Frame) -> None:
        """Count a layer, call or pass against the limit."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            headline = f"the net has more than {MAX_STEPS:,} layers, calls and passes of loops"
            self.report(Diagnostic("NS120", headline, Label(span, "asked for here")), frame)
            raise TooMuch

    # braces and lines

    def elaborate_lines(self, body: tree.Body, frame: Frame) -> None:
        for line in body.lines:
            ELABORATORS[type(line)](self, line, frame)

    @contextmanager
    def braces(self, frame: Frame, *, is_transparent: bool = True) -> Iterator[None]:
        """Inside: names and defaults that end with the braces."""
        names, defaults = frame.names, frame.defaults
        frame.names = Names(names, is_transparent)
        try:
            yield
        finally:
            frame.names, frame.defaults = names, defaults

    def elaborate_let(self, line: tree.Let, frame: Frame) -> None:
        frame.names.values[line.name.text] = self.value_of(line.value, frame)

    def value_of(self, expression: tree.Expression, frame: Frame) -> Any:
        """The value of an expression, POISON after a mistake in it."""
        try:
            return evaluate(expression, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
        except Poisoned:
            pass
        return POISON

    def elaborate_if(self, line: tree.If, frame: Frame) -> None:
        try:
            chosen = self.choose_arm(line, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            return self.forget(line, frame)
        except Poisoned:
            return self.forget(line, frame)
        if chosen:
            with self.braces(frame):
                self.elaborate_lines(chosen, frame)
        return None

    def choose_arm(self, line: tree.If, frame: Frame) -> tree.Body | None:
        for condition, body in line.arms:
            if truth(evaluate(condition, frame), condition.span):
                return body
        return line.otherwise

    def forget(self, line: tree.If | tree.Repeat | tree.For, frame: Frame) -> None:
        """After a mistake in its head nothing is known of what a line would have done."""
        frame.flow = UNKNOWN
        for label in _labels_in(line):
            if frame.names.find_tensor(label) is not UNKNOWN:
                frame.names.label(label, UNKNOWN)

    def elaborate_repeat(self, line: tree.Repeat, frame: Frame) -> None:
        try:
            count = whole(evaluate(line.count, frame), line.count.span)
            if count < 0:
                headline = f"nothing can be repeated {count} times"
                raise EvaluationError(Diagnostic("NS109", headline, Label(line.count.span)))
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            return self.forget(line, frame)
        except Poisoned:
            return self.forget(line, frame)
        for index in range(count):
            named = {line.index.text: index} if line.index else {}
            self.elaborate_pass(line.body, named, frame, line.count.span)
        return None

    def elaborate_for(self, line: tree.For, frame: Frame) -> None:
        try:
            passes = list(self.list_passes(line, frame))
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            return self.forget(line, frame)
        except Poisoned:
            return self.forget(line, frame)
        for values in passes:
            self.elaborate_pass(line.body, values, frame, line.names[0].span)
        return None

    def list_passes(self, line: tree.For, frame: Frame) -> Iterator[dict[str, Any]]:
        """The values of the loop's names for each pass."""
        names = [name.text for name in line.names]
        if isinstance(line.rows, tuple):
            for row in line.rows:
                values = [self.value_of(value, frame) for value in row.values]
                yield dict(zip(names, values, strict=True))
            return
        items = evaluate(line.rows, frame)
        for item in items if isinstance(items, list) else [None]:
            values = item if len(names) > 1 else [item]
            if not isinstance(items, list) or not isinstance(values, list) or len(values) != len(
                names
            ):
                wanted = "a list" if len(names) == 1 else f"a list of lists of {len(names)}"
                label = Label(line.rows.span, f"is not {wanted}")
                raise EvaluationError(Diagnostic("NS121", f"`for` runs over {wanted}", label))
            yield dict(zip(names, values, strict=True))

    def elaborate_pass(
        self, body: tree.Body, values: dict[str, Any], frame: Frame, span: Span
    ) -> None:
        self.spend(span, frame)
        was_in_loop, frame.in_loop = frame.in_loop, True
        with self.braces(frame):
            frame.names.values.update(values)
            self.elaborate_lines(body, frame)
        frame.in_loop = was_in_loop

    def elaborate_default(self, line: tree.Default, frame: Frame) -> None:
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for argument in line.arguments:
            assert argument.name
            values[argument.name.text] = self.value_of(argument.value, frame)
            spans[argument.name.text] = argument.span
        for kind in line.kinds:
            self.use.met[id(kind)] = line, kind
        kinds = frozenset(kind.text for kind in line.kinds)
        frame.defaults = (*frame.defaults, DefaultEntry(line, kinds, values, spans))

    def elaborate_expect(self, line: tree.Expect, frame: Frame) -> None:
        """Nothing to do in place: totals are known at the end of the net."""

    def elaborate_output(self, line: tree.Output, frame: Frame) -> None:
        frame.flow = frame.names.find_tensor(line.name.text)

    def elaborate_flow(self, line: tree.Flow, frame: Frame) -> None:
        frame.flow = frame.names.find_tensor(line.sources[0].text)
        if line.label:
            frame.names.label(line.label.text, frame.flow)
        self.claim(line.claims, line.sources[0].text, frame.flow, ())

    # layers

    def elaborate_layer(self, line: tree.LayerLine, frame: Frame) -> None:
        before = len(self.nodes)
        kind = line.kind.text
        elaborator = _LAYER_ELABORATORS.get(kind)
        if elaborator is None:
            elaborator = Elaboration.plain if kind in KINDS else Elaboration.call
        try:
            self.spend(line.kind.span, frame)
            if line.sources:
                found = (frame.names.find_tensor(source.text) for source in line.sources)
                frame.reading = tuple(found)
            tensor = elaborator(self, line, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            tensor = UNKNOWN
        except Poisoned:
            tensor = UNKNOWN
        finally:
            frame.reading = None
        if tensor is None:
            return
        frame.flow = tensor
        if line.label:
            frame.names.label(line.label.text, tensor)
        subject = line.label.text if line.label else kind
        self.claim(line.claims, subject, tensor, self.nodes[before:])

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
        if isinstance(layer, Activate):
            layer = layer.resolve()
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

    def collect_defaults(
        self, kind: str, frame: Frame
    ) -> tuple[dict[str, Any], dict[str, Span]]:
        """The defaults in force for a kind: later and inner ones win, argument by argument."""
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        for entry in frame.defaults:
            if kind in entry.kinds:
                values |= entry.values
                spans |= entry.spans
                self.use.taken |= {id(name) for name in entry.line.kinds if name.text == kind}
        return values, spans

    def add_node(
        self,
        line: tree.LayerLine,
        frame: Frame,
        name: str,
        layer: Layer,
        written: str,
        tensors: Sequence[Tensor],
        shares: str | None = None,
    ) -> Tensor:
        """Infer the layer's shape and add it to the graph."""
        shapes = tuple(tensor.shape for tensor in tensors if tensor.shape is not None)
        if len(shapes) < len(tensors):
            return UNKNOWN
        if layer.gpu is not None and not self.check_gpu(line, layer, frame):
            return UNKNOWN
        try:
            shape = layer.infer_shape(shapes)
            weights = layer.list_weights(shapes)
        except LayerError as error:
            self.report_layer(error, line, tensors, frame)
            return UNKNOWN
        node = Node(
            name,
            layer,
            tuple(tensor.node for tensor in tensors),
            shapes,
            shape,
            weights,
            layer.count_macs(shapes, shape),
            written,
            line.kind.span,
            frame.calls,
            shares,
            frame.head,
        )
        self.nodes.append(node)
        self.node_by_name[name] = node
        return Tensor(name, shape)

    def check_gpu(self, line: tree.LayerLine, layer: Layer, frame: Frame) -> bool:
        """`gpu=` names one of the net's devices."""
        if layer.gpu is not None and layer.gpu < self.gpus:
            return True
        span = self.argument_span(line, "gpu")
        if self.gpus == 1:
            headline, helps = "the net lies on one device", ("say `gpus 2` before `input`",)
        else:
            headline, helps = f"the net has GPUs 0 to {self.gpus - 1}", ()
        diagnostic = Diagnostic("NS109", f"`gpu={layer.gpu}`: {headline}", Label(span), help=helps)
        self.report(diagnostic, frame)
        return False

    def argument_span(self, line: tree.LayerLine, name: str | None) -> Span:
        """Where an argument stands on the line, else the line's kind."""
        placed = self.placed.get(id(line))
        if name and placed and name in placed.by_field:
            return placed.by_field[name].span
        return line.kind.span

    def report_layer(
        self, error: LayerError, line: tree.LayerLine, tensors: Sequence[Tensor], frame: Frame
    ) -> None:
        """Tell a layer's refusal with its place and the tensors that it was given."""
        word = line.label.text if line.label else line.kind.text
        notes = tuple(f"input: {self.describe(tensor)}" for tensor in tensors[:4])
        diagnostic = Diagnostic(
            error.code,
            f"{word} {error.predicate}",
            Label(self.argument_span(line, error.argument), error.label),
            notes=notes + error.notes,
            help=error.help,
        )
        self.report(diagnostic, frame)

    def describe(self, tensor: Tensor) -> str:
        """A tensor as a note tells it: `96x27x27, from maxpool at line 18`."""
        node = self.node_by_name[tensor.node]
        line, _ = node.span.source.locate(node.span.start)
        label = node.layer.kind if NUMBERED.fullmatch(node.name) else node.name
        return f"{tensor.shape}, from {label} at line {line}"

    # joins, heads, calls, again

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
        flow, level, in_loop, reading = frame.flow, frame.level, frame.in_loop, frame.reading
        frame.level, frame.flow, frame.in_loop = Level(f"{name}."), start, False
        frame.reading = None
        self.branches.append([])
        with self.braces(frame, is_transparent=False):
            self.elaborate_lines(line.body, frame)
        frame.flow, frame.level, frame.in_loop, frame.reading = flow, level, in_loop, reading
        return tuple(self.branches.pop())

    def elaborate_branch(self, line: tree.Branch, frame: Frame) -> None:
        before = len(self.nodes)
        start, level, in_loop = frame.flow, frame.level, frame.in_loop
        name = self.name_line(line, frame)
        frame.level, frame.in_loop = Level(f"{name}."), False
        with self.braces(frame, is_transparent=False):
            self.elaborate_lines(line.body, frame)
        tensor = frame.flow or UNKNOWN
        frame.flow, frame.level, frame.in_loop = start, level, in_loop
        self.branches[-1].append(tensor)
        if line.label:
            frame.names.label(line.label.text, tensor)
        self.claim(line.claims, "the branch", tensor, self.nodes[before:])

    def head(self, line: tree.LayerLine, frame: Frame) -> None:
        """A side exit: its nodes are marked, and the flow is as it was."""
        assert line.body
        built = self.build(line, HeadSchema, frame)
        (start,) = self.read(line, frame)
        name = self.name_line(line, frame)
        flow, level, in_loop, reading = frame.flow, frame.level, frame.in_loop, frame.reading
        frame.level, frame.flow, frame.in_loop = Level(f"{name}."), start, False
        frame.head, frame.reading = name, None
        with self.braces(frame, is_transparent=False):
            self.elaborate_lines(line.body, frame)
        output = frame.flow
        frame.flow, frame.level, frame.in_loop, frame.reading = flow, level, in_loop, reading
        frame.head = None
        if output is start:
            headline = "a head without a layer"
            raise EvaluationError(Diagnostic("NS119", headline, Label(line.kind.span)))
        if built and output and output.shape:
            self.heads.append(Head(name, built[0].weight, output.node))
            subject = line.label.text if line.label else "head"
            nodes = [node for node in self.nodes if node.head == name]
            self.claim(line.claims, subject, output, nodes)

    def set_gpus(self, line: tree.LayerLine, frame: Frame) -> None:
        built = self.build(line, Gpus, frame)
        if built:
            self.gpus = built[0].count

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
        placed = place_arguments(line.kind.text, line.arguments, names, names).by_field
        reading = self.read(line, frame)
        inside = Frame(frame.module, Names(), Level(), reading=reading)
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
            raise TooMuch
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
                raise Poisoned
            headline = f"`{reference.span.text}` is no layer or call with weights of its own"
            raise EvaluationError(Diagnostic("NS103", headline, Label(reference.span)))
        tensors = self.read(line, frame)
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
        assert isinstance(record.block.definition, tree.Block)
        wanted = len(record.block.definition.inputs) or 1
        if len(tensors) != wanted:
            headline = f"{record.block.name} reads {wanted} tensors, not {len(tensors)}"
            raise EvaluationError(Diagnostic("NS118", headline, Label(line.kind.span)))
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
                shapes = ", ".join(f"{weight.name} {weight.shape}" for weight in node.weights)
                headline = f"`{original}` has no weights that fit here: {shapes} would be needed"
                self.report(Diagnostic("NS206", headline, Label(line.kind.span)), frame)
                return
            shared = replace(node, shares_weights_of=first.shares_weights_of or first.name)
            self.nodes[place] = self.node_by_name[node.name] = shared

    # claims

    def claim(
        self,
        claims: Sequence[tree.Claim],
        subject: str,
        tensor: Tensor,
        nodes: Sequence[Node],
    ) -> None:
        """Note the claims of a line, with the values that they speak of."""
        if tensor.shape is None:
            return
        for claim in claims:
            notes: tuple[str, ...] = ()
            value: Shape | int = tensor.shape
            if claim.about and claim.about.text == "params":
                value = count_params(nodes)
            elif claim.about:
                value = sum(node.macs for node in nodes)
            elif nodes:
                notes = explain_shape(self.node_by_name[tensor.node])
            self.claims.append(ClaimMade(claim, subject, value, notes))


def explain_shape(node: Node) -> tuple[str, ...]:
    """The arithmetic of a window, where the layer has one."""
    spans = getattr(node.layer, "spans", None)
    if spans is None:
        return ()
    height, width = spans(node.input_shapes[0])
    words = ("height", "width") if height != width else ("height and width",)
    return tuple(
        f"{word}: {span.formula} = {span.output}"
        for word, span in zip(words, (height, width), strict=False)
    )


def format_written(expression: tree.Expression, value: object) -> str:
    """An argument for the table: a call as it stands, any other value in place of names."""
    if isinstance(expression, tree.Call) and not isinstance(value, int):
        return expression.span.text
    return format_value(value)


def _labels_in(line: tree.Line) -> Iterator[str]:
    """The labels that `if` or a loop would give, at any depth of these."""
    match line:
        case tree.If(arms, otherwise):
            bodies = [body for _, body in arms] + ([otherwise] if otherwise else [])
        case tree.Repeat(body=body) | tree.For(body=body):
            bodies = [body]
        case tree.LayerLine(label=label) | tree.Flow(label=label):
            if label:
                yield label.text
            return
        case _:
            return
    for body in bodies:
        for inner in body.lines:
            yield from _labels_in(inner)


LayerElaborator = Callable[[Elaboration, tree.LayerLine, Frame], Tensor | None]
_LAYER_ELABORATORS: dict[str, LayerElaborator] = {
    "gpus": Elaboration.set_gpus,
    "head": Elaboration.head,
    AGAIN: Elaboration.again,
    **dict.fromkeys(JOINS, Elaboration.join),
}

ELABORATORS: dict[type, Callable[[Elaboration, Any, Frame], None]] = {
    tree.Let: Elaboration.elaborate_let,
    tree.If: Elaboration.elaborate_if,
    tree.Repeat: Elaboration.elaborate_repeat,
    tree.For: Elaboration.elaborate_for,
    tree.Default: Elaboration.elaborate_default,
    tree.Expect: Elaboration.elaborate_expect,
    tree.Output: Elaboration.elaborate_output,
    tree.Flow: Elaboration.elaborate_flow,
    tree.Branch: Elaboration.elaborate_branch,
    tree.LayerLine: Elaboration.elaborate_layer,
}
