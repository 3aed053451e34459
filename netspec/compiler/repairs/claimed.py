"""What is told beside a claim that does not hold: how the value came about, and what would make it
the one that is claimed.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from netspec.compiler.claims_made import ClaimMade, claimed_shape
from netspec.compiler.repairs.changes import (
    find_own_changes,
    list_biases,
    list_channels,
    list_even_paddings,
    list_paddings_after,
    list_roundings,
    list_strides,
    try_changes,
)
from netspec.compiler.repairs.history import (
    History,
    Shapes,
    describe_tensor,
    recount,
)
from netspec.compiler.repairs.refusals import join_or
from netspec.compiler.repairs.upstream import (
    find_input_size,
    find_other_roundings,
    find_turned_input,
    keeps_claims,
)
from netspec.graph import Node
from netspec.layers.arithmetic import derive_product, write_product
from netspec.layers.base import Layer
from netspec.tensor import Shape

LARGEST_TOLD = 3
"""The layers with the largest share of a count that are told."""


def explain_claim(
    made: ClaimMade, history: History, claims: Sequence[ClaimMade]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Notes and help lines for a claim that does not hold."""
    nodes = history.nodes[made.first : made.last]
    others = [claim for claim in claims if claim.place != made.place]
    if isinstance(made.value, Shape):
        return tuple(tell_shape(made, history)), tuple(advise_shape(made, history, others))
    return tuple(tell_count(made, nodes)), tuple(advise_count(made, history, nodes, others))


# shapes


def tell_shape(made: ClaimMade, history: History) -> Iterator[str]:
    node = history.find(made.output)
    if made.first == made.last:
        return
    yield from node.layer.derive_shape(node.input_shapes, node.shape)
    for number, name in enumerate(node.inputs[:LARGEST_TOLD], start=1):
        what = "input" if len(node.inputs) == 1 else f"input {number}"
        yield describe_tensor(history, name, what, made.claim.span.source)


def advise_shape(made: ClaimMade, history: History, claims: Sequence[ClaimMade]) -> Iterator[str]:
    assert isinstance(made.value, Shape)
    written = made.claim.value.span.text
    wanted = claimed_shape(made.claim)
    if wanted and len(wanted) == 3 and is_turned(wanted, made.value):
        yield f"a shape is channels x height x width: `{made.value}`"
        return
    if wanted == (made.value.elements,):
        yield f"{made.value} are {made.value.elements:,} numbers; a claim speaks of their shape"
        return
    if made.first == made.last:
        return
    node = history.find(made.output)
    source = made.claim.span.source

    def accept_shape(layer: Layer, shape: Shape) -> bool:
        return made.holds_for(shape)

    keeps = keeps_claims(claims)

    def accept(shapes: Shapes) -> bool:
        return made.holds_for(shapes[node.name]) and keeps(shapes)

    nodes = history.list_leading([node.name])
    turned = find_turned_input(history, nodes, accept)
    if turned:
        yield f"the channels of an input stand first: `{turned}`"
        return
    ways = find_own_changes(node.layer, node.input_shapes, accept_shape) if node.inputs else []
    if wanted and len(wanted) != 2 and not ways:
        change = try_changes(
            node.layer, node.input_shapes, list_channels(node.layer, wanted[:1]), accept_shape
        )
        ways = [change.text] if change else []
    if not ways:
        ways = find_other_roundings(history, nodes[:-1], restrict(accept, nodes), source)
    size = find_input_size(history, nodes, accept)
    if size:
        ways.append(size)
    if ways:
        yield f"with {join_or(ways)}, it gives {written}"


def restrict(accept: Callable[[Shapes], bool], nodes: Sequence[Node]) -> Callable[[Shapes], bool]:
    """The judgement of a layer's shape, where only the layers before it were run again."""
    last = nodes[-1]

    def accept_inputs(shapes: Shapes) -> bool:
        inputs = [
            shapes.get(name, shape)
            for name, shape in zip(last.inputs, last.input_shapes, strict=True)
        ]
        return accept(shapes | {last.name: last.layer.infer_shape(inputs)})

    return accept_inputs


def is_turned(claimed: tuple[int, ...], shape: Shape) -> bool:
    """Whether a claim has the channels last, as TensorFlow's shapes do."""
    return claimed[2] == shape.channels != claimed[0] and not shape.is_vector


# counts


def tell_count(made: ClaimMade, nodes: Sequence[Node]) -> Iterator[str]:
    """The product that a count is, or the layers with the largest share of it."""
    is_macs = made.claim.about is not None and made.claim.about.text == "macs"
    if len(nodes) == 1:
        (node,) = nodes
        if is_macs:
            factors = node.layer.mac_factors(node.input_shapes, node.shape)
            if factors:
                yield derive_product(factors)
            return
        learned = [weight for weight in node.weights if weight.is_learned]
        parts = [f"{weight.name} {write_product(weight.shape)}" for weight in learned]
        if parts:
            yield f"{' + '.join(parts)} = {made.value:,}"
        return
    shares = sorted(
        ((node.macs if is_macs else node.num_params, node) for node in nodes),
        key=lambda share: -share[0],
    )
    largest = [f"{node.name} {count:,}" for count, node in shares[:LARGEST_TOLD] if count]
    if largest:
        yield f"the largest shares: {', '.join(largest)}"


def advise_count(
    made: ClaimMade, history: History, nodes: Sequence[Node], claims: Sequence[ClaimMade]
) -> Iterator[str]:
    is_macs = made.claim.about is not None and made.claim.about.text == "macs"
    assert isinstance(made.value, int)
    if is_macs and made.holds_for(2 * made.value):
        yield f"one multiplication and addition is one, not two as in FLOPs: `macs {made.value:_}`"
        return

    def count(layer: Layer, inputs: Sequence[Shape], shape: Shape) -> int:
        if is_macs:
            return layer.count_macs(inputs, shape)
        weights = layer.list_weights(inputs)
        return sum(weight.elements for weight in weights if weight.is_learned)

    ways: list[str] = []
    if len(nodes) == 1 and nodes[0].inputs:
        (node,) = nodes
        changes = chain(
            list_biases(node.layer) if not is_macs else (),
            *(sort(node.layer) for sort in (list_even_paddings, list_paddings_after)),
            list_roundings(node.layer),
            list_strides(node.layer),
        )

        def accept_layer(layer: Layer, shape: Shape) -> bool:
            return made.holds_for(count(layer, node.input_shapes, shape))

        change = try_changes(node.layer, node.input_shapes, changes, accept_layer)
        ways = [change.text] if change else []
    if not ways:
        ways = advise_upstream(made, history, nodes, claims, is_macs)
    if ways:
        yield f"with {join_or(ways)}, it has {made.claim.value.span.text}"


def advise_upstream(
    made: ClaimMade,
    history: History,
    nodes: Sequence[Node],
    claims: Sequence[ClaimMade],
    is_macs: bool,
) -> list[str]:
    """Windows above that round the other way, and other sizes of the input, under which the count
    is the one that is claimed."""
    counted = [node for node in nodes if node.head is None] if made.is_total else list(nodes)
    leading = history.list_leading(node.name for node in counted)
    keeps = keeps_claims(claims)

    def accept(shapes: Shapes) -> bool:
        return made.holds_for(recount(counted, shapes, is_macs)) and keeps(shapes)

    source = made.claim.span.source
    ways = find_other_roundings(history, leading, accept, source)
    size = "" if ways else find_input_size(history, leading, accept)
    return [*ways, size] if size else ways
