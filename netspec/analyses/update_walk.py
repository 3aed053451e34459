"""One update, walked through as PyTorch's autograd does it, with what it allocates and frees.

Forward, a tensor is freed behind its last reader unless something keeps it for the way back. Back,
in the reverse order, each layer makes the gradients of what it read and of its weights, and then
frees its own and what it kept. Gradients of one tensor that come from several readers are added in
place, where nobody else holds them.

How many bytes there are at most is mostly decided where the way back begins, or near its end where
weights outweigh activations.
"""

from collections.abc import Mapping, Set
from typing import NamedTuple

from msgspec import Struct, field

from netspec.analyses.kept_tensors import FLOAT, HALF, Kept, count_copied, find_kept
from netspec.graph import Graph, Node
from netspec.recipe.device import Precision

SUMS = frozenset({"conv", "depthwise", "deconv", "fc", "prelu"})
"""What autocast computes in bfloat16. All others go on in the kind of number that they get."""
PASSES_GRADIENTS = frozenset({"add", "concat", "identity", "flatten"})
"""Layers whose inputs' gradients are the result's gradient, or views of it."""


class Share(NamedTuple):
    """What lies of a layer on one device."""

    numbers: int
    """Of its result, for one image."""
    joined: int
    """For one image, numbers of what it reads that are put together from several devices."""
    weights: int
    """Learned numbers and running averages that it brings."""
    trained: int
    """Those of them that get a gradient."""
    largest: int
    """Of these, the numbers of the largest tensor."""
    is_of_all: bool = False
    """Whether it computes the images of all devices, and not the device's own. Then no other device
    has the same weights."""


class Ledger(Struct):
    """What lives, by whatever name, and the most that ever did."""

    live: int = 0
    peak: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)

    def hold(self, name: str, size: int = 0) -> None:
        """One more holder; the first brings the bytes."""
        if name not in self.sizes:
            self.sizes[name] = size
            self.holders[name] = 0
            self.live += size
            self.peak = max(self.peak, self.live)
        self.holders[name] += 1

    def release(self, name: str) -> None:
        """One holder less; with the last the bytes are free."""
        self.holders[name] -= 1
        if not self.holders[name]:
            del self.holders[name]
            self.live -= self.sizes.pop(name)

    def pass_by(self, size: int) -> None:
        """Bytes that live for a moment."""
        self.peak = max(self.peak, self.live + size)


class Walk:
    """One update of a net on one device, for so many images."""

    def __init__(
        self,
        graph: Graph,
        shares: Mapping[str, Share],
        trained: Set[str],
        batch: int,
        precision: Precision,
        keeps_gradients: bool,
        of_all: int | None = None,
    ) -> None:
        self.graph = graph
        self.shares = shares
        self.trained = trained
        """Layers whose results get a gradient."""
        self.batch = batch
        self.of_all = batch if of_all is None else of_all
        """The images of all devices."""
        self.is_half = precision == "bf16"
        self.keeps_gradients = keeps_gradients
        """Whether there is room for the gradients of weights already."""
        self.ledger = Ledger()
        self.last_readers = {name: node.name for node in graph.nodes for name in node.inputs}
        self.exits = (graph.output, *(head.output for head in graph.heads))
        self.widths: dict[str, int] = {}
        """Bytes of a number of each layer's result."""
        self.owners: dict[str, str] = {}
        """The layer whose result each layer's is a view of, mostly itself."""
        self.kept: dict[str, list[str]] = {}
        """What each layer keeps for the way back."""
        self.gradients: dict[str, str] = {}
        """By the layer's name, the tensor that is the gradient of its result so far."""

    def size(self, name: str) -> int:
        """Bytes of a layer's result."""
        return self.shares[name].numbers * self.widths[name] * self.count_images(name)

    def count_images(self, name: str) -> int:
        """The images that a layer computes."""
        return self.of_all if self.shares[name].is_of_all else self.batch

    def casts(self, node: Node) -> bool:
        """Whether the layer computes in bfloat16, with copies of its weights."""
        return self.is_half and node.layer.kind in SUMS

    def go_forward(self) -> int:
        """Compute every layer; gives the bytes that live then."""
        for node in self.graph.nodes:
            self.compute(node)
        return self.ledger.live

    def compute(self, node: Node) -> None:
        name, kept = node.name, find_kept(node)
        widest = max((self.widths[each] for each in node.inputs), default=FLOAT)
        self.widths[name] = HALF if self.casts(node) else widest
        self.owners[name] = self.owners[node.inputs[0]] if kept.is_view else name
        self.ledger.hold(self.owners[name], self.size(name))
        if not node.inputs or name in self.exits:
            self.ledger.hold(self.owners[name])  # the batch is there to the end, scores to the loss
        held = self.hold_kept(node, kept)
        if name in self.trained:
            self.kept[name] = held
        else:
            self.release(held)
        if name not in self.last_readers:
            self.ledger.release(self.owners[name])
        for each in {*node.inputs}:
            if self.last_readers[each] == name:
                self.ledger.release(self.owners[each])

    def hold_kept(self, node: Node, kept: Kept) -> list[str]:
        """Hold what the layer makes beside its result and what it keeps of others; gives the names
        of all of it that stays."""
        name, share = node.name, self.shares[node.name]
        images = self.count_images(name)
        sizes: dict[str, int] = {}
        if kept.result:
            sizes[self.owners[name]] = 0
        if share.joined:
            sizes[f"{name} joined"] = share.joined * self.widths[node.inputs[0]] * images
        elif kept.copies or (self.casts(node) and self.widths[node.inputs[0]] != HALF):
            width = HALF if self.casts(node) else self.widths[node.inputs[0]]
            sizes[f"{name} copy"] = count_copied(node) * width * images
        elif kept.inputs:
            sizes |= {self.owners[each]: 0 for each in node.inputs}
        beside = kept.extra + kept.masks * self.widths[name]
        if beside:
            sizes[f"{name} beside"] = beside * share.numbers * images
        if self.casts(node) and share.weights:
            sizes[f"{name} in half"] = HALF * share.weights
        for what, size in sizes.items():
            self.ledger.hold(what, size)
        if share.joined and not kept.inputs:
            self.ledger.release(f"{name} joined")
            del sizes[f"{name} joined"]
        return list(sizes)

    def sizes_kept(self, name: str) -> dict[str, int]:
        """What a layer keeps for the way back, with the bytes of each."""
        return {what: self.ledger.sizes[what] for what in self.kept[name]}

    def release(self, names: list[str]) -> None:
        for name in names:
            self.ledger.release(name)

    def go_back(self) -> None:
        """Take the gradients of every layer, last first."""
        for name in self.exits:
            if name in self.trained:
                self.add_gradient(name, f"{name} of the loss")
        self.release([self.owners[name] for name in {*self.exits}])
        for node in reversed(self.graph.nodes):
            if node.name in self.gradients:
                self.step_back(node)

    def step_back(self, node: Node) -> None:
        """From the gradient of a layer's result to those of what it read and of its weights."""
        gradient, share = self.gradients.pop(node.name), self.shares[node.name]
        for number, each in enumerate(node.inputs):
            if each in self.trained:
                passes = node.layer.kind in PASSES_GRADIENTS
                self.add_gradient(each, gradient if passes else f"{number} of {node.name}")
        in_half = HALF * share.trained if self.casts(node) else 0
        if not in_half:
            self.add_weight_gradients(node, share)
        self.ledger.pass_by(in_half)
        self.ledger.release(gradient)
        self.release(self.kept.pop(node.name, []))
        if in_half:  # turned into float32 once the layer is done
            self.ledger.pass_by(in_half + FLOAT * share.trained)
            self.add_weight_gradients(node, share)

    def add_weight_gradients(self, node: Node, share: Share) -> None:
        size = FLOAT * share.trained
        if self.keeps_gradients and not share.is_of_all:
            self.ledger.pass_by(size)
            return
        self.ledger.hold(f"{node.name} weights", size)
        if share.is_of_all:  # divided by the number of devices, into a tensor of its own
            self.ledger.pass_by(size)

    def add_gradient(self, name: str, gradient: str) -> None:
        """One more part of the gradient of a layer's result."""
        self.ledger.hold(gradient, self.size(name))
        before = self.gradients.get(name)
        if before is None:
            self.gradients[name] = gradient
            return
        if self.ledger.holders[before] > 1:
            total = f"{gradient} with {before}"
            self.ledger.hold(total, self.size(name))
            self.ledger.release(before)
            self.gradients[name] = total
        self.ledger.release(gradient)
