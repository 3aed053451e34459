"""What compiling a file gives: its nets with graphs and recipes, and everything found wrong."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from netspec.diagnostics import Diagnostic, has_errors
from netspec.graph import Graph
from netspec.recipe.device import Device
from netspec.source import SourceFile, Span

if TYPE_CHECKING:
    from netspec.recipe.recipe import Recipe


class ClaimTally(Struct, frozen=True):
    """How many claims of a net held, and how many were passed over because a value they depend on
    was changed."""

    held: int = 0
    skipped: int = 0


class CheckedNet(Struct, frozen=True):
    """One net, elaborated and checked."""

    name: str
    graph: Graph
    claims: ClaimTally
    documentation: str
    """The comment lines right above it, without their signs."""
    span: Span
    """Its name in the file."""
    recipe: "Recipe | None" = None
    parameters: tuple[tuple[str, Any], ...] = ()
    """Those that may be given a value from outside, with the one that they have: what the net
    leaves open, and those of its recipe."""
    settings: tuple[tuple[str, str], ...] = ()
    """The parameters that were given a value from outside, with the text of each."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What it was compiled from, as `compile_texts` takes it: the text of the file that has it, and
    of all that this one uses, by their paths from its folder."""

    def __repr__(self) -> str:
        return f"<Net {self.graph.describe()}>"


class Pattern(Struct, frozen=True):
    """A net with parameters that have no value: it is checked through the nets made from it."""

    name: str
    missing: tuple[str, ...]
    span: Span


class Program(Struct, frozen=True):
    """A compiled file."""

    source: SourceFile
    nets: tuple[CheckedNet, ...] = ()
    """In the order of the file; empty where it has errors."""
    patterns: tuple[Pattern, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    device: Device = Device()
    """What its nets are to be trained on."""

    def __repr__(self) -> str:
        return f"<Program {self.describe()}>"

    def describe(self) -> str:
        """The file with the names of its nets, or the number of its errors."""
        errors = sum(each.is_error for each in self.diagnostics)
        names = ", ".join(net.name for net in self.nets) or "no nets"
        found = f"{errors} error{'s' if errors > 1 else ''}" if errors else names
        return f"{self.source.name}: {found}"

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)
