"""NS503: a bias right before a batchnorm, which subtracts it again: weights without effect."""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity


def find_useless_biases(net: CheckedNet) -> Iterator[Diagnostic]:
    graph = net.graph
    for node in graph.nodes:
        if node.layer.kind != "batchnorm":
            continue
        before = graph[node.inputs[0]]
        if getattr(before.layer, "bias", False) and graph.readers_by_name[before.name] == [node]:
            yield Diagnostic(
                "NS503",
                f"the bias of {before.name} has no effect: {node.name} subtracts it",
                Label(before.span, "has a bias"),
                (Label(node.span, "subtracts the mean"),),
                help=("write `bias=no`",),
                severity=Severity.WARNING,
            )
