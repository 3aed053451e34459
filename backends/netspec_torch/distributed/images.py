"""What several processes do together with the images of a data set."""

from functools import partial

from netspec_torch.data.share import Share
from netspec_torch.data.statistics import Measure, measure_statistics
from netspec_torch.distributed.world import World


def measure_together(world: World) -> Measure:
    """Measures what recipes need of the training images, of which each process reads a part."""
    return partial(measure_statistics, share=Share(world.rank, world.size), add=world.add)
