"""The solvers: one schema each, the rule written down beside its arguments.

w is a tensor of weights, g the gradient of the batch's mean loss, and at each update `rate` is the
solver's rate times the schedule's factor times the tensor's own (`rate=` of its layer); `decay` is
multiplied in the same way. Decay adds decay * w to the gradient (an L2 penalty of decay/2 w^2),
except in adamw. Defaults are PyTorch's; what PyTorch has no default for must be given.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from netspec.schema import Factor, IsWord, Real, Schema, Share, Truth, refuse

Positive = Annotated[Real, Field(gt=0)]


class Solver(Schema):
    """What turns gradients into updates."""

    rate: Positive
    """The learning rate at the start, before the schedule's factor."""
    decay: Factor = 0.0
    """Weight decay; the paper's is 5e-4. PyTorch decays biases too, Caffe's nets and the 2012 code
    do not: say `bias_decay=0` on the layers, or in a `default`."""
    clip: Positive | None = None
    """The most that the norm of all gradients together may be; where it is more, all are scaled
    down to it, before the decay is added. Caffe: clip_gradients, which it holds against the sum
    over iter_size parts and not their mean; PyTorch: clip_grad_norm_; TensorFlow:
    clip_by_global_norm."""

    @property
    def remembered(self) -> int:
        """How many numbers it keeps for each weight from one update to the next."""
        return 1


class Sgd(Solver):
    """Stochastic gradient descent, with momentum m.

        velocity=gradient (PyTorch):       v <- m v + (g + decay w);         w <- w - rate v
        velocity=step (the paper, Caffe):  v <- m v - rate (g + decay w);    w <- w + v

    Both are the same while the rate is constant. After a drop of the rate by ten, the second
    coasts on its large steps for a while; the first shrinks them at once.
    """

    kind = "sgd"

    momentum: Share = 0.0
    """The share of the velocity that is kept; the paper's is 0.9."""
    nesterov: Truth = False
    """Nesterov's look-ahead as PyTorch and Caffe have it: the step is m v + (g + decay w) with the
    new v (velocity=gradient), or m v - rate (g + decay w) (velocity=step)."""
    velocity: Annotated[Literal["gradient", "step"], IsWord] = "gradient"
    """What momentum carries on: gradients, the rate outside (PyTorch), or whole steps, the rate
    inside (the paper, cuda-convnet, Caffe)."""

    @property
    def remembered(self) -> int:
        return int(self.momentum > 0)

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise refuse("has nesterov=yes, which needs a momentum above 0")
        return self


class Adam(Solver):
    """Kingma and Ba 2015: m <- beta1 m + (1 - beta1) g; s <- beta2 s + (1 - beta2) g^2;
    w <- w - rate m' / (sqrt(s') + eps), where m' = m / (1 - beta1^t) and s' = s / (1 - beta2^t)."""

    kind = "adam"

    rate: Positive = 1e-3
    """The learning rate at the start. 0.001 in the paper and in PyTorch; Caffe has no default."""
    beta1: Share = 0.9
    """Share of the mean gradient that is kept; Caffe: momentum."""
    beta2: Share = 0.999
    """Share of the mean squared gradient that is kept; Caffe: momentum2."""
    eps: Positive = 1e-8
    """Added to a root."""
    eps_corrected: Truth = True
    """Whether that is the root of s' (algorithm 1 of the paper, PyTorch) or that of s itself: the
    rate is then multiplied by sqrt(1 - beta2^t) / (1 - beta1^t), and the step is m over
    sqrt(s) + eps (the end of the paper's section 2, Caffe, TensorFlow)."""

    @property
    def remembered(self) -> int:
        return 2


class AdamW(Adam):
    """Adam with the decay outside (Loshchilov and Hutter 2019): w <- w - rate decay w at each
    update, nothing added to the gradient."""

    kind = "adamw"

    decay: Factor = 1e-2
    """Weight decay, multiplied by the rate. 0.01 as in PyTorch."""


class RmsProp(Solver):
    """Hinton's lecture: s <- alpha s + (1 - alpha) g^2; w <- w - rate g / (sqrt(s) + eps).

    With a momentum m:

        velocity=gradient (PyTorch):    v <- m v + g / (sqrt(s) + eps);         w <- w - rate v
        velocity=step (TensorFlow):     v <- m v + rate g / (sqrt(s) + eps);    w <- w - v

    Inception, MobileNet, NASNet and EfficientNet were trained with TensorFlow's, which is
    `eps_inside=yes, start=1, velocity=step`.
    """

    kind = "rmsprop"

    rate: Positive = 1e-2
    """The learning rate at the start; 0.01 as in PyTorch."""
    alpha: Share = 0.99
    """Share of the mean squared gradient that is kept; Caffe: rms_decay, TensorFlow: rho, 0.9."""
    eps: Positive = 1e-8
    """Added to the root, as in PyTorch and Caffe."""
    eps_inside: Truth = False
    """Whether eps is added to s, below the root: sqrt(s + eps), as in TensorFlow 1 and Keras."""
    start: Factor = 0.0
    """The value of s before the first update: 0 in PyTorch and Caffe, 1 in TensorFlow 1, so that
    the first steps are small ones."""
    momentum: Share = 0.0
    """The share of the velocity that is kept."""
    velocity: Annotated[Literal["gradient", "step"], IsWord] = "gradient"
    """What momentum carries on: gradients over their root, the rate outside (PyTorch), or whole
    steps, the rate inside (TensorFlow)."""
    centered: Truth = False
    """Whether the mean gradient's square is taken off s before the root (Graves 2013)."""

    @property
    def remembered(self) -> int:
        return 1 + (self.momentum > 0) + self.centered


class Adagrad(Solver):
    """Duchi et al. 2011: s <- s + g^2; w <- w - rate g / (sqrt(s) + eps)."""

    kind = "adagrad"

    rate: Positive = 1e-2
    """The learning rate at the start; 0.01 as in PyTorch."""
    eps: Positive = 1e-10
    """Added to the root; Caffe: delta, 1e-8."""
    start: Factor = 0.0
    """The value of s before the first update; TensorFlow's is 0.1."""


class Adadelta(Solver):
    """Zeiler 2012: s <- rho s + (1 - rho) g^2; d = g sqrt(u + eps) / sqrt(s + eps);
    u <- rho u + (1 - rho) d^2; w <- w - rate d."""

    kind = "adadelta"

    rate: Positive = 1.0
    """A factor on the step; the paper's rule and PyTorch's default are 1."""
    rho: Share = 0.9
    """Share of the means that is kept; Caffe: momentum; 0.95 in the paper."""
    eps: Positive = 1e-6
    """Added below both roots; Caffe: delta."""

    @property
    def remembered(self) -> int:
        return 2


class Lars(Solver):
    """Layer-wise adaptive rates (You, Gitman and Ginsburg 2017, algorithm 1), for large batches:

    l = trust |w| / (|g| + decay |w|);  v <- m v + rate l (g + decay w);  w <- w - v

    with a norm for each tensor; l is 1 where |w| or the divisor is 0. PyTorch has no such solver,
    so that what has no counterpart in its SGD must be given.
    """

    kind = "lars"

    trust: Positive
    """How far a step may go, as a share of the weights' norm; the paper's is 0.001."""
    biases: Truth
    """Whether tensors of one dimension, which are biases and the factors of batch norm, are scaled
    too. The paper's algorithm scales all; most recipes that follow it leave these at the plain
    rate."""
    momentum: Share = 0.0
    """The share of the velocity that is kept; the paper's is 0.9."""


SOLVERS: dict[str, type[Solver]] = {
    solver.kind: solver for solver in (Sgd, Adam, AdamW, RmsProp, Adagrad, Adadelta, Lars)
}
"""Every solver by its word."""
