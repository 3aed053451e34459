"""Starting values: what `init=` and `bias_init=` accept, and what PyTorch takes if nothing is said.

Each is a distribution that depends only on the tensor's shape and fans, so a target draws it from
this description alone.
"""

from math import sqrt
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from netspec.schema import IsWord, Real, Schema, as_real, refuse
from netspec.values import Word, describe_value

Fan = Annotated[Literal["in", "out", "average"], IsWord]
Spread = Annotated[Literal["uniform", "normal"], IsWord]


class StartingValues(Schema):
    """How a weight's first values are drawn."""


class Normal(StartingValues):
    """Normal with mean 0 and the given standard deviation. Caffe: gaussian filler."""

    kind = "normal"
    positional = ("std",)
    std: Annotated[Real, Field(ge=0)]
    """Standard deviation."""


class Uniform(StartingValues):
    """Uniform between -bound and bound."""

    kind = "uniform"
    positional = ("bound",)
    bound: Annotated[Real, Field(ge=0)]
    """The largest absolute value."""


class Xavier(StartingValues):
    """Variance 1 / fan (Glorot and Bengio 2010), so that a linear layer keeps the variance.

    PyTorch's xavier_uniform_ and Glorot's paper average the two fans; Caffe's xavier filler takes
    fan in unless told otherwise.
    """

    kind = "xavier"
    fan: Fan = "average"
    """Which fan sets the variance; what `in` and `out` count is said under msra."""
    shape: Spread = "uniform"
    """The distribution's shape."""

    def standard_deviation(self, fan_in: int, fan_out: int) -> float:
        return sqrt(1 / choose_fan(self.fan, fan_in, fan_out))


class Msra(StartingValues):
    """Variance 2 / fan (He et al. 2015), so that a layer behind a relu keeps the variance.

    PyTorch: kaiming_normal_ with nonlinearity="relu"; Caffe: msra filler. Both take fan in unless
    told otherwise.
    """

    kind = "msra"
    fan: Fan = "in"
    """Which fan sets the variance. `in`: how many numbers an output is summed from. `out`: output
    channels times the kernel's height and width, with all channels counted where there are groups,
    as PyTorch and Caffe do. Code for TensorFlow often counts one channel for the `out` of a
    depthwise kernel, which is what `in` counts here."""
    shape: Spread = "normal"
    """The distribution's shape."""

    def standard_deviation(self, fan_in: int, fan_out: int) -> float:
        return sqrt(2 / choose_fan(self.fan, fan_in, fan_out))


class Constant(StartingValues):
    """Every value the same."""

    kind = "constant"
    positional = ("value",)
    value: Real
    """The value."""


class Bilinear(StartingValues):
    """The kernel of bilinear interpolation in every channel, for a deconv that enlarges (Caffe's
    bilinear filler)."""

    kind = "bilinear"


def choose_fan(fan: str, fan_in: int, fan_out: int) -> float:
    """The fan that a variance divides by; `average` is (in + out) / 2, as in Glorot's paper."""
    return {"in": fan_in, "out": fan_out, "average": (fan_in + fan_out) / 2}[fan]


def _from_word(value: object) -> object:
    """`msra` is `msra()`: starting values that need no argument may be given as a bare word."""
    return WORDS_ALONE[value]() if isinstance(value, Word) and value in WORDS_ALONE else value


def _as_starting_values(value: object) -> StartingValues:
    value = _from_word(value)
    if not isinstance(value, StartingValues):
        raise refuse(f"must be starting values such as normal(0.01), not {describe_value(value)}")
    return value


def _as_bias_start(value: object) -> StartingValues:
    value = _from_word(value)
    if isinstance(value, Bilinear):
        raise refuse("must be a number for each channel; `bilinear` fills kernels")
    if isinstance(value, StartingValues):
        return value
    return Constant(value=as_real(value))


Start = Annotated[StartingValues, PlainValidator(_as_starting_values)]
BiasStart = Annotated[StartingValues, PlainValidator(_as_bias_start)]

STARTING_VALUES: dict[str, type[StartingValues]] = {
    start.kind: start for start in (Normal, Uniform, Xavier, Msra, Constant, Bilinear)
}
WORDS_ALONE: dict[str, type[StartingValues]] = {
    start.kind: start for start in (Xavier, Msra, Bilinear)
}
"""Those that need no argument."""


def pytorch_start(fan_in: int) -> Uniform:
    """PyTorch's own start for convolutions and fully connected layers, weights and biases alike:
    kaiming_uniform_(a=sqrt(5)), which is uniform within 1 / sqrt(fan in)."""
    return Uniform(bound=1 / sqrt(fan_in) if fan_in else 0.0)
