"""What a picture shows, as people read it: its most probable classes, each with a bar."""

from netspec.recipe.results import Prediction
from netspec.render.page import (
    Line,
    Page,
    Piece,
    count_cells,
    pad_cells,
    printable,
    take_cells,
    wrap_text,
)

LONGEST_BAR = 40
LEAST_BAR = 8
"""A bar shorter than that shows nothing, and gives its place to the names."""
INDENT = 2


def list_prediction(prediction: Prediction, page: Page) -> list[Line]:
    """A picture that could be read: its name, and a line for each class."""
    width = page.width
    lines: list[Line] = [
        (Piece(part, "strong"),) for part in wrap_text(printable(prediction.picture), width)
    ]
    names = [printable(each.name) for each in prediction.classes]
    room, bar = share_width(max(map(count_cells, names)), width)
    for name, each in zip(names, prediction.classes, strict=True):
        shown = name if count_cells(name) <= room else cut(name, room, page.ellipsis)
        pieces = [Piece(f"{' ' * INDENT}{pad_cells(shown, room)}  {each.probability:.3f}")]
        length = round(each.probability * bar)
        if length:
            pieces.append(Piece(f"  {page.bar * length}", "good"))
        lines.append(tuple(pieces))
    return lines


def share_width(longest: int, width: int | None) -> tuple[int, int]:
    """The cells of the names and of the longest bar."""
    if width is None:
        return longest, LONGEST_BAR
    room = width - INDENT - len("  0.000")
    bar = min(LONGEST_BAR, room - longest - 2)
    if bar >= LEAST_BAR:
        return longest, bar
    return max(1, min(longest, room)), 0


def cut(text: str, width: int, ellipsis: str) -> str:
    """The start of a text that is too long, with a sign that it goes on."""
    if width <= len(ellipsis):
        return take_cells(text, width)
    return take_cells(text, width - len(ellipsis)) + ellipsis
