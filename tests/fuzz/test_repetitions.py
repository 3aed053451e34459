"""Time grows as a text does: twice as many of anything take twice as many calls of functions, which
are counted here in place of seconds.
"""

import sys
from types import FrameType

import pytest

from netspec.diagnostics import MOST_ERRORS
from tests.fuzz.judge import judge
from tests.fuzz.repetitions import REPETITIONS

SLACK = 20.0
FEW = 60
"""Below the number of errors that are told, so that what follows from them grows as well."""
LINEAR = 2.5
"""Twice, and something for what sorts, and for names that are compared until they are very many."""
LITTLE = 5_000
"""Calls that do not count: what is kept from one text to the next takes none."""
LONGEST = 64_000


def count_calls(text: str) -> int:
    """Functions called, Python's own included, while a text is judged."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        judge(text, slack=100)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", REPETITIONS)
def test_twice_as_many_take_twice_as_long(name: str) -> None:
    write = REPETITIONS[name]
    judge(write(FEW))  # imports what only such a text needs
    none, once, twice = (count_calls(write(count)) for count in (0, FEW, 2 * FEW))
    assert twice - none <= LINEAR * (once - none) + LITTLE


def test_so_few_are_all_told() -> None:
    assert 2 * FEW < MOST_ERRORS
    few = judge(REPETITIONS["unknown kinds"](2 * FEW))
    assert len(few.diagnostics) == 2 * FEW


@pytest.mark.slow
@pytest.mark.parametrize("name", REPETITIONS)
def test_64_kilobytes(name: str) -> None:
    write = REPETITIONS[name]
    size = (len(write(2000)) - len(write(1000))) / 1000
    judge(write(int(LONGEST / size) if size else LONGEST), SLACK)
