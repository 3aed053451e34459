"""The kernels of the first layer, as Krizhevsky et al. 2012, figure 3, shows them."""

from collections.abc import Iterator

from netspec.recipe.run_facts import Kernels
from netspec.render.html.markup import Child, element, image


def render_kernels(kernels: Kernels) -> Iterator[Child]:
    """A picture for each block, one below the other."""
    size = f"{kernels.height}x{kernels.width}x{kernels.channels}"
    yield element(
        "p",
        f"The {kernels.count:,} kernels of {kernels.layer}, {size}. {describe_scale(kernels)}",
    )
    for block in kernels.blocks:
        text = f"kernels of {kernels.layer}" + (f", {block.title}" if block.title else "")
        yield element(
            "figure",
            image(block.picture, text, class_="kernels"),
            element("figcaption", block.title) if block.title else None,
        )


def describe_scale(kernels: Kernels) -> str:
    ends = f"{kernels.low:.3g} is black, {kernels.high:.3g} white"
    if kernels.channels == 1:
        return f"Grey is the weight: {ends}, for all of them."
    return f"Red, green and blue are the weights of the three channels: {ends}, for all of them."
