"""NS513: a batch that does not fit the memory of a device.

Judged where the command line says what that is, and by the estimate that the report shows
(`netspec/analyses/training_memory.py`). A net with `gpus n` is judged on n devices.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.recipe.device import Device, show_bytes

if TYPE_CHECKING:
    from netspec.analyses.training_memory import TrainingNeeds


def find_large_batch(net: CheckedNet, device: Device) -> Iterator[Diagnostic]:
    recipe, room = net.recipe, device.memory
    if recipe is None or room is None:
        return
    from netspec.analyses.training_memory import find_largest_batch, need_columns

    needs = need_columns(net.graph, recipe.solver)
    memories = [each.measure(recipe.batch, device.precision) for each in needs]
    worst = max(memories, key=lambda memory: memory.peak)
    if worst.peak <= room:
        return
    largest = find_largest_batch(needs, room, device.precision)
    needed, there = show_both(worst.peak, room)
    gpu = f"GPU {memories.index(worst)}" if len(needs) > 1 else "a device"
    yield Diagnostic(
        "NS513",
        f"{net.name} needs {needed} for a batch of {recipe.batch:,}; {gpu} has {there}",
        Label(recipe.spans["batch"], describe_largest(largest)),
        notes=(f"in {device.precision}: {worst.describe_parts()}",),
        help=tuple(list_ways(needs, recipe.batch, room, device)),
        severity=Severity.WARNING,
    )


def describe_largest(largest: int) -> str:
    return f"a batch of {largest:,} has room" if largest else "not one image has room"


def list_ways(
    needs: "Sequence[TrainingNeeds]", batch: int, room: int, device: Device
) -> Iterator[str]:
    """How the batch can be trained all the same."""
    from netspec.analyses.training_memory import find_largest_batch

    part = find_largest_batch(needs, room, device.precision, keeps_gradients=True)
    if part:
        options = "" if device.precision == "float32" else f" --precision {device.precision}"
        command = f"netspec train{options} --device-batch {part}"
        yield f"`{command}` computes it in parts that have room"
    if device.precision == "float32":
        half = max(each.measure(batch, "bf16").peak for each in needs)
        if half <= room:
            yield f"with `--precision bf16` it needs {show_bytes(half)}"


def show_both(one: int, other: int) -> tuple[str, str]:
    """Both amounts, so that they can be told apart."""
    shown = show_bytes(one), show_bytes(other)
    return shown if shown[0] != shown[1] else (f"{one:,} bytes", f"{other:,} bytes")
