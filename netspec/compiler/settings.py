"""What is asked of a file from outside: which net, and values for parameters (`--set name=value`).

A value is written in the language: `10`, `[3, 4, 6, 3]`, `relu`. It goes to every net of the file
that has such a parameter; one that no net has is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from netspec.compiler.evaluate import EvaluationError, PoisonedError, evaluate
from netspec.compiler.frames import Frame, Level, Names
from netspec.compiler.library import Module, Thing, list_parameters
from netspec.compiler.suggest import did_you_mean
from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.syntax.parser import parse_value


def evaluate_settings(
    module: Module, nets: Sequence[Thing], settings: Mapping[str, str], net: str | None
) -> tuple[list[Thing], dict[str, dict[str, Any]], list[Diagnostic]]:
    """The nets to compile, the values of each one's parameters, and what is wrong."""
    diagnostics: list[Diagnostic] = []
    chosen = [thing for thing in nets if net is None or thing.name == net]
    if net is not None and not chosen:
        start = Span(module.file.source, 0, 0)
        names = [thing.name for thing in nets]
        helps = did_you_mean(net, names) or (f"its nets are {', '.join(names)}",) if names else ()
        headline = f"the file has no net `{net}`"
        diagnostics.append(Diagnostic("NS122", headline, Label(start), help=helps))
        return [], {}, diagnostics
    values: dict[str, dict[str, Any]] = {thing.name: {} for thing in chosen}
    for name, text in settings.items():
        takers = [thing for thing in chosen if name in _parameter_names(thing)]
        source = SourceFile("--set", f"{name}={text}")
        if not takers:
            diagnostics.append(_unknown(name, source, chosen))
            continue
        value, problems = _evaluate(module, SourceFile("--set", text))
        diagnostics += problems
        for thing in takers:
            values[thing.name][name] = value
    return ([] if diagnostics else chosen), values, diagnostics


def _parameter_names(net: Thing) -> list[str]:
    return [parameter.name.text for parameter in list_parameters(net)]


def _unknown(name: str, source: SourceFile, nets: Sequence[Thing]) -> Diagnostic:
    known = {each for net in nets for each in _parameter_names(net)}
    helps = did_you_mean(name, known)
    if not helps and known:
        helps = (f"the parameters are {', '.join(sorted(known))}",)
    whose = f"net `{nets[0].name}` has" if len(nets) == 1 else "no net of the file has"
    negation = "no" if len(nets) == 1 else "a"
    headline = f"{whose} {negation} parameter `{name}`"
    return Diagnostic("NS122", headline, Label(Span(source, 0, len(name))), help=helps)


def _evaluate(module: Module, source: SourceFile) -> tuple[Any, list[Diagnostic]]:
    expression, problems = parse_value(source)
    if expression is None:
        return None, problems
    try:
        return evaluate(expression, Frame(module, Names(), Level())), []
    except EvaluationError as error:
        return None, [error.diagnostic]
    except PoisonedError:
        return None, []
