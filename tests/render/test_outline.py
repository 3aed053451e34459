"""Headings from dotted names."""

from netspec.render.outline import (
    EVERYTHING,
    build_outline,
    choose_depth,
    find_call,
    find_result,
    list_readers,
    list_rows,
)
from tests.compiled import compile_graph

NESTED = """
    block pair(width) { conv width, 3x3, pad=1; relu }
    block twice(width) { pair width; pair width }
    block single { relu }

    net nested {
      input 3x8x8
      twice 8
      x: single
      s: add { branch { twice 8 }; branch { } }
      relu
    }
"""


def outline_of(depth: int) -> list[str]:
    rows = list_rows(build_outline(compile_graph(NESTED).nodes), depth)
    return [f"{'  ' * row.depth}{row.entry.label}{'' if row.is_open else ';'}" for row in rows]


def test_folded() -> None:
    assert outline_of(1) == ["input_1;", "twice_1;", "x.relu_1;", "s;", "relu_1;"]


def test_open_to_the_second_level() -> None:
    assert outline_of(2) == [
        "input_1;",
        "twice_1",
        "  pair_1;",
        "  pair_2;",
        "x.relu_1;",
        "s",
        "  branch_1.twice_1;",
        "relu_1;",
    ]


def test_everything_open_has_each_layer_once() -> None:
    graph = compile_graph(NESTED)
    rows = list_rows(build_outline(graph.nodes), EVERYTHING)
    assert [r.entry.node.name for r in rows if r.entry.node and not r.entry.entries] == [
        node.name for node in graph.nodes if node.name != "s"
    ]
    assert sum(len(row.nodes) for row in rows) == len(graph.nodes)


def test_depth_is_chosen_by_length() -> None:
    short = compile_graph(NESTED)
    assert choose_depth(short.nodes) == EVERYTHING
    long = compile_graph(NESTED.replace("      relu\n", "      repeat 20 { twice 8 }\n"))
    assert choose_depth(long.nodes) == 1


def test_the_call_of_a_heading_is_that_of_its_block() -> None:
    twice = next(e for e in build_outline(compile_graph(NESTED).nodes) if e.label == "twice_1")
    call = find_call(twice, None)
    assert call
    assert call.text == "twice"
    inner = find_call(twice.entries[0], twice)
    assert inner
    assert inner.text == "pair"


def test_the_call_of_a_heading_is_its_own_where_a_loop_calls_one_block() -> None:
    graph = compile_graph("""
        block pair(width) { conv width, 3x3, pad=1; relu }
        block stage(count) { repeat count { pair 8 } }
        net n {
          input 3x8x8
          stage 2
          add { branch { repeat 2 { pair 8 } }; branch { } }
        }
    """)
    _, stage, join = build_outline(graph.nodes)
    headings = [(stage, None), (stage.entries[1], stage)]
    headings += [(join.entries[0], join), (join.entries[0].entries[1], join.entries[0])]
    calls = [find_call(entry, above) for entry, above in headings]
    assert [call and call.text for call in calls] == ["stage", "pair", None, "pair"]


def test_branches_are_no_calls() -> None:
    graph = compile_graph("net a { input 3x8x8; add { branch { relu; tanh }; branch { } } }")
    join = build_outline(graph.nodes)[-1]
    assert find_call(join.entries[0], join) is None


def test_the_result_of_a_block_is_what_leaves_it() -> None:
    graph = compile_graph("""
        block odd { a: conv 4, 1x1; b: conv 8, 1x1 from a; output a }
        net n { input 3x8x8; x: odd; relu }
    """)
    entry = build_outline(graph.nodes)[1]
    assert find_result(entry, list_readers(graph)).name == "x.a"


def test_nesting_of_any_depth() -> None:
    text = "block b0 { relu; conv 4, 1x1 }\n"
    for n in range(1, 60):
        inner = f"b{n - 1}; relu"
        for _ in range(8):
            inner = f"add {{ branch {{ {inner} }}; branch {{ }} }}; tanh"
        text += f"block b{n} {{ {inner} }}\n"
    graph = compile_graph(f"{text}net deep {{ input 4x8x8; b59 }}")
    rows = list_rows(build_outline(graph.nodes), EVERYTHING)
    assert max(row.depth for row in rows) > 900
    assert sum(len(row.nodes) for row in rows) == len(graph.nodes)
