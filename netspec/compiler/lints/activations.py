"""NS504: two activations in a row; NS505: a softmax before a loss that has one of its own."""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity


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
                severity=Severity.WARNING,
            )


def find_softmax_before_loss(net: CheckedNet) -> Iterator[Diagnostic]:
    output = net.graph[net.graph.output]
    if net.recipe and output.layer.kind == "softmax":
        yield Diagnostic(
            "NS505",
            f"`loss softmax` takes the softmax of {net.name}'s softmax",
            Label(output.span, "one too many"),
            (Label(net.recipe.spans["loss"], "has a softmax of its own"),),
            help=("end the net with the scores; tests and predictions take their softmax",),
            severity=Severity.WARNING,
        )
