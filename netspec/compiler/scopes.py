"""Names and where they hold, for the check that reads all text: values (parameters, `let`, loop
variables) and tensors (labels, inputs of blocks).

What is given inside braces ends with them, inner braces see outer names, and nothing hides an outer
name of its kind. One exception: a label given again inside `repeat`, `for` or `if` moves on.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from netspec.diagnostics import Diagnostic, Label
from netspec.source import Span
from netspec.syntax import tree

NUMBERED = re.compile(r".*_\d+")
NEVER_NAMES = ("input", "channels")


class Declared(Struct):
    """A name that a file gives."""

    what: str
    """In the reader's words: parameter, let, loop variable, layer, block input, head."""
    span: Span
    used: bool = False


class Scope(Struct):
    """The names of one pair of braces."""

    outer: "Scope | None" = None
    is_transparent: bool = False
    """Whether these are the braces of `if`, `repeat` or `for`, which tensors run through."""
    values: dict[str, Declared] = field(default_factory=dict)
    tensors: dict[str, Declared] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    """Outer labels that were given again in these braces."""

    def inner(self, *, is_transparent: bool = False) -> "Scope":
        return Scope(self, is_transparent)

    def _outward(self) -> Iterator["Scope"]:
        scope: Scope | None = self
        while scope:
            yield scope
            scope = scope.outer

    def find_value(self, name: str) -> Declared | None:
        return next((s.values[name] for s in self._outward() if name in s.values), None)

    def find_tensor(self, name: str) -> Declared | None:
        return next((s.tensors[name] for s in self._outward() if name in s.tensors), None)

    @property
    def value_names(self) -> set[str]:
        return {name for scope in self._outward() for name in scope.values}

    @property
    def tensor_names(self) -> set[str]:
        return {name for scope in self._outward() for name in scope.tensors}

    def declare_value(self, name: tree.Name, what: str) -> list[Diagnostic]:
        """Give a value a name in these braces."""
        problems = _check_free(name)
        first = self.find_value(name.text)
        if problems:
            return problems
        if first:
            return [_given_twice(name, first)]
        self.values[name.text] = Declared(what, name.span)
        return []

    def declare_tensor(self, name: tree.Name, what: str) -> list[Diagnostic]:
        """Label a tensor, or move the label of the surrounding braces on to it."""
        problems = _check_label(name) if what != "block input" else _check_free(name)
        if problems and name.text in NEVER_NAMES:
            return problems
        moving = self.is_transparent
        for scope in self._outward():
            first = scope.tensors.get(name.text)
            if first:
                may_move = moving and scope is not self and name.text not in self.moved
                if not may_move:
                    return [*problems, _given_twice(name, first)]
                self.moved.add(name.text)
                return problems
            moving = moving and (scope.is_transparent)
        self.tensors[name.text] = Declared(what, name.span)
        return problems

    def declare_input(self, span: Span, what: str) -> None:
        """Give the input that has no name of its own the name `input`."""
        self.tensors["input"] = Declared(what, span)

    def find_unused(self) -> list[Diagnostic]:
        """The values of these braces that nothing reads."""
        return [
            Diagnostic(
                "NS110",
                f"nothing uses the {declared.what} `{name}`",
                Label(declared.span, "never used"),
            )
            for name, declared in self.values.items()
            if not declared.used
        ]

    def forgive(self, names: Iterable[str]) -> None:
        """Count values as used that a misspelt word may have meant, so that it is one error."""
        for name in names:
            declared = self.find_value(name)
            if declared:
                declared.used = True

    def unknown_tensor(self, name: tree.Name) -> Diagnostic:
        from netspec.compiler.advice import advise_tensor  # for mistakes alone

        helps = advise_tensor(name.text, self.tensor_names)
        headline = f"there is no tensor `{name.text}` here"
        return Diagnostic("NS103", headline, Label(name.span, "unknown"), help=helps)


def _given_twice(name: tree.Name, first: Declared) -> Diagnostic:
    headline = f"`{name.text}` is given twice"
    secondary = (Label(first.span, f"a {first.what} here"),)
    return Diagnostic("NS104", headline, Label(name.span, "given again"), secondary)


def _check_free(name: tree.Name) -> list[Diagnostic]:
    if name.text not in NEVER_NAMES:
        return []
    headline = f"`{name.text}` cannot be given as a name"
    return [Diagnostic("NS113", headline, Label(name.span, "has a meaning of its own"))]


def _check_label(name: tree.Name) -> list[Diagnostic]:
    if not NUMBERED.fullmatch(name.text):
        return _check_free(name)
    headline = f"a label may not end in `_` and digits, as `{name.text}` does"
    helps = (f"write `{name.text.replace('_', '')}`: layers without a label have such names",)
    return [Diagnostic("NS113", headline, Label(name.span), help=helps)]
