"""NS515: an input whose channels seem to stand last, as Keras and TensorFlow write an image's size.

Told only of a width of one or three pixels behind many channels: as many as rows for one, since a
signal has a width of 1 too.
"""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.tensor import Shape

FEWEST = 8
"""Channels, and rows, that three colours would hardly be written behind otherwise."""


def find_channels_last(net: CheckedNet) -> Iterator[Diagnostic]:
    for node in net.graph.nodes:
        if node.layer.kind != "input" or not has_channels_last(node.shape):
            continue
        channels, height, width = node.shape
        meant = Shape(width, channels, height)
        yield Diagnostic(
            "NS515",
            f"{node.name} has {channels} channels of {height}x{width} pixels",
            Label(node.span, "channels come first, then height and width"),
            help=(f"write `input {meant}` for images of {channels}x{height} pixels",),
            severity=Severity.WARNING,
        )


def has_channels_last(shape: Shape) -> bool:
    """Whether a size reads as height x width x channels."""
    channels, height, width = shape
    if min(channels, height) < FEWEST:
        return False
    return width == 3 or (width == 1 and channels == height)
