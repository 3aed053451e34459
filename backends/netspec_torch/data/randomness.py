"""Random numbers by place: a generator of its own for everything that is drawn.

What is drawn at one place never depends on how much was drawn at another, so a run can go on
anywhere.
"""

import numpy as np


def make_generator(seed: int, *place: int) -> np.random.Generator:
    """The generator of a place under a seed: any whole number, of which the lower 64 bits count."""
    return np.random.default_rng([seed % 2**64, *place])
