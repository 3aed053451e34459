"""The columns of a net with `gpus n`, one a process: the layers' parts that lie on one GPU, with
what is fetched between them.

Where everything lies and what crosses is read off `netspec.analyses.placement`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import fx, nn

from netspec.analyses.placement import Placement, Reading, Reads, merge_reads, place_graph
from netspec.graph import Graph, Node
from netspec.tensor import Interval
from netspec_torch.distributed.exchange import Exchange
from netspec_torch.distributed.masks import Rows
from netspec_torch.distributed.portion import Groups, Portion, PortionEmission


@dataclass(frozen=True)
class Column(Portion):
    """One GPU's part of a net."""

    graph: Graph
    placement: Placement
    number: int

    @classmethod
    def of(cls, graph: Graph, number: int) -> "Column":
        return cls(graph, place_graph(graph), number)

    def at(self, number: int) -> "Column":
        return replace(self, number=number)

    def run(self, node: Node) -> Interval:
        return self.placement.nodes[node.name].runs[self.number]

    def reads(self, node: Node) -> Reads:
        return self.placement.nodes[node.name].reads[self.number]

    def write(self, root: nn.Module, groups: Groups, rows: Rows) -> "ColumnEmission":
        return ColumnEmission(self, root, groups, rows)


class ColumnEmission(PortionEmission):
    """A column's torch graph that is being written."""

    def __init__(self, column: Column, root: nn.Module, groups: Groups, rows: Rows) -> None:
        super().__init__(column, root, groups, rows)
        self.column = column

    def read_inputs(self, node: Node) -> list[fx.Node]:
        return self._read(node.name, node.inputs, self.column.placement.nodes[node.name])

    def read_exit(self, name: str) -> fx.Node:
        (result,) = self._read(f"{name}.loss", (name,), self.column.placement.exits[name])
        return result

    def _read(self, reader: str, inputs: Sequence[str], reading: Reading) -> list[fx.Node]:
        """The channels that the column reads of each of the inputs, fetched where they are not
        its own."""
        wanted = [merge_reads(inputs, reads) for reads in reading.reads]
        crossing = {crossing.tensor for crossing in reading.crossings}
        returning = {crossing.tensor for crossing in reading.returning}
        own = reading.reads[self.column.number]
        have: dict[str, tuple[fx.Node, list[Interval]]] = {}
        for name in dict.fromkeys(inputs):
            held = self.column.placement.nodes[name].runs
            if name in crossing:
                exchange = Exchange(
                    held,
                    [each[name] for each in wanted],
                    self.column.number,
                    self.groups.holders,
                    has_gradient=name in returning,
                )
                fetched = self.call_exchange(f"{reader}.reads.{name}", exchange, name)
                have[name] = fetched, wanted[self.column.number][name]
            else:
                have[name] = self.tensors[name], [held[self.column.number]]
        return [
            self.select(f"{reader}.of.{name}", *have[name], list(read))
            for name, read in zip(inputs, own, strict=True)
        ]
