"""What is asked of a file from outside: which net, and values for parameters (`--set name=value`).

A value is written in the language: `10`, `[3, 4, 6, 3]`, `relu`. It goes to every net of the file
that has such a parameter, and to every recipe; one that none has is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from netspec.compiler.evaluate import EvaluationError, PoisonedError, evaluate
from netspec.compiler.frames import Frame, Level, Names
from netspec.compiler.library import Module, Thing, list_parameters
from netspec.compiler.recipe_sections import RecipeText, find_recipe
from netspec.compiler.suggest import did_you_mean
from netspec.diagnostics import Diagnostic, Label
from netspec.source import SourceFile, Span
from netspec.syntax.parser import parse_value


class Settings(Struct):
    """What is asked of a file, in values of the language."""

    nets: list[Thing]
    """The nets to compile; none where something is wrong."""
    of_nets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Values for the parameters of each net."""
    of_recipes: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    """Values for the parameters of each recipe, by the net that it names."""
    diagnostics: list[Diagnostic] = field(default_factory=list)


def evaluate_settings(
    module: Module,
    nets: Sequence[Thing],
    texts: Sequence[RecipeText],
    settings: Mapping[str, str],
    net: str | None,
) -> Settings:
    """The nets to compile, the values of parameters, and what is wrong."""
    chosen = [thing for thing in nets if net is None or thing.name == net]
    found = Settings(chosen)
    if net is not None and not chosen:
        start = Span(module.file.source, 0, 0)
        names = [thing.name for thing in nets]
        helps = did_you_mean(net, names) or (f"its nets are {', '.join(names)}",) if names else ()
        headline = f"the file has no net `{net}`"
        found.diagnostics.append(Diagnostic("NS122", headline, Label(start), help=helps))
        return found
    spoken = [text for text in texts if any(find_recipe(texts, t.name) is text for t in chosen)]
    for name, written in settings.items():
        takers = [thing for thing in chosen if name in _parameter_names(thing)]
        recipes = [text for text in spoken if name in text.names]
        if not takers and not recipes:
            source = SourceFile("--set", f"{name}={written}")
            found.diagnostics.append(_unknown(name, source, chosen, spoken))
            continue
        value, problems = _evaluate(module, SourceFile("--set", written))
        found.diagnostics += problems
        for thing in takers:
            found.of_nets.setdefault(thing.name, {})[name] = value
        for text in recipes:
            found.of_recipes.setdefault(text.net, {})[name] = value
    if found.diagnostics:
        found.nets = []
    return found


def _parameter_names(net: Thing) -> list[str]:
    return [parameter.name.text for parameter in list_parameters(net)]


def _unknown(
    name: str, source: SourceFile, nets: Sequence[Thing], texts: Sequence[RecipeText]
) -> Diagnostic:
    known = {each for net in nets for each in _parameter_names(net)}
    known.update(each for text in texts for each in text.names)
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
