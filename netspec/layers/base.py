"""What every layer kind answers: its output's shape, its weights, its work, what it reads, and how
each of these is reckoned.

A layer kind is one class, in the file of its family beside this one. All that is the same whatever
runs it stands there, once; what belongs to one target stands in that target's table. A rule that
cannot be met raises `LayerError`; the elaborator, the only one to catch it, adds the place.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator

from netspec.layers.starting_values import (
    BiasStart,
    Constant,
    Start,
    StartingValues,
    pytorch_start,
)
from netspec.schema import Factor, Schema, Whole, as_truth, refuse
from netspec.tensor import SAME_PIXEL, Interval, Reach, Shape, Weight
from netspec.values import format_value

Told: TypeAlias = tuple[tuple[str, str], ...]
"""Names, each with what is told of it."""


class LayerError(Exception):
    """A rule of a layer that its arguments and inputs do not meet.

    `predicate` completes "LABEL …" to the headline; `label` is what is wrong at the underlined
    token, which is the argument called `argument`, or the layer's kind where that is None.
    """

    def __init__(
        self,
        code: str,
        predicate: str,
        *,
        argument: str | None = None,
        label: str = "",
        notes: Sequence[str] = (),
        help: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{code}: {predicate}")
        self.code = code
        self.predicate = predicate
        self.argument = argument
        self.label = label
        self.notes = tuple(notes)
        self.help = tuple(help)


class Layer(Schema):
    """A layer kind with its arguments; every rule takes the shapes of the tensors it reads."""

    takes: ClassVar[Literal["none", "one", "some"]] = "one"
    """How many tensors it reads: none (an input), one, or one or more (a join)."""
    is_activation: ClassVar[bool] = False
    family: ClassVar[str]
    """The heading under which the reference lists it."""
    weight_words: ClassVar[Mapping[str, str]] = {"weight": "weights", "bias": "biases"}
    """What the numbers of each of its tensors are called."""

    gpu: Whole | None = None
    """The one device that the layer lies on, whole, where the net says `gpus n`."""

    def check_arguments(self) -> None:
        """Raise LayerError where arguments that each may be do not go together, or one of several
        is needed."""

    def infer_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The output's shape; raises LayerError where the rule is not met."""
        return inputs[0]

    def list_weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """The tensors it owns, in PyTorch's order."""
        return ()

    def mac_factors(self, inputs: Sequence[Shape], output: Shape) -> tuple[int, ...]:
        """The factors of its multiply-adds; none where it has none."""
        return ()

    def count_macs(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Multiply-adds for one image, as papers count them: biases and pooling are free."""
        factors = self.mac_factors(inputs, output)
        return prod(factors) if factors else 0

    def channel_groups(self, input: Shape) -> int:
        """The runs of channels that it computes apart, as large as each other; 1 where it minds no
        bounds between channels."""
        return 1

    def list_reads(
        self, inputs: Sequence[Shape], output: Shape, wanted: Interval
    ) -> tuple[tuple[Interval, ...], ...]:
        """The channels of each input that the wanted output channels are computed from."""
        return tuple((wanted,) for _ in inputs)

    def list_reaches(
        self, inputs: Sequence[Shape], output: Shape
    ) -> tuple[tuple[Reach, Reach], ...]:
        """For each input, which rows and which columns of it an output pixel is computed from."""
        return tuple((SAME_PIXEL, SAME_PIXEL) for _ in inputs)

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        """How a number of the output comes about, with the arguments' values in it. A function of
        a single number is what the first sentence of its documentation says."""
        sentence, _, _ = " ".join((self.__doc__ or "").split()).partition(". ")
        return sentence.removesuffix(".")

    def derive_shape(self, inputs: Sequence[Shape], output: Shape) -> tuple[str, ...]:
        """The arithmetic of the output's shape, a line for what is reckoned by itself; none where
        the arguments or the input say it."""
        return ()

    def describe_window(self, inputs: Sequence[Shape]) -> Told:
        """How its window is laid onto the map: padding and rounding, for kinds that have one."""
        return ()

    def describe_elsewhere(self, inputs: Sequence[Shape]) -> Told:
        """Frameworks that may make another shape of the same arguments, each with that shape; a
        line without a name goes on with the one above."""
        return ()


class WeightedLayer(Layer):
    """A layer with weights, and its factors on the solver's rate and decay."""

    rate: Factor = 1.0
    """Factor on the solver's rate for the weights; 0 freezes the layer, biases too unless
    `bias_rate` says otherwise. Caffe: the first lr_mult."""
    decay: Factor = 1.0
    """Factor on the solver's decay for the weights. Caffe: the first decay_mult."""
    bias_rate: Factor | None = None
    """Factor on the solver's rate for the biases: 1, or 0 where rate is 0. Caffe's nets often say 2
    (the second lr_mult)."""
    bias_decay: Factor = 1.0
    """Factor on the solver's decay for the biases. PyTorch decays them (1); Caffe's nets and the
    2012 code do not (0)."""

    @property
    def effective_bias_rate(self) -> float:
        if self.bias_rate is not None:
            return self.bias_rate
        return 0.0 if self.rate == 0 else 1.0


def _as_bias(value: object) -> bool:
    if isinstance(value, int | Fraction | float) and not isinstance(value, bool):
        raise refuse(f"must be yes or no; where biases start is `bias_init={format_value(value)}`")
    return as_truth(value)


class BiasedLayer(WeightedLayer):
    """A layer of kernels or a matrix, with a bias for each output channel."""

    bias: Annotated[bool, BeforeValidator(_as_bias)] = True
    """Whether each output channel adds a learned number."""
    init: Start | None = None
    """Starting values of the weights. PyTorch's own unless given: uniform within 1/sqrt(fan in).
    Caffe's default is the constant 0."""
    bias_init: BiasStart | None = None
    """Starting value of the biases: PyTorch's own, or 0 once `init` is given."""

    @property
    def sum_with_bias(self) -> str:
        """What is done with the products of an output number."""
        return ", added up, and the bias of its channel" if self.bias else ", added up"

    def kernel_and_bias(self, shape: tuple[int, ...], channels: int) -> tuple[Weight, ...]:
        """The weight of the given shape and, where there is one, the bias of each channel.

        The fans are what PyTorch and Caffe read off that shape: fan in is the product of all but
        its first number, fan out of all but its second.
        """
        taps = prod(shape[2:])
        fan_in, fan_out = shape[1] * taps, shape[0] * taps
        start: StartingValues = self.init or pytorch_start(fan_in)
        weight = Weight("weight", shape, "weight", start, fan_in, fan_out, self.rate, self.decay)
        if not self.bias:
            return (weight,)
        bias_start = self.bias_init or (Constant(value=0.0) if self.init else pytorch_start(fan_in))
        factors = self.effective_bias_rate, self.bias_decay
        return weight, Weight("bias", (channels,), "bias", bias_start, fan_in, fan_out, *factors)


def all_channels(inputs: Sequence[Shape]) -> tuple[tuple[Interval, ...], ...]:
    """The reading rule of a layer whose every output needs every input channel."""
    return tuple((Interval(0, shape.channels),) for shape in inputs)
