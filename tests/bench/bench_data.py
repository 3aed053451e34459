"""Measures the loader beside the naive way: Pillow, one image at a time, in torch's DataLoader.

Both do AlexNet's recipe: the shorter side to 256, a random crop of 224, mirroring, the mean image
subtracted, colour noise; batches of 128 for a net of three channels. They read the built-in sample
(28x28, grey, enlarged) and a folder of generated JPEGs of 500x375, and take turns, so that a busy
moment of the machine falls on all of them. Nothing is trained meanwhile, and torch computes on one
thread, so that the small operations of the naive way do not pay for waking others. Prints a
Markdown table of the median rates over an epoch; measuring means and starting processes are left
out.

    python tests/bench/bench_data.py [--images 512] [--threads 2] [--rounds 5]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from netspec.recipe.data import Crop, Lighting, Mirror, Resize, Subtract, Transform
from netspec.tensor import Shape
from netspec.values import Word
from netspec_torch.data import Loader, Split, Statistics, open_data
from netspec_torch.data.decoding import Form
from netspec_torch.data.images import ArrayImages, open_files

BATCH = 128
SHAPE = Shape(3, 224, 224)
RECIPE: tuple[Transform, ...] = (
    Resize(side=256),
    Crop.model_validate({"size": 224}),
    Mirror(),
    Subtract.model_validate({"value": Word("mean")}),
    Lighting(std=0.1),
)
Open = Callable[[int], Image.Image]


class NaiveImages(Dataset[tuple[Tensor, int]]):
    """What one would write: every image by itself, all of it on the CPU."""

    def __init__(self, open_image: Open, labels: Tensor, statistics: Statistics) -> None:
        self._open = open_image
        self._labels = labels.tolist()
        self._mean = statistics.mean_image[:, 16:240, 16:240].float()
        self._components = statistics.components.float()

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self._open(index).convert("RGB")
        scale = 256 / min(image.size)
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


def load_naively(images: NaiveImages, workers: int) -> Iterable[tuple[Tensor, Tensor]]:
    return DataLoader(
        images, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def load_ours(split: Split, threads: int, cache_bytes: int) -> Loader:
    return Loader(
        split, RECIPE, SHAPE, batch=BATCH, seed=0, threads=threads, cache_bytes=cache_bytes
    )


def take_sample(count: int) -> tuple[Split, Open]:
    """The first images of the built-in sample, for us and for Pillow."""
    train = open_data("fashion_mnist", "", seed=0).train
    form = Form(1, to_grey=False, resize=None)
    pixels = np.stack([train.images.read(i, form) for i in range(count)])
    split = Split(ArrayImages(pixels, range(count)), train.labels[:count])
    return split, lambda index: Image.fromarray(pixels[index, :, :, 0])


def make_photographs(folder: Path, count: int) -> tuple[Split, Open]:
    """JPEGs with the detail of a photograph: noise at every scale, quality 90."""
    generator = np.random.default_rng(0)
    names = [f"{i}.jpg" for i in range(count)]
    for name in names:
        pixels = np.zeros((375, 500, 3))
        for side in (3, 9, 30, 100, 375):
            coarse = generator.integers(0, 256, (side, side, 3), np.uint8)
            layer = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
            pixels += np.asarray(layer, float) / 5
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name, quality=90)
    return Split(open_files(folder, names), np.arange(count) % 2), lambda i: Image.open(
        folder / names[i]
    )


def measure(
    loaders: dict[str, Callable[[int], Iterable[tuple[Tensor, Tensor]]]], rounds: int
) -> dict[str, float]:
    """The median rate of each, images a second; the first round warms up."""
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    for epoch in range(rounds + 1):
        for name, batches in loaders.items():
            start = time.perf_counter()
            images = sum(len(labels) for _, labels in batches(epoch))
            rates[name].append(images / (time.perf_counter() - start))
    return {name: median(taken[1:]) for name, taken in rates.items()}


def compare(split: Split, open_image: Open, threads: int, rounds: int) -> dict[str, float]:
    ours, ours_kept = (load_ours(split, threads, cache_bytes) for cache_bytes in (0, 2**40))
    statistics = ours.statistics
    assert statistics is not None
    images = NaiveImages(open_image, torch.from_numpy(split.labels), statistics)
    alone, workers = load_naively(images, 0), load_naively(images, threads)
    return measure(
        {
            "Pillow, DataLoader without workers": lambda epoch: alone,
            f"Pillow, DataLoader with {threads} workers": lambda epoch: workers,
            f"netspec, {threads} threads, decoded each time": ours.batches,
            f"netspec, {threads} threads, pixels kept in memory": ours_kept.batches,
        },
        rounds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each that are timed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sources = {
            "the built-in sample, 28x28": take_sample(options.images),
            "JPEG, 500x375": make_photographs(Path(folder), options.images),
        }
        print("| images | loader | images/s | times as fast |\n|---|---|---:|---:|")
        for source, (split, open_image) in sources.items():
            rates = compare(split, open_image, options.threads, options.rounds)
            first = next(iter(rates.values()))
            for name, rate in rates.items():
                print(f"| {source} | {name} | {rate:,.0f} | {rate / first:.2f} |", flush=True)


if __name__ == "__main__":
    main()
