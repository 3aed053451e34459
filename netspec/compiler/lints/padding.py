"""NS508: a window with an even side under `pad=same` and a stride of 1, which gets one pixel more
after than before: the output lies half a pixel beside its input.

Silent for larger strides, where the input's size decides whether both sides are padded alike.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity

if TYPE_CHECKING:  # a net without windows does not load them
    from netspec.layers.windows import WindowSpan

SIDES = "height", "width"


def find_uneven_padding(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        if getattr(node.layer, "pad", None) != "same" or not hasattr(node.layer, "spans"):
            continue
        spans = node.layer.spans(node.input_shapes[0])
        for side, span in zip(SIDES, spans, strict=True):
            if span.stride > 1 or span.window % 2:
                continue
            yield Diagnostic(
                "NS508",
                f"{node.name} shifts its input by half a pixel: a {side} of {span.window} is even",
                Label(node.span, f"`pad=same` is {span.before} before and {span.after} after"),
                help=(
                    f"a window of {span.window - 1} or {span.window + 1} lies in the middle; "
                    f"`pad={write_padding(spans)}` says the shift",
                ),
                severity=Severity.WARNING,
            )
            break


def write_padding(spans: "tuple[WindowSpan, WindowSpan]") -> str:
    """The padding in pixels as the language has it, before : after."""
    height, width = spans
    if (height.before, height.after) == (width.before, width.after):
        return f"{height.before}:{height.after}"
    return f"{height.before}x{width.before}:{height.after}x{width.after}"
