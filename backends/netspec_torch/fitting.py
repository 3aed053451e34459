"""What is settled about a run once its data are known, before there is a weight: the net with their
number of classes, the recipe with the options in it, the clock. Most of what can be refused is
refused here; what takes weights or several processes, in `preparation.py`.
"""

from typing import NamedTuple

from msgspec.structs import replace

from netspec.compiler.program import CheckedNet
from netspec.recipe.clock import Clock
from netspec.recipe.recipe import Recipe
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.checks import check_batch_normalization, check_fit
from netspec_torch.classes import fit_classes
from netspec_torch.data import DataSet, open_data
from netspec_torch.distributed.checks import check_shares
from netspec_torch.distributed.world import World
from netspec_torch.options import Options


class Fitted(NamedTuple):
    """A net and its recipe, made for the data."""

    net: CheckedNet
    """With the data's number of classes."""
    classes_note: str
    """Where that number comes from, if not from the net alone."""
    recipe: Recipe
    """With what the options say in place of the file."""
    clock: Clock


def open_data_of(net: CheckedNet, options: Options, listener: Listener) -> DataSet:
    """The data that a net trains on; raises TrainingError where it has no recipe, and DataError."""
    if net.recipe is None:
        raise TrainingError(
            f"`{net.name}` has no recipe to train by",
            "write `train { … }` into its file",
            cause="file",
        )
    name, seed = net.recipe.data.name, options.settled_split_seed
    return open_data(options.data, name, seed, listener.announce)


def fit(net: CheckedNet, data: DataSet, options: Options, world: World) -> Fitted:
    """Make a net for its data, and refuse what cannot be trained on them.

    Raises TrainingError, and CompileError where the net does not hold with their number of classes.
    """
    assert net.recipe is not None
    recipe = _settle_recipe(net.recipe, options)
    net, classes_note = fit_classes(net, data.num_classes)
    check_fit(net.graph, recipe)
    clock = Clock(images=len(data.train), batch=recipe.batch)
    check_shares(world, clock, options.device_batch)
    check_batch_normalization(net.graph, clock, world, options.device_batch)
    return Fitted(net, classes_note, recipe, clock)


def _settle_recipe(recipe: Recipe, options: Options) -> Recipe:
    test_batch = recipe.test_batch or recipe.batch
    return replace(
        recipe,
        stop=options.stop or recipe.stop,
        views=options.views or recipe.views,
        test_batch=min(test_batch, options.device_batch or test_batch),
    )
