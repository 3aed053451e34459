"""What the processes of a test do, and one process alone for comparison: a net on seeded numbers,
forward, backward, and some updates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn
from torch.distributed import get_rank, group

from netspec.graph import Graph
from netspec_torch.distributed.columns import Column
from netspec_torch.distributed.masks import Rows
from netspec_torch.distributed.parts import Slices
from netspec_torch.distributed.portion import Groups, build_portion
from netspec_torch.module import build
from tests.compiled import compile_graph

IMAGES = 4
LAST = torch.channels_last


@dataclass(frozen=True)
class Pass:
    """What came of a net on one process."""

    outputs: list[Tensor]
    """The net's and each head's."""
    gradients: dict[str, Tensor | None]
    state: dict[str, Tensor]
    """Weights and running averages afterwards."""
    slices: Mapping[str, Slices] = field(default_factory=dict)
    """Which part of the whole each of them is."""


def run_whole(
    text: str, dtype: torch.dtype, updates: int = 0, layout: torch.memory_format = LAST
) -> Pass:
    """The whole net on this process."""
    graph = compile_graph(text)
    module = build(graph, seed=1, dtype=dtype, heads=bool(graph.heads))
    return run_module(graph, module, updates, layout)


def run_column(
    text: str, dtype: torch.dtype, updates: int = 0, layout: torch.memory_format = LAST
) -> Pass:
    """This process's column of the net."""
    graph = compile_graph(text)
    column = Column.of(graph, get_rank())
    rows = Rows(0, IMAGES, IMAGES, IMAGES, layout=layout)
    assert group.WORLD is not None
    groups, heads = Groups(group.WORLD), bool(graph.heads)
    module = build_portion(column, groups, rows, seed=1, dtype=dtype, heads=heads)
    return run_module(graph, module, updates, layout, column.slices)


def run_module(
    graph: Graph,
    module: fx.GraphModule,
    updates: int,
    layout: torch.memory_format,
    slices: Mapping[str, Slices] | None = None,
) -> Pass:
    """One pass forward and backward, or the last of so many with an update behind each."""
    module.to(memory_format=layout)  # type: ignore[call-overload]
    trained = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.05, momentum=0.9, weight_decay=1e-3)
    for update in range(max(1, updates)):
        torch.manual_seed(update)
        inputs = draw_inputs(graph, module, update, layout)
        outputs = list_outputs(module(*inputs))
        optimizer.zero_grad()
        score(outputs).backward()
        if updates:
            optimizer.step()
    return Pass(
        [output.detach() for output in outputs],
        {name: parameter.grad for name, parameter in module.named_parameters()},
        {name: tensor.detach() for name, tensor in module.state_dict().items()},
        slices or {},
    )


def draw_inputs(
    graph: Graph, module: nn.Module, seed: int, layout: torch.memory_format
) -> list[Tensor]:
    """Images as all processes see them."""
    generator = torch.Generator().manual_seed(seed)
    dtype = next(module.parameters()).dtype
    return [
        torch.randn(IMAGES, *graph[name].shape, generator=generator, dtype=torch.float64)
        .to(dtype)
        .contiguous(memory_format=layout)
        for name in graph.inputs
    ]


def list_outputs(result: Tensor | tuple[Tensor, dict[str, Tensor]]) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    output, heads = result
    return [output, *heads.values()]


def score(outputs: Sequence[Tensor]) -> Tensor:
    """A number on which all outputs bear, each in its own way; 0 where there are none."""
    total = torch.zeros((), dtype=outputs[0].dtype)
    for output in outputs:
        weights = 1.5 + torch.arange(1, output.numel() + 1, dtype=output.dtype).cos()
        total = total + ((output.flatten() - 0.3).square() * weights).sum() / len(output)
    return total
