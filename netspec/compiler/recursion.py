"""Blocks that reach themselves, and nets made from themselves: the language has no recursion."""

from collections.abc import Iterable

from netspec.compiler.library import Module, Thing
from netspec.diagnostics import Diagnostic, Label
from netspec.source import Span
from netspec.syntax import tree

Calls = dict[int, list[tuple[Thing, Span]]]
"""For each definition, by identity, what it calls and where."""


def find_recursion(modules: Iterable[Module], calls: Calls) -> list[Diagnostic]:
    """Blocks that reach themselves, each circle reported once, with the calls that close it."""
    closed: dict[tuple[int, ...], tuple[list[Thing], list[Span]]] = {}
    done: set[int] = set()
    for start in (thing for module in modules for thing in module.own.values()):
        path = [start]
        on_path = {id(start.definition)}
        pending = [iter(calls.get(id(start.definition), ()))]
        while pending:
            step = next(pending[-1], None)
            if step is None:
                pending.pop()
                left = id(path.pop().definition)
                on_path.remove(left)
                done.add(left)
                continue
            thing, span = step
            if id(thing.definition) in on_path:
                first = next(i for i, t in enumerate(path) if t.definition is thing.definition)
                circle = tuple(id(t.definition) for t in path[first:])
                closed.setdefault(circle, ([*path[first:], thing], []))[1].append(span)
            elif id(thing.definition) not in done:
                path.append(thing)
                on_path.add(id(thing.definition))
                pending.append(iter(calls.get(id(thing.definition), ())))
    return [_report_circle(things, spans) for things, spans in closed.values()]


def _report_circle(things: list[Thing], spans: list[Span]) -> Diagnostic:
    """`spans` are the calls that close it, which may be several of one block."""
    first, *more = spans
    return Diagnostic(
        "NS114",
        f"`{things[-1].name}` reaches itself",
        Label(first, "closes the circle"),
        tuple(Label(span, "and here") for span in more),
        (" calls ".join(thing.name for thing in things),),
    )


def count_bases(thing: Thing, most: int) -> int | None:
    """How many nets a net is made from, one from the other, counted to `most`; None where the chain
    comes round, which `find_recursion` tells."""
    seen: set[int] = set()
    while isinstance(thing.definition, tree.DerivedNet) and len(seen) < most:
        if id(thing.definition) in seen:
            return None
        seen.add(id(thing.definition))
        base = thing.module.find(thing.definition.base.text)
        if base is None:
            break
        thing = base
    return len(seen)
