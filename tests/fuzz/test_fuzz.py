"""A part of the fuzzing for the ordinary suite: the same texts each time, some of each sort.

CONTRIBUTING.md says how far more of them are judged, and led by coverage.
"""

from random import Random

import pytest

from tests.fuzz.fuzz import list_texts
from tests.fuzz.generation import generate
from tests.fuzz.judge import Verdict, compile_text, judge

SLACK = 20.0
"""Times the seconds that a text may take: a hang fails, a busy machine does not."""
SEEDS = 24
INPUTS = 1_000


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_text_is_read_and_judged(seed: int) -> None:
    for number, text in enumerate(list_texts(INPUTS, seed)):
        try:
            judge(text, SLACK)
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}:\n{text}") from error


def test_most_generated_files_are_whole_nets() -> None:
    """What the judge says of graphs is said of graphs, not of errors."""
    random = Random(0)
    programs = [compile_text(generate(random)) for _ in range(100)]
    assert sum(not program.has_errors for program in programs) > 80
    kinds = {node.layer.kind for p in programs for net in p.nets for node in net.graph.nodes}
    assert {"conv", "fc", "add", "concat", "multiply", "lrn", "dropout"} <= kinds


def test_texts_differ_and_are_the_same_each_time() -> None:
    texts = list(list_texts(200, 3))
    assert texts == list(list_texts(200, 3))
    assert len(set(texts)) > 190
    assert len(set(texts) & set(list_texts(200, 4))) < 10


def test_the_judge_finds_what_takes_too_long() -> None:
    with pytest.raises(Verdict, match="took"):
        judge("net n { input 3x8x8; relu }", slack=0)
