"""A whole recipe: what `train` and `test` say of a net, every value settled.

The schemas of its lines stand beside this file; `compiler/recipes.py` puts them together.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from netspec.recipe.data import Data, Transform
from netspec.recipe.schedule import Fixed, Schedule
from netspec.recipe.solver import Solver
from netspec.recipe.training import Loss, Parallel
from netspec.source import Span
from netspec.values import Amount


class Recipe(Struct, frozen=True):
    """How a net is trained and tested."""

    data: Data
    """The data set's name."""
    transforms: tuple[Transform, ...]
    """What is done to a training image, in order."""
    batch: int
    """Images between two updates, whatever the number of devices or accumulation steps."""
    loss: Loss
    solver: Solver
    stop: Amount
    """When training ends: epochs, iterations (updates) or images."""
    schedule: Schedule = field(default_factory=Fixed)
    parallel: Parallel = field(default_factory=Parallel.copied)
    """Who of several processes has which layers."""
    test_transforms: tuple[Transform, ...] = ()
    """What is done to a test image: training's without what is random, unless `test` says."""
    views: int = 1
    """Views of an image that are averaged: 1 (the centre) or 10 (corners and centre, mirrored)."""
    test_batch: int | None = None
    """Images that a test computes at once; `batch` where `test` does not say."""
    parameters: tuple[tuple[str, Any], ...] = ()
    """Those of `train`, with their values."""
    spans: Mapping[str, Span] = field(default_factory=dict)
    """Where each line stands, by its word: data, batch, loss, solver, schedule, stop, views, …"""
