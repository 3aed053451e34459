"""Every file in specs/ and every specimen of the language, held against the truth tables."""

import json
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph
from netspec.source import SourceFile
from tests.compiled import summaries

TESTS = Path(__file__).parent
SPECS = sorted((TESTS.parent / "specs").glob("*.net"))
EXPERIMENTS = sorted((TESTS.parent / "specs" / "experiments").glob("*.net"))
BLOCKS = sorted((TESTS.parent / "specs" / "blocks").glob("*.net"))
SPECIMENS = sorted((TESTS / "specimens").glob("*.net"))
VARIANTS = json.loads((TESTS / "oracle" / "alexnet_variants.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", [*SPECS, *EXPERIMENTS, *SPECIMENS], ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_every_spec_checks_without_a_warning(path: Path) -> None:
    program = compile_file(path)
    assert summaries(program) == []
    assert program.nets
    assert all(net.claims.held and not net.claims.skipped for net in program.nets)


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: path.name)
def test_every_file_of_blocks_checks_and_has_a_header(path: Path) -> None:
    assert summaries(compile_file(path)) == []
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", [*SPECS, *EXPERIMENTS], ids=lambda path: path.stem)
def test_every_spec_has_a_header_and_a_recipe(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert all(net.recipe for net in compile_file(path).nets)


@pytest.mark.parametrize("path", [*SPECS, *EXPERIMENTS, *BLOCKS], ids=lambda path: path.name)
def test_lines_have_at_most_100_columns(path: Path) -> None:
    """Long comments are wrapped there, and tables and claims end before it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [f"{path.name}:{i}" for i, line in enumerate(lines, start=1) if len(line) > 100]


def test_alexnet_is_the_specimen_to_the_letter() -> None:
    spec = TESTS.parent / "specs" / "alexnet.net"
    assert spec.read_bytes() == (TESTS / "specimens" / "alexnet.net").read_bytes()


@pytest.mark.parametrize(
    ("spec", "variant"),
    [
        ("alexnet", "a_paper_2012_two_gpu_224"),
        ("alexnet-2012-code", "a_paper_2012_two_gpu_224"),
        ("alexnet-caffe", "b_caffe_bvlc_alexnet"),
        ("caffenet", "c_caffe_caffenet"),
        ("alexnet-one-tower", "d_one_weird_trick_torchvision"),
    ],
)
def test_alexnets_equal_their_truth_table(spec: str, variant: str) -> None:
    graph = compile_file(TESTS.parent / "specs" / f"{spec}.net").nets[0].graph
    truth = VARIANTS["variants"][variant]
    assert graph.num_params == truth["params"]
    assert graph.macs == truth["macs"]
    expected = [row for row in truth["layers"] if row["kind"] in ("conv", "fc", "pool")]
    found = [node for node in graph.nodes if node.layer.kind in ("conv", "fc", "maxpool")]
    for node, row in zip(found, expected, strict=True):
        assert as_list(node.shape, row["out"]) == row["out"], node.name
        assert node.num_params == row["weights"] + row["biases"], node.name
        assert node.macs == row["macs"], node.name


def as_list(shape: tuple[int, ...], like: list[int]) -> list[int]:
    return list(shape[: len(like)])


def test_what_is_normalised_when() -> None:
    """The order of relu, LRN and pooling is what the variants differ in."""
    orders = {
        "alexnet": ["conv", "relu", "lrn", "maxpool"],
        "alexnet-2012-code": ["conv", "lrn", "maxpool", "relu"],
        "alexnet-caffe": ["conv", "relu", "lrn", "maxpool"],
        "caffenet": ["conv", "relu", "maxpool", "lrn"],
    }
    for spec, order in orders.items():
        graph = compile_file(TESTS.parent / "specs" / f"{spec}.net").nets[0].graph
        assert [node.layer.kind for node in graph.nodes[1:5]] == order, spec


@pytest.mark.parametrize(
    ("specimen", "table"),
    [("googlenet", None), ("resnet", "resnet50"), ("mobilenet_v2", "mobilenet_v2")],
)
def test_specimens_equal_their_truth_tables(specimen: str, table: str | None) -> None:
    program = compile_file(TESTS / "specimens" / f"{specimen}.net")
    graph = program.nets[0].graph
    if table is None:
        assert graph.num_params == 6_998_552
        return
    truth: dict[str, Any] = json.loads((TESTS / "oracle" / f"{table}.json").read_text("utf-8"))
    assert graph.num_params == truth["params_trainable"]
    assert graph.macs == truth["macs"]
    assert count_averages(graph) == truth["buffers_running_stats"]
    rows = [row for row in truth["layer"] if row["class"] in ("Conv2d", "Linear")]
    nodes = [node for node in graph.nodes if node.layer.kind in ("conv", "fc")]
    assert sorted(
        (*node.shape[: len(row["out"])], node.macs) for node, row in zip(nodes, rows, strict=True)
    ) == sorted((*row["out"], row["macs"]) for row in rows)


def count_averages(graph: Graph) -> int:
    weights = (weight for node in graph.nodes for weight in node.weights)
    return sum(weight.elements for weight in weights if not weight.is_learned)


def test_a_net_is_short_to_look_at() -> None:
    spec = netspec.load(SPECS[0].with_name("lenet.net"))
    assert repr(spec).endswith("lenet.net: lenet>")
    assert repr(spec.net) == "<Net lenet: 1x28x28 -> 10, 7 layers, 431,080 parameters>"
    broken = netspec.check(SourceFile("bad.net", "net a { input 3x8x8; fc; fc }"))
    assert repr(broken.program) == "<Program bad.net: 2 errors>"
