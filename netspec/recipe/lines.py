"""The table of a recipe's words: which schema binds each line of `train` and of `test`.

The braces of `data` hold transforms (`TRANSFORMS`), and the first word of `schedule` chooses among
`SCHEDULES`; every other line is bound by the schema that stands here.
"""

from netspec.recipe.data import Data, TestData
from netspec.recipe.schedule import Schedule
from netspec.recipe.solver import SOLVERS
from netspec.recipe.testing import TestBatch, Views
from netspec.recipe.training import Batch, Loss, Parallel, Stop
from netspec.schema import Schema

TRAIN_LINES: dict[str, type[Schema]] = {
    "data": Data,
    "batch": Batch,
    "loss": Loss,
    **SOLVERS,
    "schedule": Schedule,
    "parallel": Parallel,
    "stop": Stop,
}
"""The lines of `train`, by their first word."""

TEST_LINES: dict[str, type[Schema]] = {"views": Views, "data": TestData, "batch": TestBatch}
"""The lines of `test`, by their first word."""

WORDS: frozenset[str] = frozenset(
    {"centre", "channel", "copied", "error", "gradient", "loss", "mean", "pixel", "softmax"}
    | {"split", "std", "step"}
)
"""The bare words that arguments of a recipe accept, apart from the kinds of schedule."""
