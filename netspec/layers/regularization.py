"""What acts in training alone: dropout, droppath."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.layers.base import Layer
from netspec.schema import Share, Truth
from netspec.tensor import Shape


class Dropout(Layer):
    """Sets each number to 0 with probability p in training (Srivastava et al. 2014); either there
    or at test a factor makes up for what is lost.
    """

    kind = "dropout"
    positional = ("p",)
    family: ClassVar[str] = "Regularization"

    p: Share
    """The share that is dropped. Caffe's and Keras's argument is the same share, that of
    TensorFlow 1 the share that is kept."""
    inverted: Truth = True
    """Whether what is kept is divided by 1 - p in training (PyTorch, Caffe, TensorFlow), or all is
    multiplied by 1 - p at test (`no`: the AlexNet paper, cuda-convnet). The sums expected are the
    same, the training is not: with p = 0.5 and `no` the next layer sees half the numbers, and a
    step at the same rate moves its output a quarter as far."""

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return describe_dropping(self.p, "it", self.inverted)


class DropPath(Layer):
    """Sets the whole tensor of an image to 0 with probability p in training, and divides it by
    1 - p otherwise (stochastic depth, Huang et al. 2016): the last layer of a residual branch.

    torchvision's StochasticDepth has it per image with `mode="row"`.
    """

    kind = "droppath"
    positional = ("p",)
    family: ClassVar[str] = "Regularization"

    p: Share
    """The share of images that is dropped."""

    def describe_formula(self, inputs: Sequence[Shape], output: Shape) -> str:
        return describe_dropping(self.p, "the whole tensor", inverted=True)


def describe_dropping(p: float, what: str, inverted: bool) -> str:
    """What becomes of a number in training, and what at test."""
    kept = f"x / (1 - {p:g})" if inverted else "x"
    test = "x" if inverted else f"{1 - p:g} x"
    return (
        f"in training {kept}, or 0 where {what} is dropped, with probability {p:g}; at test {test}"
    )
