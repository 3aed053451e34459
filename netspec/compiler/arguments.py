"""Arguments to a schema: which value goes to which field, and how a refusal is told.

First `place_arguments`, which needs no values and so reads all text; then `bind`, which has them.
pydantic's own errors end here: each becomes a diagnostic at the argument it is about.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field
from pydantic import ValidationError

from netspec.compiler.evaluate import EvaluationError, Surroundings, evaluate
from netspec.diagnostics import Diagnostic, Label
from netspec.layers.starting_values import STARTING_VALUES, StartingValues
from netspec.schema import Schema
from netspec.source import Span
from netspec.syntax import tree
from netspec.values import Word, describe_value

S = TypeVar("S", bound=Schema)


class Placed(Struct, frozen=True):
    """Arguments by the field they go to, and what was wrong with them."""

    by_field: dict[str, tree.Argument] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def place_arguments(
    word: str, arguments: Iterable[tree.Argument], positional: Sequence[str], fields: Iterable[str]
) -> Placed:
    """Give every argument to its field; `word` is the layer kind, block or net that takes them."""
    placed = Placed()
    known = list(fields)
    arguments = list(arguments)
    unnamed = iter(positional)
    surplus: list[tree.Argument] = []
    for argument in arguments:
        if argument.name is None:
            name = next(unnamed, None)
            if name is None:
                surplus.append(argument)
                continue
        else:
            name = argument.name.text
            if name not in known and len(placed.diagnostics) >= MOST_ERRORS:
                break
            if name not in known:
                placed.diagnostics.append(_unknown(word, argument, known, positional))
                continue
        if name in placed.by_field:
            placed.diagnostics.append(_twice(word, name, argument, placed.by_field[name]))
            continue
        placed.by_field[name] = argument
    if surplus:
        placed.diagnostics.append(_too_many(word, arguments, surplus, positional, known))
    return placed


def _too_many(
    word: str,
    arguments: Sequence[tree.Argument],
    surplus: Sequence[tree.Argument],
    positional: Sequence[str],
    known: Sequence[str],
) -> Diagnostic:
    from netspec.compiler.advice import advise_surplus  # only a file with such a mistake needs it

    noun = "argument" if len(positional) == 1 else "arguments"
    headline = f"{word} takes {len(positional)} {noun} without a name"
    headline += f" ({', '.join(positional)})"
    if not positional:
        headline = f"{word} takes no argument without a name"
    if not known:
        headline = f"{word} takes no arguments"
    label = "one too many" if len(surplus) == 1 else f"{len(surplus)} too many"
    helps = advise_surplus(word, arguments, surplus, positional, known)
    return Diagnostic("NS107", headline, Label(surplus[0].span, label), help=helps)


def _unknown(
    word: str, argument: tree.Argument, known: Sequence[str], positional: Sequence[str]
) -> Diagnostic:
    from netspec.compiler.advice import advise_argument

    assert argument.name
    headline = f"{word} has no argument `{argument.name.text}`"
    label = Label(argument.name.span, "unknown")
    helps = advise_argument(word, argument, known, positional)
    return Diagnostic("NS105", headline, label, help=helps)


def _twice(word: str, name: str, argument: tree.Argument, first: tree.Argument) -> Diagnostic:
    headline = f"`{name}` of {word} is given twice"
    secondary = (Label(first.span, "first given here"),)
    return Diagnostic("NS106", headline, Label(argument.span, "given again"), secondary)


def bind(
    schema: type[S], values: Mapping[str, Any], spans: Mapping[str, Span], word: Span
) -> tuple[S | None, list[Diagnostic]]:
    """Make the schema's object of values by field. `spans` says where each value stands; what is
    missing is reported at `word`."""
    try:
        return schema.model_validate(values), []
    except ValidationError as error:
        problems = list(_list(error))
        missing = {each["loc"][0] for each in problems if each["type"] == "missing"}
        wrong = [each for each in problems if each["type"] != "missing"]
        told = [_miss(schema, missing, spans, word)] if missing else []
        return None, told + [_translate(schema, each, values, spans, word) for each in wrong]


def _list(error: ValidationError) -> Iterator[Mapping[str, Any]]:
    """What is wrong, one of pydantic's descriptions each."""
    return (dict(problem) for problem in error.errors(include_url=False))


def bind_starting_values(call: tree.Call, around: Surroundings) -> StartingValues:
    """Make the starting values that a call such as `normal(0.01)` means; raises EvaluationError
    for values that they do not take."""
    schema = STARTING_VALUES[call.function.text]
    placed = place_arguments(schema.kind, call.arguments, schema.positional, schema.model_fields)
    values = {name: evaluate(given.value, around) for name, given in placed.by_field.items()}
    spans = {name: given.span for name, given in placed.by_field.items()}
    built, problems = bind(schema, values, spans, call.function.span)
    if built is None:
        raise EvaluationError(problems[0])
    return built


def check_constants(
    schema: type[Schema], values: Mapping[str, Any], spans: Mapping[str, Span], word: Span
) -> list[Diagnostic]:
    """What is wrong with values that are known before anything is computed; values that are not
    yet there are not missed."""
    try:
        schema.model_validate(values)
    except ValidationError as error:
        wrong = [each for each in _list(error) if each["loc"] and each["loc"][0] in values]
        return [_translate(schema, each, values, spans, word) for each in wrong]
    return []


MOST_ERRORS = 100
"""So many unknown arguments of a line are told."""
WORDS = re.compile(r"`(\w+)`")
"""The words that a refusal says would do."""
LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}


def _miss(
    schema: type[Schema], missing: Collection[str], spans: Mapping[str, Span], word: Span
) -> Diagnostic:
    """The error for needed arguments that are absent, in the order in which they are written."""
    from netspec.compiler.advice import advise_missing, list_arguments

    names = [
        name
        for name in list_arguments(list(schema.model_fields), schema.positional)
        if name in missing
    ]
    written = [s.text for s in spans.values() if s.start > word.start and s.source is word.source]
    begin = schema.kind if word.text == schema.kind else f"{word.text} {schema.kind},"
    example = advise_missing(begin, schema.positional, names, ", ".join(written))
    shown = " and ".join(f"`{name}`" for name in names)
    label = Label(word, f"{shown} {'is' if len(names) == 1 else 'are'} missing")
    return Diagnostic("NS108", f"{schema.kind} needs {shown}", label, help=(example,))


def _list_words(problem: Mapping[str, Any]) -> list[str]:
    """The words that would do where one of pydantic's descriptions says what is wrong."""
    context = problem.get("ctx", {})
    if problem["type"] == "literal_error":
        return re.findall(r"'(\w+)'", context["expected"])
    says = context["message"].partition(", not ")[0] if problem["type"] == "netspec" else ""
    return ["yes", "no"] if "yes or no" in says else WORDS.findall(says)


def list_words(schema: type[Schema], name: str) -> list[str]:
    """The words that an argument takes; none where it takes any, or no word."""
    try:
        schema.model_validate({name: Word("")})
    except ValidationError as error:
        for problem in _list(error):
            if problem["loc"] == (name,):
                return _list_words(problem)
    return []


def _translate(
    schema: type[Schema],
    problem: Mapping[str, Any],
    values: Mapping[str, Any],
    spans: Mapping[str, Span],
    word: Span,
) -> Diagnostic:
    from netspec.compiler.advice import advise_refusal

    kind = schema.kind
    name = str(problem["loc"][0]) if problem["loc"] else ""
    context = problem.get("ctx", {})
    value = values.get(name)
    expected = _list_words(problem)
    match problem["type"]:
        case "netspec":
            says = context["message"]
        case "literal_error":
            says = (
                f"must be {context['expected'].replace(chr(39), '`')}, not {describe_value(value)}"
            )
        case limit if limit in LIMITS:
            phrase, key = LIMITS[limit]
            says = f"must be {phrase} {context[key]:g}, not {describe_value(value)}"
        case _:
            says = f"is not possible: {problem['msg']}"
    subject = f"`{name}` of {kind}" if name else kind
    helps = advise_refusal(kind, name, value, values, expected)
    return Diagnostic("NS109", f"{subject} {says}", Label(spans.get(name, word)), help=helps)
