"""The canonical form: nothing lost, nothing that means another thing, nothing that moves twice."""

from pathlib import Path
from random import Random
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.compiler.pipeline import compile_source
from netspec.graph import Graph, Node
from netspec.source import SourceFile
from netspec.syntax.formatter import format_source
from netspec.syntax.parser import parse_source
from tests.syntax.legal_files import legal_files, list_spans, respell

TESTS = Path(__file__).parents[1]
SPECS = sorted(TESTS.parent.glob("specs/**/*.net"))
SPECIMENS = sorted((TESTS / "specimens").glob("*.net"))


def format_text(text: str) -> str:
    return format_source(SourceFile("test.net", text))


def strip(node: object) -> object:
    """A tree without its places."""
    if isinstance(node, tuple):
        return tuple(map(strip, node))
    if not hasattr(node, "__slots__"):
        return node
    slots = [slot for slot in type(node).__slots__ if slot != "span"]
    return type(node).__name__, *(strip(getattr(node, slot)) for slot in slots)


def tree_of(text: str) -> object:
    file, errors = parse_source(SourceFile("test.net", text))
    assert not errors
    return strip(file.items)


def outline(text: str) -> list[tuple[str, int]]:
    """Every word and comment, and whether a line ends before it, or a blank line stands there."""
    found: list[tuple[str, int]] = []
    end = 0
    for span in list_spans(text):
        num_ends = text.count("\n", end, span.start)
        found.append((span.text, min(num_ends, 2) if found else 0))
        end = span.end
    return found


@pytest.mark.parametrize("path", [*SPECS, *SPECIMENS], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_specs_and_specimens_have_the_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_text(text) == text


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("conv 96,11x11 , stride = 4", "conv 96, 11x11, stride=4"),
        ("c1 :conv 8,1x1", "c1: conv 8, 1x1"),
        ("conv 8, pad=0 : 3", "conv 8, pad=0:3"),
        ("conv 8, pad=a+1 : b", "conv 8, pad=a + 1:b"),
        ("let a=b*c+d//2**-1", "let a = b * c + d // 2 ** -1"),
        ("let a=- b - -c", "let a = -b - -c"),
        ("conv -a", "conv -a"),
        ("let a=not b==c and d", "let a = not b == c and d"),
        ("let a=if b==1  then(2)else[ 3 ]", "let a = if b == 1  then (2) else [3]"),
        ("let a = f ( x,y = 2 ) [ 0 ]", "let a = f(x, y=2)[0]"),
        ("conv(a+b)*2, [1,2][0],a [ 0 ]", "conv (a + b) * 2, [1, 2][0], a[0]"),
        ("crop(a . height-1)x(b)", "crop (a.height - 1) x (b)"),
        ("again x from  y", "again x from  y"),
        ("x", "x"),
        ("input 3 x r x(r)", "input 3 x r x (r)"),
        ("fc 3 .channels", "fc 3 .channels"),
        ("stop after=1  epoch", "stop after=1  epoch"),
        ("conv 8,msra ( fan = in )", "conv 8, msra(fan=in)"),
        ("relu;tanh ;relu", "relu; tanh; relu"),
        ("relu;", "relu;"),
        ("branch{}", "branch { }"),
        ("a:add{branch{relu};branch{ }}", "a: add { branch { relu }; branch { } }"),
        ("if a{relu}else if b{tanh}else{ elu }", "if a { relu } else if b { tanh } else { elu }"),
        ("repeat n as i{relu}", "repeat n as i { relu }"),
        ("for a,b in{1,-2;f(3)[0],x:y}{relu}", "for a, b in { 1, -2; f(3)[0], x:y } { relu }"),
        ("default conv,fc{bias = no,init=msra}", "default conv, fc { bias=no, init=msra }"),
        ("from a,b->3x3,params 35k", "from a, b -> 3x3, params 35k"),
        ("relu#why", "relu  #why"),
        ("relu     # why", "relu     # why"),
    ],
)
def test_spaces_within_a_line(written: str, canonical: str) -> None:
    assert format_text(f"net n {{\n{written}\n}}") == f"net n {{\n  {canonical}\n}}\n"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("net n(a=1,b = x){}", "net n(a = 1, b = x) { }"),
        ("net n(i=msra(fan=in)){}", "net n(i = msra(fan=in)) { }"),
        ("net m=n( a=1 )", "net m = n(a=1)"),
        ("net m = n(a=1){expect params 3,macs 4}", "net m = n(a=1) { expect params 3, macs 4 }"),
        ("block b ()from a,b{}", "block b() from a, b { }"),
        ('use  "x.net"', 'use  "x.net"'),
        ("train n{batch 3}", "train n { batch 3 }"),
    ],
)
def test_spaces_outside_braces(written: str, canonical: str) -> None:
    assert format_text(written) == canonical + "\n"


LAYOUTS = {
    "braces indent by two columns, whatever they did": (
        """
        net n {
            input 3x8x8
            repeat 3 {
                concat {
                  branch { relu }
                    branch { tanh }
                }
            }
        }
        """,
        """
        net n {
          input 3x8x8
          repeat 3 {
            concat {
              branch { relu }
              branch { tanh }
            }
          }
        }
        """,
    ),
    "tabs are columns": (
        """
        net n {
        \tinput 3x8x8
        \trepeat 3 {
        \t\tconv 8, 1x1\t# one
        \t}
        }
        """,
        """
        net n {
          input 3x8x8
          repeat 3 {
            conv 8, 1x1     # one
          }
        }
        """,
    ),
    "what stands under a word goes with it": (
        """
        net n {
          c1:conv 8,1x1
             relu
          c10:fc 3,
              bias=no
          a:add{branch { relu }
                branch { tanh } }
          let t=[1,2,
                 3]
        }
        """,
        """
        net n {
          c1: conv 8, 1x1
              relu
          c10: fc 3,
               bias=no
          a: add { branch { relu }
                   branch { tanh } }
          let t = [1, 2,
                   3]
        }
        """,
    ),
    "deeper lines stay deeper": (
        """
        net n {
             conv 8, 1x1
          c: relu
             tanh
        }
        """,
        """
        net n {
             conv 8, 1x1
          c: relu
             tanh
        }
        """,
    ),
    "brackets on lines of their own indent as braces do": (
        """
        net n(
            a=1,
            b=2
        ) {
            let t = f([
                1,
                2
            ])
            fc 3,
            bias=no
        }
        """,
        """
        net n(
          a = 1,
          b = 2
        ) {
          let t = f([
            1,
            2
          ])
          fc 3,
            bias=no
        }
        """,
    ),
    "a default's arguments are lines": (
        """
        net n {
            default conv {
                bias=no,
                init=msra,
            }
        }
        """,
        """
        net n {
          default conv {
            bias=no,
            init=msra,
          }
        }
        """,
    ),
    "claims that stand apart share a column, those that do not have one space": (
        """
        net n {
          conv 8,3x3     -> 8x6x6,params 35k
          conv 16,3x3   -> 16x4x4

          repeat 3 {
            relu           -> 16x4x4
          }->16x4x4
          add { branch { relu   -> 16x4x4 } }
          fc 10    -> 10   # ten
        }
        net m { fc 10       -> 10 }
        """,
        """
        net n {
          conv 8, 3x3      -> 8x6x6, params 35k
          conv 16, 3x3     -> 16x4x4

          repeat 3 {
            relu           -> 16x4x4
          } -> 16x4x4
          add { branch { relu   -> 16x4x4 } }
          fc 10            -> 10  # ten
        }
        net m { fc 10       -> 10 }
        """,
    ),
    "a table's columns end together, or begin together if they did": (
        """
        net n {
          for a, b, c, word in {
              1, 16,1,relu
              6, 24,  2, hardswish   # long
              6, 160, 13, -x
          } { relu }
        }
        """,
        """
        net n {
          for a, b, c, word in {
              1, 16,   1,      relu
              6, 24,   2, hardswish  # long
              6, 160, 13,        -x
          } { relu }
        }
        """,
    ),
    "a table that is no table stays as it is": (
        """
        net n {
          for a, b in {
            1, 2; 3, 4
            100, 1
          } { relu }
          for a, b in { 1, 2
            100, 1 } { relu }
          for a, b in {
            1,
              2
            100, 1
          } { relu }
        }
        """,
        """
        net n {
          for a, b in {
            1, 2; 3, 4
            100, 1
          } { relu }
          for a, b in { 1, 2
            100, 1 } { relu }
          for a, b in {
            1,
              2
            100, 1
          } { relu }
        }
        """,
    ),
    "comments stay where they stand": (
        """
        # head


        # of n
        net n {
        # of the input
            input 3x8x8      # one
                             # two
            conv 8,1x1       # three
            # of the braces
        }
        # end
        """,
        """
        # head

        # of n
        net n {
          # of the input
          input 3x8x8      # one
                           # two
          conv 8, 1x1      # three
          # of the braces
        }
        # end
        """,
    ),
    "comments one below the other move together": (
        """
        net n {
          conv 8,1x1,bias=no  # one
          relu                # two
          tanh # three
        }
        """,
        """
        net n {
          conv 8, 1x1, bias=no  # one
          relu                  # two
          tanh  # three
        }
        """,
    ),
    "a comment in the column of the claims stays there": (
        """
        net n {
          conv 16,3x3,pad=1  -> 16x8x8
          relu               # here
        }
        """,
        """
        net n {
          conv 16, 3x3, pad=1  -> 16x8x8
          relu                 # here
        }
        """,
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str) -> None:
    written, canonical = (dedent(text).lstrip("\n") for text in LAYOUTS[name])
    assert format_text(written) == canonical
    assert format_text(canonical) == canonical


@pytest.mark.parametrize("text", ["", "\n", " \n\n\t\n", "\r\n"])
def test_an_empty_file_stays_one(text: str) -> None:
    assert format_text(text) == ""


def test_blank_lines_are_single_and_between_lines() -> None:
    assert format_text("\n\n# a\n\n \n\n# b\n\n") == "# a\n\n# b\n"


def test_the_ends_of_lines_are_those_of_most() -> None:
    assert format_text("# a\r\n# b\r\n# c\n") == "# a\r\n# b\r\n# c\r\n"
    assert format_text("# a\r\n# b\n# c\n") == "# a\n# b\n# c\n"
    assert format_text("# a") == "# a\n"


def test_a_byte_order_mark_stays() -> None:
    assert format_text("\ufeffnet n{}") == "\ufeffnet n { }\n"


@given(legal_files())
def test_any_file_keeps_its_words_and_its_meaning(text: str) -> None:
    formatted = format_text(text)
    assert outline(formatted) == outline(text)
    assert tree_of(formatted) == tree_of(text)
    assert format_text(formatted) == formatted


@settings(max_examples=25)
@given(st.sampled_from([*SPECS, *SPECIMENS]), st.integers(0, 2**32))
def test_a_spec_keeps_its_graph_whatever_its_spaces(path: Path, seed: int) -> None:
    text = path.read_text(encoding="utf-8")
    messy = respell(text, Random(seed))
    formatted = format_text(messy)
    assert format_text(formatted) == formatted
    assert graphs_of(formatted, path) == graphs_of(text, path)


def graphs_of(text: str, path: Path) -> list[object]:
    """The graphs of a file, without their places and spellings in it."""
    program = compile_source(SourceFile(str(path), text, path))
    assert not program.has_errors
    return [strip_graph(net.graph) for net in program.nets]


def strip_graph(graph: Graph) -> object:
    kept = [name for name in Node.__struct_fields__ if name not in ("span", "calls", "written")]
    nodes = [[getattr(node, name) for name in kept] for node in graph.nodes]
    return nodes, graph.inputs, graph.output, graph.heads, graph.gpus, graph.parameters
