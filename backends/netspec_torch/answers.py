"""What a trained net answers, image by image: which classes it takes for which, what it says of
some images, and where it is surest and wrong.

It is the test of `testing.py` on the centre view, and its figures are the same.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netspec.recipe.device import Precision
from netspec.recipe.results import ClassProbability
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec.recipe.run_facts import Answers, Picture, Sample
from netspec.schema import HeightWidth
from netspec_torch.classes import count_outputs
from netspec_torch.comparison import open_sources
from netspec_torch.compute import autocast
from netspec_torch.data import Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.encoding import encode_png
from netspec_torch.data.resizing import resize_pixels
from netspec_torch.distributed.world import World
from netspec_torch.evaluate import Tally, average_views
from netspec_torch.testing import Trial
from netspec_torch.trained import TrainedNet, digest_split

BEST = 5
SAMPLES = 8
"""As many as Krizhevsky et al. 2012, figure 4, has."""
LONGEST_SIDE = 160
"""Pixels of a picture in a report."""


@dataclass(frozen=True)
class Found:
    """The answers to N images."""

    figures: Figures
    labels: Tensor
    """N: the classes that they are of."""
    truths: Tensor
    """N: the probability of that class."""
    classes: Tensor
    """N x 5: the most probable classes, the first is the best; fewer where there are fewer."""
    probabilities: Tensor
    """N x 5: theirs."""


def answer(trial: Trial, device: torch.device, precision: Precision, listener: Listener) -> Answers:
    """What the net of a trial answers; raises TrainingError where no image can be read, and
    DataError."""
    (trained,), (split,) = trial.nets, trial.splits
    found = ask(trained, split, trial.label_of_class.to(device), device, precision, listener)
    data = trial.data
    return Answers(
        weights=str(trained.path),
        update=trained.update,
        data=f"{data.name} ({data.origin})",
        figures=found.figures,
        class_names=name_classes(trained),
        confusion=count_confusion(found),
        samples=tuple(show(trained, split, found, spread(len(found.labels)))),
        mistakes=tuple(show(trained, split, found, find_mistakes(found))),
        notes=note_images(trial),
    )


def note_images(trial: Trial) -> tuple[str, ...]:
    """What has to be said of the images."""
    (trained,), data = trial.nets, trial.data
    notes = [data.notice] if data.notice else []
    if trained.images.split not in ("", digest_split(data)):
        notes.append("The data are not those of the training any more: their division differs.")
    return tuple(notes)


def name_classes(trained: TrainedNet) -> tuple[str, ...]:
    """The names of the outputs: their numbers, where no names are known."""
    return trained.class_names or tuple(map(str, range(count_outputs(trained.net))))


def ask(
    trained: TrainedNet,
    split: Split,
    label_of_class: Tensor,
    device: torch.device,
    precision: Precision,
    listener: Listener,
) -> Found:
    """The answers to all images of a split that can be read, in its order."""
    ((source,), _) = open_sources([trained], [split], World(device))
    tally = Tally(device)
    parts: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for images, labels in source.views(1):
            labels = label_of_class[labels]
            with autocast(device, precision):
                scores = trained.module(images)
            logarithms = average_views(scores, 1)
            tally.add(logarithms, labels)
            best = logarithms.topk(min(BEST, logarithms.shape[1]), dim=1)
            truth = logarithms.gather(1, labels[:, None])[:, 0]
            part = (labels, truth.exp(), best.indices, best.values.exp())
            parts.append(tuple(tensor.cpu() for tensor in part))
            listener.testing(tally.images, len(split))
    if not tally.images:
        raise TrainingError("not one of the images can be read", cause="usage")
    return Found(tally.as_figures(1), *(torch.cat(each) for each in zip(*parts, strict=True)))


def count_confusion(found: Found) -> dict[tuple[int, int], int]:
    """How many images of each class were taken for each class."""
    pairs = zip(found.labels.tolist(), found.classes[:, 0].tolist(), strict=True)
    return dict(sorted(Counter(pairs).items()))


def spread(count: int) -> list[int]:
    """The numbers of some images, evenly spread over `count`."""
    wanted = min(SAMPLES, count)
    return [n * count // wanted for n in range(wanted)]


def find_mistakes(found: Found) -> list[int]:
    """The numbers of the images whose wrong answer is the most probable, the surest first."""
    surest = found.probabilities[:, 0]
    is_wrong = found.classes[:, 0] != found.labels
    order: list[int] = torch.argsort(surest, descending=True, stable=True).tolist()
    return [number for number in order if is_wrong[number]][:SAMPLES]


def show(trained: TrainedNet, split: Split, found: Found, numbers: Sequence[int]) -> list[Sample]:
    """Some images with the answers to them; the numbers count those that could be read."""
    names = name_classes(trained)
    readable = [index for index in range(len(split)) if not split.is_unreadable(index)]
    samples = []
    for number in numbers:
        label = int(found.labels[number])
        places: list[int] = found.classes[number].tolist()
        values: list[float] = found.probabilities[number].tolist()
        samples.append(
            Sample(
                name=split.images.name(readable[number]),
                picture=draw(split, readable[number]),
                truth=ClassProbability(names[label], label, float(found.truths[number])),
                classes=tuple(
                    ClassProbability(names[place], place, value)
                    for place, value in zip(places, values, strict=True)
                ),
            )
        )
    return samples


def draw(split: Split, index: int) -> Picture:
    """An image as it lies in the data, smaller where it is large."""
    channels = 1 if split.images.channels == 1 else 3
    pixels = split.images.read(index, Form(channels, to_grey=False, resize=None))
    height, width = shrink(pixels.shape[:2])
    return encode_png(resize_pixels(np.asarray(pixels), HeightWidth(height, width)))


def shrink(size: Sequence[int]) -> tuple[int, int]:
    """Height and width with the longer side at most LONGEST_SIDE, the proportions kept."""
    height, width = size
    share = min(1.0, LONGEST_SIDE / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))
