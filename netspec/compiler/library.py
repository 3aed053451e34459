"""Which definitions a file sees: its own, and those of the files it uses.

Reads used files, each once, relative to the file that names them and never outside the project. The
project is the nearest folder above the checked file that has a .git, a pyproject.toml or a
netspec.toml; failing that the file's own folder. Names inside the definitions are not looked at.

What a file used can be kept with it as texts (`collect_texts`), under the paths by which they were
named from that file on. Where these are given, they are the project, and no disk is read.
"""

from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, field

from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, decode_source
from netspec.syntax import tree
from netspec.syntax.parser import parse_source

PROJECT_MARKS = (".git", "pyproject.toml", "netspec.toml")

Definition: TypeAlias = tree.Net | tree.DerivedNet | tree.Block


class Thing(Struct, frozen=True):
    """A block or a net, with the file whose names it sees."""

    definition: Definition
    module: "Module"

    @property
    def name(self) -> str:
        return self.definition.name.text


class Module(Struct, eq=False):
    """A parsed file and what it can see."""

    file: tree.File
    own: dict[str, Thing] = field(default_factory=dict)
    used: dict[str, tuple[Thing, tree.Use]] = field(default_factory=dict)
    """Definitions that come from used files, with the line that brought them."""
    uses: list[tuple[tree.Use, "Module"]] = field(default_factory=list)

    def find(self, name: str) -> Thing | None:
        if name in self.own:
            return self.own[name]
        return self.used[name][0] if name in self.used else None

    @property
    def names(self) -> Iterator[str]:
        yield from self.own
        yield from self.used


def load_module(
    source: SourceFile, texts: Mapping[Path, str] | None = None
) -> tuple[Module, list[Module], list[Diagnostic]]:
    """Parse a file and all that it uses: its module, all modules reached, and what is wrong."""
    loader = _Loader(_find_project(source.path) if texts is None else Path(), texts)
    module = loader.load(source, ())
    return module, list(loader.modules.values()), loader.diagnostics


def collect_texts(module: Module) -> dict[str, str]:
    """The texts of a file and of all that it uses, by their paths from its folder; its own first.

    A path is put together from what the `use` lines say, whatever links it follows on the disk.
    """
    texts: dict[str, str] = {}
    source = module.file.source
    waiting = [((source.path or Path(source.name)).name, module)]
    while waiting:
        name, reached = waiting.pop(0)
        if name not in texts:
            texts[name] = reached.file.source.text
            folder = Path(name).parent
            waiting += [
                (Path(normpath(folder / use.path.value)).as_posix(), used)
                for use, used in reached.uses
            ]
    return texts


def _find_project(path: Path | None) -> Path:
    folder = path.resolve().parent if path else Path.cwd()
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in PROJECT_MARKS):
            return candidate
    return folder


class _Loader:
    def __init__(self, project: Path, texts: Mapping[Path, str] | None) -> None:
        self.project = project
        self.texts = texts
        self.modules: dict[object, Module] = {}
        self.diagnostics: list[Diagnostic] = []

    def load(self, source: SourceFile, using: tuple[Path, ...]) -> Module:
        file, errors = parse_source(source)
        self.diagnostics += errors
        module = Module(file)
        path = self._settle(source.path) if source.path else None
        self.modules[path or source.name] = module
        for item in file.items:
            if isinstance(item, tree.Net | tree.DerivedNet | tree.Block):
                self._define(module, item)
        for item in file.items if not errors else ():
            if isinstance(item, tree.Use):
                self._use(module, item, (*using, path) if path else using)
        return module

    def _define(self, module: Module, item: Definition) -> None:
        first = module.own.get(item.name.text)
        if first:
            self._report_twice(item.name, first.definition.name)
        else:
            module.own[item.name.text] = Thing(item, module)

    def _report_twice(self, name: tree.Name, first: tree.Name) -> None:
        headline = f"`{name.text}` is defined twice"
        secondary = (Label(first.span, "first defined here"),)
        self.diagnostics.append(
            Diagnostic("NS104", headline, Label(name.span, "defined again"), secondary)
        )

    def _use(self, module: Module, use: tree.Use, using: tuple[Path, ...]) -> None:
        path = self._resolve(module, use)
        if path is None:
            return
        if path in using:
            chain = " uses ".join(step.name for step in (*using[using.index(path) :], path))
            self._refuse(use, "the files use each other in a circle", chain)
            return
        used = self.modules.get(path) or self._read(module, use, path, using)
        if used is None:
            return
        module.uses.append((use, used))
        for name, thing in used.own.items():
            other = module.find(name)
            if other is not None and other is not thing:
                headline = f"`{name}` comes from `{use.path.value}` and is defined elsewhere too"
                secondary = (Label(other.definition.name.span, "defined here"),)
                self.diagnostics.append(
                    Diagnostic("NS104", headline, Label(use.path.span), secondary)
                )
            else:
                module.used[name] = (thing, use)

    def _settle(self, path: Path) -> Path:
        """The one name by which a file is known."""
        return path.resolve() if self.texts is None else Path(normpath(path))

    def _resolve(self, module: Module, use: tree.Use) -> Path | None:
        folder = module.file.source.path
        base = folder.parent if folder else Path.cwd()
        try:
            path = self._settle(base / use.path.value)
            if self.texts is None and not path.is_relative_to(self.project):
                self._refuse(use, f"`{use.path.value}` lies outside the project", "outside")
                return None
            if not (path.is_file() if self.texts is None else path in self.texts):
                self._refuse(use, f"there is no file `{use.path.value}`", "not found")
                return None
        except (OSError, ValueError, RuntimeError):
            self._refuse(use, f"`{use.path.value}` is no path of a file", "unreadable")
            return None
        return path

    def _read(
        self, module: Module, use: tree.Use, path: Path, using: tuple[Path, ...]
    ) -> Module | None:
        try:
            text = decode_source(path.read_bytes()) if self.texts is None else self.texts[path]
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is no UTF-8 text" if isinstance(error, ValueError) else error.strerror
            self._refuse(use, f"`{use.path.value}` cannot be read: {reason}", "unreadable")
            return None
        base = Path(module.file.source.name).parent
        return self.load(SourceFile(str(base / use.path.value), text, path), using)

    def _refuse(self, use: tree.Use, headline: str, label: str) -> None:
        self.diagnostics.append(Diagnostic("NS115", headline, Label(use.path.span, label)))


def list_parameters(thing: Thing) -> tuple[tree.Parameter, ...]:
    """The parameters that a net leaves open: those of the net it is made from, less the filled."""
    definition = thing.definition
    if not isinstance(definition, tree.DerivedNet):
        return definition.parameters
    base = thing.module.find(definition.base.text)
    if base is None or isinstance(base.definition, tree.Block):
        return ()
    filled = {argument.name.text for argument in definition.arguments if argument.name}
    unnamed = sum(argument.name is None for argument in definition.arguments)
    left = list_parameters(base)[unnamed:]
    return tuple(parameter for parameter in left if parameter.name.text not in filled)
