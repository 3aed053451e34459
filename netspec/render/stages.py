"""What stands after a phase, for those who look inside: the tree of a file, the graph of a net."""

from collections.abc import Iterator

from msgspec import Struct

from netspec.graph import Graph, Node
from netspec.schema import Schema
from netspec.source import Span
from netspec.tensor import Weight
from netspec.values import format_value


def render_tree(node: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """A tree, a line for each node and value: its field's name, what it is, and its place."""
    lead = "  " * depth + (f"{name}: " if name else "")
    if isinstance(node, tuple):
        for index, item in enumerate(node):
            yield from render_tree(item, f"{name}[{index}]", depth)
    elif isinstance(node, Struct) and not isinstance(node, Span):
        span = getattr(node, "span", None)
        yield f"{lead}{type(node).__name__}{describe_span(span) if span else ''}"
        for field in node.__struct_fields__:
            yield from render_tree(getattr(node, field), field, depth + 1)
    elif node is not None and not isinstance(node, Span):
        yield f"{lead}{format_value(node)}"


def describe_span(span: Span) -> str:
    """`  12:3-12:9`: where it starts, and the place right behind its end."""
    start, end = (span.source.locate(offset) for offset in (span.start, span.end))
    return f"  {start[0]}:{start[1]}-{end[0]}:{end[1]}"


def render_graph(graph: Graph) -> Iterator[str]:
    """A graph, a line for each layer: name, arguments, what it reads, its shape and weights."""
    given = ", ".join(f"{name}={format_value(value)}" for name, value in graph.parameters)
    yield f"graph {graph.name}({given}): {', '.join(graph.inputs)} -> {graph.output}"
    yield from (f"  {describe_node(node)}" for node in graph.nodes)
    for head in graph.heads:
        yield f"  head {head.name}, weight {format_value(head.weight)}: {head.output}"


def describe_node(node: Node) -> str:
    text = f"{node.name} = {describe_schema(node.layer)}"
    if node.inputs:
        text += f" of {', '.join(node.inputs)}"
    text += f" -> {node.shape}"
    if node.shares_weights_of:
        return f"{text}; weights of {node.shares_weights_of}"
    return text + "".join(f"; {describe_weight(weight)}" for weight in node.weights)


def describe_schema(schema: Schema) -> str:
    """A layer or starting values with the arguments that differ from the defaults."""
    given = [(name, value) for name, value in schema if name in schema.model_fields_set]
    arguments = (f"{name}={describe_argument(value)}" for name, value in given)
    return f"{schema.kind}({', '.join(arguments)})"


def describe_argument(value: object) -> str:
    return describe_schema(value) if isinstance(value, Schema) else format_value(value)


def describe_weight(weight: Weight) -> str:
    return f"{weight.name} {'x'.join(map(str, weight.shape))}"
