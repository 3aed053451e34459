"""The PyTorch backend: from a checked net to a `torch.fx.GraphModule`, and to trained weights."""

from netspec_torch.data_sets import inspect_data, pack
from netspec_torch.module import build, parameter_factors, without_heads
from netspec_torch.prediction import predict
from netspec_torch.reporting import inspect_runs
from netspec_torch.seeds import SeedsResult, train_seeds
from netspec_torch.sweeps import SweepResult, train_sweep
from netspec_torch.testing import test
from netspec_torch.timing import time_data
from netspec_torch.trained import TrainedNet, read_trained
from netspec_torch.training import TrainingResult, train
from netspec_torch.weights import LoadedWeights, load_weights

__all__ = [
    "LoadedWeights",
    "SeedsResult",
    "SweepResult",
    "TrainedNet",
    "TrainingResult",
    "build",
    "inspect_data",
    "inspect_runs",
    "load_weights",
    "pack",
    "parameter_factors",
    "predict",
    "read_trained",
    "test",
    "time_data",
    "train",
    "train_seeds",
    "train_sweep",
    "without_heads",
]
