"""The page of a layer: every equation on it is true, and its results are those of the graph."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, prod
from pathlib import Path

import pytest

from netspec.compiler.pipeline import compile_file, compile_source
from netspec.compiler.program import CheckedNet
from netspec.graph import Node
from netspec.layers import KINDS
from netspec.render.derivation import list_facts, render_derivation
from netspec.render.facts import NetFacts
from netspec.render.page import Page, count_cells, line_text
from netspec.source import SourceFile
from tests.compiled import compile_text
from tests.markdown_blocks import Block, check_golden, read_blocks

ROOT = Path(__file__).parents[2]
GOLDENS = Path(__file__).parent / "derivations.md"
FILES = [*sorted(ROOT.glob("specs/*.net")), *sorted(ROOT.glob("tests/specimens/*.net"))]
MOST_NODES = 60
"""Layers of a net that are looked at, spread over it: those of large nets are much alike, and
`--slow` looks at all."""

EQUATION = re.compile(
    r"(-?(?:ceil)?[(\d][\d,()+\-x/. ]*[\d)]) = (-?[\d,./]*\d)(?:, rounded \w+ to (\d+))?"
)
"""`(224 - 11) / 4 + 1 = 54.25, rounded down to 54`."""

EVERY_KIND = """
net kinds {
  input 4x31x24
  x: conv 8, 3x2, stride=2x1, pad=same, dilation=2x1; relu
  depthwise 3, multiplier=2, pad=half
  lrn 3, across=map; lrn 5, groups=2, k=2
  maxpool 3x2, stride=2, pad=1, round=up
  avgpool 3, stride=2, round=up, pad=0:1
  batchnorm; layernorm; groupnorm 4; scale
  prelu; leakyrelu 0.1; elu; softmax
  d: deconv 6, 4x3, stride=2x1, pad=1:0, groups=2, output_pad=1x0
  upsample 2x3, mode=bilinear
  upsample to=40x60
  crop 33x40; pad 1:0
  shuffle 3
  dropout 0.5; droppath 0.1
  y: slice 1, 5
  multiply { branch { }; branch { avgpool global; conv 4, 1x1; sigmoid } }
  m: multiply 0.5
  maximum from m, y
  a: adaptiveavgpool 7x5
  concat from a, a
  c: conv 8, 3, pad=1
  again c
  flatten
  fc 10, init=msra
}
"""


def list_nets() -> Iterator[object]:
    for path in FILES:
        for net in compile_file(path).nets:
            yield pytest.param(net, id=f"{path.parent.name}/{path.stem}:{net.name}")
    (net,) = compile_text(EVERY_KIND).nets
    yield pytest.param(net, id="every kind")


@pytest.mark.parametrize("net", list(list_nets()))
def test_the_numbers_of_layers_are_the_graphs(net: CheckedNet) -> None:
    nodes = net.graph.nodes
    check_layers(net, nodes[:: 1 + len(nodes) // MOST_NODES])


@pytest.mark.slow
@pytest.mark.parametrize("net", list(list_nets()))
def test_the_numbers_of_all_layers_are_the_graphs(net: CheckedNet) -> None:
    check_layers(net, net.graph.nodes)


def check_layers(net: CheckedNet, nodes: Sequence[Node]) -> None:
    facts = NetFacts(net)
    for node in nodes:
        told = list(list_facts(facts, node))
        for _, line in told:
            check_equations(line)
        check_counts(dict(join_lines(told)), node)


def join_lines(told: list[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """The lines under each name."""
    lines: list[str] = []
    for name, line in told:
        if name:
            lines = []
            yield name, lines
        lines.append(line)


def check_equations(line: str) -> None:
    """Both sides of every equals sign between numbers are the same."""
    for left, right, rounded in EQUATION.findall(line):
        value, told = evaluate(left), evaluate(right)
        assert abs(value - told) <= abs(value) / 10**5, line
        if rounded:
            assert abs(int(rounded) - value) < 1, line


def evaluate(expression: str) -> Fraction:
    written = expression.replace(",", "").replace(" x ", " * ")
    exact = re.sub(r"\d+(?:\.\d+)?", lambda number: f"Fraction('{number[0]}')", written)
    result = eval(exact, {"Fraction": Fraction, "ceil": ceil})
    return Fraction(result)


def check_counts(told: dict[str, list[str]], node: Node) -> None:
    """The results on the page are the node's."""
    (macs,) = told["multiply-adds"]
    assert last_number(macs) == node.macs
    learned = [line for line in told["parameters"] if not line.startswith(("and ", "they "))]
    assert last_number(learned[-1]) == node.num_params
    assert str(node.shape) == told["output"][0].split(",")[0]
    assert last_number(told["memory"][0].split(" numbers")[0]) == prod(node.shape)
    extents = {
        "channels": node.shape.channels,
        "height": node.shape.height,
        "width": node.shape.width,
    }
    for line in told.get("shape", []):
        names, _, arithmetic = line.partition(": ")
        for name in names.split(" and "):
            assert last_number(arithmetic) == extents[name], line


def last_number(line: str) -> int:
    """The last number of a line; `none` is 0."""
    numbers = re.findall(r"[\d,]*\d", line)
    return int(numbers[-1].replace(",", "")) if numbers else 0


def test_every_kind_is_derived() -> None:
    (net,) = compile_text(EVERY_KIND).nets
    functions = {"gelu", "tanh", "hardsigmoid", "swish", "hardswish", "mish", "relu6", "identity"}
    derived = {node.layer.kind for node in net.graph.nodes}
    assert KINDS.keys() - derived == functions | {"activate", "add"}


@pytest.mark.parametrize(
    "block",
    [block for block in read_blocks(GOLDENS) if block.word == "derivation"],
    ids=lambda block: block.attributes[-1],
)
def test_goldens(block: Block, golden: bool) -> None:
    file, name = block.attributes
    shown = {each.attributes[0]: each for each in read_blocks(GOLDENS) if each.word == "net"}
    text = shown[file].body if file in shown else (ROOT / file).read_text(encoding="utf-8")
    path = None if file in shown else ROOT / file
    net = compile_source(SourceFile(file, text, path)).nets[0]
    lines = render_derivation(NetFacts(net), net.graph[name], Page(100))
    check_golden(block, "".join(f"{line_text(line)}\n" for line in lines), rewrite=golden)


@pytest.mark.parametrize("width", [30, 60, 100, None])
def test_lines_fit_the_page(width: int | None) -> None:
    (net,) = compile_text(EVERY_KIND).nets
    for node in net.graph.nodes:
        lines = render_derivation(NetFacts(net), node, Page(width))
        assert all(count_cells(line_text(line)) <= (width or 1000) for line in lines)
