"""Mistakes that people make from habit, recognised by the tokens around the place where reading
stopped. Each function looks for one, and gives what is wrong there and how the line should be.
"""

from netspec.syntax.habits.braces import BRACE_HABITS
from netspec.syntax.habits.claims import CLAIM_HABITS
from netspec.syntax.habits.comments import COMMENT_HABITS
from netspec.syntax.habits.lines import LINE_HABITS
from netspec.syntax.habits.sources import SOURCE_HABITS
from netspec.syntax.habits.values import VALUE_HABITS
from netspec.syntax.mistake import Habit, Place

HABITS = (
    *COMMENT_HABITS,
    *BRACE_HABITS,
    *CLAIM_HABITS,
    *SOURCE_HABITS,
    *LINE_HABITS,
    *VALUE_HABITS,
)
"""All of them, what is peculiar before what is common."""


def recognise_habit(place: Place) -> Habit | None:
    """What is known of the mistake at a place."""
    for recognise in HABITS:
        habit = recognise(place)
        if habit:
            return habit
    return None
