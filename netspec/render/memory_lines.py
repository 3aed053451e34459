"""What training takes of each device's memory, for people: how much at most, of what, and the
largest batch that has room. Nothing is measured here.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.recipe.device import show_bytes

if TYPE_CHECKING:
    from netspec.render.facts import TrainingFacts


def list_training(training: "TrainingFacts") -> Iterator[tuple[str, str]]:
    """A net's facts about its training, each with its name."""
    how = f"at batch {training.batch:,}, in {training.precision}"
    if not training.has_recipe:
        how += ", without a recipe"
    if len(training.devices) == 1:
        total = show_bytes(training.whole.peak)
        yield "training", f"{total} {how}: {training.whole.describe_parts()}"
    else:
        yield "training", f"memory {how}"
        for gpu, memory in enumerate(training.devices):
            yield f"  GPU {gpu}", f"{show_bytes(memory.peak)}: {memory.describe_parts()}"
        whole = training.whole
        yield "  one device", f"{show_bytes(whole.peak)}: {whole.describe_parts()}"
    if training.room is not None:
        yield "  room", describe_room(training.room, training.largest_batch, len(training.devices))


def describe_room(room: int, largest: int | None, devices: int) -> str:
    each = " on each GPU" if devices > 1 else ""
    most = f"enough for batch {largest:,}" if largest else "not enough for a single image"
    return f"{show_bytes(room)}{each}, {most}"
