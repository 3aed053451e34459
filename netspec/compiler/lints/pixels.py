"""NS501: rows or columns of the input that no window reaches, because the count is rounded down.

Silent where only padding is left over, where a stride larger than the window skips pixels anyway,
and where the line says `round=` itself.
"""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity


def find_dropped_pixels(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        spans = getattr(node.layer, "spans", None)
        if spans is None or "round" in node.layer.model_fields_set:
            continue
        for direction, span in zip(("row", "column"), spans(node.input_shapes[0]), strict=True):
            lost = span.dropped - span.after
            if lost <= 0 or span.stride > span.window:
                continue
            amount = direction if lost == 1 else f"{lost} {direction}s"
            yield Diagnostic(
                "NS501",
                f"{node.name} leaves out the last {amount} of its input",
                Label(node.span, f"{span.formula} is not whole"),
                notes=(f"input: {node.input_shapes[0]}",),
                help=(
                    f"`pad=0:{span.stride - lost}` or `round=up` reads them; `round=down` says so",
                ),
                severity=Severity.WARNING,
            )
            break
