"""From a checked graph to a `torch.fx.GraphModule` with its first weights.

What a layer kind becomes is decided in `layers.py`, how a weight starts in `starting_values.py`.
Here the net is walked, the modules and weights get their names, and it is settled what a call gives
back. Nothing is trained here, and no device, precision or memory format chosen: the module is an
ordinary `nn.Module` that takes `.to(...)`, autocast and `torch.compile`.
"""

from collections.abc import Mapping

import torch
from torch import fx, nn

from netspec.compiler.program import CheckedNet
from netspec.graph import Graph
from netspec.tensor import Weight
from netspec_torch.emission import Emission, module_path
from netspec_torch.layers import find_emitter
from netspec_torch.starting_values import fill_weights

LAYERS = "layers"


def build(
    net: Graph | CheckedNet,
    *,
    seed: int | None = None,
    dtype: torch.dtype = torch.float32,
    heads: bool = False,
) -> fx.GraphModule:
    """Make a net that runs, on the CPU and in training mode, with its starting values drawn.

    It takes a tensor of N x C x H x W for each input of the net, in their order. It gives back the
    net's output, N x C where that is a vector and N x C x H x W where it is a map. With
    `heads=True` it also computes the side exits, and gives back `(output, {head: tensor})`.

    Weights are named by the path of labels: `conv1.weight`. The same seed gives the same values
    for every device and dtype; without a seed one is drawn from torch's global generator. A weight
    with `rate=0` does not require a gradient. Raises UnsupportedLayerError where a layer kind has
    no emitter.
    """
    graph = net.graph if isinstance(net, CheckedNet) else net
    module = emit(graph, nn.Module(), heads=heads)
    weights = list_weights(graph, heads=heads)
    if seed is None:
        seed = int(torch.randint(2**62, ()).item())
    fill_weights({**dict(module.named_parameters()), **dict(module.named_buffers())}, weights, seed)
    freeze(module, weights)
    return module.to(dtype)


def freeze(module: nn.Module, weights: Mapping[str, Weight]) -> None:
    """Let those parameters have no gradient whose rate is 0."""
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(weights[name].rate != 0)


def without_heads(module: fx.GraphModule, net: Graph | CheckedNet) -> fx.GraphModule:
    """The same net on the very same weights, for evaluation: it computes and returns its output
    alone. `module` is what `build(net, heads=True)` made; it is left as it was."""
    graph = net.graph if isinstance(net, CheckedNet) else net
    return emit(graph, module, heads=False).train(module.training)


def parameter_factors(graph: Graph) -> dict[str, Weight]:
    """The learned weights of a net, heads included, by the names of the module's parameters. Each
    has its factors on the solver's rate and decay; shared weights stand there once."""
    weights = list_weights(graph, heads=True)
    return {name: weight for name, weight in weights.items() if weight.is_learned}


def list_weights(graph: Graph, *, heads: bool) -> dict[str, Weight]:
    """All that layers own, running averages too, by the keys of the module's `state_dict`."""
    return {
        f"{module_path(node.name)}.{weight.name}": weight
        for node in (graph.nodes if heads else graph.inference_nodes)
        if node.shares_weights_of is None
        for weight in node.weights
    }


def emit(graph: Graph, root: nn.Module, *, heads: bool) -> fx.GraphModule:
    """Write the net as a torch graph over the modules of `root`; those that it lacks are made. Each
    tensor in it has in its `meta` the names of the layers that it is the output of."""
    emission = Emission(root)
    tensors: dict[str, fx.Node] = {}
    for node in graph.nodes if heads else graph.inference_nodes:
        inputs = [tensors[name] for name in node.inputs]
        tensors[node.name] = find_emitter(node)(emission, node, inputs)
        tensors[node.name].meta.setdefault(LAYERS, []).append(node.name)

    def emit_result(name: str) -> fx.Node:
        if graph[name].shape.is_vector:
            return emission.call(f"{name}.vector", torch.flatten, tensors[name], 1)
        return tensors[name]

    output = emit_result(graph.output)
    if heads:
        exits = {head.name: emit_result(head.output) for head in graph.heads}
        emission.graph.output((output, exits))
    else:
        emission.graph.output(output)
    return fx.GraphModule(root, emission.graph, class_name=module_path(graph.name))
