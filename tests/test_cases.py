"""Golden cases: the Markdown files of tests/cases, a heading a case. CONTRIBUTING.md says how they
are written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest
from msgspec import convert

from netspec.api import Spec
from netspec.cli.amounts import parse_memory
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.graph import Graph
from netspec.recipe.device import Device
from netspec.render.diagnostic import render_diagnostic
from netspec.render.page import Page, join_blocks, line_text
from netspec.source import SourceFile
from netspec.tensor import Shape
from tests.markdown_blocks import Block, check_golden, read_blocks

CASES = Path(__file__).parent / "cases"
MARKER = re.compile(r"# (error|warning): *(.*?) *(?=# (?:error|warning): |$)")
EXPECTED = re.compile(r"\[?(NS\d{3})\]? (\d+)")


def list_cases() -> Iterator[tuple[str, tuple[Block, ...]]]:
    """Every case with its name."""
    for path in sorted(CASES.rglob("*.md")):
        topic = path.relative_to(CASES).with_suffix("").as_posix()
        for heading, blocks in groupby(read_blocks(path), key=lambda block: block.heading):
            yield f"{topic}: {heading}", tuple(blocks)


@pytest.mark.parametrize("blocks", [pytest.param(b, id=name) for name, b in list_cases()])
def test_case(blocks: Sequence[Block], tmp_path: Path, golden: bool) -> None:
    unknown = {block.word for block in blocks} - {"net", "settings", "device", *RENDERINGS}
    assert not unknown, f"blocks that mean nothing here: {', '.join(sorted(unknown))}"
    goldens = [block for block in blocks if block.word in RENDERINGS]

    program = compile_case(blocks, tmp_path)

    expected = sorted(marker for block in blocks for marker in read_markers(block))
    if expected or not any(block.word == "diagnostics" for block in goldens):
        assert list_found(program) == expected
    for net in program.nets:
        check_graph(net.graph)
    for block in goldens:
        check_golden(block, RENDERINGS[block.word](program), rewrite=golden)


def compile_case(blocks: Sequence[Block], folder: Path) -> Program:
    """Lay the case's files into the folder and compile the one that has no name of its own."""
    nets = [block for block in blocks if block.word == "net"]
    for block in nets:
        path = folder / file_name(block)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")
    (main,) = (block for block in nets if not block.attributes)
    source = SourceFile(file_name(main), main.body, folder / file_name(main))
    device = read_device(read_values(blocks, "device"))
    return compile_source(source, read_values(blocks, "settings"), device=device)


def read_values(blocks: Sequence[Block], word: str) -> dict[str, str]:
    """The lines `name=value` of a case's blocks of that word."""
    lines = [line for block in blocks if block.word == word for line in block.body.split()]
    return dict(line.split("=", maxsplit=1) for line in lines)


def read_device(values: dict[str, str]) -> Device:
    assert values.keys() <= {"memory", "precision"}
    memory = parse_memory(values["memory"]) if "memory" in values else None
    return convert({**values, "memory": memory}, Device)


def file_name(net: Block) -> str:
    return net.attributes[0] if net.attributes else "case.net"


def read_markers(block: Block) -> Iterator[str]:
    """What a file's markers say of its lines: `# error: NS204 15`, the column last."""
    if block.word != "net":
        return
    for number, line in enumerate(block.body.splitlines(), start=1):
        for severity, rest in MARKER.findall(line):
            expected = EXPECTED.fullmatch(rest)
            assert expected, f"{block.path}:{block.line + number}: want CODE COLUMN, not {rest!r}"
            code, column = expected.groups()
            yield f"{file_name(block)}:{number}:{column}: {severity} {code}"


def list_found(program: Program) -> list[str]:
    return sorted(f"{d.primary.span.place}: {d.severity} {d.code}" for d in program.diagnostics)


def check_graph(graph: Graph) -> None:
    """What holds for every graph: nodes stand in order, with the facts that their layers give."""
    seen: dict[str, Shape] = {}
    for node in graph.nodes:
        assert node.name not in seen
        assert node.input_shapes == tuple(seen[name] for name in node.inputs)
        assert node.shape == node.layer.infer_shape(node.input_shapes)
        assert node.weights == node.layer.list_weights(node.input_shapes)
        assert node.macs == node.layer.count_macs(node.input_shapes, node.shape)
        seen[node.name] = node.shape
    assert graph.output in seen


def render_shapes(program: Program) -> str:
    """A line a layer: its name, output shape, parameters and multiply-adds."""
    lines = []
    for net in program.nets:
        rows = [(n.name, str(n.shape), str(n.num_params), str(n.macs)) for n in net.graph.nodes]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [f"{net.name}:"] if len(program.nets) > 1 else []
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "".join(f"{line}\n" for line in lines)


def render_diagnostics(program: Program) -> str:
    blocks = (render_diagnostic(diagnostic, Page()) for diagnostic in program.diagnostics)
    return "".join(f"{line_text(line)}\n" for line in join_blocks(blocks))


def render_check(program: Program) -> str:
    """What `netspec check --format plain` prints."""
    return f"{Spec(program).render().rstrip()}\n"


RENDERINGS: dict[str, Callable[[Program], str]] = {
    "diagnostics": render_diagnostics,
    "shapes": render_shapes,
    "table": render_check,
}
