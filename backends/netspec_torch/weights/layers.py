"""The tensors of a file and the weights of a net, layer by layer, and what is said where they do
not fit. How the two are matched is decided elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

Shape = tuple[int, ...]
Sources = dict[str, str]
"""For a weight of the net, the name of its tensor in the file."""

MAP_HELP = "--map FILE says which becomes which, and what is left out"
FRESH_LAST_HELP = "--fresh-last leaves the last layer out, which then keeps its starting values"
RESHAPE_HELP = (
    "a fully connected layer and a 1x1 convolution are not taken for each other: write the layer "
    "as the file has it, or reshape the weight in the file"
)


@dataclass(frozen=True, slots=True)
class NetWeight:
    """A weight of a net, which is to be given its values."""

    name: str
    shape: Shape
    place: str = ""
    """`file:line:column` of its layer."""
    head: str | None = None
    """The head that it belongs to."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The tensors of one layer, of the file or of the net."""

    name: str
    shapes: dict[str, Shape] = field(default_factory=dict)
    """By the last part of their names: weight, bias, running_mean, running_var."""
    place: str = ""
    head: str | None = None
    is_last: bool = False
    """It ends the net, or its head."""
    is_left_out: bool = False
    """It keeps its starting values; any layer of the file may stand in its place."""

    def fits(self, theirs: "Layer") -> bool:
        """Whether the layer of the file can be this one of the net."""
        return self.is_left_out or self.shapes == theirs.shapes

    def full_name(self, role: str) -> str:
        return f"{self.name}.{role}" if self.name else role

    @property
    def wanted(self) -> list[str]:
        """The full names of the weights that are to come from the file."""
        return [] if self.is_left_out else [self.full_name(role) for role in self.shapes]


class MisfitError(Exception):
    """A file that does not fit a net; the message completes "FILE does not fit `net`: …"."""

    def __init__(
        self, message: str, *help: str, progress: int = 0, details: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.help = help or (MAP_HELP,)
        self.progress = progress
        """Layers of the file that fit before it."""
        self.details = tuple(details)
        """Lines that belong to the message."""


class OtherClassesError(MisfitError):
    """A file that fits but for the last layer, which tells other classes apart."""

    def __init__(self, message: str, theirs: int, progress: int = 0) -> None:
        super().__init__(message, FRESH_LAST_HELP, MAP_HELP, progress=progress)
        self.theirs = theirs
        """The classes of the file."""


class AmbiguousError(MisfitError):
    """A file that fits in more than one way."""


def group_ours(weights: Sequence[NetWeight], *, fresh_last: bool) -> list[Layer]:
    """The layers of a net in the order of the text. With `fresh_last` those that end the net and
    its heads are marked."""
    layers: dict[str, Layer] = {}
    for weight in weights:
        name, _, role = weight.name.rpartition(".")
        layer = layers.setdefault(name, Layer(name, place=weight.place, head=weight.head))
        layer.shapes[role] = weight.shape
    last = {layer.head: layer.name for layer in layers.values()}
    return [
        replace(layer, is_last=is_last, is_left_out=is_last and fresh_last)
        for layer in layers.values()
        for is_last in [layer.name == last[layer.head]]
    ]


def group_theirs(tensors: Mapping[str, Shape]) -> list[Layer]:
    """The layers of a file in the order of their first tensors."""
    layers: dict[str, Layer] = {}
    for full_name, shape in tensors.items():
        name, _, role = full_name.rpartition(".")
        layers.setdefault(name, Layer(name)).shapes[role] = shape
    return list(layers.values())


def group_heads(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each head."""
    heads: dict[str, list[Layer]] = {}
    for layer in layers:
        if layer.head is not None:
            heads.setdefault(layer.head, []).append(layer)
    return heads


def explain_misfit(theirs: Layer, ours: Layer, progress: int = 0) -> MisfitError:
    """The first tensor in which two layers differ; `theirs` is met where `ours` is wanted."""
    if theirs.shapes.keys() != ours.shapes.keys():
        return MisfitError(
            f"its `{theirs.name}` has {', '.join(theirs.shapes)}, where `{ours.name}` "
            f"({ours.place}) has {', '.join(ours.shapes)}",
            progress=progress,
        )
    role = next(role for role in ours.shapes if ours.shapes[role] != theirs.shapes[role])
    return explain_shape(theirs.full_name(role), theirs.shapes[role], ours, role, progress)


def explain_shape(
    name: str, shape: Shape, ours: Layer, role: str, progress: int = 0
) -> MisfitError:
    """A tensor of the file whose shape is not that of the weight."""
    wanted = ours.shapes[role]
    message = (
        f"its `{name}` is {write_shape(shape)}, where `{ours.full_name(role)}` ({ours.place}) is "
        f"{write_shape(wanted)}"
    )
    if ours.is_last and shape[1:] == wanted[1:] and len(shape) == len(wanted):
        return OtherClassesError(message, shape[0], progress)
    is_reshaped = wanted == (*shape, 1, 1) or shape == (*wanted, 1, 1)
    return MisfitError(message, RESHAPE_HELP if is_reshaped else MAP_HELP, progress=progress)


def help_without(layer: Layer) -> tuple[str, ...]:
    """What to do where the file has nothing for a layer."""
    return (FRESH_LAST_HELP, MAP_HELP) if layer.is_last else (MAP_HELP,)


def describe_weight(layer: Layer, role: str) -> str:
    """A weight of the net with its shape and place."""
    return f"`{layer.full_name(role)}`, {write_shape(layer.shapes[role])} ({layer.place})"


def write_shape(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single number"
