"""Backends: what turns a checked net into something that runs, and how one is found.

A backend is an object behind an entry point of the group `netspec.backends`; the entry point's name
is the backend's. Nothing of it is imported before it is asked for, so a check never loads a tensor
library. What a backend does with a net is its own affair.
"""

from importlib.metadata import entry_points
from typing import Protocol, cast

from netspec.graph import Node

GROUP = "netspec.backends"
DISTRIBUTION = "netspec-compiler"


class Backend(Protocol):
    """What a backend can do."""

    def train(self) -> None: ...


class MissingBackendError(Exception):
    """A backend that is not installed, or not wholly; the message says what to install."""


class UnsupportedLayerError(Exception):
    """A layer that a backend cannot express, with its place in the file."""

    def __init__(self, backend: str, node: Node) -> None:
        self.node = node
        super().__init__(
            f"{node.span.place}: {node.name} is a layer of kind `{node.layer.kind}`, which the "
            f"{backend} backend does not know"
        )


def find_backend(name: str) -> Backend:
    """Load a backend by its name; raises MissingBackendError."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise MissingBackendError(f"there is no backend `{name}`; installed: {known}")
    try:
        return cast(Backend, found[name].load())
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            f"the {name} backend needs {error.name}, which is not installed: "
            f'pip install "{DISTRIBUTION}[{name}]"'
        ) from error
