"""The PyTorch backend: from a checked net to a `torch.fx.GraphModule`, and to trained weights."""

from netspec_torch.module import build, parameter_factors, without_heads
from netspec_torch.training import TrainingResult, train

__all__ = ["TrainingResult", "build", "parameter_factors", "train", "without_heads"]
