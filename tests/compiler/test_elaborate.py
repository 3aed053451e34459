"""Elaboration: flow, scope, loops, blocks, defaults, joins, heads, `again`, names of weights."""

import pytest

from tests.compiled import compile_graph, compile_text, summaries


def names(text: str) -> list[str]:
    return [node.name for node in compile_graph(text).nodes]


def shapes(text: str) -> dict[str, str]:
    return {node.name: str(node.shape) for node in compile_graph(text).nodes}


def net(lines: str) -> str:
    return f"net n {{\n  input 3x8x8\n{lines}\n}}\n"


def test_unlabelled_layers_are_numbered_by_kind_from_one() -> None:
    assert names(net("conv 4, 1x1; relu; conv 4, 1x1; c: conv 4, 1x1; conv 4, 1x1")) == [
        "input_1", "conv_1", "relu_1", "conv_2", "c", "conv_3",
    ]  # fmt: skip


def test_blocks_joins_and_branches_are_steps_of_the_path() -> None:
    text = """
    block pair(w) { conv w, 1x1; relu }
    net n {
      input 3x8x8
      a: concat { branch { pair 4 }; b: branch { x: pair 4; pair 4 } }
      pair 2
    }
    """
    assert names(text) == [
        "input_1",
        "a.branch_1.pair_1.conv_1", "a.branch_1.pair_1.relu_1",
        "a.b.x.conv_1", "a.b.x.relu_1", "a.b.pair_1.conv_1", "a.b.pair_1.relu_1",
        "a",
        "pair_1.conv_1", "pair_1.relu_1",
    ]  # fmt: skip


def test_a_label_in_a_loop_is_numbered_from_zero_and_if_adds_no_level() -> None:
    lines = "repeat 2 { c: conv 4, 1x1; if yes { d: relu } }; if yes { e: relu }"
    assert names(net(lines))[1:] == ["c_0", "d_0", "c_1", "d_1", "e"]


def test_every_layer_has_a_name_of_its_own_when_loops_repeat_a_label() -> None:
    lines = "repeat 2 { c: relu }; repeat 2 { repeat 2 { c: relu } }; c: relu"
    found = names(net(lines))
    assert found[1:] == ["c_0", "c_1", "c_2", "c_3", "c_4", "c_5", "c"]


def test_a_label_of_outside_moves_on_in_loops_and_ifs() -> None:
    lines = """
      h: conv 4, 1x1
      repeat 2 { h: conv h.channels * 2, 1x1 }
      if h.channels == 16 { h: conv 5, 1x1 }
      relu from h
    """
    assert shapes(net(lines))["relu_1"] == "5x8x8"


def test_a_label_inside_a_loop_ends_with_its_braces() -> None:
    assert summaries(compile_text(net("repeat 2 { h: relu }; tanh from h"))) == ["NS103 3:33 h"]


@pytest.mark.parametrize(
    "braces", ["add { branch { h: relu }; branch { } }", "head weight=1 { h: fc 3 }"]
)
def test_a_label_of_outside_may_not_move_in_a_branch_or_head(braces: str) -> None:
    (found,) = summaries(compile_text(net(f"h: relu\n{braces}\nfc 3 from h")))
    assert found.startswith("NS104")


def test_flow_passes_through_if_and_loops_and_ends_with_branches() -> None:
    lines = "if yes { conv 4, 1x1 }; repeat 1 { conv 5, 1x1 }; add { branch { relu }; branch { } }"
    graph = compile_graph(net(lines))
    assert graph["conv_2"].inputs == ("conv_1",)
    assert graph["add_1"].inputs == ("add_1.branch_1.relu_1", "conv_2")


def test_what_adds_no_layer_passes_its_input_on() -> None:
    text = """
    block nothing { }
    net n { input 3x8x8; nothing; repeat 0 { relu }; if no { relu }; fc 3 }
    """
    assert compile_graph(text)["fc_1"].inputs == ("input_1",)


def test_a_join_of_one_branch_is_that_branch() -> None:
    graph = compile_graph(net("concat { branch { relu } }; tanh"))
    assert graph["tanh_1"].inputs == ("concat_1.branch_1.relu_1",)


def test_loops_and_ifs_yield_branches() -> None:
    lines = (
        "let n = 3; concat { for w in [1, 2] { branch { conv w, 1x1 } }; if n > 2 { branch { } } }"
    )
    assert shapes(net(lines))["concat_1"] == "6x8x8"


def test_branches_start_from_the_tensor_after_from() -> None:
    graph = compile_graph(net("a: conv 4, 1x1; relu\nadd from a { branch { tanh }; branch { } }"))
    assert graph["add_1"].inputs == ("add_1.branch_1.tanh_1", "a")


def test_channels_are_those_of_what_the_line_reads() -> None:
    text = """
    block squeeze(width = channels // 2) { conv width, 1x1 }
    net n { input 8x4x4; a: conv channels * 2, 1x1; relu; conv channels from a; squeeze from a }
    """
    program = compile_text(text.replace("conv channels from a", "conv channels, 1x1 from a"))
    (checked,) = program.nets
    assert str(checked.graph["conv_1"].shape) == "16x4x4"
    assert str(checked.graph["squeeze_1.conv_1"].shape) == "8x4x4"


def test_a_block_of_several_inputs_has_nothing_flowing_at_first() -> None:
    text = """
    block two from a, b { relu }
    net n { input 3x8x8; x: relu; two from x, x }
    """
    assert summaries(compile_text(text)) == ["NS117 2:23 relu"]


def test_output_names_the_result_of_a_block() -> None:
    text = """
    block side { a: conv 4, 1x1; relu; output a }
    net n { input 3x8x8; side; tanh }
    """
    assert compile_graph(text)["tanh_1"].inputs == ("side_1.a",)


def test_defaults_reach_into_called_blocks_and_the_lines_own_words_win() -> None:
    text = """
    block b { conv 4, 3x3; conv 4, 3x3, pad=0 }
    net n {
      default conv { pad=1 }
      input 3x8x8
      b
      if yes { default conv { pad=2 }; conv 4, 3x3 }
      conv 4, 3x3
    }
    """
    found = shapes(text)
    assert (found["b_1.conv_1"], found["b_1.conv_2"]) == ("4x8x8", "4x6x6")
    assert (found["conv_1"], found["conv_2"]) == ("4x8x8", "4x8x8")


def test_an_unused_default_is_found_even_where_another_net_uses_a_like_one() -> None:
    text = """
    net a { default lrn { n=5 }; input 3x8x8; relu }
    net b { default lrn { n=5 }; input 3x8x8; lrn }
    """
    assert summaries(compile_text(text)) == ["NS111 2:17 lrn"]


def test_heads_leave_the_flow_and_the_totals_alone() -> None:
    graph = compile_graph(net("conv 4, 1x1\nearly: head weight=0.3 { fc 10 }\nfc 10"))
    (head,) = graph.heads
    assert (head.name, head.weight, head.output) == ("early", 0.3, "early.fc_1")
    assert graph["fc_1"].inputs == ("conv_1",)
    assert graph["early.fc_1"].head == "early"
    assert graph.num_params == 16 + (256 * 10 + 10)


def test_again_shares_weights_which_count_once() -> None:
    text = """
    block b { c: conv 3, 3x3, pad=1 }
    net n {
      input 3x8x8
      f: conv 3, 1x1
      again f
      x: b
      y: again x from f
      concat from x, y
    }
    """
    graph = compile_graph(text)
    assert graph["again_1"].shares_weights_of == "f"
    assert graph["y.c"].shares_weights_of == "x.c"
    assert graph.num_params == (9 + 3) + (81 + 3)


def test_again_refuses_weights_that_do_not_fit() -> None:
    program = compile_text(net("f: conv 4, 1x1\nagain f"))
    assert summaries(program) == ["NS206 4:1 again"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("f: conv 3, 1x1\nx: relu\nagain f from x, f", "NS118 5:1 again"),
        ("f: conv 3, 1x1\nagain g from f, f", "NS103 4:7 g"),
    ],
)
def test_again_reads_what_the_layer_reads(lines: str, found: str) -> None:
    assert summaries(compile_text(net(lines))) == [found]


def test_an_input_cannot_be_had_again() -> None:
    text = "net n { a: input 3x8x8; relu; again a; fc 3 }"
    assert summaries(compile_text(text)) == ["NS118 1:31 again"]


def test_several_inputs_each_with_a_label() -> None:
    text = "net n { a: input 1x8x8; b: input 2x8x8; concat from a, b; fc 3 }"
    graph = compile_graph(text)
    assert graph.inputs == ("a", "b")
    assert str(graph["concat_1"].shape) == "3x8x8"


def test_activate_stands_for_the_kind_that_a_parameter_names() -> None:
    text = "net n(act = relu) { input 3x8x8; activate act; fc 3 }"
    assert compile_graph(text)["activate_1"].layer.kind == "relu"
    assert compile_graph(text, {"act": "tanh"})["activate_1"].layer.kind == "tanh"


def test_the_table_shows_values_in_place_of_names() -> None:
    text = "net n { input 3x8x8; let w = 4; conv 2 * w, 3x3, pad=1, init=normal(1e-2); fc 3 }"
    assert compile_graph(text)["conv_1"].written == "conv 8, 3x3, pad=1, init=normal(1e-2)"


def test_after_a_shape_error_what_depends_on_it_is_silent() -> None:
    lines = """
      a: conv 4, 9x9                 # does not fit
      b: conv a.channels // 0, 1x1
      if b.channels > 3 { fc 3 -> 5 }
      repeat a.channels { relu }
      add from a, input
      fc 3 -> 4
      maxpool 99x99, stride=1 from input
    """
    assert summaries(compile_text(net(lines))) == ["NS204 4:18 9x9", "NS204 10:15 99x99"]


def test_a_mistake_in_a_block_that_is_called_often_is_one_error() -> None:
    text = """
    block b(w) { conv w, 3x3, groups=2 }
    net n { input 4x30x30; repeat 5 { b 3 } }
    """
    (problem,) = compile_text(text).diagnostics
    assert problem.code == "NS203"
    assert [label.text for label in problem.secondary] == ["called here"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("net n { input 3x8x8; repeat 1e6 { repeat 1e6 { } } ; fc 3 }", "NS120 1:29 1e6"),
        ("net n { input 3x8x8; repeat 0.5 { relu } }", "NS121 1:29 0.5"),
        ("net n { input 3x8x8; repeat -1 { relu } }", "NS109 1:29 -1"),
        ("net n { input 3x8x8; for a in 3 { fc a } }", "NS121 1:31 3"),
        ("net n { input 3x8x8; for a, b in [[1]] { fc a * b } }", "NS121 1:34 [[1]]"),
        ("net n { input 3x8x8; if 3 { relu } }", "NS121 1:25 3"),
        ("net n { input 3x8x8 }", "NS119 1:5 n"),
        ("net n { input 3x8x8; fc 3, gpu=0 }", "NS109 1:28 gpu=0"),
        ("net n { input 3x8x8; head weight=1 { }; fc 3 }", "NS119 1:22 head"),
        ("net n { input 3x8x8; add { repeat 0 { branch { } } } }", "NS118 1:22 add"),
        ("block b { relu }\nnet n { input 3x8x8; b from x }", "NS103 2:29 x"),
    ],
)
def test_limits_and_refusals(text: str, found: str) -> None:
    assert found in summaries(compile_text(text))


def test_calls_end_at_their_deepest() -> None:
    blocks = "\n".join(f"block b{i} {{ b{i + 1} }}" for i in range(70))
    text = f"{blocks}\nblock b70 {{ relu }}\nnet n {{ input 3x8x8; b0 }}\n"
    (problem,) = compile_text(text).diagnostics
    assert problem.code == "NS120"


def test_nets_that_are_made_from_nets_end_at_their_deepest() -> None:
    nets = "\n".join(f"net n{i + 1} = n{i}()" for i in range(66))
    text = f"net n0(classes = 10) {{ input 3x8x8; fc classes }}\n{nets}\n"
    assert summaries(compile_text(text)) == ["NS120 66:11 n64"]
    assert not compile_text("\n".join(text.splitlines()[:65])).diagnostics


def test_blocks_that_double_end_in_bounded_time() -> None:
    blocks = "\n".join(f"block b{i} {{ b{i + 1}; b{i + 1} }}" for i in range(40))
    text = f"{blocks}\nblock b40 {{ }}\nnet n {{ input 3x8x8; b0 }}\n"
    (problem,) = compile_text(text).diagnostics
    assert problem.code == "NS120"


def test_deep_braces_are_walked() -> None:
    text = net("if yes { " * 90 + "relu" + " }" * 90)
    assert compile_graph(text).output == "relu_1"
