"""Blocks that reach themselves, and nets made from themselves: the language has no recursion."""

from collections.abc import Iterable

from netspec.compiler.library import Definition, Module, Thing
from netspec.diagnostics import Diagnostic, Label
from netspec.source import Span
from netspec.syntax import tree

Calls = dict[int, list[tuple[Thing, Span]]]
"""For each definition, by identity, what it calls and where."""


def find_recursion(modules: Iterable[Module], calls: Calls) -> list[Diagnostic]:
    """Blocks that reach themselves, each circle reported at the call that closes it."""
    diagnostics: list[Diagnostic] = []
    done: set[int] = set()
    for start in (thing for module in modules for thing in module.own.values()):
        path: list[Thing] = [start]
        pending = [iter(calls.get(id(start.definition), ()))]
        while pending:
            step = next(pending[-1], None)
            if step is None:
                pending.pop()
                done.add(id(path.pop().definition))
                continue
            thing, span = step
            if any(thing.definition is seen.definition for seen in path):
                first = next(i for i, t in enumerate(path) if t.definition is thing.definition)
                circle = " calls ".join(t.name for t in (*path[first:], thing))
                headline = f"`{thing.name}` reaches itself"
                diagnostics.append(
                    Diagnostic("NS114", headline, Label(span, "closes the circle"), (), (circle,))
                )
            elif id(thing.definition) not in done:
                path.append(thing)
                pending.append(iter(calls.get(id(thing.definition), ())))
    return diagnostics


def derives_from_itself(thing: Thing) -> bool:
    """Whether the chain of nets that it is made from comes round; told by `find_recursion`."""
    seen: list[Definition] = []
    while isinstance(thing.definition, tree.DerivedNet):
        if any(thing.definition is definition for definition in seen):
            return True
        seen.append(thing.definition)
        base = thing.module.find(thing.definition.base.text)
        if base is None:
            return False
        thing = base
    return False
