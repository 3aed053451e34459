"""`predict`: what pictures show, by one trained net or by the mean of several.

A picture is prepared as those of a test are. One that cannot be read costs itself alone.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from netspec.compiler.program import CheckedNet
from netspec.recipe.data import Crop
from netspec.recipe.device import Precision
from netspec.recipe.results import ClassProbability, Prediction
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.classes import count_outputs
from netspec_torch.compute import autocast, choose_device
from netspec_torch.data import DataError
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.images import is_image
from netspec_torch.data.stages import need_statistics
from netspec_torch.evaluate import average, average_views
from netspec_torch.members import (
    WeightsArgument,
    check_classes,
    check_map,
    describe_images,
    give_weights,
    list_weights_files,
    missing_statistics,
)
from netspec_torch.trained import TrainedNet, read_trained

PicturesArgument = Path | str | bytes | Iterable[Path | str | bytes]
"""Image files, folders of them, or the bytes of an image file; one or several."""


def predict(
    pictures: PicturesArgument,
    weights: WeightsArgument,
    net: CheckedNet | None = None,
    *,
    weights_map: Path | str | None = None,
    views: int = 1,
    best: int = 5,
    device: str | None = None,
    precision: Precision = "float32",
    listener: Listener | None = None,
) -> Iterator[Prediction]:
    """Say what pictures show: the `best` most probable classes of each, in their order.

    A folder stands for all image files in it and below, in the order of their names; hidden ones
    are passed over. `weights`, `net` and `weights_map` are as for `test`: several files are an
    ensemble, whose probabilities are averaged. With `views` 10 so are those of the four corners,
    the centre and their mirror images. A picture that cannot be read has a `failure` and no
    classes.

    The nets are read at once, and a picture when its turn comes. Raises TrainingError where the
    nets cannot be had, and CompileError where a spec does not hold.
    """
    if views not in (1, 10):
        raise TrainingError(f"a picture has 1 view or 10, not {views}", cause="usage")
    if best < 1:
        raise TrainingError(f"the best {best} classes are none", cause="usage")
    check_map(net, weights_map)
    listener = listener or Listener()
    chosen = choose_device(device)
    files = list_weights_files(weights)
    if net is None:
        nets = [read_trained(file, chosen) for file in files]
    else:
        nets = [
            give_weights(
                net,
                file,
                describe_images(file),
                chosen,
                weights_map=weights_map,
                listener=listener,
            )
            for file in files
        ]
    check_classes(nets)
    for each in nets:
        _check_preparation(each, views)
    classifier = _Classifier(nets, views, best, chosen, precision)
    words = [pictures] if isinstance(pictures, Path | str | bytes) else pictures
    return (classifier.predict(picture) for word in words for picture in _find_pictures(word))


def _check_preparation(trained: TrainedNet, views: int) -> None:
    """Raise TrainingError where no picture could be prepared for the net."""
    if need_statistics(trained.transforms) and trained.images.statistics is None:
        raise missing_statistics(trained)
    crops = sum(isinstance(transform, Crop) for transform in trained.transforms)
    if views > 1 and crops != 1:
        raise TrainingError(
            f"{trained.path} prepares an image with {crops} crops, and {views} views are taken "
            "from one",
            "--views 1 takes the whole image",
            cause="usage",
        )


class _Picture(NamedTuple):
    """An image file that may be read."""

    name: str
    place: Path | bytes

    def read(self) -> bytes:
        """Its bytes; raises OSError."""
        return self.place if isinstance(self.place, bytes) else self.place.read_bytes()


def _find_pictures(word: Path | str | bytes) -> Iterator[_Picture]:
    if isinstance(word, bytes):
        yield _Picture("-", word)
        return
    path = Path(word)
    files = _list_folder(path) if path.is_dir() else [path]
    yield from (_Picture(str(file), file) for file in files)


def _list_folder(folder: Path) -> Iterator[Path]:
    """The image files of a folder and below it; the folder itself, to be told of, where it has
    none."""
    found = False
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_image(name) and not name.startswith("."):
                found = True
                yield Path(place, name)
    if not found:
        yield folder


class _Classifier:
    """Nets that answer together."""

    def __init__(
        self,
        nets: Sequence[TrainedNet],
        views: int,
        best: int,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self._nets = nets
        self._views = views
        self._device = device
        self._precision: Precision = precision
        count = count_outputs(nets[0].net)
        self._names: Sequence[str] = next(
            (each.class_names for each in nets if each.class_names),
            [str(number) for number in range(count)],
        )
        self._best = min(best, count)

    def predict(self, picture: _Picture) -> Prediction:
        """The answer to one picture, or why there is none."""
        try:
            data = picture.read()
            probabilities = average(torch.stack([self._ask(each, data) for each in self._nets]), 0)
        except UnreadableImageError as error:
            return Prediction(picture.name, (), str(error))
        except IsADirectoryError:
            return Prediction(picture.name, (), "holds no image files")
        except OSError as error:
            return Prediction(picture.name, (), f"cannot be opened: {error.strerror or error}")
        except DataError as error:
            return Prediction(picture.name, (), f"cannot be prepared: {error.message}")
        best = probabilities.exp().topk(self._best)
        places: list[int] = best.indices.tolist()
        return Prediction(
            picture.name,
            tuple(
                ClassProbability(self._names[place], place, probability)
                for place, probability in zip(places, best.values.tolist(), strict=True)
            ),
        )

    def _ask(self, trained: TrainedNet, data: bytes) -> Tensor:
        """The logarithms of the probabilities that one net gives."""
        images = trained.prepare(data, self._views).to(self._device)
        with torch.inference_mode(), autocast(self._device, self._precision):
            scores = trained.module(images)
        return average_views(scores, self._views)[0]
