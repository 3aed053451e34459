"""Where a run computes, in which precision and memory format: choosing, refusing, and naming it."""

import platform
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import torch

import netspec
from netspec.graph import Node
from netspec.layers.convolution import Kernels
from netspec.recipe.device import Precision
from netspec.recipe.run import TrainingError
from netspec_torch.data.fetching import count_cores


def choose_device(name: str | None) -> torch.device:
    """The device of a name such as `cpu`, `cuda`, `cuda:1`; without one, a GPU where there is one.

    Raises TrainingError where there is no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).add_(1).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise TrainingError(
            f"there is no device `{name}`; there is {', '.join(list_devices())}",
            "a GPU is --device cuda, the second one --device cuda:1; without --device the first "
            "GPU is taken where there is one",
            cause="usage",
        ) from error
    return device


def list_devices() -> list[str]:
    """The names of the devices that are here."""
    return ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]


def choose_memory_format(nodes: Iterable[Node]) -> torch.memory_format:
    """channels_last, which is the quicker one, unless PyTorch computes the net wrongly in it.

    It does so on a CPU (2.13) for a convolution of a single input channel with unequal strides,
    where its output is one pixel wide.
    """
    for node in nodes:
        if (
            isinstance(node.layer, Kernels)
            and node.input_shapes[0].channels == 1
            and node.layer.stride.height != node.layer.stride.width
        ):
            return torch.contiguous_format
    return torch.channels_last


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """The context in which a net computes in the precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def describe_device(device: torch.device) -> str:
    """The device by its name, with what limits it."""
    if device.type == "cuda":
        return f"{device}, {torch.cuda.get_device_name(device)}"
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    return str(device)


def describe_machine(device: torch.device) -> dict[str, str]:
    """What a run says of the machine and of what computed on it."""
    return {
        "device": describe_device(device),
        "processor": name_processor(),
        "cores": str(count_cores()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "netspec": netspec.__version__,
    }


def name_processor() -> str:
    """The processor by its maker's name, where the system tells it, else by its architecture."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()
