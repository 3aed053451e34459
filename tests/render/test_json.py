"""The format for machines: what it says, and that its reference is fresh."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from netspec.compiler.pipeline import compile_file
from netspec.layers.starting_values import Normal
from netspec.recipe.device import Device
from netspec.render.json import as_json, render_json
from netspec.render.json_schema import CheckReport
from netspec.schema import HeightWidth, Sides
from netspec.values import Amount, Size, Word
from tests.compiled import compile_text

ROOT = Path(__file__).parents[2]
SPECIMENS = sorted(ROOT.glob("tests/specimens/*.net"))


def report(text: str) -> Any:
    return json.loads(render_json([compile_text(text)], {}, "1.2.3"))


@pytest.fixture(scope="module")
def alexnet() -> Any:
    program = compile_file(ROOT / "specs" / "alexnet.net")
    return json.loads(render_json([program], {}, "1.2.3"))["files"][0]["nets"][0]


@pytest.mark.parametrize("path", SPECIMENS, ids=lambda path: path.name)
def test_output_is_what_the_schema_says(path: Path) -> None:
    text = render_json([compile_file(path)], {"gone.net": "no such file"}, "1.2.3")
    assert CheckReport.model_validate_json(text, strict=True).model_dump() == json.loads(text)


def test_every_field_is_described() -> None:
    schema = CheckReport.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for name, field in model.get("properties", {}).items():
            assert field.get("description"), f"{model['title']}.{name}"


def test_totals(alexnet: Any) -> None:
    assert alexnet["totals"] == {
        "params": 60_965_224,
        "macs": 724_406_816,
        "weight_bytes": 243_860_896,
        "average_bytes": 0,
        "activations": 1_258_760,
        "crossing_bytes": 234_496,
        "returning_bytes": 234_496,
        "training_bytes": 468_992,
        "update_bytes": 468_992 * 128,
    }
    assert alexnet["claims"] == {"held": 9, "skipped": 0}
    assert alexnet["parameters"] == {"classes": 1000}
    assert alexnet["settings"] == {}


def test_memory_of_training(alexnet: Any) -> None:
    """The estimate itself is held in tests/analyses and tests/netspec_torch."""
    training = alexnet["training"]
    assert (training["batch"], training["precision"]) == (128, "float32")
    assert (training["room"], training["largest_batch"]) == (None, None)
    assert [each["weights"] for each in training["devices"]] == [130_124_448, 113_736_448]
    whole = training["one_device"]
    assert whole["weights"] == whole["gradients"] == whole["solver"] == 243_860_896
    for each in (*training["devices"], whole):
        parts = sum(each[name] for name in each if name not in ("peak", "passing"))
        assert each["passing"] == max(0, each["peak"] - parts)


def test_the_largest_batch_for_a_device() -> None:
    text = "net a { input 1x4x4; fc 10 }"
    device = Device(memory=2 * 680 + 4 * (16 + 10), precision="bf16")
    found = json.loads(render_json([compile_text(text, device=device)], {}, "1.2.3"))
    training = found["files"][0]["nets"][0]["training"]
    assert (training["batch"], training["room"], training["precision"]) == (1, 1464, "bf16")
    assert training["largest_batch"] == 0  # a copy of the weights in bf16 has no room
    assert report(text)["files"][0]["nets"][0]["training"] is None


def test_layers(alexnet: Any) -> None:
    conv3 = next(layer for layer in alexnet["layers"] if layer["name"] == "conv3")
    assert conv3["kind"] == "conv"
    assert conv3["shape"] == [384, 13, 13]
    assert conv3["arguments"]["size"] == [3, 3]
    assert conv3["arguments"]["pad"] == {"top": 1, "bottom": 1, "left": 1, "right": 1}
    assert conv3["arguments"]["init"] == {"kind": "normal", "std": 0.03}
    assert "bias_init" not in conv3["arguments"]
    assert conv3["weights"] == [
        {"name": "weight", "shape": [384, 256, 3, 3], "learned": True},
        {"name": "bias", "shape": [384], "learned": True},
    ]
    assert [(g["first_channel"], g["end_channel"]) for g in conv3["gpus"]] == [(0, 192), (192, 384)]
    assert conv3["crossing_bytes"] == conv3["returning_bytes"] == 173_056
    assert [c["bytes"] for c in conv3["crossings"]] == [86_528, 86_528]


def test_a_net_on_one_gpu_has_no_shares() -> None:
    (layer, *_) = report("net a { input 3x8x8; relu }")["files"][0]["nets"][0]["layers"]
    assert layer["gpus"] == []
    assert layer["crossing_bytes"] == 0


def test_diagnostics_have_every_part() -> None:
    whole = report("# é\nnet a {\n  input 3x8x8\n  tahn\n}\n")
    (diagnostic,) = whole["files"][0]["diagnostics"]
    assert (whole["errors"], whole["warnings"]) == (1, 0)
    assert diagnostic["code"] == "NS101"
    assert diagnostic["severity"] == "error"
    assert diagnostic["primary"] | {"text": ""} == {
        "file": "test.net",
        "line": 4,
        "column": 3,
        "end_line": 4,
        "end_column": 7,
        "start": 28,
        "end": 32,
        "text": "",
    }
    assert isinstance(diagnostic["help"], list)


def test_unreadable_files_are_listed() -> None:
    whole = json.loads(render_json([], {"gone.net": "there is no such file"}, "1.2.3"))
    assert whole["unreadable"] == [{"file": "gone.net", "reason": "there is no such file"}]
    assert whole["files"] == []


def test_patterns_are_listed() -> None:
    (pattern,) = report("net a(n) { input 3x8x8; conv n, 1x1 }")["files"][0]["patterns"]
    assert (pattern["name"], pattern["missing"]) == ("a", ["n"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (3, 3),
        (Fraction(1, 4), 0.25),
        (Fraction(4, 2), 2),
        (Word("same"), "same"),
        (Size((3, 5)), [3, 5]),
        (HeightWidth(3, 5), [3, 5]),
        (Sides(0, 3, 0, 3), {"top": 0, "bottom": 3, "left": 0, "right": 3}),
        ([Fraction(1, 2), Word("up")], [0.5, "up"]),
        (Normal(std=0.5), {"kind": "normal", "std": 0.5}),
        (Amount(30, "epochs"), "30 epochs"),
    ],
)
def test_values(value: object, expected: object) -> None:
    assert as_json(value) == expected
