"""What `--stage` prints."""

from netspec.render.stages import render_graph, render_tree
from netspec.source import SourceFile
from netspec.syntax.parser import parse_source
from tests.compiled import compile_graph


def test_a_tree_has_a_line_for_each_node_and_value() -> None:
    file, errors = parse_source(SourceFile("a.net", "net a {\n  conv 8, 3x3\n}\n"))
    assert not errors
    lines = list(render_tree(file.items, "items", 1))
    assert lines[:3] == ["  items[0]: Net  1:1-3:2", "    name: Name  1:5-1:6", '      text: "a"']
    assert any(line.endswith("kind: Name  2:3-2:7") for line in lines)
    assert not any("SourceFile" in line for line in lines)


def test_a_graph_has_a_line_for_each_layer() -> None:
    graph = compile_graph("""
        net a(n = 8) {
          left: input 3x8x8
          right: input 3x8x8
          f: conv n, 3x3, init=normal(0.01) from left
          g: again f from right
          add from f, g
          side: head weight=0.3 { fc 2, bias=no }
          relu
        }
    """)
    assert list(render_graph(graph)) == [
        "graph a(n=8): left, right -> relu_1",
        "  left = input(size=3x8x8) -> 3x8x8",
        "  right = input(size=3x8x8) -> 3x8x8",
        "  f = conv(init=normal(std=0.01), size=3x3, channels=8) of left -> 8x6x6;"
        " weight 8x3x3x3; bias 8",
        "  g = conv(init=normal(std=0.01), size=3x3, channels=8) of right -> 8x6x6; weights of f",
        "  add_1 = add() of f, g -> 8x6x6",
        "  side.fc_1 = fc(bias=no, channels=2) of add_1 -> 2; weight 2x288",
        "  relu_1 = relu() of add_1 -> 8x6x6",
        "  head side, weight 0.3: side.fc_1",
    ]
