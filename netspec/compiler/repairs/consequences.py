"""Which false claims follow from others: those that would hold if the false claims of shapes above
them held. They are one mistake with these, and not told beside them.
"""

from collections.abc import Iterable, Sequence

from netspec.compiler.claims_made import ClaimMade, claimed_shape
from netspec.compiler.repairs.history import Shapes, recount
from netspec.graph import Node
from netspec.layers.base import LayerError
from netspec.tensor import Shape


def keep_causes(failing: Iterable[ClaimMade], nodes: Sequence[Node]) -> list[tuple[ClaimMade, int]]:
    """The false claims that no other explains, each with how many follow from it and those before
    it alone."""
    by_output: dict[str, list[ClaimMade]] = {}
    counts: list[ClaimMade] = []
    for made in failing:
        if isinstance(made.value, Shape):
            by_output.setdefault(made.output, []).append(made)
        else:
            counts.append(made)
    causes: list[ClaimMade] = []
    followers: list[int] = []
    assumed: Shapes = {}
    for node in nodes:
        shape = infer_assumed(node, assumed)
        for made in by_output.get(node.name, ()):
            if causes and made.holds_for(shape):
                followers[-1] += 1
                continue
            causes.append(made)
            followers.append(0)
            shape = take_claim(made, shape)
        if shape != node.shape:
            assumed[node.name] = shape
    for made in counts:
        is_macs = made.claim.about is not None and made.claim.about.text == "macs"
        counted = [n for n in nodes[made.first : made.last] if not (made.is_total and n.head)]
        if assumed and made.holds_for(recount(counted, assumed, is_macs)):
            followers[-1] += 1
            continue
        causes.append(made)
        followers.append(0)
    return list(zip(causes, followers, strict=True))


def infer_assumed(node: Node, assumed: Shapes) -> Shape:
    """A layer's shape as far as false claims are taken for true; its own where its rule is not met
    then."""
    if not any(name in assumed for name in node.inputs):
        return node.shape
    inputs = [
        assumed.get(name, shape) for name, shape in zip(node.inputs, node.input_shapes, strict=True)
    ]
    try:
        return node.layer.infer_shape(inputs)
    except LayerError:
        return node.shape


def take_claim(made: ClaimMade, shape: Shape) -> Shape:
    """The shape that a claim says, with the channels as they are where it says none."""
    numbers = claimed_shape(made.claim)
    if not numbers or min(numbers) < 1:
        return shape
    match numbers:
        case (channels,):
            return Shape(channels)
        case (height, width):
            return Shape(shape.channels, height, width)
        case (channels, height, width):
            return Shape(channels, height, width)
        case _:
            return shape
