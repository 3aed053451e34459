"""When a comment that silences nothing is told, and when not."""

from netspec.compiler.pipeline import compile_source
from netspec.source import SourceFile
from tests.compiled import compile_text, summaries

TWO = """
net a(width = 8) {
  input 3x8x8
  conv width, 3x3        # netspec: allow NS503
}
net b {
  input 3x8x8
  conv 8, 3x3            # netspec: allow NS503: kept for its shape
  batchnorm
}
"""


def test_a_file_as_it_stands_tells_of_idle_comments() -> None:
    assert summaries(compile_text(TWO)) == ["NS514 4:43 NS503"]


def test_a_single_net_or_a_setting_leaves_too_much_out() -> None:
    assert summaries(compile_text(TWO, net="a")) == []
    assert summaries(compile_text(TWO, {"width": "9"})) == []


def test_a_file_with_errors_has_no_warnings_to_silence() -> None:
    assert summaries(compile_text(TWO.replace("3x8x8", "3x2x2")))[0].startswith("NS204")


def test_a_pattern_is_looked_at_through_the_nets_made_from_it() -> None:
    pattern = """
net wide(width) {
  input 3x8x8
  conv width, 3x3        # netspec: allow NS503
  batchnorm
}
block unit { relu }      # netspec: allow NS507
net other { input 3x8x8; relu }
"""
    assert summaries(compile_text(pattern)) == []
    made = pattern + "net made = wide(width=8)\n"
    assert summaries(compile_text(made)) == []
    idle = made.replace("batchnorm", "relu")
    assert summaries(compile_text(idle)) == ["NS514 4:43 NS503"]


def test_a_file_of_blocks_is_judged_where_it_is_used() -> None:
    text = "block unit { conv 8, 3x3; relu }  # netspec: allow NS503\n"
    assert not compile_source(SourceFile("blocks.net", text)).diagnostics


def test_lines_of_a_recipe_are_looked_at() -> None:
    text = """
net a(classes = 10) { input 3x8x8; fc classes }
train {
  data photographs { resize 8 }
  batch 8
  loss softmax
  sgd rate=0.1
  schedule step, every=30 epochs  # netspec: allow NS512
  stop after=90 epochs
}
"""
    assert summaries(compile_text(text)) == ["NS514 8:52 NS512"]
    assert summaries(compile_text(text.replace("=90", "=9"))) == []


def test_a_comment_may_allow_its_own_warning() -> None:
    """For a line that warns under some settings alone."""
    text = TWO.replace("allow NS503\n", "allow NS503, NS514\n")
    assert summaries(compile_text(text)) == []


def test_unknown_codes_are_told_wherever_they_stand() -> None:
    text = "net a { input 3x8x8; relu }\n# netspec: allow NS599, NS101\n"
    found = compile_text(text).diagnostics
    assert [d.headline for d in found] == [
        "NS599 is no code",
        "NS101 is an error, which no comment silences",
    ]
