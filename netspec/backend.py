"""Backends: what turns a checked net into something that runs, and how one is found.

A backend is a package behind an entry point of the group `netspec.backends`, under the entry
point's name. It is imported when it is asked for and not before, so that a check never loads a
tensor library. What it makes of a net, and with what, is its own affair.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

from netspec.graph import Node

GROUP = "netspec.backends"
DISTRIBUTION = "netspec-compiler"
"""What pip knows netspec by; it has an extra of each backend's name."""


class Backend(Protocol):
    """What a backend has."""

    @property
    def train(self) -> Callable[..., Any]:
        """Trains a net."""


class MissingBackendError(Exception):
    """A backend that is not there, or lacks a package; the message says what to install."""


class UnsupportedLayerError(Exception):
    """A layer that a backend cannot express; the message has its place in the file."""

    def __init__(self, backend: str, node: Node) -> None:
        self.node = node
        super().__init__(
            f"{node.span.place}: {node.name} is a layer of kind `{node.layer.kind}`, which the "
            f"{backend} backend does not know"
        )


def find_backend(name: str) -> Backend:
    """Import the backend of a name; raises MissingBackendError where that cannot be done."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise MissingBackendError(f"there is no backend `{name}`; installed: {known}")
    try:
        return cast(Backend, found[name].load())
    except ModuleNotFoundError as error:
        if is_part_of(error.name or "", found[name]):
            raise
        raise MissingBackendError(
            f"the {name} backend needs {error.name}, which is not installed\n"
            f'pip install "{DISTRIBUTION}[{name}]"'
        ) from error


def is_part_of(module: str, entry: EntryPoint) -> bool:
    """Whether a module is the backend's own, so that its absence is a fault and no omission."""
    return module.split(".")[0] == entry.module.split(".")[0]
