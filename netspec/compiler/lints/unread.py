"""NS506: a layer whose result nothing reads."""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity


def find_unread(net: CheckedNet) -> Iterator[Diagnostic]:
    graph = net.graph
    read = {graph.output, *(head.output for head in graph.heads), *graph.readers_by_name}
    for node in graph.nodes:
        if node.name not in read:
            yield Diagnostic(
                "NS506",
                f"nothing reads the result of {node.name}",
                Label(node.span, "its result is lost"),
                severity=Severity.WARNING,
            )
