"""Every net in specs/ and every specimen runs, each tensor in the shape that the check told."""

from pathlib import Path

import pytest
import torch
from torch import nn

from netspec.compiler.pipeline import compile_file
from netspec_torch.emission import tensor_name
from netspec_torch.module import emit
from tests.netspec_torch.graphs import record_shapes

TESTS = Path(__file__).parents[1]
PATHS = [*(TESTS.parent / "specs").rglob("*.net"), *(TESTS / "specimens").glob("*.net")]


@pytest.mark.parametrize("path", sorted(PATHS), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_tensor_has_its_shape(path: Path) -> None:
    for net in compile_file(path).nets:
        module = emit(net.graph, nn.Module(), heads=True).to("meta")
        sizes = [(2, *net.graph[name].shape) for name in net.graph.inputs]
        found = record_shapes(module, *(torch.empty(size, device="meta") for size in sizes))
        told = {tensor_name(node.name): (2, *node.shape) for node in net.graph.nodes}
        assert {tensor_name(node.name) for node in net.graph.nodes if node.weights} <= found.keys()
        assert {name: found[name] for name in told.keys() & found.keys()}.items() <= told.items()
