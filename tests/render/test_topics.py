"""Every word of the language and of recipes can be asked about, and what is written stands in one
place.
"""

import pytest

from netspec.compiler.evaluate import FUNCTIONS
from netspec.compiler.structure import STRUCTURE_WORDS
from netspec.layers import KINDS, WORDS
from netspec.layers.starting_values import STARTING_VALUES
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.lines import WORDS as RECIPE_WORDS
from netspec.recipe.schedule import SCHEDULES
from netspec.render.topics import list_words, write_topic
from netspec.syntax.lexicon import KEYWORDS, UNIT_WORDS

ALL_WORDS = {
    *KINDS, *WORDS, *STARTING_VALUES, *TRANSFORMS, *TRAIN_LINES, *TEST_LINES, *SCHEDULES,
    *RECIPE_WORDS, *KEYWORDS, *STRUCTURE_WORDS, *FUNCTIONS, *UNIT_WORDS,
}  # fmt: skip


def test_all_words_are_listed() -> None:
    assert set(list_words()) >= ALL_WORDS


@pytest.mark.parametrize("word", list_words())
def test_something_is_written_about_each(word: str) -> None:
    paragraphs = write_topic(word)
    assert paragraphs[0].startswith("## ")
    assert word in "\n".join(paragraphs)


def test_nothing_is_written_about_no_word() -> None:
    assert write_topic("convolution") == []


@pytest.mark.parametrize(
    ("word", "headings"),
    [
        (
            "scale",
            [
                "## scale: a layer kind",
                "## scale: a transform, in the braces of `data`",
                "## scale: an argument",
            ],
        ),
        (
            "sigmoid",
            [
                "## sigmoid: a layer kind",
                "## sigmoid: a schedule, a line of `train`",
                "## sigmoid: a value",
            ],
        ),
        ("round", ["## Values", "## round: an argument"]),
        ("batch", ["## batch: a line of `train`", "## batch: a line of `test`"]),
        ("msra", ["## msra: starting values"]),
        ("sgd", ["## sgd: a solver, a line of `train`"]),
        ("stride", ["## stride: an argument"]),
        ("same", ["## same: a value"]),
        ("mean", ["## mean: an argument", "## mean: a value"]),
    ],
)
def test_every_meaning_of_a_word_is_told(word: str, headings: list[str]) -> None:
    found = [line for paragraph in write_topic(word) for line in paragraph.splitlines()]
    assert [line for line in found if line.startswith("## ")] == headings
