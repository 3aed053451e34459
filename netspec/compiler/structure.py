"""The words of a net that are no layers: head, gpus, again; their arguments as schemas."""

from typing import Annotated, ClassVar

from pydantic import Field

from netspec.schema import Count, Factor, Schema

MOST_GPUS = 64
"""Of which each pair is looked at: time grows with their square."""


class Head(Schema):
    """A side exit in braces: trained with a weight in the loss, absent from inference."""

    kind: ClassVar[str] = "head"

    weight: Factor
    """The factor of its loss in the sum that is trained; GoogLeNet's heads have 0.3."""


class Gpus(Schema):
    """The number of devices that every tensor but the input is split over, by runs of channels."""

    kind: ClassVar[str] = "gpus"
    positional: ClassVar[tuple[str, ...]] = ("count",)

    count: Annotated[Count, Field(ge=2, le=MOST_GPUS)]
    """How many; without the line there is one."""


STRUCTURE: dict[str, type[Schema]] = {"head": Head, "gpus": Gpus}
AGAIN = "again"
STRUCTURE_WORDS = (*STRUCTURE, AGAIN)
JOINS = ("add", "multiply", "maximum", "concat")
