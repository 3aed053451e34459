"""The lines of `test`. What they do not say is taken from `train`, without what is random."""

from typing import Annotated, Literal

from pydantic import PlainValidator

from netspec.schema import Count, Schema, refuse
from netspec.values import describe_value


def _as_views(value: object) -> int:
    if isinstance(value, bool) or value not in (1, 10):
        raise refuse(f"must be 1 or 10, not {describe_value(value)}")
    return 1 if value == 1 else 10


class Views(Schema):
    """How many views of an image are averaged, after the softmax: 1 without the line."""

    kind = "views"
    positional = ("count",)

    count: Annotated[Literal[1, 10], PlainValidator(_as_views)]
    """1: the centre crop. 10: the crops at the four corners and the centre, and their mirror images
    (Krizhevsky et al. 2012, section 4.1)."""


class TestBatch(Schema):
    """How many images a test computes at once: a matter of memory, never of numbers."""

    __test__ = False
    kind = "batch"
    positional = ("images",)

    images: Count
    """Images at once; training's batch unless given."""
