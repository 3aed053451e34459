"""The PyTorch backend: from a checked net to a `torch.fx.GraphModule`, and to trained weights."""

from netspec_torch.module import build, parameter_factors, without_heads

__all__ = ["build", "parameter_factors", "without_heads"]
