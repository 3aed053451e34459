"""The report of a net: the table at every width, folding, heads, claims."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from netspec.compiler.pipeline import compile_file
from netspec.compiler.program import Program
from netspec.recipe.device import Device
from netspec.render.outline import EVERYTHING, MOST_ROWS
from netspec.render.page import Page, count_cells, line_text
from netspec.render.plain import render_program
from netspec.render.report import Detail, render_programs
from tests.compiled import compile_text

ROOT = Path(__file__).parents[2]
SPECIMENS = ROOT / "tests" / "specimens"


@pytest.fixture(scope="module")
def alexnet() -> Program:
    return compile_file(ROOT / "specs" / "alexnet.net")


@pytest.fixture(scope="module")
def googlenet() -> Program:
    return compile_file(SPECIMENS / "googlenet.net")


def find_row(text: str, label: str) -> list[str]:
    """The cells of the row with that label."""
    (row,) = (line for line in text.splitlines() if re.match(rf"{re.escape(label)}  ", line))
    return re.split(r"  +", row.strip())


SMALL = """
    block pair(width) { conv width, 3x3, pad=1; relu }

    # Two layers and a choice. It is small.
    #
    # More of it.
    net small(classes = 10) {
      input 3x8x8
      a: pair 8
      c: concat { branch { conv 4, 1x1 }; branch { conv 4, 3x3, pad=1; relu } }  -> 8x8x8
      add from a, c
      fc classes
      expect params 5_682
    }
"""


def test_a_whole_report() -> None:
    text = render_program(compile_text(SMALL))
    assert text == dedent("""\
        small  test.net:7:5
        Two layers and a choice.

        with           classes=10
        input          3x8x8
        output         10
        parameters     5,682
        multiply-adds  39,424 for one image
        weights        22.2 KiB in float32
        activations    2,058 numbers for one image, 8.0 KiB

        label              layer                 output  parameters  multiply-adds
        input_1            input 3x8x8           3x8x8            -              -
        a                  pair                  8x8x8
          conv_1           conv 8, 3x3, pad=1    8x8x8          224         13,824
          relu_1           relu                  8x8x8            -              -
        c                  concat                8x8x8            -              -
          branch_1.conv_1  conv 4, 1x1           4x8x8           36          2,048
          branch_2                               4x8x8
            conv_1         conv 4, 3x3, pad=1    4x8x8          292         18,432
            relu_1         relu                  4x8x8            -              -
        add_1              add from a.relu_1, c  8x8x8            -              -
        fc_1               fc 10                 10           5,130          5,120
        total              8 layers                           5,682         39,424

        2 claims held
        """)


def test_alexnet_in_full(alexnet: Program) -> None:
    text = render_program(alexnet)
    assert "parameters     60,965,224\n" in text
    assert "multiply-adds  724,406,816 for one image\n" in text
    assert "weights        232.6 MiB in float32\n" in text
    assert "GPUs           2; for one image 234,496 bytes cross between them going forward" in text
    assert "  update       60,030,976 bytes, for 128 images both ways\n" in text
    assert find_row(text, "conv1") == [
        "conv1", "conv 96, 11x11, stride=4, pad=0:3", "96x55x55", "34,944", "105,415,200",
        "48 | 48", "-", "-",
    ]  # fmt: skip
    assert find_row(text, "conv3")[-3:] == ["192 | 192", "173,056", "173,056"]
    assert find_row(text, "fc8")[-3:] == ["1,000 | -", "8,192", "8,192"]
    assert find_row(text, "total") == [
        "total", "22 layers", "60,965,224", "724,406,816", "234,496", "234,496",
    ]  # fmt: skip
    assert text.endswith("\n9 claims held\n")


@pytest.mark.parametrize("width", [None, 140, 120, 100, 90, 80, 72, 60, 50, 40])
def test_numbers_are_whole_at_every_width(alexnet: Program, width: int | None) -> None:
    text = render_program(alexnet, width)
    for number in ("60,965,224", "724,406,816", "37,752,832", "105,415,200", "173,056", "234,496"):
        assert re.search(rf"(?<![\d,]){number}(?![\d,])", text), number
    assert "init=normal(0.03)" in text
    if width:
        body = text.split("\n", maxsplit=1)[1]
        assert max(map(count_cells, body.splitlines())) <= width


def test_the_loss_says_where_it_reads_a_split_result() -> None:
    text = render_program(compile_text("net tiny { gpus 2; input 3x8x8; fc 10 }"))
    loss = "reads fc_1 whole on GPU 0: 20 bytes forward, 20 back for one image"
    assert f"  loss         {loss}\n" in text
    assert "  update" not in text


def test_the_memory_of_a_training(alexnet: Program) -> None:
    text = render_program(alexnet)
    parts = "weights 124.1 MiB, gradients 124.1 MiB, solver 124.1 MiB, activations 768.1 MiB"
    assert (
        f"training       memory at batch 128, in float32\n  GPU 0        1.1 GiB: {parts}" in text
    )
    assert "  GPU 1        1.1 GiB: weights 108.5 MiB, " in text
    assert "  one device   2.0 GiB: weights 232.6 MiB, " in text
    assert "  room" not in text


def test_a_device_asks_for_the_memory_of_a_net_without_recipe() -> None:
    text = "net tiny { input 1x4x4; fc 10 }"
    assert "training" not in render_program(compile_text(text))
    shown = render_program(compile_text(text, device=Device(memory=2**20)))
    parts = "weights 680 bytes, gradients 680 bytes, activations 104 bytes"
    assert f"training       1.4 KiB at batch 1, in float32, without a recipe: {parts}\n" in shown
    assert "  room         1.0 MiB, enough for batch 7,2" in shown
    small = render_program(compile_text(text, device=Device(memory=1000)))
    assert "  room         1,000 bytes, not enough for a single image\n" in small


def test_columns_line_up(alexnet: Program) -> None:
    lines = render_program(alexnet, 120).splitlines()
    head = next(line for line in lines if line.startswith("label"))
    end = head.index("multiply-adds") + len("multiply-adds")
    for line in lines[lines.index(head) :]:
        if re.match(r"(conv|fc|total)", line):
            assert line[end - 1].isdigit()
            assert line[end : end + 1] in ("", " ")


def test_a_narrow_page_puts_the_gpus_into_a_table_of_their_own(alexnet: Program) -> None:
    heads = [x for x in render_program(alexnet, 80).splitlines() if x.startswith("label")]
    assert len(heads) == 2
    assert "on GPUs" not in heads[0]
    assert heads[1].split() == ["label", "on", "GPUs", "crossing", "back"]


def test_a_long_net_folds_its_blocks(googlenet: Program) -> None:
    text = render_program(googlenet)
    assert find_row(text, "a3") == [
        "a3", "inception, 14 layers", "256x28x28", "163,696", "128,049,152",
    ]  # fmt: skip
    table = text[text.index("label") : text.index("\n\nhead")].splitlines()
    assert len(table) < MOST_ROWS


def sum_column(text: str, column: int) -> int:
    """What the rows of the first table show in a column of numbers, the total excluded."""
    lines = text[text.index("label") :].split("\ntotal")[0].splitlines()
    places = [match.end() for match in re.finditer(r"\S+", lines[0])]
    cells = (re.search(r"\S*$", line[: places[column]]) for line in lines[1:])
    shown = (cell[0].replace(",", "") for cell in cells if cell)
    return sum(int(cell) for cell in shown if cell.isdigit())


@pytest.mark.parametrize("depth", [1, 2, 3, EVERYTHING])
@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v2", "cells", "resnet"])
def test_rows_add_up_to_the_total_at_every_depth(name: str, depth: int) -> None:
    program = compile_file(SPECIMENS / f"{name}.net")
    text = render_program(program, detail=Detail(depth))
    graph = program.nets[0].graph
    assert sum_column(text, 3) == graph.num_params
    assert sum_column(text, 4) == graph.macs


def test_full_shows_every_layer(googlenet: Program) -> None:
    text = render_program(googlenet, detail=Detail(EVERYTHING))
    for node in googlenet.nets[0].graph.nodes:
        assert re.search(rf"(\s|\.){re.escape(node.name.split('.')[-1])}  ", text), node.name


def test_heads_stand_below_and_are_not_in_the_total(googlenet: Program) -> None:
    text = render_program(googlenet)
    assert "\nhead early, weight 0.3, trained but not in the total\n" in text
    main, heads = text.split("\nhead early")
    assert "6,998,552" in main
    assert "3,188,840" in heads
    assert "3,188,840" not in main


def test_branches_and_other_sources() -> None:
    text = render_program(compile_text(SMALL))
    assert find_row(text, "add_1")[1] == "add from a.relu_1, c"
    assert find_row(text, "c")[1] == "concat"
    assert find_row(text, "  branch_1.conv_1")[1] == "conv 4, 1x1"


def test_shared_weights_are_called_so() -> None:
    text = render_program(
        compile_text(
            "net a { left: input 3x8x8; right: input 3x8x8; f: conv 4, 3x3 from left;"
            " g: again f from right; concat from f, g }"
        )
    )
    assert "input          left 3x8x8, right 3x8x8\n" in text
    assert find_row(text, "g") == ["g", "again f from right", "4x6x6", "shared", "3,888"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "2 claims held"),
        ({"classes": "7"}, "1 claim held; 1 skipped: it speaks of the net's own defaults"),
    ],
)
def test_claims(settings: dict[str, str], line: str) -> None:
    program = compile_text(SMALL, settings)
    assert render_program(program).endswith(f"\n{line}\n")


def test_a_net_without_claims_says_so() -> None:
    assert render_program(compile_text("net a { input 3x8x8; relu }")).endswith("\nno claims\n")


def test_patterns_and_files_without_nets() -> None:
    text = render_program(compile_file(SPECIMENS / "resnet.net"))
    assert (
        "resnet is a pattern, checked through the nets made from it: counts has no value\n" in text
    )
    text = render_program(compile_text("net a(n, m) { input 3x8x8; conv n, m }"))
    assert text.endswith(": n, m have no values\n")
    assert render_program(compile_text("block a { relu }")) == "test.net has no net\n"


def test_a_program_with_errors_shows_only_those() -> None:
    text = render_program(compile_text("net a { input 3x8x8; tahn; rleu }"))
    assert text.count("error[NS101]") == 2
    assert text.endswith("\n\n2 errors in 1 file\n`netspec explain NS101` tells more\n")
    assert "parameters" not in text


def test_what_two_files_share_is_told_once() -> None:
    program = compile_text("net a { input 3x8x8; tahn }")
    lines = [line_text(line) for line in render_programs([program, program], Page(), Detail())]
    assert sum(line.startswith("error") for line in lines) == 1
    assert lines[-2:] == ["1 error in 1 file", "`netspec explain NS101` tells more"]


def test_several_files_without_errors_are_counted() -> None:
    programs = [compile_file(path) for path in sorted(SPECIMENS.glob("*.net"))]
    lines = [line_text(line) for line in render_programs(programs, Page(), Detail())]
    assert lines[-1] == f"no errors in {len(programs)} files"
    assert render_programs(programs, Page(), Detail(quiet=True)) == []


def test_plain_output_is_ascii(googlenet: Program, alexnet: Program) -> None:
    assert render_program(googlenet, 80).isascii()
    assert render_program(alexnet, 50).isascii()
