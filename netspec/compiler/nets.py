"""From a net of the file to its graph: which values its parameters have, which claims then count.

A net made from another takes the other's lines with some parameters filled in; `--set` fills more.
Where a parameter that has a default was given another value, the net is also run with its own
defaults, so that a claim whose value differs there is known to depend on the change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from netspec.compiler.arguments import place_arguments
from netspec.compiler.build_graph import DefaultUse, list_total_claims
from netspec.compiler.claims import check_claims
from netspec.compiler.elaborate import Elaborated, elaborate_net
from netspec.compiler.evaluate import EvaluationError, PoisonedError, evaluate, weigh
from netspec.compiler.frames import POISON, Frame, Level, Names
from netspec.compiler.library import Thing, list_parameters
from netspec.compiler.program import ClaimTally
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Graph
from netspec.syntax import tree
from netspec.values import format_value


class NetResult(Struct, frozen=True):
    """A net's graph, None where it has errors, and what was found."""

    graph: Graph | None
    claims: ClaimTally
    diagnostics: list[Diagnostic]
    is_changed: bool
    """Whether a parameter has another value than the file gives it."""


class _Filled(Struct):
    """A net's lines with the values that were found for its parameters."""

    root: Thing
    values: dict[str, Any]
    """All parameters of the root, in its order."""
    own: dict[str, Any]
    """The same with the root's own defaults wherever it has one."""
    diagnostics: list[Diagnostic]
    made: tuple[Label, ...] = ()
    """Where the net is made from another with other values, the last first."""


def list_missing(net: Thing, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters that have no value."""
    return tuple(
        parameter.name.text
        for parameter in list_parameters(net)
        if parameter.default is None and parameter.name.text not in settings
    )


def compile_net(net: Thing, settings: Mapping[str, Any], use: DefaultUse) -> NetResult:
    """Elaborate a net, with values for some of its parameters, and hold its claims."""
    filled = _fill(net, settings)
    if filled.diagnostics:
        return NetResult(None, ClaimTally(), filled.diagnostics, False)
    run = elaborate_net(net.name, filled.root, filled.values, use)
    is_changed = filled.values != filled.own
    original = elaborate_net(net.name, filled.root, filled.own) if is_changed else None
    originals = original.claims if original else None
    tally, problems = check_claims(run.claims, originals, run.nodes)
    if run.graph is None:
        blamed = _blame(run.diagnostics, original, filled, settings)
        return NetResult(None, tally, blamed + problems, is_changed)
    expected, more = _hold_expectations(net, settings, run.graph)
    total = ClaimTally(tally.held + expected.held, tally.skipped + expected.skipped)
    return NetResult(run.graph, total, problems + more, is_changed)


def _fill(net: Thing, settings: Mapping[str, Any]) -> _Filled:
    """Follow the nets that a net is made from down to the lines, filling parameters on the way."""
    given = dict(settings)
    diagnostics: list[Diagnostic] = []
    made: list[Label] = []
    while isinstance(net.definition, tree.DerivedNet):
        base = net.module.find(net.definition.base.text)
        assert base
        names = [parameter.name.text for parameter in list_parameters(base)]
        placed = place_arguments(base.name, net.definition.arguments, names, names)
        frame = Frame(net.module, Names(), Level())
        for name, argument in placed.by_field.items():
            try:
                given[name] = evaluate(argument.value, frame)
            except EvaluationError as error:
                diagnostics.append(error.diagnostic)
        if placed.by_field:
            made.append(Label(net.definition.base.span, f"`{net.name}` is made here"))
        net = base
    assert isinstance(net.definition, tree.Net)
    if diagnostics:
        return _Filled(net, {}, {}, diagnostics)
    values, problems = _fill_parameters(net, given)
    needed = {p.name.text for p in net.definition.parameters if p.default is None}
    own, _ = _fill_parameters(net, {name: given[name] for name in given if name in needed})
    return _Filled(net, values, own, problems, tuple(made))


def _fill_parameters(
    net: Thing, given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """A value for each parameter of a net: the given one or its default, which may use the
    parameters before it. What all of them hold together is bounded, as each may hold others."""
    assert isinstance(net.definition, tree.Net)
    values: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []
    frame = Frame(net.module, Names(values=values), Level())
    for name, default in ((p.name.text, p.default) for p in net.definition.parameters):
        if name in given or default is None:
            values[name] = given[name]
            continue
        try:
            values[name] = evaluate(default, frame)
            frame.work.spend(weigh(values[name]), default.span)
        except EvaluationError as error:
            values[name] = POISON
            diagnostics.append(error.diagnostic)
            if frame.work.left < 0:
                break
        except PoisonedError:
            values[name] = POISON
    return values, diagnostics


def _blame(
    diagnostics: Sequence[Diagnostic],
    original: Elaborated | None,
    filled: _Filled,
    settings: Mapping[str, Any],
) -> list[Diagnostic]:
    """The mistakes of a net, with where it got the values that its own defaults are not; those that
    it also makes with its defaults are left as they are."""
    known = {(d.code, d.primary.span.start) for d in original.diagnostics} if original else ()
    texts = (f"{name}={format_value(value)}" for name, value in settings.items())
    notes = (f"with {', '.join(texts)}, from outside the file",) if settings else ()
    return [
        diagnostic
        if (diagnostic.code, diagnostic.primary.span.start) in known
        else replace(
            diagnostic,
            secondary=diagnostic.secondary + filled.made,
            notes=diagnostic.notes + notes,
        )
        for diagnostic in diagnostics
    ]


def _hold_expectations(
    net: Thing, settings: Mapping[str, Any], graph: Graph
) -> tuple[ClaimTally, list[Diagnostic]]:
    """The `expect` lines in the braces of a net made from another: they speak of that net as it is
    made, so a parameter that `--set` changed passes over those that differ."""
    definition = net.definition
    if not isinstance(definition, tree.DerivedNet) or definition.body is None:
        return ClaimTally(), []
    lines = definition.body.lines
    made = list(list_total_claims(lines, net.name, graph.nodes))
    originals = None
    if settings:
        own = _fill(net, {name: settings[name] for name in _without_default(net, settings)})
        run = elaborate_net(net.name, own.root, own.values)
        nodes = run.graph.nodes if run.graph else ()
        originals = list(list_total_claims(lines, net.name, nodes))
    return check_claims(made, originals, graph.nodes)


def _without_default(net: Thing, settings: Mapping[str, Any]) -> list[str]:
    return [
        parameter.name.text
        for parameter in list_parameters(net)
        if parameter.default is None and parameter.name.text in settings
    ]
