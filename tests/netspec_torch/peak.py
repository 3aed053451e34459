"""The most memory that an update of PyTorch has at once, by its own record of what its allocator
is asked for. What the estimate of `netspec.analyses.training_memory` is held against.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from netspec.compiler.program import CheckedNet
from netspec.recipe.device import Precision
from netspec_torch import build
from netspec_torch.compute import choose_memory_format
from netspec_torch.module import parameter_factors
from netspec_torch.solver import make_optimizer
from netspec_torch.step import TrainingStep


def measure_peak(
    net: CheckedNet, batch: int, precision: Precision, device_batch: int | None = None
) -> int:
    """The most bytes that live at once in an update, the second, by its recipe but for so many
    images; weights, the solver's numbers and the batch were there before."""
    assert net.recipe
    graph = net.graph
    layout = choose_memory_format(graph.nodes)
    module = build(net, seed=0, heads=bool(graph.heads))
    module.to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = make_optimizer(
        net.recipe.solver, module.named_parameters(), parameter_factors(graph)
    )
    step = TrainingStep(
        module,
        optimizer,
        net.recipe.loss,
        heads=graph.heads,
        device=torch.device("cpu"),
        precision=precision,
        device_batch=device_batch,
    )
    images = torch.randn(batch, *graph[graph.inputs[0]].shape).to(memory_format=layout)
    labels = torch.randint(graph[graph.output].shape.channels, (batch,))
    step(images, labels, 0)
    before = count_bytes([*list_tensors(module, optimizer), images])
    found, left = record(lambda: step(images, labels, 1))
    assert not left, "the update leaves something behind"
    return before + found


def list_tensors(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Iterable[Tensor]:
    """Weights, running averages, and what the solver remembers."""
    yield from module.parameters()
    yield from module.buffers()
    for state in optimizer.state.values():
        yield from (value for value in state.values() if isinstance(value, Tensor))


def count_bytes(tensors: Iterable[Tensor]) -> int:
    """Of the memory that tensors lie in, each piece once."""
    pieces = (tensor.untyped_storage() for tensor in tensors)
    return sum({piece.data_ptr(): piece.nbytes() for piece in pieces}.values())


def record(function: Callable[[], object]) -> tuple[int, int]:
    """The most bytes that what a function allocates has at once, and those that stay."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        function()
    assert found.profiler
    events: Sequence[Any] = found.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    live, most = 0, 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        live += int(change.nbytes())
        most = max(most, live)
    return most, live
