"""NS509: a conv with as many groups as input channels, which `depthwise` says outright.

Silent for a line of a block that has other groups elsewhere: there the number is a parameter's.
"""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.graph import Node
from netspec.source import Span


def find_depthwise(net: CheckedNet) -> Iterator[Diagnostic]:
    by_line: dict[Span, list[Node]] = {}
    for node in net.graph.nodes:
        if node.layer.kind == "conv":
            by_line.setdefault(node.span, []).append(node)
    for nodes in by_line.values():
        if all(map(is_depthwise, nodes)):
            node = nodes[0]
            channels = node.input_shapes[0].channels
            yield Diagnostic(
                "NS509",
                f"each of the {channels} groups of {node.name} has a single input channel",
                Label(node.span, "is a depthwise convolution"),
                help=(f"write `{write_depthwise(node)}` in place of channels, size and groups",),
                severity=Severity.WARNING,
            )


def is_depthwise(node: Node) -> bool:
    groups: int = node.layer.groups  # type: ignore[attr-defined]
    return 1 < groups == node.input_shapes[0].channels


def write_depthwise(node: Node) -> str:
    multiplier = node.shape.channels // node.input_shapes[0].channels
    size = node.layer.size  # type: ignore[attr-defined]
    return f"depthwise {size}" + (f", multiplier={multiplier}" if multiplier > 1 else "")
