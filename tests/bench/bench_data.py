"""How many images a second the loader gives on one core, beside Pillow behind torch's DataLoader.

AlexNet's recipe: shorter side 256, a random crop of 224, mirror, per-pixel mean, colour noise. The
images are JPEGs of 400x350, quality 95, cut at random places and scales out of photographs: those
of `--photographs`, else four of those that scikit-image has (CC0, and NASA's), where it is
installed, else noise at every scale.

What is measured is the time that the processor worked, in all threads and processes, for it is
less disturbed by what else the machine does; of the rounds the best is shown, for what disturbs
makes slower only. Everything runs on one core. All that is done with an image counts, reading the
file too, which the system has in memory; measuring means is left out. Then where the time of an
image goes.

    python tests/bench/bench_data.py [--images 2048] [--rounds 4] [--photographs FOLDER]
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from netspec.recipe.data import Crop, Lighting, Mirror, Resize, Subtract, Transform
from netspec.tensor import Shape
from netspec.values import Word
from netspec_torch.data import Loader, Split, Statistics, open_data
from netspec_torch.data.decoding import Form, decode_upright
from netspec_torch.data.fetching import Fetcher
from netspec_torch.data.images import EncodedImages
from netspec_torch.data.packing import pack_data
from netspec_torch.data.pipeline import Pipeline
from netspec_torch.data.shard_writer import Options

BATCH = 128
SIDE = 256
SHAPE = Shape(3, 224, 224)
RECIPE: tuple[Transform, ...] = (
    Resize(side=SIDE),
    Crop.model_validate({"size": 224}),
    Mirror(),
    Subtract.model_validate({"value": Word("mean")}),
    Lighting(std=0.1),
)
FORM = Form(3, to_grey=False, resize=SIDE)
SCENES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
"""Of scikit-image's data."""
WIDTH, HEIGHT = 400, 350
Epoch = Callable[[int], Iterable[tuple[Tensor, Tensor]]]


class NaiveImages(Dataset[tuple[Tensor, int]]):
    """What one would write: every image by itself, all of it on the CPU."""

    def __init__(self, folder: Path, split: Split, statistics: Statistics) -> None:
        self._paths = [folder / "train" / split.images.name(i) for i in range(len(split))]
        self._labels = split.labels.tolist()
        self._mean = statistics.mean_image[:, 16:240, 16:240].float()
        self._components = statistics.components.float()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.open(self._paths[index]).convert("RGB")
        scale = SIDE / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.BILINEAR)
        left, top = (image.width - 256) // 2, (image.height - 256) // 2
        left += int(torch.randint(33, ()))
        top += int(torch.randint(33, ()))
        image = image.crop((left, top, left + 224, top + 224))
        if torch.rand(()) < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        noise = self._components @ (torch.randn(self._components.shape[1]) * 0.1)
        return pixels - self._mean + noise[:, None, None], self._labels[index]


def load_naively(images: NaiveImages, workers: int) -> Epoch:
    loader = DataLoader(images, BATCH, shuffle=True, num_workers=workers)
    return lambda epoch: loader


def load_ours(split: Split) -> Loader:
    return Loader(
        split,
        RECIPE,
        SHAPE,
        batch=BATCH,
        seed=0,
        threads=1,
        cache_bytes=0,
        memory_format=torch.channels_last,
    )


def find_photographs(folder: Path | None) -> tuple[list[Image.Image], str]:
    """Photographs to cut images out of, and what they are."""
    if folder is not None:
        paths, what = sorted(folder.iterdir()), f"photographs of {folder}"
    elif (found := find_spec("skimage")) and found.origin:
        data = Path(found.origin).parent / "data"
        paths, what = [data / name for name in SCENES], "photographs of scikit-image"
    else:
        return [make_noise(seed) for seed in range(4)], "noise at every scale"
    return [Image.open(path).convert("RGB") for path in paths], what


def make_noise(seed: int) -> Image.Image:
    """An image with the detail of a photograph."""
    generator = np.random.default_rng(seed)
    pixels = np.zeros((500, 600, 3))
    for side in (3, 9, 30, 100, 375):
        coarse = generator.integers(0, 256, (side, side, 3), np.uint8)
        layer = Image.fromarray(coarse).resize((600, 500), Image.Resampling.BICUBIC)
        pixels += np.asarray(layer, float) / 5
    return Image.fromarray(pixels.astype(np.uint8))


def write_images(photographs: list[Image.Image], folder: Path, count: int) -> None:
    """`count` images to train on and a few that are held out, in class folders."""
    generator = np.random.default_rng(0)
    for number in range(count + len(photographs)):
        label = number % len(photographs)
        whole = photographs[label]
        scale = max(WIDTH / whole.width, HEIGHT / whole.height) * generator.uniform(1, 1.3)
        size = (round(whole.width * scale) + 1, round(whole.height * scale) + 1)
        left, top = (
            int(generator.integers(0, length - cut + 1))
            for length, cut in zip(size, (WIDTH, HEIGHT), strict=True)
        )
        image = whole.resize(size, Image.Resampling.BICUBIC)
        part = "train" if number < count else "val"
        path = folder / part / f"class{label}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.crop((left, top, left + WIDTH, top + HEIGHT)).save(path, quality=95)


def spend() -> float:
    """Seconds that processors have worked for this process and those that it started and that have
    ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def measure(loaders: dict[str, Epoch], rounds: int) -> dict[str, float]:
    """The least time an image of each, in microseconds, side by side; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in loaders}
    for epoch in range(rounds + 1):
        for name, batches in loaders.items():
            start = spend()
            images = sum(len(labels) for _, labels in batches(epoch))
            times[name].append((spend() - start) / images * 1e6)
    return {name: min(taken[1:]) for name, taken in times.items()}


def list_parts(split: Split, rounds: int) -> Iterator[tuple[str, float]]:
    """Where the time of an image goes, a part by itself, in microseconds."""
    images = split.images
    assert isinstance(images, EncodedImages)
    count = min(BATCH, len(split))
    stored = [images.read_bytes(index) for index in range(count)]
    fetcher = Fetcher(split, FORM, threads=1, cache_bytes=0)
    pixels, _ = fetcher.fetch_all(np.arange(count))
    pipeline = Pipeline(
        RECIPE[1:],
        fetcher.image_shape,
        SHAPE,
        statistics=load_ours(split).statistics,
        memory_format=torch.channels_last,
    )
    drawn = pipeline.draw(0, 0, count)

    def time(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(rounds + 1):
            start = spend()
            work()
            taken.append(spend() - start)
        return min(taken) / count * 1e6

    def decode() -> None:
        for data in stored:
            decode_upright(data, FORM)

    reading = time(lambda: [images.read_bytes(index) for index in range(count)])
    decoding = time(decode)
    fetching = time(lambda: fetcher.fetch_all(np.arange(count)))
    yield "reading the file", reading
    yield "decoding", decoding
    yield "resizing, and copying into the batch", fetching - reading - decoding
    yield (
        "crop, mirror, float32, mean, colour noise",
        time(lambda: pipeline.train(pixels, drawn, slice(0, count))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=4, help="epochs of each that are timed")
    parser.add_argument("--photographs", type=Path, help="a folder of them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    photographs, what = find_photographs(options.photographs)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "folder"
        write_images(photographs, folder, options.images)
        data = open_data(folder, "", 0)
        pack_data(data, Path(place) / "packed", Options(side=SIDE))
        pack_data(data, Path(place) / "squares", Options(side=SIDE, square=True))
        splits = {
            name: open_data(Path(place) / name, "", 0).train
            for name in ("folder", "packed", "squares")
        }
        loaders = {name: load_ours(split) for name, split in splits.items()}
        statistics = loaders["folder"].statistics
        assert statistics is not None
        naive = NaiveImages(folder, splits["folder"], statistics)
        size = sum(path.stat().st_size for path in (folder / "train").rglob("*.jpg"))
        print(
            f"{options.images} images of {WIDTH}x{HEIGHT}, {size / options.images / 1024:.0f} KiB"
        )
        print(f"each, cut out of {what}; load of the machine {os.getloadavg()[0]:.1f}\n")
        times = measure(
            {
                "a folder: Pillow, DataLoader without workers": load_naively(naive, 0),
                "a folder: Pillow, DataLoader with a worker": load_naively(naive, 1),
                "a folder: netspec": loaders["folder"].batches,
                "packed: netspec": loaders["packed"].batches,
                "packed with `--square`: netspec": loaders["squares"].batches,
            },
            options.rounds,
        )
        print("| loader | us an image | images/s on a core | times as fast |\n|---|---:|---:|---:|")
        first, second, *_ = times.values()
        for name, taken in times.items():
            print(f"| {name} | {taken:,.0f} | {1e6 / taken:,.0f} | {first / taken:.2f} |")
        print(f"\nbeside the DataLoader with a worker: {second / times['a folder: netspec']:.2f}")
        print(f"for a folder, {second / times['packed: netspec']:.2f} packed\n")
        names = list(splits)
        parts = [dict(list_parts(split, options.rounds)) for split in splits.values()]
        print(f"| us an image | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
        for part in parts[0]:
            print(f"| {part} | {' | '.join(f'{each[part]:,.0f}' for each in parts)} |")


if __name__ == "__main__":
    main()
