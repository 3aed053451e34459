"""Normalization: lrn, batchnorm, layernorm, groupnorm."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netspec.layers.arithmetic import derive_product
from netspec.layers.base import Layer, WeightedLayer, all_channels
from netspec.layers.groups import check_groups, group_reads
from netspec.layers.starting_values import Constant
from netspec.schema import Count, Factor, IsWord, Real, Truth
from netspec.tensor import Interval, Reach, Shape, Weight, whole_map

Epsilon = Annotated[Real, Field(gt=0)]


class Lrn(Layer):
    """Local response normalization (Krizhevsky et al. 2012): each number divided by a power of the
    squares around it.

    b = a / (k + A sum(a^2))^beta over the n channels that start at i - n // 2, as in cuda-convnet
    and PyTorch; ONNX gives an even n its extra channel at the end, Caffe refuses one, TensorFlow
    counts only half of an odd one (depth_radius = n // 2). At the ends the window is cut, and the
    mean still divides by n.
    """

    kind = "lrn"
    positional = ("n",)
    family: ClassVar[str] = "Normalization"

    n: Count
    """Channels in the window; with `across=map` its height and width in pixels."""
    alpha: Factor = 1e-4
    """Weight of the squares. PyTorch: 1e-4; Caffe and TensorFlow: 1."""
    beta: Factor = 0.75
    """The power. PyTorch and Caffe: 0.75; TensorFlow: 0.5."""
    k: Factor = 1.0
    """What the squares are added to. The paper has 2, and so does its code; PyTorch, Caffe and
    TensorFlow have 1 unless told otherwise, and Caffe's AlexNet was trained so."""
    over: Annotated[Literal["mean", "sum"], IsWord] = "mean"
    """What alpha multiplies: the squares' mean (PyTorch, Caffe, cuda-convnet: A = alpha / n, or
    alpha / n^2 with `across=map`), or their sum (A = alpha: the paper's formula, TensorFlow,
    Darknet)."""
    across: Annotated[Literal["channels", "map"], IsWord] = "channels"
    """Whether the window runs over neighbouring channels at one position, or over the n x n pixels
    around it in one channel (Caffe's WITHIN_CHANNEL, which always has k = 1; cuda-convnet's
    rnorm)."""
    groups: Count = 1
    """Runs of channels whose windows don't reach over into the next. The paper's code has one a
    GPU; Caffe and PyTorch have one in all."""

    def channel_groups(self, input: Shape) -> int:
        return self.groups if self.across == "channels" else 1

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        check_groups(self.groups, inputs[0].channels)
        return inputs[0]

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        if self.across == "map":
            return ((wanted,),)
        (run,) = group_reads(output.channels, output.channels, self.groups, wanted)
        before, after = self.window
        start, end = wanted.start - before, wanted.end + after
        return ((Interval(max(start, run.start), min(end, run.end)),),)

    @property
    def window(self) -> tuple[int, int]:
        """How far the window goes before and behind the number's own place."""
        return self.n // 2, self.n - 1 - self.n // 2

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        before, after = self.window if self.across == "map" else (0, 0)
        return ((Reach(1, -before, after),) * 2,)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        before, after = self.window
        numbers = self.n if self.across == "channels" else self.n**2
        share = f"{self.alpha:g} / {numbers}" if self.over == "mean" else f"{self.alpha:g}"
        formula = f"x / ({self.k:g} + {share} x sum of x^2)^{self.beta:g}"
        if self.across == "map":
            return f"{formula}, the sum over {self.n} x {self.n} pixels of its channel"
        where = f"the sum over channels i - {before} to i + {after}"
        if self.groups == 1:
            return f"{formula}, {where}"
        each = output.channels // self.groups
        return f"{formula}, {where}, as far as they are in its run of {each:,}"


class Normalization(WeightedLayer):
    """What the other kinds share: to mean 0 and variance 1, then a learned factor and shift."""

    family: ClassVar[str] = "Normalization"
    weight_words: ClassVar[Mapping[str, str]] = {
        "weight": "factors",
        "bias": "shifts",
        "running_mean": "running means",
        "running_var": "running variances",
    }

    def factor_and_shift(self, channels: int) -> tuple[Weight, Weight]:
        """One factor a channel, from 1, and one shift, from 0."""
        factors = self.effective_bias_rate, self.bias_decay
        ones, zeros = Constant(value=1.0), Constant(value=0.0)
        return (
            Weight("weight", (channels,), "weight", ones, 1, 1, self.rate, self.decay),
            Weight("bias", (channels,), "bias", zeros, 1, 1, *factors),
        )


def describe_normalization(eps: float, source: str, factor: bool = True, shift: bool = True) -> str:
    """The common formula, with whose mean and variance they are."""
    formula = f"(x - mean) / sqrt(variance + {eps:g})"
    formula += " x factor" if factor else ""
    formula += " + shift" if shift else ""
    return f"{formula}; mean and variance are {source}"


class BatchNorm(Normalization):
    """Batch normalization: each channel by the mean and variance of the batch in training, by
    running averages of them in use; then a learned factor and shift for each channel.

    The variance that normalises divides by the count, the one that is averaged by the count - 1,
    as in PyTorch and Caffe; TensorFlow averages the former where its kernel is not the fused one.
    Caffe's BatchNorm has neither factor nor shift: its nets put a Scale layer behind it, which
    `scale=no, shift=no` and `scale bias=yes` spell out.
    """

    kind = "batchnorm"

    eps: Epsilon = 1e-5
    """Added to the variance. PyTorch and Caffe: 1e-5; TensorFlow: 1e-3; Darknet: 1e-6, outside
    the root."""
    momentum: Annotated[Real, Field(ge=0, le=1)] = 0.1
    """Share of the newest batch in the running averages, as in PyTorch. TensorFlow and Caffe say
    the share that stays: 0.99 and 0.999 there are 0.01 and 0.001 here."""
    scale: Truth = True
    """Whether each channel has a learned factor. TensorFlow's slim leaves it out unless told."""
    shift: Truth = True
    """Whether each channel has a learned shift."""
    synced: Truth = False
    """Of which images mean and variance are taken where several processes compute parts of a batch:
    `no`, of each part by itself, as in PyTorch, Caffe and TensorFlow; `yes`, of the whole batch, as
    PyTorch's SyncBatchNorm does. One process computes the same either way."""

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = inputs[0].channels
        learned = zip(self.factor_and_shift(channels), (self.scale, self.shift), strict=True)
        return (
            *(weight for weight, present in learned if present),
            Weight("running_mean", (channels,), "average", Constant(value=0.0), 1, 1, 0, 0),
            Weight("running_var", (channels,), "average", Constant(value=1.0), 1, 1, 0, 0),
        )

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        source = "those of its channel: of the batch in training, running averages at test"
        return describe_normalization(self.eps, source, self.scale, self.shift)


class LayerNorm(Normalization):
    """Layer normalization over the channels, at each position by itself, as in ConvNeXt; then a
    learned factor and shift for each channel.

    PyTorch's LayerNorm and Keras's do this to a tensor whose channels come last. One mean for all
    channels and positions together is `groupnorm 1`.
    """

    kind = "layernorm"

    eps: Epsilon = 1e-5
    """Added to the variance. PyTorch: 1e-5; Keras: 1e-3; ConvNeXt: 1e-6."""

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        return self.factor_and_shift(inputs[0].channels)

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return all_channels(inputs)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        source = f"those of the {output.channels:,} numbers at its position"
        return describe_normalization(self.eps, source)


class GroupNorm(Normalization):
    """Group normalization (Wu and He 2018): all positions of a group of channels together; then a
    learned factor and shift for each channel."""

    kind = "groupnorm"
    positional = ("groups",)

    groups: Count
    """Runs of channels. The paper and Keras have 32; PyTorch wants it said."""
    eps: Epsilon = 1e-5
    """Added to the variance. PyTorch: 1e-5; Keras: 1e-3."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        check_groups(self.groups, inputs[0].channels)
        return inputs[0]

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        return self.factor_and_shift(inputs[0].channels)

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        return (group_reads(output.channels, output.channels, self.groups, wanted),)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        return (whole_map(inputs[0]),)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        group = output.channels // self.groups, output.height, output.width
        source = f"those of the {derive_product(group)} numbers of its group"
        return describe_normalization(self.eps, source)
