"""NS516: numbers of pixels from 0 to 1 in a recipe whose pixels are 0 to 255 there.

Most published means and deviations are for PyTorch's ToTensor, which divides by 255. Without `scale
1 / 255` before them they shift pixels by next to nothing and stretch them over a thousand.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.values import format_value

if TYPE_CHECKING:  # a net without a recipe does not load them
    from netspec.recipe.data import Transform

WHITE = 255
"""What a pixel is at most, before a recipe changes it."""


def find_unscaled_numbers(net: CheckedNet) -> Iterator[Diagnostic]:
    for transform in net.recipe.transforms if net.recipe else ():
        if transform.kind == "scale":
            return
        numbers = list_fractions(transform)
        if numbers:
            assert net.recipe
            scaled = format_value([round(WHITE * number, 3) for number in numbers])
            yield Diagnostic(
                "NS516",
                f"`{transform.kind}` has numbers of pixels from 0 to 1; they are 0 to {WHITE} here",
                Label(net.recipe.spans[transform.kind], f"no `scale 1 / {WHITE}` stands before it"),
                help=(f"put `scale 1 / {WHITE}` before it, or write `{transform.kind} {scaled}`",),
                severity=Severity.WARNING,
            )
            return


def list_fractions(transform: "Transform") -> list[float]:
    """Its numbers, where all are means or deviations of pixels from 0 to 1."""
    numbers = list(getattr(transform, "numbers", ()))
    return numbers if all(0 < number < 1 for number in numbers) else []
