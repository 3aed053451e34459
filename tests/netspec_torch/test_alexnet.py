"""AlexNet in one tower, as torchvision has it, against the same net in plain PyTorch."""

from pathlib import Path

import torch
from torch import nn

from netspec.compiler.pipeline import compile_file
from netspec_torch import build

SPEC = Path(__file__).parents[2] / "specs" / "alexnet-one-tower.net"


def write_by_hand() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip


def test_same_weights_same_outputs() -> None:
    torch.manual_seed(0)
    plain, ours = write_by_hand().eval(), build(compile_file(SPEC).nets[0], seed=0).eval()
    names = [name for name in ours.state_dict() if name.endswith("weight")]
    labels = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    assert names == [f"{label}.weight" for label in labels]
    weights = zip(ours.state_dict(), plain.state_dict().values(), strict=True)
    ours.load_state_dict(dict(weights))
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), plain(x), rtol=1e-5, atol=1e-5)
