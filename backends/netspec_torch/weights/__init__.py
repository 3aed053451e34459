"""Weights that come from elsewhere: files of this project's runs, torchvision's, timm's, anybody's.

    loaded = load_weights(module, net, "vgg16.pth")
    print("\\n".join(loaded.describe()))

Which tensor becomes which weight is decided from names and shapes alone (`match.py`, `order.py`,
`maps.py`, tested without files); `files.py` reads files and runs nothing of theirs; `loading.py`
copies the numbers.
"""

from netspec_torch.weights.loading import LoadedWeights, load_weights

__all__ = ["LoadedWeights", "load_weights"]
