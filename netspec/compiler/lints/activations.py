"""NS504: two activations in a row; NS505: a softmax before a loss that has one of its own."""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.graph import Graph, Node

SAME_NUMBERS = frozenset({"identity", "flatten"})


def find_double_activations(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        if not node.layer.is_activation or node.layer.kind == "softmax":
            continue
        before = net.graph[node.inputs[0]]
        if before.layer.is_activation:
            yield Diagnostic(
                "NS504",
                f"{node.layer.kind} follows {before.layer.kind} with nothing between them",
                Label(node.span, "a second activation"),
                (Label(before.span, "the first"),),
                notes=("without weights between them the two are one function, and a rare one",),
                help=("leave one of them out, or put the layer between them that is missing",),
                severity=Severity.WARNING,
            )


def find_softmax_before_loss(net: CheckedNet) -> Iterator[Diagnostic]:
    if net.recipe is None:
        return
    exits = {net.name: net.graph.output, **{head.name: head.output for head in net.graph.heads}}
    for name, exit in exits.items():
        last = find_last(net.graph, exit)
        if last.layer.kind == "softmax":
            yield Diagnostic(
                "NS505",
                f"`loss softmax` takes the softmax of {name}'s softmax",
                Label(last.span, "one too many"),
                (Label(net.recipe.spans["loss"], "has a softmax of its own"),),
                help=("end the net with the scores; tests and predictions take their softmax",),
                severity=Severity.WARNING,
            )


def find_last(graph: Graph, name: str) -> Node:
    """The layer that computes the numbers of a result."""
    node = graph[name]
    while node.layer.kind in SAME_NUMBERS:
        node = graph[node.inputs[0]]
    return node
