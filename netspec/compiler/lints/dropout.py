"""NS510: dropout before a batchnorm, whose running variance is then that of thinned numbers.

Dropped numbers vary more: by up to 1 / (1 - p) where their mean is 0. The batchnorm learns that
variance in training and divides by it at test, where nothing is dropped (Li, Chen, Hu and Yang,
"Understanding the Disharmony between Dropout and Batch Normalization by Variance Shift", 2019).
Told where nothing lies between the two but functions of single numbers and what moves numbers; a
convolution sums many of them, and the wider it is, the less of the shift is left.
"""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.graph import Graph, Node

MOVES = frozenset({"identity", "flatten", "slice", "shuffle", "crop", "pad", "concat"})


def find_dropout_before_batchnorm(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        if node.layer.kind != "batchnorm":
            continue
        for dropout in find_dropouts(net.graph, node):
            share: float = dropout.layer.p  # type: ignore[attr-defined]
            yield Diagnostic(
                "NS510",
                f"{node.name} learns the variance of numbers that {dropout.name} has thinned",
                Label(dropout.span, f"drops {share:g} of them, in training alone"),
                (Label(node.span, "divides by the same variance at test"),),
                notes=(
                    "in training it is up to "
                    f"1 / (1 - {share:g}) = {1 / (1 - share):.3g} times that of a test",
                ),
                help=("move the dropout behind the last batchnorm, or leave it out",),
                severity=Severity.WARNING,
            )


def find_dropouts(graph: Graph, node: Node) -> Iterator[Node]:
    """The dropouts whose numbers reach the node one by one."""
    waiting = list(node.inputs)
    while waiting:
        before = graph[waiting.pop()]
        kind = before.layer.kind
        if kind == "dropout" and before.layer.p:  # type: ignore[attr-defined]
            yield before
        elif kind in MOVES or (before.layer.is_activation and kind != "softmax"):
            waiting += before.inputs
