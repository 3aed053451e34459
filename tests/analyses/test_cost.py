"""Sums over layers: what is shared is counted once, what a head brings is left out of a net."""

from netspec.analyses.cost import Cost, count_cost, count_node_cost
from netspec.analyses.memory import measure_memory
from tests.compiled import compile_graph

SHARED = """
    net twins {
      left: input 3x8x8
      right: input 3x8x8
      f: conv 4, 3x3 from left
      g: again f from right
      concat from f, g
      early: head weight=0.3 { fc 10 }
      batchnorm
      relu
    }
"""


def test_shared_weights_are_counted_at_the_layer_that_brings_them() -> None:
    graph = compile_graph(SHARED)
    assert count_node_cost(graph["f"]) == Cost(112, 3888)
    assert count_node_cost(graph["g"]) == Cost(0, 3888)


def test_the_parts_of_a_net_add_up_to_the_net() -> None:
    graph = compile_graph(SHARED)
    whole = count_cost(graph.inference_nodes)
    assert whole == Cost(graph.num_params, graph.macs) == Cost(112 + 16, 2 * 3888)


def test_no_layers_cost_nothing() -> None:
    assert count_cost([]) == Cost()


def test_memory_leaves_heads_out_and_keeps_averages_apart() -> None:
    memory = measure_memory(compile_graph(SHARED))
    assert memory.weight_bytes == 128 * 4
    assert memory.average_bytes == 2 * 8 * 4
    assert memory.activations == 2 * 4 * 36 + 8 * 36 + 8 * 36  # f, g, concat, batchnorm; no relu
    assert memory.activation_bytes == memory.activations * 4
