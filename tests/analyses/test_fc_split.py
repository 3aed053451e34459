"""Fully connected layers over several processes: what is cut, what moves, by hand and by laws."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.analyses.fc_split import FcSplit, Move, Way, cut_evenly, split_fcs
from netspec.analyses.scaling import count_moved
from netspec.compiler.pipeline import compile_file
from tests.compiled import compile_graph

SPECS = Path(__file__).parents[2] / "specs"

TINY = """
net tiny {
  input 3x2x2
  a: conv 4, 1x1
  b: fc 6
  r: relu
  c: fc 3
}
"""


def list_ways(split: FcSplit) -> list[tuple[str, Way]]:
    return [(move.tensor, move.way) for move in split.moves]


def test_a_tiny_net_by_hand() -> None:
    """Three images of one process, two of the other; 16 numbers of a, 6 of r, 3 of c."""
    split = split_fcs(compile_graph(TINY), 2)
    assert {name: [run.end - run.start for run in runs] for name, runs in split.runs.items()} == {
        "b": [3, 3],
        "r": [3, 3],
        "c": [2, 1],
    }
    assert list_ways(split) == [("a", "images"), ("r", "channels"), ("c", "back")]
    sent = [[move.count_sent(process, [3, 2]) // 4 for move in split.moves] for process in (0, 1)]
    assert sent == [[3 * 16, 5 * 3, 2 * 2], [2 * 16, 5 * 3, 3 * 1]]
    received = [
        [move.count_received(process, [3, 2]) // 4 for move in split.moves] for process in (0, 1)
    ]
    assert received == sent[::-1]
    assert count_moved(split, [3, 2]) == (4 * (67 + 50), 4 * (50 + 67))


def test_alexnet_moves_what_the_paper_says() -> None:
    """Its scheme (a) for 4 workers of 64 images: conv5's 9,216 numbers of each image go to the
    three others, then fc6's and fc7's 4,096 of all 256, a fourth of each from each."""
    graph = compile_file(SPECS / "alexnet-one-tower.net").nets[0].graph
    split = split_fcs(graph, 4)
    assert list_ways(split) == [
        ("dropout_1", "images"),
        ("dropout_2", "channels"),
        ("relu_7", "channels"),
        ("fc8", "back"),
    ]
    images = [64] * 4
    sent = [move.count_sent(1, images) for move in split.moves]
    assert sent == [
        4 * 64 * 9216 * 3,
        4 * 256 * 1024 * 3,
        4 * 256 * 1024 * 3,
        4 * 192 * 250,
    ]


BETWEEN = """
net between {{
  input 3x2x2
     conv 8, 1x1
  h: avgpool global
  a: fc 8
  it: {line}
  fc 6
}}
"""


@pytest.mark.parametrize(
    ("line", "is_cut"),
    [
        ("relu", True),
        ("dropout 0.5", True),
        ("multiply 2", True),
        ("add from a, a", True),
        ("maximum from a, h", False),
        ("softmax", False),
        ("layernorm", False),
        ("lrn 3", False),
        ("shuffle 2", False),
        ("slice 0, 4", False),
        ("prelu", False),
        ("batchnorm", False),
        ("conv 8, 1x1", False),
        ("concat from a, a", False),
        ("fc 4", True),
        ("fc 3", False),
    ],
)
def test_what_is_cut_over_four(line: str, is_cut: bool) -> None:
    """Fully connected layers with a channel for each process, and behind them what keeps to a
    channel and has no weights."""
    split = split_fcs(compile_graph(BETWEEN.format(line=line)), 4)
    assert ("it" in split.runs) == is_cut
    assert "h" not in split.runs
    assert ("a", "back") in list_ways(split) or is_cut


def test_a_tensor_moves_once_for_all_its_readers() -> None:
    text = """
net several {
  input 3x2x2
  h: conv 4, 1x1
  a: fc 8
  b: fc 8 from h
  s: softmax from a
  t: softmax from a
  concat from s, t, b
  avgpool global
}
"""
    split = split_fcs(compile_graph(text), 2)
    assert list_ways(split) == [("h", "images"), ("a", "back"), ("b", "back")]


def test_nothing_returns_to_what_is_not_trained() -> None:
    text = TINY.replace("conv 4, 1x1", "conv 4, 1x1, rate=0")
    moves = split_fcs(compile_graph(text), 2).moves
    assert [move.has_gradient for move in moves] == [False, True, True]
    sent, received = count_moved(split_fcs(compile_graph(text), 2), [3, 2])
    assert (sent, received) == (4 * (67 + 50 - 32), 4 * (50 + 67 - 48))


def test_heads_are_split_too() -> None:
    text = TINY.replace("b: fc 6", "early: head weight=0.5 { fc 5 }\nb: fc 6")
    split = split_fcs(compile_graph(text), 2)
    assert list_ways(split) == [
        ("a", "images"), ("r", "channels"), ("c", "back"), ("early.fc_1", "back"),
    ]  # fmt: skip


@given(st.integers(1, 99), st.integers(1, 40))
def test_runs_meet_and_differ_by_one(channels: int, processes: int) -> None:
    runs = cut_evenly(channels, processes)
    assert [c for run in runs for c in range(*run)] == list(range(channels))
    lengths = [run.end - run.start for run in runs]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] - lengths[-1] <= 1


def add_both_ways(move: Move, process: int, images: Sequence[int]) -> int:
    return move.count_sent(process, images) + move.count_received(process, images)


@given(st.integers(2, 9), st.integers(0, 40), st.integers(0, 40), st.sampled_from(Way.__args__))  # type: ignore[attr-defined]
def test_what_is_sent_is_received_and_the_first_has_most(
    processes: int, more_images: int, more_channels: int, way: Way
) -> None:
    counts = [run.end - run.start for run in cut_evenly(processes + more_images, processes)]
    channels = processes + more_channels
    move = Move("x", way, cut_evenly(channels, processes), channels, 3, has_gradient=True)
    sent = [move.count_sent(process, counts) for process in range(processes)]
    received = [move.count_received(process, counts) for process in range(processes)]
    assert sum(sent) == sum(received)
    both = [add_both_ways(move, process, counts) for process in range(processes)]
    assert max(both) == both[0]
