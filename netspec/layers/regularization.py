"""What acts in training alone: dropout, droppath."""

from typing import ClassVar

from netspec.layers.base import Layer
from netspec.schema import Share


class Dropout(Layer):
    """Sets each number to 0 with probability p in training, and divides the others by 1 - p.

    PyTorch, Caffe and TensorFlow do so. The 2012 code leaves the others as they are and multiplies
    by 1 - p when the net is used; what is expected of it is the same.
    """

    kind = "dropout"
    positional = ("p",)
    family: ClassVar[str] = "Regularization"

    p: Share
    """The share that is dropped. Caffe's and Keras's argument is the same share, that of
    TensorFlow 1 the share that is kept."""


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
