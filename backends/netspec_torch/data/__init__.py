"""Images for training: opening a data set, and making batches of it.

    data = open_data("flowers", wanted=recipe.data.name, seed=0)
    loaders = open_loaders(data, recipe, graph_input_shape, seed=0, device="cuda")
    for images, labels in loaders.train.batches(epoch=0):
        ...                                     # images: N x channels x height x width, float32
    for images, labels in loaders.held_out.views(10):
        ...                                     # images: (N * 10) x …, labels: N

Everything that can be wrong with data is a `DataError` with `message` and `help`; a damaged image
costs itself alone and is listed in `DataSet.skipped`.
"""

from netspec_torch.data.dataset import DataSet, SkippedImage, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.loader import Loader, Loaders, open_loaders
from netspec_torch.data.opening import open_data
from netspec_torch.data.pipeline import Pipeline
from netspec_torch.data.statistics import Statistics

__all__ = [
    "DataError",
    "DataSet",
    "Loader",
    "Loaders",
    "Pipeline",
    "SkippedImage",
    "Split",
    "Statistics",
    "open_data",
    "open_loaders",
]
