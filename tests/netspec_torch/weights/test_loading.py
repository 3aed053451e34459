"""A module is given the weights of a file, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec_torch import build, load_weights

NET = """
net small(classes = 4) {
  input 3x8x8
  c1: conv 6, 3x3, pad=1
      batchnorm
      relu
  c2: conv 6, 3x3, pad=1, bias=no
      maxpool 2x2, stride=2
  aside: head weight=0.3 { fc 5; relu; fc classes }
  fc3: fc classes
}
"""


def load_net(text: str = NET, **settings: object) -> CheckedNet:
    return netspec.load(SourceFile("small.net", text), settings=settings).net


class Foreign(nn.Module):
    """The same net by other hands, its head registered last but one."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=1, bias=False),
            nn.MaxPool2d(2),
        )
        self.aux = nn.Sequential(nn.Linear(96, 5), nn.ReLU(), nn.Linear(5, classes))
        self.classifier = nn.Linear(96, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x).flatten(1)
        return self.classifier(features), self.aux(features)


def make_foreign(classes: int = 4) -> Foreign:
    torch.manual_seed(0)
    model = Foreign(classes)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor))
    return model.eval()


def images() -> Tensor:
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def test_a_foreign_net_and_ours_compute_the_same(path: Path) -> None:
    model = make_foreign()
    torch.save(model.state_dict(), path)
    module = build(load_net(), seed=0, heads=True)
    loaded = load_weights(module, load_net(), path)
    assert (loaded.match.how, loaded.match.fresh, loaded.match.unused) == ("order", (), ())
    with torch.no_grad():
        output, exits = module.eval()(images())
        expected, aux = model(images())
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(exits["aside"], aux)


def test_a_module_without_heads_takes_the_rest(path: Path) -> None:
    model = make_foreign()
    torch.save(model.state_dict(), path)
    module = build(load_net(), seed=0)
    load_weights(module, load_net().graph, str(path))
    torch.testing.assert_close(module.eval()(images()), model(images())[0])


@pytest.mark.parametrize("theirs", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("ours", [torch.bfloat16, torch.float32, torch.float64])
def test_precisions_are_converted(theirs: torch.dtype, ours: torch.dtype, path: Path) -> None:
    state = make_foreign().to(theirs).state_dict()
    torch.save(state, path)
    module = build(load_net(), seed=0, dtype=ours)
    load_weights(module, load_net(), path)
    assert module.get_parameter("c1.weight").dtype == ours
    assert torch.equal(module.get_parameter("c1.weight"), state["features.0.weight"].to(ours))


def test_our_own_weights_come_back_by_name(path: Path) -> None:
    net = load_net()
    first = build(net, seed=1, heads=True)
    for tensors in (first.state_dict(), build(net, seed=1).state_dict()):
        save_file(tensors, path)
        module = build(net, seed=2, heads=True)
        loaded = load_weights(module, net, path)
        assert loaded.match.how == "name"
        assert all(torch.equal(module.state_dict()[name], tensors[name]) for name in tensors)
    assert loaded.describe() == [
        f"{path}: 9 tensors by name",
        "keep their starting values: aside.fc_1, aside.fc_2",
    ]


def test_shared_weights_stand_once(path: Path) -> None:
    net = load_net("""net twins {
      left: input 1x4x4
      right: input 1x4x4
      a: conv 2, 3x3 from left
      b: again a from right
      concat from a, b
      fc 3
    }""")
    state = {"x.weight": torch.rand(2, 1, 3, 3), "x.bias": torch.rand(2)}
    torch.save(state | {"y.weight": torch.rand(3, 16), "y.bias": torch.rand(3)}, path)
    module = build(net, seed=0)
    load_weights(module, net, path)
    assert torch.equal(module.get_parameter("a.weight"), state["x.weight"])


def test_what_was_done_is_told_as_a_map(path: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": make_foreign(9).state_dict()}, path)
    net = load_net()
    first = build(net, seed=0, heads=True)
    told = load_weights(first, net, path, fresh_last=True).describe()
    assert told == [
        f"{path}, its `state_dict`: 9 tensors by order, theirs then ours:",
        "features.0  c1",
        "features.1  batchnorm_1",
        "features.3  c2",
        "aux.0       aside.fc_1",
        "keep their starting values: aside.fc_2, fc3",
        "not used: aux.2.weight, aux.2.bias, classifier.weight, classifier.bias",
    ]
    (tmp_path / "x.map").write_text("\n".join(told[1:5]))
    second = build(net, seed=0, heads=True)
    loaded = load_weights(second, net, path, weights_map=tmp_path / "x.map", fresh_last=True)
    assert loaded.describe()[0].endswith(f"by {tmp_path / 'x.map'}, theirs then ours:")
    assert loaded.describe()[1:] == told[1:]
    states = first.state_dict(), second.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_tensors_are_told_where_layers_would_not_do(path: Path, tmp_path: Path) -> None:
    state = make_foreign().state_dict()
    state["gamma"] = state.pop("features.1.weight")
    torch.save(state, path)
    (tmp_path / "x.map").write_text("""
      features.0 c1
      features.3 c2
      gamma batchnorm_1.weight
      features.1.bias batchnorm_1.bias
      features.1.running_mean batchnorm_1.running_mean
      features.1.running_var batchnorm_1.running_var
      classifier fc3
      aux -
    """)
    loaded = load_weights(build(load_net()), load_net(), path, weights_map=tmp_path / "x.map")
    assert "gamma                    batchnorm_1.weight" in loaded.describe()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.to(torch.int8), "has `features.0.weight` in int8, which is no precision"),
        (lambda w: w.fill_(float("nan")), "has in `features.0.weight` what is no finite number"),
        (
            lambda w: w.to(torch.float64) + 1e300,
            "`features.0.weight` what is no finite number",
        ),
        (
            lambda w: w[:, :1].clone(),
            "does not fit `small`: its `features.0.weight` is 6x1x3x3, where `c1.weight` "
            "(small.net:4:7) is 6x3x3x3",
        ),
    ],
)
def test_a_module_is_as_it_was_where_a_file_is_refused(
    change: Callable[[Tensor], Tensor], says: str, path: Path
) -> None:
    state = make_foreign().state_dict()
    state["features.0.weight"] = change(state["features.0.weight"])
    torch.save(state, path)
    module = build(load_net(), seed=0)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(TrainingError) as refusal:
        load_weights(module, load_net(), path)
    assert says in refusal.value.message
    assert refusal.value.cause == "file"
    assert all(torch.equal(module.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("text", [None, b"\xff\xfe"])
def test_a_map_that_cannot_be_read(text: bytes | None, path: Path, tmp_path: Path) -> None:
    torch.save(make_foreign().state_dict(), path)
    if text:
        (tmp_path / "x.map").write_bytes(text)
    with pytest.raises(TrainingError, match=r"x\.map cannot be read") as refusal:
        load_weights(build(load_net()), load_net(), path, weights_map=tmp_path / "x.map")
    assert refusal.value.cause == "usage"
