"""The lines of `train` that are a single number or word: batch, loss, parallel, stop."""

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


class Parallel(Schema):
    """How several processes train a net that says nothing of GPUs; one process computes the same.
    Each process has a part of the images of every update, and without this line all layers."""

    kind = "parallel"

    fc: Annotated[Literal["copied", "split"], IsWord]
    """The fully connected layers. `copied`: each process has all of them, and sends the gradients
    of all. `split`: each has a part of their channels, and computes it for the images of all
    processes (Krizhevsky 2014, "One weird trick", scheme a); then what they read and give is sent,
    and the gradients of the other layers alone. That is less where they have most of the weights,
    as in AlexNet and VGG."""

    @classmethod
    def copied(cls) -> "Parallel":
        """What holds without the line."""
        return cls.model_construct(fc="copied")


class Stop(Schema):
    """When training ends."""

    kind = "stop"

    after: AmountArgument
    """Epochs, iterations or images; a bare number counts epochs. A part of an update counts as a
    whole one."""
