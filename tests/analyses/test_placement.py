"""Where a net's layers lie on its GPUs, held against the truth about AlexNet and against rules."""

import json
from pathlib import Path

import pytest

from netspec.analyses.cost import Cost, count_cost
from netspec.analyses.memory import measure_memory
from netspec.analyses.placement import Crossing, Placement, place_graph, subtract
from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph
from netspec.tensor import Interval
from tests.compiled import compile_graph

TESTS = Path(__file__).parents[1]
TRUTH = json.loads((TESTS / "oracle" / "alexnet_variants.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def alexnet() -> Graph:
    return compile_file(TESTS.parent / "specs" / "alexnet.net").nets[0].graph


def bytes_to(placement: Placement, name: str, receiver: int) -> int:
    return sum(c.bytes for c in placement.nodes[name].crossings if c.receiver == receiver)


def test_alexnet_crosses_where_the_paper_says(alexnet: Graph) -> None:
    placement = place_graph(alexnet)
    crossing = {name: node.crossing_bytes for name, node in placement.nodes.items()}
    expected = {row["layer"]: row["bytes"] for row in TRUTH["two_gpu_traffic"]["per_layer"]}
    assert {name: count for name, count in crossing.items() if count} == expected
    for row in TRUTH["two_gpu_traffic"]["per_layer"]:
        for gpu in (0, 1):
            assert bytes_to(placement, row["layer"], gpu) == row[f"bytes_to_gpu{gpu}"]
    truth = TRUTH["two_gpu_traffic"]
    assert placement.crossing_bytes == placement.returning_bytes == truth["bytes_forward"]
    assert placement.training_bytes == truth["bytes_forward_and_backward"] == 468_992


def test_alexnet_costs_each_gpu_what_the_truth_says(alexnet: Graph) -> None:
    expected = [Cost(gpu["weights"] + gpu["biases"], gpu["macs"]) for gpu in TRUTH["per_gpu"]]
    assert list(place_graph(alexnet).costs) == expected
    assert sum(expected, Cost()) == count_cost(alexnet.inference_nodes)


def test_alexnet_lies_in_halves_but_for_its_last_layer(alexnet: Graph) -> None:
    nodes = place_graph(alexnet).nodes
    assert nodes["conv1"].runs == (Interval(0, 48), Interval(48, 96))
    assert nodes["input_1"].runs == (Interval(0, 3), Interval(0, 3))
    assert nodes["fc8"].runs == (Interval(0, 1000), Interval(0, 0))


def test_alexnet_stores_the_activations_of_the_truth(alexnet: Graph) -> None:
    truth = TRUTH["variants"]["a_paper_2012_two_gpu_224"]
    softmax = 1000  # the truth table ends with one, the file does not
    assert measure_memory(alexnet).activations + softmax == truth["activation_elements_stored"]
    assert measure_memory(alexnet).weight_bytes == truth["params_bytes"]


def place(lines: str, gpus: int = 2) -> Placement:
    return place_graph(compile_graph(f"net tiny {{ gpus {gpus}\n x: input 4x8x8\n{lines} }}"))


@pytest.mark.parametrize(
    "lines",
    [
        "a: conv 8, 3x3\n b: conv 8, 3x3, groups=2",
        "a: conv 8, 3x3\n b: depthwise 3x3",
        "a: conv 8, 3x3\n b: lrn 5, groups=2",
        "a: conv 8, 3x3\n b: batchnorm",
        "a: conv 8, 3x3\n b: maxpool 2x2, stride=2",
        "a: conv 8, 3x3\n r: relu\n b: add from a, r",
    ],
)
def test_what_reads_its_own_half_stays_at_home(lines: str) -> None:
    assert place(lines).crossing_bytes == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a: conv 8, 3x3\n b: conv 8, 3x3", 2 * 4 * 36),
        ("a: conv 8, 3x3\n b: fc 10", 2 * 4 * 36),
        ("a: conv 8, 3x3\n b: softmax", 2 * 4 * 36),
        ("a: conv 8, 3x3\n b: lrn 3", 2 * 1 * 36),
        ("a: conv 8, 3x3\n b: fc 10, gpu=1", 4 * 36),
        ("a: conv 8, 3x3, gpu=0\n b: relu", 4 * 36),
        ("a: conv 8, 3x3, gpu=0\n b: relu gpu=1", 8 * 36),
        ("a: conv 8, 3x3, gpu=0\n b: relu gpu=0", 0),
        ("a: conv 8, 3x3\n b: shuffle 2", 2 * 2 * 36),
        ("a: conv 8, 3x3\n c: conv 4, 3x3 from x\n b: concat from a, c", 2 * 2 * 36),
    ],
)
def test_numbers_that_cross(lines: str, expected: int) -> None:
    assert sum(c.elements for c in place(lines).nodes["b"].crossings) == expected


def test_a_tensor_read_twice_by_one_line_crosses_once() -> None:
    placement = place("a: conv 8, 3x3, gpu=0\n b: add from a, a")
    assert placement.nodes["b"].crossings == (Crossing("a", 0, 1, 4 * 36),)


def test_three_gpus_fetch_from_both_others() -> None:
    placement = place("a: conv 6, 3x3\n b: conv 6, 1x1", gpus=3)
    pairs = [(c.sender, c.receiver) for c in placement.nodes["b"].crossings]
    assert pairs == [(1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2)]


def test_heads_are_placed_but_not_in_the_sums_of_inference() -> None:
    placement = place("a: conv 8, 3x3\n early: head weight=1 { fc 10, gpu=0 }\n b: fc 10, gpu=1")
    to_head, to_b = (4 * 36 * 4,) * 2
    assert placement.nodes["early.fc_1"].crossing_bytes == to_head
    assert placement.crossing_bytes == to_b
    assert placement.training_bytes == 2 * (to_head + to_b)
    assert sum(placement.costs, Cost()).params == 8 * 4 * 9 + 8 + 8 * 36 * 10 + 10


def test_the_loss_reads_a_split_result_on_the_first_gpu() -> None:
    placement = place("a: conv 8, 3x3\n b: fc 10")
    assert placement.exits["b"].crossings == (Crossing("b", 1, 0, 5),)
    assert placement.training_bytes == 2 * (placement.crossing_bytes + 5 * 4)


def test_the_loss_of_a_whole_result_is_computed_where_it_lies() -> None:
    assert not place("a: conv 8, 3x3\n b: fc 9, gpu=1").exits["b"].crossings


def test_no_gradient_goes_back_to_what_is_frozen() -> None:
    placement = place("a: conv 8, 3x3, rate=0\n r: relu\n b: conv 8, 3x3\n c: conv 8, 3x3")
    crossing = {name: node.crossing_bytes for name, node in placement.nodes.items()}
    returning = {name: node.returning_bytes for name, node in placement.nodes.items()}
    assert (crossing["b"], returning["b"]) == (2 * 4 * 36 * 4, 0)
    assert crossing["c"] == returning["c"] > 0


def test_shared_weights_lie_where_they_were_first_used() -> None:
    placement = place("a: conv 8, 3x3, gpu=0\n b: again a from x")
    assert placement.nodes["b"].costs[0].params == 0
    assert placement.costs[0].params == 8 * 4 * 9 + 8


@pytest.mark.parametrize(
    ("wanted", "held", "missing"),
    [
        ([(0, 8)], (0, 4), [(4, 8)]),
        ([(0, 8)], (4, 8), [(0, 4)]),
        ([(0, 8)], (2, 4), [(0, 2), (4, 8)]),
        ([(0, 8)], (0, 0), [(0, 8)]),
        ([(0, 8)], (0, 8), []),
        ([(0, 3), (2, 5)], (0, 0), [(0, 3), (3, 5)]),
        ([(4, 6), (0, 2)], (1, 5), [(0, 1), (5, 6)]),
        ([], (0, 4), []),
    ],
)
def test_subtract(
    wanted: list[tuple[int, int]], held: tuple[int, int], missing: list[tuple[int, int]]
) -> None:
    assert subtract([Interval(*each) for each in wanted], Interval(*held)) == missing
