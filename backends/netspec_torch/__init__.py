"""The PyTorch backend: from a checked net to a `torch.fx.GraphModule`, and to trained weights."""

from netspec_torch.module import build, parameter_factors, without_heads
from netspec_torch.training import TrainingResult, train
from netspec_torch.weights import LoadedWeights, load_weights

__all__ = [
    "LoadedWeights",
    "TrainingResult",
    "build",
    "load_weights",
    "parameter_factors",
    "train",
    "without_heads",
]
