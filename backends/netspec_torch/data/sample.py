"""The built-in sample: the 10,000 test images of Fashion-MNIST, which lie beside this file.

They are photographs of clothes, 28x28, grey, 1,000 of each of ten classes. The split is the same
whatever the seed, so that figures compare: of each class, in the file's order, the first 800 train
and the last 200 are held out.
"""

import hashlib
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import DataSet, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.idx import read_idx
from netspec_torch.data.images import ArrayImages

SAMPLE_NAME = "fashion_mnist"
SAMPLE_TITLE = "10,000 photographs of clothes (Fashion-MNIST's test part, MIT licence)"
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
TRAINING_IMAGES_A_CLASS = 800

FOLDER = Path(__file__).parent / "fashion_mnist"
IMAGES = "t10k-images-idx3-ubyte.gz"
LABELS = "t10k-labels-idx1-ubyte.gz"
SHA256 = {
    IMAGES: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    LABELS: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


def open_sample(folder: Path = FOLDER) -> DataSet:
    """The built-in sample; raises DataError where its files are not what they were."""
    for name, digest in SHA256.items():
        _check_digest(folder / name, digest)
    images = read_idx(folder / IMAGES, dimensions=3)[..., None]
    labels = read_idx(folder / LABELS, dimensions=1).astype(np.int64)
    rank = np.empty_like(labels)
    for label in range(len(CLASS_NAMES)):
        rank[labels == label] = np.arange(np.count_nonzero(labels == label))
    whole = Split(ArrayImages(images), labels)
    train, held_out = (
        whole.take(np.flatnonzero(rank < TRAINING_IMAGES_A_CLASS).tolist()),
        whole.take(np.flatnonzero(rank >= TRAINING_IMAGES_A_CLASS).tolist()),
    )
    return DataSet(
        name=SAMPLE_NAME,
        kind="idx files",
        class_names=CLASS_NAMES,
        train=train,
        held_out=held_out,
        origin="built in",
        division="of each class the first 800 images train, the last 200 are held out",
        licence=(folder / "LICENSE").read_text(encoding="utf-8"),
    )


def _check_digest(path: Path, digest: str) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the built-in sample's {path} cannot be opened: {error.strerror}",
            "install netspec again",
        ) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise DataError(
            f"the built-in sample's {path} is not the file that it was: its SHA-256 differs",
            "install netspec again, or restore the file",
        )
