"""The check of names and structure, which reads all text."""

import pytest

from tests.compiled import compile_text, summaries

GOOD = "net good { input 3x8x8; fc 3 }\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # things
        ("net n { input 3x8x8; Conv 3, 3x3 }", ["NS101 1:22 Conv"]),
        ("net n { input 3x8x8; good }\n" + GOOD, ["NS101 1:22 good"]),
        ("block relu { tanh }\n" + GOOD, ["NS113 1:7 relu"]),
        ("block a { b }\nblock b { a }\n" + GOOD, ["NS114 2:11 a"]),
        ("net a = b()\nnet b = a()\n", ["NS114 2:9 a"]),
        ("net a = good(x=3)\n" + GOOD, ["NS105 1:14 x"]),
        ("net a = nothing()", ["NS122 1:9 nothing"]),
        ("net good { input 3x8x8; fc 1 }\n" + GOOD, ["NS104 2:5 good"]),
        ("net n { default cnv { pad=1 }; input 3x8x8; fc 3 }", ["NS101 1:17 cnv"]),
        # in an `if` that is not taken, and a block that is not called
        ("block b { if no { conv 3, 3x3, strid=2 } }", ["NS105 1:32 strid"]),
        ("block b { if no { fc widht } }", ["NS102 1:22 widht"]),
        ("block b { if no { relu from x } }", ["NS103 1:29 x"]),
        ("block b { conv 3, 3x3, stride=0 }", ["NS109 1:24 stride=0"]),
        ("block b { conv 3, 3x3, round=sideways }", ["NS102 1:30 sideways"]),
        ("block b { conv 3, 3x3, round=same }", ["NS109 1:24 round=same"]),
        ("block b { fc 3 / 0 }", ["NS121 1:18 0"]),
        # values
        ("block b(w) { fc w + wdith }", ["NS102 1:21 wdith"]),
        ("block b(w) { fc 3 }", ["NS110 1:9 w"]),
        ("block b { let w = 3; fc 3 }", ["NS110 1:15 w"]),
        ("block b { repeat 3 as i { relu } }", ["NS110 1:23 i"]),
        ("block b { for a, c in { 1, 2 } { fc a } }", ["NS110 1:18 c"]),
        ("block b { for a in { 1, 2 } { fc a } }", ["NS121 1:22 1, 2"]),
        ("block b(w) { let w = 3; fc w }", ["NS104 1:18 w"]),
        ("block b(channels) { fc channels }", ["NS113 1:9 channels"]),
        ("block b(a, b = a, c = d, d = 1) { fc a + b + c + d }", ["NS102 1:23 d"]),
        ("block b { fc mxa(1, 2) }", ["NS102 1:14 mxa"]),
        ("block b { fc max(a=1) }", ["NS105 1:18 a"]),
        ("block b { fc 3, init=normal(0.1, 0.2) }", ["NS107 1:34 0.2"]),
        ("block b { fc input.depth }", ["NS102 1:20 depth"]),
        # tensors
        ("block b { x: relu; x: relu }", ["NS104 1:20 x"]),
        ("block b { c_1: relu }", ["NS113 1:11 c_1"]),
        ("block b { input: relu }", ["NS113 1:11 input"]),
        ("block b { x: relu; relu from x.y }", ["NS103 1:30 x.y"]),
        ("block b from x, y { relu from input }", ["NS103 1:31 input"]),
        ("net n { input 3x8x8; e: head weight=1 { fc 3 }; relu from e }", ["NS103 1:59 e"]),
        ("block b from x, x { relu from x }", ["NS104 1:17 x"]),
        # arguments
        ("block b { conv 3, 3x3, 1 }", ["NS107 1:24 1"]),
        ("block b { relu 3 }", ["NS107 1:16 3"]),
        ("block b { conv 3, 3x3, pad=1, pad=2 }", ["NS106 1:31 pad=2"]),
        ("block b { conv 3, 3x3, channels=4 }", ["NS106 1:24 channels=4"]),
        ("block b { conv 3, 3x3, bias=1 }", ["NS109 1:24 bias=1"]),
        ("block a(w) { fc w }\nblock b { a }", ["NS108 2:11 a"]),
        ("block a(w) { fc w }\nblock b { a 3, 4 }", ["NS107 2:16 4"]),
        ("block a from x, y { add from x, y }\nblock b { a }", ["NS118 2:11 a"]),
        ("block a { relu }\nblock b { a from input, input }", ["NS118 2:18 input"]),
        ("block b { relu from input, input }", ["NS118 1:28 input"]),
        # structure
        ("block b { branch { relu } }", ["NS116 1:11 branch"]),
        ("block b { add { relu } }", ["NS116 1:17 relu"]),
        ("block b { add }", ["NS118 1:11 add"]),
        ("block b { relu { tanh } }", ["NS123 1:16 {"]),
        ("block b { input 3x8x8 }", ["NS116 1:11 input"]),
        ("block b { head weight=1 { fc 3 } }", ["NS116 1:11 head"]),
        ("block b { expect params 3 }", ["NS116 1:11 expect params 3"]),
        ("block b { output input; relu }", ["NS116 1:11 output input"]),
        ("net n { relu }", ["NS119 1:5 n"]),
        ("net n { input 3x8x8; input 3x8x8; fc 3 }", ["NS119 1:22 input"]),
        ("net n { input 3x8x8; gpus 2; fc 4 }", ["NS116 1:22 gpus"]),
        ("net n { gpus 2; gpus 2; input 4x8x8; fc 4 }", ["NS116 1:17 gpus"]),
        ("net n { gpus 1; input 3x8x8; fc 3 }", ["NS109 1:14 1"]),
        ("net n { input 3x8x8; again 3 }", ["NS108 1:22 again"]),
        ("net n { input 3x8x8; head { fc 3 }; fc 3 }", ["NS108 1:22 head"]),
        ("net n { input 3x8x8; fc 3; expect parms 3 }", ["NS105 1:35 parms"]),
        ("net n { input 3x8x8; fc 3; expect 3x8x8 }", ["NS105 1:35 3x8x8"]),
        ("net n { input 3x8x8; fc 3 -> weights 3 }", ["NS105 1:30 weights"]),
        ("net a = good() { relu }\n" + GOOD, ["NS116 1:18 relu"]),
    ],
)
def test_one_mistake_is_one_error_at_its_word(text: str, found: list[str]) -> None:
    assert summaries(compile_text(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "block b(w, act = relu) { conv w, 3x3, pad=same; activate act }",
        "block b(c) { if c == up { relu } }",
        "block b(x) { x: relu; fc x from x }",
        "block b(in2 = channels) { conv in2, 1x1 }",
        "block conv2(stride) { conv 3, 3x3, stride=stride }",
        "net n(k) { input 3x8x8; fc k }\nnet m = n(k=3)\nnet o = n(4)",
        "block g { multiply { branch { }; branch { avgpool global; conv input.channels, 1x1 } } }",
        "block b { relu; ; tanh;\n\n}",
    ],
)
def test_what_is_right_stays_silent(text: str) -> None:
    assert summaries(compile_text(text)) == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Conv", "conv"),
        ("convolution", "conv"),
        ("maxpooling", "maxpool"),
        ("Linear", "fc"),
        ("dense", "fc"),
        ("batch_norm", "batchnorm"),
        ("dropuot", "dropout"),
        ("squezee", "squeeze"),
    ],
)
def test_near_and_foreign_names_are_answered(word: str, meant: str) -> None:
    text = f"block squeeze {{ relu }}\nblock b {{ {word} 3 }}"
    (problem,) = compile_text(text).diagnostics
    assert problem.help[0].startswith(f"did you mean `{meant}`")


def test_a_misspelt_parameter_is_not_also_reported_as_unused() -> None:
    assert summaries(compile_text("block b(width) { fc widht }")) == ["NS102 1:21 widht"]
