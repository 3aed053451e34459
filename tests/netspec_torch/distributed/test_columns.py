"""The columns of a net on processes of their own against the whole net on one: outputs, gradients,
running averages, weights after updates; and the bytes that cross.
"""

import re
from pathlib import Path

import pytest
import torch

from netspec.layers import KINDS
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.runs import Pass, run_column, run_whole

TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}
SPECS = Path(__file__).parents[3] / "specs"

KIND_CASES = {
    "conv": "conv 8, 3x3, stride=2, pad=same",
    "conv in groups": "conv 12, 3x3, groups=4, bias=no",
    "depthwise": "depthwise 3x3, multiplier=2, pad=1",
    "deconv": "deconv 6, 3x3, stride=2, pad=1, output_pad=1",
    "deconv in groups": "deconv 12, 2x2, groups=4",
    "fc": "fc 6",
    "maxpool": "maxpool 3x3, stride=2, round=up",
    "avgpool": "avgpool 3x3, stride=2, pad=1, count_pad=no",
    "avgpool global": "avgpool global",
    "adaptiveavgpool": "adaptiveavgpool 3",
    **{kind: kind for kind in ("relu", "relu6", "elu", "gelu", "sigmoid", "tanh")},
    **{kind: kind for kind in ("hardsigmoid", "swish", "hardswish", "mish", "softmax")},
    "leakyrelu": "leakyrelu 0.1",
    "prelu": "prelu",
    "lrn": "lrn 5, alpha=0.5",
    "lrn in groups": "lrn 3, alpha=0.5, groups=4",
    "lrn of one channel's halo": "lrn 4, alpha=0.5",
    "lrn across the map": "lrn 3, alpha=0.5, across=map, groups=1",
    "batchnorm": "batchnorm",
    "batchnorm without scale": "batchnorm scale=no",
    "layernorm": "layernorm",
    "groupnorm": "groupnorm 4",
    "groupnorm of groups that are cut": "groupnorm 1",
    "scale": "scale bias=yes, init=0.7",
    "dropout": "dropout 0.4",
    "dropout as the paper has it": "dropout 0.4, inverted=no",
    "droppath": "droppath 0.5",
    "add": "r: relu; add from a, r",
    "multiply": "m: conv 1, 1x1, gpu=1; g: avgpool global from a; multiply from a, g, m",
    "multiply by a number": "multiply 0.3",
    "maximum": "r: conv 8, 3x3, pad=1; maximum from a, r",
    "concat": "b: conv 4, 3x3, pad=1; c: conv 6, 1x1 from a; concat from b, a, c",
    "concat of one twice": "concat from a, a",
    "flatten": "flatten",
    "flatten of channels that are cut": "b: conv 3, 1x1, gpu=1; flatten",
    "identity": "identity",
    "shuffle": "shuffle 4",
    "shuffle of more groups": "shuffle 8",
    "slice": "slice 1, 5",
    "pad": "pad 1:2",
    "crop": "crop 4",
    "upsample": "upsample 2, mode=bilinear",
    "activate": "activate mish",
    "whole on the first": "conv 5, 3x3, gpu=0; relu gpu=0",
    "whole on the second": "conv 5, 3x3, gpu=1; relu gpu=1; dropout 0.5, gpu=1",
    "from one to the other": "conv 5, 3x3, gpu=1; batchnorm gpu=0; lrn 3, gpu=1",
    "one weight twice": "b: conv 8, 3x3, pad=1; again b from b",
    "behind what is frozen": "b: conv 8, 3x3, rate=0; conv 8, 1x1, rate=0; conv 8, 1x1",
    "frozen on one of them": "b: conv 2, 1x1, gpu=0, rate=0 from x; concat from b, a; conv 4, 1x1",
    "two branches": "concat { branch { conv 4, 1x1 }; branch { conv 4, 1x1; conv 6, 1x1 } }",
    "what nothing reads": "b: conv 4, 1x1; from a",
    "a head": "early: head weight=0.5 { conv 4, 1x1; fc 3, gpu=1 }; conv 6, 3x3",
}
"""Lines behind a conv `a` of 8 channels."""


def write_net(lines: str, gpus: int, end: str = "fc 6") -> str:
    """A net whose end reads everything, whole."""
    lines = lines.replace("; ", "\n")
    return f"net tiny {{\ngpus {gpus}\nx: input 4x6x6\na: conv 8, 3x3, pad=1\n{lines}\n{end}\n}}"


def check_equal(whole: Pass, columns: list[Pass], tolerance: float) -> None:
    """Each column's part is that of the whole, and the columns have all of it."""
    for number, output in enumerate(whole.outputs):
        (held,) = [c.outputs[number] for c in columns if c.outputs[number].numel()]
        assert_close(held, output, tolerance, f"output {number}")
    covered = {name: torch.zeros(t.shape) for name, t in whole.state.items()}
    for column in columns:
        for name, tensor in column.state.items():
            part = column.slices.get(name, ())
            covered[name][part] += 1
            assert_close(tensor, whole.state[name][part], tolerance, name)
        for name, gradient in column.gradients.items():
            expected = whole.gradients[name]
            assert (gradient is None) == (expected is None), name
            if gradient is not None and expected is not None:
                part = column.slices[name]
                assert_close(gradient, expected[part], tolerance, f"gradient of {name}")
    for name, times in covered.items():
        if "num_batches" not in name:
            assert (times == 1).all(), name


def assert_close(actual: torch.Tensor, expected: torch.Tensor, tolerance: float, what: str) -> None:
    """Within the tolerance of the largest number."""
    assert actual.shape == expected.shape, what
    largest = expected.double().abs().max().item() if expected.numel() else 0
    difference = (actual.double() - expected.double()).abs().max().item()
    assert difference <= tolerance * max(1e-3, largest), f"{what}: {difference} of {largest}"


def test_every_kind_is_among_the_cases() -> None:
    written = " ".join(KIND_CASES.values())
    assert set(KINDS) - {"input"} <= set(re.findall(r"[a-z0-9]+", written))


@pytest.mark.parametrize("name", KIND_CASES)
def test_two_columns_compute_what_one_process_does(pair: Processes, name: str) -> None:
    text = write_net(KIND_CASES[name], gpus=2)
    whole = run_whole(text, torch.float64)
    check_equal(whole, pair.run(run_column, text, torch.float64), 1e-10)


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_alexnet_after_ten_updates(pair: Processes, dtype: torch.dtype) -> None:
    """The paper's file with small maps and few channels: its pads, groups, lrn and dropout."""
    text = write_small_alexnet(gpus=2)
    whole = run_whole(text, dtype, updates=10)
    check_equal(whole, pair.run(run_column, text, dtype, 10), TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_four_columns_after_ten_updates(four: Processes, dtype: torch.dtype) -> None:
    text = write_small_alexnet(gpus=4)
    whole = run_whole(text, dtype, updates=10)
    check_equal(whole, four.run(run_column, text, dtype, 10), TOLERANCES[dtype])


FOUR_COLUMN_CASES = (
    "lrn 5, alpha=0.5",
    "groupnorm 2",
    "shuffle 2",
    "batchnorm; dropout 0.5",
    "conv 4, 3x3; dropout 0.5",
    "conv 4, 3x3, gpu=3; dropout 0.3, inverted=no",
    "depthwise 3x3; softmax",
    "slice 2, 6; conv 8, 1x1, groups=2",
    "deconv 8, 3x3, groups=2",
    "b: conv 3, 1x1, gpu=2; c: conv 5, 1x1, gpu=1 from a; concat from b, a, c",
)


@pytest.mark.parametrize("lines", FOUR_COLUMN_CASES)
def test_four_columns_compute_what_one_process_does(four: Processes, lines: str) -> None:
    text = write_net(lines, gpus=4, end="fc 8")
    whole = run_whole(text, torch.float64)
    check_equal(whole, four.run(run_column, text, torch.float64), 1e-10)


def test_columns_in_the_other_layout_of_memory(pair: Processes) -> None:
    text = write_small_alexnet(gpus=2)
    layout = torch.contiguous_format
    whole = run_whole(text, torch.float64, layout=layout)
    check_equal(whole, pair.run(run_column, text, torch.float64, 0, layout), 1e-10)


def write_small_alexnet(gpus: int) -> str:
    """The net of specs/alexnet.net on images of 67 x 67, with a sixteenth of its channels."""
    net = (SPECS / "alexnet.net").read_text(encoding="utf-8").split("train {")[0]
    net = re.sub(r" +(->|expect).*", "", net).replace("3x224x224", "3x67x67")
    net = re.sub(
        r"(conv|fc) (\d+)", lambda found: f"{found[1]} {int(found[2]) // 16 // 4 * 4 or 4}", net
    )
    net = net.replace("classes = 1000", "classes = 12").replace("gpus 2", f"gpus {gpus}")
    return net.replace("groups=2", f"groups={gpus}") if gpus == 4 else net
