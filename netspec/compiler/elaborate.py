"""Tree to graph: runs the lines of a net from top to bottom, a line and its shape in one step.

Loops are unrolled, blocks are entered, every layer becomes a node with its sizes and weights. Names
and structure have been checked (`names.py`); what remains are values and shapes. After a mistake
the tensor is unknown, and what depends on it is skipped in silence. Claims are collected, not
judged.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from netspec.compiler.build_graph import DefaultUse, TooMuchError
from netspec.compiler.claims_made import ClaimMade
from netspec.compiler.elaborate_blocks import BlockElaboration
from netspec.compiler.evaluate import EvaluationError, PoisonedError, evaluate, truth, whole
from netspec.compiler.frames import UNKNOWN, DefaultEntry, Frame, Level, Names, Tensor
from netspec.compiler.library import Thing
from netspec.compiler.structure import AGAIN, JOINS
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Graph, Node
from netspec.layers import KINDS
from netspec.source import Span
from netspec.syntax import tree
from netspec.values import Items


class Elaborated(Struct):
    """What running a net's lines gave."""

    graph: Graph | None
    claims: list[ClaimMade]
    diagnostics: list[Diagnostic]
    nodes: list[Node]


def elaborate_net(
    name: str, net: Thing, values: dict[str, Any], use: DefaultUse | None = None
) -> Elaborated:
    """Run a net with all its parameters given."""
    run = Elaboration(name, use or DefaultUse())
    try:
        run.run(net, values)
    except TooMuchError:
        return Elaborated(None, run.claims, run.diagnostics, run.nodes)
    graph = None if run.diagnostics else run.finish(values)
    return Elaborated(graph, run.claims, run.diagnostics, run.nodes)


class Elaboration(BlockElaboration):
    """Runs the lines of a net."""

    def run(self, net: Thing, values: dict[str, Any]) -> None:
        definition = net.definition
        assert isinstance(definition, tree.Net)
        frame = Frame(net.module, Names(values=dict(values)), Level(), work=self.work)
        self.elaborate_lines(definition.body, frame)
        self.output = frame.flow or UNKNOWN
        if not self.diagnostics and all(node.layer.kind == "input" for node in self.nodes):
            headline = f"net `{self.name}` has no layers"
            label = Label(definition.name.span, "gives its input as it is")
            self.report(Diagnostic("NS119", headline, label), frame)
        if self.output.shape is not None:
            self.claim_totals(definition.body.lines, "the net")

    # braces and lines

    def elaborate_lines(self, body: tree.Body, frame: Frame) -> None:
        self.count_values(len(body.lines), body.span, frame)
        for line in body.lines:
            ELABORATORS[type(line)](self, line, frame)

    def elaborate_let(self, line: tree.Let, frame: Frame) -> None:
        frame.names.values[line.name.text] = self.value_of(line.value, frame)

    def elaborate_if(self, line: tree.If, frame: Frame) -> None:
        try:
            chosen = self.choose_arm(line, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            return self.forget(line, frame)
        except PoisonedError:
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
        except PoisonedError:
            return self.forget(line, frame)
        layers = sum(isinstance(inner, tree.LayerLine) for inner in line.body.lines)
        self.foresee(count * (1 + layers), line.count.span, frame)
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
        except PoisonedError:
            return self.forget(line, frame)
        for values in passes:
            self.elaborate_pass(line.body, values, frame, line.names[0].span)
        return None

    def list_passes(self, line: tree.For, frame: Frame) -> Iterator[dict[str, Any]]:
        """The values of the loop's names for each pass."""
        names = [name.text for name in line.names]
        if isinstance(line.rows, tuple):
            for row in line.rows:
                found = [self.value_of(value, frame) for value in row.values]
                yield dict(zip(names, found, strict=True))
            return
        items = evaluate(line.rows, frame)
        rows = items if len(names) > 1 or not isinstance(items, Items) else [[i] for i in items]
        if not isinstance(rows, list) or not all(_is_row(row, len(names)) for row in rows):
            wanted = "a list" if len(names) == 1 else f"a list of lists of {len(names)}"
            label = Label(line.rows.span, f"is not {wanted}")
            counted = f"`repeat {line.rows.span.text} as {names[0]} {{ … }}` counts from 0"
            helps = (counted,) if isinstance(items, int) and len(names) == 1 else ()
            headline = f"`for` runs over {wanted}"
            raise EvaluationError(Diagnostic("NS121", headline, label, help=helps))
        for row in rows:
            yield dict(zip(names, row, strict=True))

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
            self.use.met[id(kind)] = kind
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
        self.claim(line.claims, line.sources[0].text, frame.flow, len(self.nodes), frame)

    def elaborate_branch(self, line: tree.Branch, frame: Frame) -> None:
        before = len(self.nodes)
        name = self.name_line(line, frame)
        with self.inside(frame, name, frame.flow):
            self.elaborate_lines(line.body, frame)
            tensor = frame.flow or UNKNOWN
        self.branches[-1].append(tensor)
        if line.label:
            frame.names.label(line.label.text, tensor)
        self.claim(line.claims, "the branch", tensor, before, frame)

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
                self.count_values(len(line.sources), line.kind.span, frame)
                found = (frame.names.find_tensor(source.text) for source in line.sources)
                frame.reading = tuple(found)
            tensor = elaborator(self, line, frame)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)
            tensor = UNKNOWN
        except PoisonedError:
            tensor = UNKNOWN
        finally:
            frame.reading = None
        if tensor is None:
            return
        frame.flow = tensor
        if line.label:
            frame.names.label(line.label.text, tensor)
        subject = line.label.text if line.label else kind
        self.claim(line.claims, subject, tensor, before, frame)


def _is_row(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


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
