"""The PyTorch backend: from a checked net to a `torch.fx.GraphModule`, and to trained weights."""

from netspec_torch.data_sets import inspect_data, pack
from netspec_torch.module import build, parameter_factors, without_heads
from netspec_torch.timing import time_data
from netspec_torch.trained import TrainedNet, read_trained
from netspec_torch.training import TrainingResult, train
from netspec_torch.weights import LoadedWeights, load_weights

__all__ = [
    "LoadedWeights",
    "TrainedNet",
    "TrainingResult",
    "build",
    "inspect_data",
    "load_weights",
    "pack",
    "parameter_factors",
    "read_trained",
    "time_data",
    "train",
    "without_heads",
]
