"""Writes the table of a network of torchvision or timm: what the library's own modules say when it
is run on a single image, without weights (PyTorch's meta device).

    python tests/oracle/make_table.py torchvision vgg13 224 > tests/oracle/vgg13.json

It needs an environment that has the library, and nothing of netspec.
"""

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

MACS_HOW = (
    "torch.utils.flop_counter.FlopCounterMode total / 2, meta device, batch 1: convolutions and"
    " matrix products only"
)
MAKERS = {"torchvision": ("torchvision.models", "get_model"), "timm": ("timm", "create_model")}

Line = dict[str, Any]


def make_network(library: str, name: str) -> nn.Module:
    module, maker = MAKERS[library]
    with torch.device("meta"):
        network: nn.Module = getattr(importlib.import_module(module), maker)(name)
    return network.eval()


def describe_source(library: str, name: str) -> str:
    version = importlib.import_module(library).__version__.partition("+")[0]
    return f"{library} {version} (torch {torch.__version__}): {name}"


def run(network: nn.Module, image: Tensor) -> tuple[list[Line], dict[str, int], Tensor]:
    """A line for each call of a module that has weights of its own or no modules in it,
    multiply-adds by operation, and the result."""
    lines: list[Line] = []

    def note(name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        called_before = any(line["name"] == name for line in lines)
        repeat = {"repeat": True} if called_before else {}
        lines.append(describe_call(name, module, inputs, output) | repeat)

    for name, module in network.named_modules():
        if not list(module.children()) or list(module.parameters(recurse=False)):
            module.register_forward_hook(lambda *call, name=name: note(name, *call))
    with FlopCounterMode(display=False) as counter:
        output = network(image)
    flops = counter.get_flop_counts()["Global"]
    return lines, {str(operation): count // 2 for operation, count in flops.items()}, output


def describe_call(name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Line:
    return {
        "name": name,
        "class": type(module).__name__,
        "in": [list(tensor.shape[1:]) for tensor in inputs],
        "out": list(output.shape[1:]),
        "params": count(module.parameters(recurse=False)),
        "stats": count(find_averages(module, recurse=False)),
        **describe_module(module, output),
    }


def describe_module(module: nn.Module, output: Tensor) -> Line:
    """Window, groups, multiply-adds and the like, as far as a module has them."""
    match module:
        case nn.Conv2d():
            window = describe_window(module)
            macs = module.weight.numel() * output.shape[2:].numel()
            bias = module.bias is not None
            d = shorten(module.dilation)
            return window | {"g": module.groups, "d": d, "bias": bias, "macs": macs}
        case nn.Linear():
            return {"macs": module.in_features * output.shape[1:].numel()}
        case nn.BatchNorm2d():
            return {"eps": module.eps, "momentum": module.momentum}
        case nn.LayerNorm():
            return {"eps": module.eps}
        case nn.MaxPool2d():
            ceil, d = module.ceil_mode, shorten(module.dilation)
            return describe_window(module) | {"ceil": ceil, "d": d}
        case nn.AvgPool2d():
            ceil, counted = module.ceil_mode, module.count_include_pad
            return describe_window(module) | {"ceil": ceil, "count_include_pad": counted}
        case nn.Module(p=share) if type(module).__name__ == "StochasticDepth":
            return {"p": share}
        case _:
            return {}


def describe_window(module: Any) -> Line:
    sizes = {"k": module.kernel_size, "s": module.stride, "p": module.padding}
    return {letter: shorten(size) for letter, size in sizes.items()}


def shorten(size: Any) -> Any:
    """A single number for height and width where they are the same."""
    return size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size


def find_averages(module: nn.Module, *, recurse: bool = True) -> Iterator[Tensor]:
    buffers = module.named_buffers(recurse=recurse)
    return (b for name, b in buffers if name.rpartition(".")[2].startswith("running"))


def count(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


def make_table(library: str, name: str, side: int) -> dict[str, Any]:
    network = make_network(library, name)
    image = torch.empty(1, 3, side, side, device="meta")
    lines, macs_by_op, output = run(network, image)
    buffers, averages = count(network.buffers()), count(find_averages(network))
    tracked = sum("num_batches_tracked" in name for name, _ in network.named_buffers())
    first_calls = [line for line in lines if "repeat" not in line]
    return {
        "name": name if library == "torchvision" else f"{library}_{name}",
        "source": describe_source(library, name),
        "mode": "eval",
        "input": list(image.shape),
        "output": list(output.shape[1:]),
        "params_trainable": count(p for p in network.parameters() if p.requires_grad),
        "params_in_called_leaves": sum(line["params"] for line in first_calls),
        "buffers_running_stats": averages,
        "buffers_num_batches_tracked": tracked,
        "buffers_other": buffers - averages - tracked,
        "macs": sum(macs_by_op.values()),
        "macs_how": MACS_HOW,
        "macs_by_op": macs_by_op,
        "macs_closed_form_conv_linear": sum(line.get("macs", 0) for line in lines),
        "layers": len(lines),
        "layer_kinds": Counter(line["class"] for line in lines),
        "layer": lines,
    }


def render_table(table: dict[str, Any]) -> str:
    """A line for each fact and each call."""
    *facts, (_, calls) = table.items()
    head = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts)
    rows = ",\n".join(f"  {json.dumps(call, separators=(',', ':'))}" for call in calls)
    return f'{{\n{head} "layer": [\n{rows}\n ]\n}}\n'


if __name__ == "__main__":
    library, name, side = sys.argv[1:]
    sys.stdout.write(render_table(make_table(library, name, int(side))))
