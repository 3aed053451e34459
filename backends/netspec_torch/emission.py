"""A torch graph that is being written: what an emitter of a layer kind writes into.

`module.py` walks the net and owns the order; `layers.py` says what each layer kind becomes. Here a
node's module gets its place, which is the dotted path of the node's labels, and every call a node
in the `torch.fx` graph.
"""

import keyword
from collections.abc import Callable, Sequence
from functools import cache

from torch import fx, nn

from netspec.graph import Node

Emitter = Callable[["Emission", Node, Sequence[fx.Node]], fx.Node]
"""Writes a layer that reads the given tensors, and returns the tensor that it makes."""


class Emission:
    """A torch graph and the modules that it calls.

    Every tensor in it is N x C x H x W, a vector's N x C x 1 x 1.
    """

    def __init__(self, root: nn.Module) -> None:
        self.root = root
        """Holds the modules; those that it has are called, those that it lacks are made."""
        self.graph = fx.Graph()

    def placeholder(self, node: Node) -> fx.Node:
        """A tensor that the net is given."""
        return self.graph.placeholder(tensor_name(node.name))

    def call(
        self, name: str, function: Callable[..., object], *arguments: object, **named: object
    ) -> fx.Node:
        """The result of a function without state, which the code shows under the given name."""
        return self.graph.create_node(
            "call_function",
            function,
            arguments,  # type: ignore[arg-type]
            named,  # type: ignore[arg-type]
            name=tensor_name(name),
        )

    def call_module(self, node: Node, make: Callable[[], nn.Module], *inputs: fx.Node) -> fx.Node:
        """The result of the node's own module, or of the one whose weights it shares."""
        owner = node.shares_weights_of if node.shares_weights_of and node.weights else node.name
        return self.call_module_at(module_path(owner), make, *inputs)

    def call_module_at(self, path: str, make: Callable[[], nn.Module], *inputs: fx.Node) -> fx.Node:
        """The result of the module at a dotted path."""
        if not has_submodule(self.root, path):
            set_submodule(self.root, path, make())
        return self.graph.call_module(path, inputs)


def module_path(name: str) -> str:
    """The dotted path of a node's module, which begins the names of its weights.

    It is the path of labels, but for a label that Python or `torch.nn.Module` has taken: `half` is
    found under `half_`, as PEP 8 has it, and so that no two labels meet, `half_` under `half__`.
    """
    return ".".join(f"{label}_" if _is_taken(label) else label for label in name.split("."))


def tensor_name(name: str) -> str:
    """The name in the torch graph of the tensor that a node makes."""
    return module_path(name).replace(".", "_")


def _is_taken(label: str) -> bool:
    bare = label.rstrip("_")
    return keyword.iskeyword(bare) or bare in _module_attributes()


@cache
def _module_attributes() -> frozenset[str]:
    return frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))


def has_submodule(root: nn.Module, path: str) -> bool:
    """Whether a module stands at the dotted path."""
    for name in path.split("."):
        child = root._modules.get(name)
        if child is None:
            return False
        root = child
    return True


def set_submodule(root: nn.Module, path: str, module: nn.Module) -> None:
    """Put a module at a dotted path, with plain modules above it where there are none."""
    *above, last = path.split(".")
    for name in above:
        if name not in root._modules:
            root.add_module(name, nn.Module())
        root = root.get_submodule(name)
    root.add_module(last, module)
