"""Numbers that move and stay what they are: flatten, identity, shuffle, slice."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from netspec.layers.arithmetic import derive_product, write_sum
from netspec.layers.base import Layer, LayerError
from netspec.layers.groups import check_groups
from netspec.schema import Count, Whole
from netspec.tensor import Interval, Reach, Shape, whole_map

LARGEST_SHUFFLE = 65_536
"""So that what a shuffle reads, which is a run of channels from each group, can be listed."""


class Flatten(Layer):
    """The same numbers as a vector, in the order channel, row, column.

    PyTorch and Caffe have that order, TensorFlow has row, column, channel. An fc needs no flatten.
    """

    kind = "flatten"
    family: ClassVar[str] = "Rearranging"

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(inputs[0].elements)

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        area = inputs[0].height * inputs[0].width
        return ((Interval(wanted.start // area, -(-wanted.end // area)),),)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        return (whole_map(inputs[0]),)

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        return (f"channels: {derive_product(inputs[0])}",)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        _, height, width = inputs[0]
        return f"channel (c x {height} + y) x {width} + x is that of channel c, row y, column x"


class Identity(Layer):
    """Its input as it is: a branch that skips, or a second label for a tensor."""

    kind = "identity"
    family: ClassVar[str] = "Rearranging"

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return "x"


class Shuffle(Layer):
    """Deals the channels out over the groups in turn (ShuffleNet, Zhang et al. 2018): output
    channel i groups + g is the input's channel g C / groups + i.

    PyTorch calls it ChannelShuffle; elsewhere it is a reshape, a transpose and a reshape.
    """

    kind = "shuffle"
    positional = ("groups",)
    family: ClassVar[str] = "Rearranging"

    groups: Annotated[Count, Field(le=LARGEST_SHUFFLE)]
    """Runs of channels that the convolution before kept apart."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        check_groups(self.groups, inputs[0].channels)
        return inputs[0]

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        """The wanted channels come, from each group, out of one run."""
        each = output.channels // self.groups
        runs: list[Interval] = []
        for group in range(self.groups):
            first, last = (-(-(edge - group) // self.groups) for edge in wanted)
            if first == last:
                continue
            run = Interval(group * each + first, group * each + last)
            if runs and runs[-1].end == run.start:
                run = Interval(runs.pop().start, run.end)
            runs.append(run)
        return (tuple(runs),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        each = output.channels // self.groups
        return f"channel i x {self.groups} + g is the input's channel g x {each} + i"


class Slice(Layer):
    """The channels from `start` to `end`, `end` excluded and counted from 0, as in Python.

    Caffe's Slice and PyTorch's split cut a tensor into several at once: one slice each here.
    """

    kind = "slice"
    positional = ("start", "end")
    family: ClassVar[str] = "Rearranging"

    start: Whole
    """The first channel that stays."""
    end: Count
    """The first channel behind it that does not."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        (input,) = inputs
        if self.end > input.channels:
            raise LayerError(
                "NS202",
                f"cannot take channels {self.start} to {self.end} of {input.channels}",
                argument="end",
                label=f"its input has {input.channels} channels",
                help=[f"the last ones end at {input.channels}: `slice …, {input.channels}`"],
            )
        if self.start >= self.end:
            raise LayerError(
                "NS109",
                f"takes no channel: {self.start} to {self.end} is empty",
                argument="start",
                label=f"must be less than the end, {self.end}",
            )
        return input._replace(channels=self.end - self.start)

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        return (f"channels: {self.end} - {self.start} = {output.channels}",)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return f"channel i is the input's channel {write_sum('i', self.start)}"

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return ((Interval(self.start + wanted.start, self.start + wanted.end),),)
