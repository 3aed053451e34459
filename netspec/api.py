"""The Python API: a file in, its nets, tables and diagnostics out. The commands use the same.

The compiler is imported when a file is compiled, not before: `import netspec` stays light.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from netspec.diagnostics import CompileError, Diagnostic
from netspec.values import write_setting

if TYPE_CHECKING:
    from netspec.compiler.program import CheckedNet, Program
    from netspec.recipe.device import Precision
    from netspec.source import SourceFile


class Spec(Struct, frozen=True):
    """A compiled file: its nets by name, and what was found in it."""

    program: "Program"

    def __repr__(self) -> str:
        return f"<Spec {self.program.describe()}>"

    @property
    def nets(self) -> Mapping[str, "CheckedNet"]:
        """The nets by name, in the order of the file; empty where the file has errors."""
        return {net.name: net for net in self.program.nets}

    @property
    def net(self) -> "CheckedNet":
        """The file's only net; raises ValueError where it has none or several."""
        if len(self.program.nets) != 1:
            names = ", ".join(self.nets) or "none"
            raise ValueError(f"{self.program.source.name} has no single net; its nets: {names}")
        return self.program.nets[0]

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings, in the order of the file."""
        return self.program.diagnostics

    @property
    def has_errors(self) -> bool:
        return self.program.has_errors

    def __getitem__(self, name: str) -> "CheckedNet":
        return self.nets[name]

    def __iter__(self) -> Iterator["CheckedNet"]:
        return iter(self.program.nets)

    def __len__(self) -> int:
        return len(self.program.nets)

    def render(self, width: int | None = None) -> str:
        """The tables and diagnostics as `netspec check --format plain` prints them."""
        from netspec.render.plain import render_program

        return render_program(self.program, width)


def check(
    source: "Path | str | SourceFile",
    *,
    net: str | None = None,
    settings: Mapping[str, object] | None = None,
    memory: int | None = None,
    precision: "Precision" = "float32",
) -> Spec:
    """Compile a file and return what it holds, errors included.

    `source` is a path, or a SourceFile for text that lies nowhere. `settings` are values for the
    parameters of its nets: numbers, truths, lists of these, or text in the language
    (`"[3, 4, 6, 3]"`). `memory` is the bytes that a device has, for a warning of a batch that needs
    more of it in that `precision`, `float32` or `bf16`. Raises OSError or UnicodeDecodeError where
    the file cannot be read.
    """
    from netspec.compiler.pipeline import compile_file, compile_source
    from netspec.recipe.device import Device
    from netspec.source import SourceFile

    written = {name: write_setting(value) for name, value in (settings or {}).items()}
    device = Device(memory, precision)
    if isinstance(source, SourceFile):
        return Spec(compile_source(source, written, net, device=device))
    return Spec(compile_file(Path(source), written, net, device))


def load(
    source: "Path | str | SourceFile",
    *,
    net: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> Spec:
    """As `check`, but a file with errors raises CompileError, which holds its diagnostics."""
    spec = check(source, net=net, settings=settings)
    if spec.has_errors:
        raise CompileError(spec.diagnostics)
    return spec
