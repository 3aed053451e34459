"""The lines of `train` that are a single number or word: batch, loss, stop."""

from typing import Annotated, Literal

from netspec.schema import AmountArgument, Count, IsWord, Schema, Share


class Batch(Schema):
    """How many images are between two updates, whatever the number of devices, processes or
    accumulation steps. In Caffe it is batch_size x iter_size x GPUs.

    The last, smaller batch of an epoch is kept; its gradient is the mean over its own images.
    """

    kind = "batch"
    positional = ("images",)

    images: Count
    """Images of an update. The gradient is their mean, in the paper, Caffe and PyTorch alike."""


class Loss(Schema):
    """What is minimised: for one image, the negative logarithm of the probability that softmax
    gives to its class; for a batch, the mean. Heads add theirs, times their weight."""

    kind = "loss"
    positional = ("function",)

    function: Annotated[Literal["softmax"], IsWord]
    """`softmax`: PyTorch's cross_entropy, Caffe's SoftmaxWithLoss. The net ends in scores, without
    a softmax of its own."""
    smooth: Share = 0.0
    """The share of the target that is spread evenly over all classes (label smoothing, Szegedy et
    al. 2016, section 7), as PyTorch's label_smoothing. It has no part in the loss of a test."""


class Stop(Schema):
    """When training ends."""

    kind = "stop"

    after: AmountArgument
    """Epochs, iterations or images; a bare number counts epochs. A part of an update counts as a
    whole one."""
