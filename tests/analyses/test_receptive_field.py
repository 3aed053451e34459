"""Receptive fields: known networks, joins, what sees all of the input, maps that are enlarged."""

from fractions import Fraction
from pathlib import Path

import pytest

from netspec.analyses.receptive_field import Field, find_fields
from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph
from tests.compiled import compile_graph

SPECS = Path(__file__).parents[2] / "specs"


def find_rows(graph: Graph, name: str, input: str = "input_1") -> tuple[object, ...]:
    """Size, jump and start of a layer's rows."""
    return tuple(find_fields(graph, graph[name])[input][0])


@pytest.mark.parametrize(
    ("spec", "layer", "field"),
    [
        ("alexnet", "conv1", (11, 4, 0)),
        ("alexnet", "maxpool_3", (195, 32, -64)),
        ("vgg16", "conv5.conv_3", (196, 16, -90)),
        ("vgg16", "maxpool_5", (212, 32, -90)),
    ],
)
def test_known_networks(spec: str, layer: str, field: tuple[int, int, int]) -> None:
    """The largest are those of the table of Araujo, Norris and Sim 2019: 195 and 212."""
    (net,) = (n for n in compile_file(SPECS / f"{spec}.net").nets if n.name == spec)
    assert find_rows(net.graph, layer) == field


def test_the_input_sees_itself() -> None:
    assert find_rows(compile_graph("net a { input 3x8x8; relu }"), "input_1") == (1, 1, 0)


def test_rows_and_columns_are_apart() -> None:
    graph = compile_graph("net a { input 3x9x9; conv 2, 1x3, pad=0x1, stride=1x2 }")
    rows, columns = find_fields(graph, graph["conv_1"])["input_1"]
    assert rows == Field(1, Fraction(1), 0)
    assert columns == Field(3, Fraction(2), -1)


def test_a_join_sees_what_its_inputs_see_together() -> None:
    graph = compile_graph(
        """
        net a {
          input 3x9x9
          concat {
            branch { conv 2, 3x3, pad=0:2 }
            branch { conv 2, 3x3, pad=2:0 }
          }
        }
        """
    )
    assert find_rows(graph, "concat_1.branch_1.conv_1") == (3, 1, 0)
    assert find_rows(graph, "concat_1.branch_2.conv_1") == (3, 1, -2)
    assert find_rows(graph, "concat_1") == (5, 1, -2)


@pytest.mark.parametrize("line", ["fc 10", "avgpool global", "flatten", "groupnorm 1"])
def test_some_layers_see_all(line: str) -> None:
    assert find_rows(compile_graph(f"net a {{ input 3x9x9; x: {line} }}"), "x") == (9, 0, 0)


def test_what_is_added_to_a_look_at_all_sees_all() -> None:
    graph = compile_graph(
        """
        net a {
          input 3x9x9
          conv 4, 3x3, pad=1
          multiply { branch { }; branch { avgpool global; conv 4, 1x1; sigmoid } }
          conv 4, 3x3
        }
        """
    )
    assert find_rows(graph, "multiply_1") == (11, 0, -1)
    assert find_rows(graph, "conv_2") == (11, 0, -1)


def test_enlarged_maps_have_broken_jumps_and_several_sizes() -> None:
    graph = compile_graph(
        """
        net a {
          input 3x16x16
          c: conv 2, 2x2, stride=2
          u: upsample 2
          d: deconv 2, 3x3, stride=2, pad=1 from c
        }
        """
    )
    assert find_rows(graph, "u") == (2, 1, 0)
    assert find_rows(graph, "d") == (4, 1, 0)


def test_ways_of_different_strides_have_no_jump() -> None:
    graph = compile_graph(
        """
        net a {
          input 3x9x9
          x: conv 2, 3x3, pad=1
          maxpool 2x2, stride=2
          y: upsample to=9x9
          add from x, y
        }
        """
    )
    assert find_rows(graph, "add_1")[1] is None


def test_every_input_has_its_own_field() -> None:
    graph = compile_graph(
        """
        net a {
          left: input 3x9x9
          right: input 3x11x11
          x: conv 2, 3x3 from right
          y: conv 2, 1x1 from left
          add from y, x
        }
        """
    )
    assert find_rows(graph, "add_1", "left") == (1, 1, 0)
    assert find_rows(graph, "add_1", "right") == (3, 1, 0)
    assert set(find_fields(graph, graph["x"])) == {"right"}
