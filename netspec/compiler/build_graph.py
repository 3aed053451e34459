"""The graph while it grows: nodes with their sizes and weights, heads, the claims met on the way,
and what went wrong.

Decides what is reported and how often, when a file asks for too much, and what a layer's refusal
says of the tensors it was given. What the lines mean is decided in the modules that extend this.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from netspec.compiler.arguments import Placed
from netspec.compiler.claims_made import ClaimMade
from netspec.compiler.evaluate import EvaluationError, Work
from netspec.compiler.frames import UNKNOWN, Frame, Tensor
from netspec.diagnostics import MOST_ERRORS, MOST_EXPLAINED, Diagnostic, Label, cut_short
from netspec.graph import Graph, Head, Node, count_params
from netspec.layers.base import Layer, LayerError
from netspec.source import Span
from netspec.syntax import tree
from netspec.tensor import Shape

if TYPE_CHECKING:
    from netspec.compiler.repairs.history import History

MAX_STEPS = 100_000
"""Layers, calls and passes of loops in a net."""


class TooMuchError(Exception):
    """The file asks for more than the language allows; elaboration ends."""


class DefaultUse(Struct):
    """Which `default` lines were met, and for which of their kinds some layer took a value."""

    met: dict[int, tree.Name] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)

    def find_unused(self) -> list[Diagnostic]:
        return [
            Diagnostic(
                "NS111", f"no {kind.text} takes this default", Label(kind.span, "never used")
            )
            for key, kind in self.met.items()
            if key not in self.taken
        ]


class GraphBuilder:
    """One net being elaborated: its nodes, its claims, its mistakes."""

    def __init__(self, name: str, use: DefaultUse) -> None:
        self.name = name
        self.use = use
        self.nodes: list[Node] = []
        self.node_by_name: dict[str, Node] = {}
        self.heads: list[Head] = []
        self.inputs: list[str] = []
        self.gpus = 1
        self.output = UNKNOWN
        self.claims: list[ClaimMade] = []
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[str, str, int]] = set()
        self.steps = 0
        self.work = Work()
        self.history: History | None = None
        """For errors, where there are any."""
        self.placed: dict[int, Placed] = {}
        """Which argument of a line goes where; the same for every pass over it."""

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
        self.claims += list_total_claims(lines, subject, self.nodes)

    def report(self, diagnostic: Diagnostic, frame: Frame) -> None:
        """Report a mistake once, whatever the number of calls and passes that meet it."""
        key = self.key_of(diagnostic.code, diagnostic.primary.span)
        if key in self.reported:
            return
        if len(self.diagnostics) >= MOST_ERRORS:
            self.diagnostics = cut_short([*self.diagnostics, diagnostic])
            raise TooMuchError
        self.reported.add(key)
        calls = tuple(Label(call, "called here") for call in reversed(frame.calls[-3:]))
        self.diagnostics.append(replace(diagnostic, secondary=diagnostic.secondary + calls))
        if self.work.left < 0:
            raise TooMuchError

    def key_of(self, code: str, span: Span) -> tuple[str, str, int]:
        """What tells one mistake from another."""
        return code, span.source.name, span.start

    def spend(self, span: Span, frame: Frame) -> None:
        """Count a layer, call or pass against the limit."""
        self.steps += 1
        self.foresee(0, span, frame)

    def foresee(self, steps: int, span: Span, frame: Frame) -> None:
        """Give up where so many more layers, calls and passes are beyond the limit, before doing
        what is done in vain."""
        if self.steps + steps > MAX_STEPS:
            headline = f"the net has more than {MAX_STEPS:,} layers, calls and passes of loops"
            self.report(Diagnostic("NS120", headline, Label(span, "asked for here")), frame)
            raise TooMuchError

    def count_values(self, count: int, span: Span, frame: Frame) -> None:
        """Count what is looked at beside the values of expressions against their limit."""
        try:
            self.work.spend(count, span)
        except EvaluationError as error:
            self.report(error.diagnostic, frame)

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
        try:
            layer.check_arguments()
        except LayerError as error:
            self.report(self.refuse(error, line), frame)
            return UNKNOWN
        if len(shapes) < len(tensors):
            return UNKNOWN
        try:
            shape = layer.infer_shape(shapes)
            weights = layer.list_weights(shapes)
        except LayerError as error:
            self.report_layer(error, layer, line, tensors, frame)
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

    def argument_span(self, line: tree.LayerLine, name: str | None) -> Span:
        """Where an argument stands on the line, else the line's kind."""
        placed = self.placed.get(id(line))
        if name and placed and name in placed.by_field:
            return placed.by_field[name].span
        return line.kind.span

    def report_layer(
        self,
        error: LayerError,
        layer: Layer,
        line: tree.LayerLine,
        tensors: Sequence[Tensor],
        frame: Frame,
    ) -> None:
        """Tell a layer's refusal with its place and the tensors that it was given."""
        span = self.argument_span(line, error.argument)
        if self.key_of(error.code, span) in self.reported:
            return
        from netspec.compiler.repairs.history import History  # for mistakes alone
        from netspec.compiler.repairs.refusals import Refusal, advise_refusal, tell_inputs

        self.history = self.history or History(self.nodes)
        names = tuple(tensor.node for tensor in tensors)
        source = line.kind.span.source
        refusal = Refusal(error, layer, names, self.history, self.claims, source)
        notes, helps = error.notes, error.help
        if len(self.diagnostics) < MOST_EXPLAINED:
            notes, helps = (*tell_inputs(refusal), *notes), advise_refusal(refusal)
        refused = replace(self.refuse(error, line), notes=notes, help=helps)
        self.report(refused, frame)

    def refuse(self, error: LayerError, line: tree.LayerLine) -> Diagnostic:
        """A layer's refusal at its place, with what the layer says of it."""
        word = line.label.text if line.label else line.kind.text
        label = Label(self.argument_span(line, error.argument), error.label)
        headline = f"{word} {error.predicate}"
        return Diagnostic(error.code, headline, label, notes=error.notes, help=error.help)

    def claim(
        self,
        claims: Sequence[tree.Claim],
        subject: str,
        tensor: Tensor,
        first: int,
        frame: Frame,
    ) -> None:
        """Note the claims of a line, with the values that they speak of: of the layers from the
        `first` on."""
        if tensor.shape is None or not claims:
            return
        last = len(self.nodes)
        for claim in claims:
            value: Shape | int = tensor.shape
            if claim.about:
                self.count_values(last - first, claim.span, frame)
                nodes = self.nodes[first:]
                is_params = claim.about.text == "params"
                value = count_params(nodes) if is_params else sum(node.macs for node in nodes)
            self.claims.append(ClaimMade(claim, subject, value, first, last, tensor.node))


def list_total_claims(
    lines: Iterable[tree.Line], subject: str, nodes: Sequence[Node]
) -> Iterator[ClaimMade]:
    """The claims of `expect` lines, with the totals of a net's nodes outside heads."""
    counted = [node for node in nodes if node.head is None]
    totals = {"params": count_params(counted), "macs": sum(node.macs for node in counted)}
    for line in lines:
        for claim in line.claims if isinstance(line, tree.Expect) else ():
            if claim.about:
                total = totals[claim.about.text]
                yield ClaimMade(claim, subject, total, 0, len(nodes), is_total=True)
