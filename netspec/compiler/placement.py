"""Whether a net with `gpus n` can be laid out: every tensor but an input must split into n equal
runs of channels, unless its layer names the one GPU that it lies on, and each run must be one that
its layer can compute by itself.

Where things then lie, and what crosses, is computed in `analyses/placement.py`.
"""

from collections.abc import Iterator

from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Graph, Node
from netspec.source import Span


def check_placement(graph: Graph) -> list[Diagnostic]:
    """NS205 for channels that do not divide, NS207 for groups that the GPUs would cut. A line that
    only passes on a count found wrong before it is not reported again, nor is a line of a block
    that is called again with the same count."""
    found: dict[tuple[Span, int], Diagnostic] = {}
    uneven: set[str] = set()
    for node in graph.nodes:
        if not is_uneven(node, graph.gpus):
            if cuts_groups(node, graph.gpus):
                key = node.span, node.shape.channels
                found.setdefault(key, report_cut_groups(node, graph.gpus))
            continue
        inherited = not names_its_count(node) and any(name in uneven for name in node.inputs)
        uneven.add(node.name)
        if not inherited:
            found.setdefault((node.span, node.shape.channels), report_uneven(node, graph.gpus))
    return list(found.values())


def is_uneven(node: Node, gpus: int) -> bool:
    """Whether the layer's result is to be split and cannot be."""
    is_split = node.layer.takes != "none" and node.layer.gpu is None
    return is_split and node.shape.channels % gpus != 0


def count_groups(node: Node) -> int:
    """The runs of channels that a layer computes apart."""
    return node.layer.channel_groups(node.input_shapes[0]) if node.input_shapes else 1


def cuts_groups(node: Node, gpus: int) -> bool:
    """Whether a GPU would hold whole groups and a part of another: it holds whole ones alone if it
    divides their number, and a part of one alone if their number divides the GPUs'."""
    if node.layer.gpu is not None:
        return False
    groups = count_groups(node)
    return groups % gpus != 0 and gpus % groups != 0


def names_its_count(node: Node) -> bool:
    """Whether the line itself says how many channels there are, as conv and fc do."""
    return "channels" in type(node.layer).model_fields


def report_uneven(node: Node, gpus: int) -> Diagnostic:
    channels = node.shape.channels
    whole, rest = divmod(channels, gpus)
    near = [count for count in (channels - rest, channels - rest + gpus) if count]
    advice = f"gpu=0 lays {node.name} whole on the first GPU"
    if names_its_count(node):
        advice += f"; {' or '.join(map(str, near))} channels would split"
    return Diagnostic(
        code="NS205",
        headline=f"{node.name} cannot split {channels} channels over {gpus} GPUs",
        primary=Label(node.span, f"{channels} = {gpus} x {whole} + {rest}"),
        secondary=tuple(list_calls(node)),
        help=(advice,),
    )


def report_cut_groups(node: Node, gpus: int) -> Diagnostic:
    groups = count_groups(node)
    whole, rest = divmod(groups, gpus)
    return Diagnostic(
        code="NS207",
        headline=f"{node.name} cannot split {groups} groups over {gpus} GPUs",
        primary=Label(
            node.span, f"{groups} = {gpus} x {whole} + {rest}: a GPU would hold a part of a group"
        ),
        secondary=tuple(list_calls(node)),
        notes=("a GPU computes whole groups, or a part of a single one",),
        help=(f"gpu=0 lays {node.name} whole on the first GPU",),
    )


def list_calls(node: Node) -> Iterator[Label]:
    """Where the block that holds the line was called, innermost first."""
    return (Label(call, "called here") for call in reversed(node.calls))
