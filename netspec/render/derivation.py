"""One layer derived: its shape, its counts, its memory, what it sees of the image and where it
lies, each with its arithmetic.

The formulas are the layer's own (`netspec/layers/`); here they are put in order, with the names of
the layers around it.
"""

from collections.abc import Iterator, Sequence

from netspec.analyses.cost import Cost
from netspec.analyses.memory import BYTES_PER_NUMBER, stores_its_result
from netspec.analyses.placement import Reading
from netspec.analyses.receptive_field import Field, find_fields
from netspec.graph import Node
from netspec.layers.arithmetic import derive_product, join_both
from netspec.layers.starting_values import Constant, Msra, Uniform, Xavier, pytorch_start
from netspec.recipe.device import show_bytes
from netspec.render.facts import NetFacts
from netspec.render.layer_rows import shorten_name
from netspec.render.page import Line, Page, Piece, printable, styled, wrap_text
from netspec.render.schema_words import write_starting_values
from netspec.tensor import Interval, Reach, Weight
from netspec.values import format_value

NAME_WIDTH = 17
"""Cells of the names in front of the lines."""
LEAST_ROOM = 30
"""Cells that what is said beside a name must have."""
MOST_NAMED = 6
"""Layers that are named one by one where a layer has many readers."""

Fact = tuple[str, str]
"""A name, empty where the line goes on with the one above, and what is said of it."""


def render_derivation(facts: NetFacts, node: Node, page: Page) -> list[Line]:
    """The page of one layer."""
    title = wrap_text(printable(f"{node.name}  {node.written}"), page.width, hang=2)
    place = wrap_text(printable(describe_place(facts, node)), page.width, hang=2)
    lines = [styled(part, "strong") for part in title]
    lines += [styled(part, "faint") for part in place]
    lines.append(())
    for name, text in list_facts(facts, node):
        lines += render_fact(name, printable(text), page)
    return lines


def render_fact(name: str, text: str, page: Page) -> Iterator[Line]:
    """A name and what is said of it beside it; below it on a narrow page."""
    if page.width is not None and page.width < NAME_WIDTH + LEAST_ROOM:
        if name:
            yield styled(name, "faint")
        yield from (styled(f"  {part}") for part in wrap_text(text, page.width - 2, hang=2))
        return
    room = None if page.width is None else page.width - NAME_WIDTH
    for index, part in enumerate(wrap_text(text, room, hang=2)):
        lead = "" if index else name
        yield Piece(f"{lead:<{NAME_WIDTH}}", "faint"), Piece(part)


def describe_place(facts: NetFacts, node: Node) -> str:
    calls = "".join(f", called at {call.place}" for call in reversed(node.calls))
    return f"net {facts.net.name}, {node.span.place}{calls}"


def list_facts(facts: NetFacts, node: Node) -> Iterator[Fact]:
    """Everything, in the order of the page."""
    yield from list_tensors(facts, node)
    yield from list_shape(node)
    yield "each number", node.layer.describe_formula(node.input_shapes, node.shape)
    yield from list_weights(node)
    macs = node.layer.mac_factors(node.input_shapes, node.shape)
    yield "multiply-adds", derive_product(macs) if macs else "none"
    yield from list_memory(node)
    yield from list_field(facts, node)
    yield from list_placement(facts, node)


def head_lines(name: str, lines: Sequence[str]) -> Iterator[Fact]:
    """Lines under one name."""
    for index, line in enumerate(lines):
        yield ("" if index else name), line


def list_tensors(facts: NetFacts, node: Node) -> Iterator[Fact]:
    """What it reads, and who reads it."""
    sources = [
        f"{shape}, from {shorten_name(name, node.name)}"
        for name, shape in zip(node.inputs, node.input_shapes, strict=True)
    ]
    yield from head_lines("input" if len(sources) == 1 else "inputs", sources)
    readers = [each.name for each in facts.graph.readers_by_name.get(node.name, ())]
    names = [shorten_name(name, node.name) for name in dict.fromkeys(readers)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    read = f", read by {', '.join(names[:MOST_NAMED])}{more}" if names else ""
    end = ", the net's output" if node.name == facts.graph.output else ""
    if node.name in (head.output for head in facts.graph.heads):
        end = ", the head's output"
    yield "output", f"{node.shape}{read}{end}"
    for head in facts.graph.heads:
        if node.head == head.name:
            weight = format_value(head.weight)
            yield "head", f"{head.name}: trained with weight {weight}, absent from inference"


def list_shape(node: Node) -> Iterator[Fact]:
    """The arithmetic of the shape, and what the same arguments would give elsewhere."""
    layer, inputs = node.layer, node.input_shapes
    yield from head_lines("shape", layer.derive_shape(inputs, node.shape))
    yield from layer.describe_window(inputs)
    elsewhere = layer.describe_elsewhere(inputs)
    if elsewhere:
        yield "elsewhere", "with the same arguments"
    for framework, told in elsewhere:
        yield f"  {framework}" if framework else "", told


def list_weights(node: Node) -> Iterator[Fact]:
    """How many numbers it learns, in which tensors, and how they start."""
    words = node.layer.weight_words
    learned = [weight for weight in node.weights if weight.is_learned]
    counts = [f"{derive_product(weight.shape)} {words[weight.name]}" for weight in learned]
    if len(learned) > 1:
        total = " + ".join(f"{weight.elements:,}" for weight in learned)
        counts.append(f"{total} = {node.num_params:,}")
    yield from head_lines("parameters", counts or ["none"])
    if node.shares_weights_of:
        yield "", f"they are those of {node.shares_weights_of}, and count there"
    averages = [weight for weight in node.weights if not weight.is_learned]
    if averages:
        kept = (f"{weight.elements:,} {words[weight.name]}" for weight in averages)
        yield "", f"and {' and '.join(kept)}, which are not learned"
    yield from head_lines(
        "starting values", [f"{words[each.name]} {describe_start(each)}" for each in learned]
    )


def describe_start(weight: Weight) -> str:
    """Starting values as written, with the spread that they come to."""
    if isinstance(weight.start, Constant):
        return format_value(weight.start.value)
    text = write_starting_values(weight.start)
    if isinstance(weight.start, Uniform) and weight.start == pytorch_start(weight.fan_in):
        return f"{text}, PyTorch's own: within 1 / sqrt({weight.fan_in:,}), the fan in"
    if not isinstance(weight.start, Msra | Xavier):
        return text
    deviation = weight.start.standard_deviation(weight.fan_in, weight.fan_out)
    fans = f"fan in {weight.fan_in:,}, fan out {weight.fan_out:,}"
    return f"{text}: {fans}, standard deviation {deviation:.4g}"


def list_memory(node: Node) -> Iterator[Fact]:
    """Room for its result and for what it learns."""
    size = show_bytes(node.shape.elements * BYTES_PER_NUMBER)
    factors = (node.shape.channels,) if node.shape.is_vector else node.shape
    result = f"result {derive_product(factors)} numbers, {size} in float32"
    if node.layer.takes != "none" and not stores_its_result(node):
        result += ", in the place of its input"
    yield "memory", result
    if node.num_params and not node.shares_weights_of:
        yield "", f"parameters {show_bytes(node.num_params * BYTES_PER_NUMBER)}"


def list_field(facts: NetFacts, node: Node) -> Iterator[Fact]:
    """What a position sees of each of the net's inputs, and how that comes about."""
    if node.layer.takes == "none":
        return
    graph = facts.graph
    sources = {name: find_fields(graph, graph[name]) for name in dict.fromkeys(node.inputs)}
    for name, fields in find_fields(graph, node).items():
        before = {source: found[name] for source, found in sources.items() if name in found}
        told = describe_fields(fields, graph[name])
        if list(before.values()) == [fields]:
            yield "receptive field", f"{told}, as for {shorten_name(node.inputs[0], node.name)}"
            continue
        yield "receptive field", told
        for source, (rows, columns) in before.items():
            of_source = join_both(tell_field(rows), tell_field(columns))
            yield "", f"{shorten_name(source, node.name)}: {of_source}"
        if len(before) > 1:
            yield "", "together from the first start to the last end"
        elif len(node.inputs) == 1:
            yield from derive_fields(node, next(iter(before.values())), fields)


def describe_fields(fields: tuple[Field, Field], input: Node) -> str:
    """The field in a sentence."""
    rows, columns = fields
    if rows.jump == columns.jump == 0:
        down, across = clip(rows, input.shape.height), clip(columns, input.shape.width)
        if (down, across) == (input.shape.height, input.shape.width):
            return f"all {down}x{across} pixels of {input.name}"
        return f"the same {down}x{across} pixels of {input.name} for every position"
    size = f"{rows.size}x{columns.size} pixels of {input.name}"
    apart = join_both(tell_jump(rows), tell_jump(columns))
    start = f"row and column {rows.start}"
    if rows.start != columns.start:
        start = f"row {rows.start}, column {columns.start}"
    padding = ", in the padding" if rows.start < 0 or columns.start < 0 else ""
    return f"{size}, {apart} from one to the next, the first from {start}{padding}"


def clip(field: Field, extent: int) -> int:
    """How many pixels of a field lie in the input."""
    return min(field.start + field.size, extent) - max(field.start, 0)


def tell_field(field: Field) -> str:
    return f"size {field.size}, jump {tell_jump(field)}, start {field.start}"


def tell_jump(field: Field) -> str:
    return "unevenly far" if field.jump is None else str(field.jump)


def derive_fields(
    node: Node, source: tuple[Field, Field], fields: tuple[Field, Field]
) -> Iterator[Fact]:
    """The arithmetic of a window's field from that of its input, where the input's lies evenly."""
    (reaches,) = node.layer.list_reaches(node.input_shapes, node.shape)
    steps = [derive_field(*each) for each in zip(source, reaches, fields, strict=True)]
    if all(steps):
        for word, row, column in zip(("size", "jump", "start"), *steps, strict=True):
            yield f"  {word}", join_both(row, column)


def derive_field(source: Field, reach: Reach, field: Field) -> tuple[str, ...]:
    """Size, jump and start along one direction; nothing where they have no such formula."""
    window, before = reach.last - reach.first + 1, -reach.first
    if not source.jump or not reach.step:
        return ()
    size = source.size + (window - 1) * source.jump
    start = source.start - before * source.jump
    if Field(int(size), reach.step * source.jump, int(start)) != field:
        return ()
    moved = f"- {before}" if before >= 0 else f"+ {-before}"
    return (
        f"{source.size} + ({window} - 1) x {source.jump} = {field.size}",
        f"{reach.step} x {source.jump} = {field.jump}",
        f"{source.start} {moved} x {source.jump} = {field.start}",
    )


def list_placement(facts: NetFacts, node: Node) -> Iterator[Fact]:
    """What of it lies on which GPU, and what has to cross for it."""
    if facts.placement is None:
        return
    if node.layer.takes == "none":
        yield "GPUs", f"given whole to all {facts.placement.gpus}"
        return
    placed = facts.placement.nodes[node.name]
    yield "GPUs", f"{facts.placement.gpus}"
    for gpu, (run, cost) in enumerate(zip(placed.runs, placed.costs, strict=True)):
        yield f"  GPU {gpu}", tell_share(run, cost)
    fetched = list(list_crossings(placed, node))
    yield from head_lines("crossing", fetched or ["nothing: each GPU holds what it reads"])
    if node.name in facts.placement.exits:
        for line in list_crossings(facts.placement.exits[node.name], node):
            yield "", f"for the loss {line}"


def tell_share(run: Interval, cost: Cost) -> str:
    """The channels on a GPU, and its share of the layer's counts where it has any."""
    if run.start == run.end:
        return "nothing of it"
    channels = f"channels {run.start} to {run.end - 1}"
    if not cost.params and not cost.macs:
        return channels
    return f"{channels}, {cost.params:,} parameters, {cost.macs:,} multiply-adds"


def list_crossings(reading: Reading, node: Node) -> Iterator[str]:
    """What one GPU fetches from another, for one image."""
    for crossing in reading.crossings:
        fetched = (
            f"GPU {crossing.receiver} fetches {crossing.elements:,} numbers of "
            f"{shorten_name(crossing.tensor, node.name)} from GPU {crossing.sender}, "
            f"{crossing.bytes:,} bytes"
        )
        is_returned = crossing in reading.returning
        yield f"{fetched}; in training their gradient goes back" if is_returned else fetched
