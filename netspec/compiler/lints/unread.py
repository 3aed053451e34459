"""NS506: a layer whose result nothing reads; NS507: a block that nothing calls."""

from collections.abc import Iterable, Iterator, Set

from netspec.compiler.library import Thing
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.syntax import tree


def find_unread(net: CheckedNet) -> Iterator[Diagnostic]:
    graph = net.graph
    read = {graph.output, *(head.output for head in graph.heads), *graph.readers_by_name}
    for node in graph.nodes:
        if node.name not in read:
            yield Diagnostic(
                "NS506",
                f"nothing reads the result of {node.name}",
                Label(node.span, "its result is lost"),
                help=("leave the line out, or give it a label and read that with `from`",),
                severity=Severity.WARNING,
            )


def find_uncalled(things: Iterable[Thing], called: Set[str]) -> Iterator[Diagnostic]:
    """Blocks that nothing calls, in a file that has a net to call them."""
    things = list(things)
    blocks = [thing for thing in things if isinstance(thing.definition, tree.Block)]
    if len(blocks) == len(things):
        return
    for block in blocks:
        if block.name not in called:
            yield Diagnostic(
                "NS507",
                f"nothing calls block `{block.name}`",
                Label(block.definition.name.span, "never called"),
                help=("leave the block out, or write a line that begins with its name",),
                severity=Severity.WARNING,
            )
