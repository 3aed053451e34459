"""NS501: rows or columns of the input that no window reaches, because the count is rounded down.
NS502: a last window that lies for the most part beyond its input, because the count is rounded up.

NS501 is silent where only padding is left over and where a stride larger than the window skips
pixels anyway; NS502 where the window sees half of what it could. Both are where the line says
`round=` itself, and NS501 where a `default` does: only `round=up` can come from one unnoticed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.graph import Node

if TYPE_CHECKING:  # a net without windows does not load them
    from netspec.layers.windows import WindowSpan

DIRECTIONS = "row", "column"


def find_dropped_pixels(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        spans = getattr(node.layer, "spans", None)
        if spans is None or "round" in node.layer.model_fields_set:
            continue
        both = spans(node.input_shapes[0])
        for direction, span in zip(DIRECTIONS, both, strict=True):
            lost = count_lost(span)
            if not lost:
                continue
            amount = direction if lost == 1 else f"{lost} {direction}s"
            yield Diagnostic(
                "NS501",
                f"{node.name} leaves out the last {amount} of its input",
                Label(node.span, f"{span.formula} is not whole"),
                notes=(f"input: {node.input_shapes[0]}",),
                help=(f"{suggest_reading(both)} reads them; `round=down` says so",),
                severity=Severity.WARNING,
            )
            break


def count_lost(span: "WindowSpan") -> int:
    """Pixels of the input, padding excluded, behind the last window, where none are skipped."""
    return 0 if span.stride > span.window else max(0, span.dropped - span.after)


def suggest_reading(spans: "tuple[WindowSpan, WindowSpan]") -> str:
    """`round=up`, and the padding that has the same windows, where both directions want one."""
    height, width = spans
    if height != width:
        return "`round=up`"
    before, after = height.before, height.after + height.stride - height.dropped
    return f"`pad={before if before == after else f'{before}:{after}'}` or `round=up`"


def find_invented_pixels(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        if getattr(node.layer, "round", None) != "up" or says_round(node):
            continue
        spans = node.layer.spans(node.input_shapes[0])  # type: ignore[attr-defined]
        for direction, span in zip(DIRECTIONS, spans, strict=True):
            if 2 * span.invented <= span.window:
                continue
            seen = f"{span.window - span.invented} of {span.window} {direction}s"
            yield Diagnostic(
                "NS502",
                f"the last window of {node.name} lies for the most part beyond its input",
                Label(node.span, f"{span.formula} is not whole, and rounded up"),
                notes=(f"input: {node.input_shapes[0]}; the window has {seen} of it",),
                help=("`round=down` leaves that window out; `round=up` on the line says so",),
                severity=Severity.WARNING,
            )
            break


def says_round(node: Node) -> bool:
    """Whether the line itself has the argument, which a `default` may have given."""
    return any(part.startswith("round=") for part in node.written.split(", "))
