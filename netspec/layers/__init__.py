"""The layer kinds, a file a family: which there are, which words their arguments take, where each
kind's class stands.

The two tables are written out, because a file that uses three kinds should load three families; a
test holds them against the classes. `find_layer_kind` is the way in.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.layers.base import Layer

KINDS: dict[str, str] = {
    "input": "input",
    "conv": "convolution",
    "depthwise": "convolution",
    "deconv": "deconvolution",
    "fc": "dense",
    "maxpool": "pooling",
    "avgpool": "pooling",
    "adaptiveavgpool": "pooling",
    "relu": "activation",
    "relu6": "activation",
    "elu": "activation",
    "gelu": "activation",
    "sigmoid": "activation",
    "tanh": "activation",
    "hardsigmoid": "activation",
    "swish": "activation",
    "hardswish": "activation",
    "mish": "activation",
    "softmax": "activation",
    "leakyrelu": "activation",
    "prelu": "activation",
    "activate": "activation",
    "lrn": "normalization",
    "batchnorm": "normalization",
    "layernorm": "normalization",
    "groupnorm": "normalization",
    "scale": "scaling",
    "dropout": "regularization",
    "droppath": "regularization",
    "add": "joins",
    "multiply": "joins",
    "maximum": "joins",
    "concat": "joins",
    "flatten": "rearranging",
    "identity": "rearranging",
    "shuffle": "rearranging",
    "slice": "rearranging",
    "pad": "resizing",
    "crop": "resizing",
    "upsample": "resizing",
}
"""Every layer kind, with the module beside this one that has its class; the order of the
reference."""

WORDS: frozenset[str] = frozenset(
    {
        "same", "half", "global",
        "down", "up",
        "mean", "sum", "channels", "map",
        "nearest", "bilinear", "edges", "corners",
        "in", "out", "average", "uniform", "normal",
        "xavier", "msra",
        "relu", "relu6", "elu", "gelu", "sigmoid", "tanh", "hardsigmoid", "swish", "hardswish",
        "mish", "softmax", "leakyrelu", "prelu",
    }
)  # fmt: skip
"""Every bare word that some argument of a layer accepts, starting values included."""


@cache
def find_layer_kind(kind: str) -> type["Layer"]:
    """The class of a layer kind; a word that is none raises KeyError."""
    module = import_module(f"{__name__}.{KINDS[kind]}")
    for value in vars(module).values():
        if isinstance(value, type) and vars(value).get("kind") == kind:
            return value
    raise LookupError(f"{module.__name__} has no class of kind {kind}")
