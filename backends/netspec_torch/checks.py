"""What a recipe or an option may ask of a net that cannot be trained so, refused before the run."""

from netspec.graph import Graph
from netspec.layers.normalization import BatchNorm
from netspec.recipe.clock import Clock, count_parts
from netspec.recipe.fit import find_misfits
from netspec.recipe.recipe import Recipe
from netspec.recipe.run import TrainingError
from netspec_torch.distributed.world import World
from netspec_torch.module import parameter_factors


def check_fit(graph: Graph, recipe: Recipe) -> None:
    for misfit in find_misfits(recipe, graph):
        raise TrainingError(f"`{misfit.line}` {misfit.predicate}", misfit.help, cause="file")
    if all(weight.rate == 0 for weight in parameter_factors(graph).values()):
        raise TrainingError(
            f"`{graph.name}` has no weight that is not frozen: there is nothing to train",
            cause="file",
        )


def check_batch_normalization(
    graph: Graph, clock: Clock, world: World, device_batch: int | None
) -> None:
    """A channel of one number has no spread to be normalised by."""
    for node in graph.nodes:
        if not isinstance(node.layer, BatchNorm) or not node.shape.is_vector:
            continue
        for images in sorted({clock.smallest_batch, min(clock.batch, clock.images)}):
            parts = count_parts(-(-images // world.replicas), device_batch)
            parts *= 1 if node.layer.synced else world.replicas
            if images // parts == 1:
                raise _refuse_alone(node.name, clock, images, device_batch, parts)


def _refuse_alone(
    name: str, clock: Clock, images: int, device_batch: int | None, parts: int
) -> TrainingError:
    """The error of an image that batchnorm normalises alone."""
    is_last = images == clock.smallest_batch
    which = "the last batch of an epoch" if is_last else "a batch"
    count = "one image" if images == 1 else f"{images:,} images"
    divided = f", of which one of {parts:,} parts has one" if parts > 1 else ""
    is_ours = device_batch is not None and images > 1
    return TrainingError(
        f"{which} holds {count}{divided} ({clock.images:,} images, {clock.batch:,} a batch): too "
        f"few for batchnorm `{name}` to normalise by, which has one number a channel of each",
        "give a larger --device-batch" if is_ours else "change the `batch` by one or more",
        cause="usage" if is_ours else "file",
    )
