"""The golden cases hold every rule: each sentence that the compiler can say of a mistake, and each
constraint that a schema puts on an argument, is said of some case.

What can be said is read off the code, so that a new rule without a case fails here.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from inspect import get_annotations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

import netspec
from netspec.compiler.structure import STRUCTURE
from netspec.diagnostics import CODES, Diagnostic
from netspec.layers import KINDS, find_layer_kind
from netspec.layers.starting_values import STARTING_VALUES, Bilinear, Normal
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.schema import Schema
from netspec.values import Amount, Padding, Size, Word
from tests.test_cases import compile_case, list_cases

PACKAGE = Path(netspec.__file__).parent


@cache
def find_all() -> tuple[Diagnostic, ...]:
    """Everything that is said of any case."""
    found: list[Diagnostic] = []
    for _, blocks in list_cases():
        with TemporaryDirectory() as folder:
            found += compile_case(blocks, Path(folder)).diagnostics
    return tuple(found)


# codes

WITHOUT_CASE = {
    "NS900": "no file can bring it about",
}


@pytest.mark.parametrize("code", [code for code in CODES if code not in WITHOUT_CASE])
def test_every_code_has_a_case(code: str) -> None:
    assert any(diagnostic.code == code for diagnostic in find_all())


# sentences


class Sentence(NamedTuple):
    """Something that the code can say, with its variable parts open."""

    place: str
    pattern: str


SAYING = {
    "Diagnostic": ("headline", 1), "report": ("headline", 1), "fail": ("headline", 1),
    "LayerError": ("predicate", 1), "refuse": ("message", 0), "Misfit": ("predicate", 1),
    "Habit": ("label", 0), "_refuse": ("headline", 1), "_refuse_depth": ("what", 0),
}  # fmt: skip
"""The functions that say something of a mistake: the argument's name and its place."""
ELSEWHERE = {
    "the file has": "no case holds ten megabytes, and --net is a matter of the command line",
    "parameter `": "a parameter is set on the command line",
    "cannot be read": "tests/compiler/test_library.py: a file that may not be read",
    "no path of a file": "tests/compiler/test_library.py",
    "must be at most 2": "what is larger is refused before it reaches an argument",
    "float can hold": "what is larger is refused before it reaches an argument",
    "calls are nested": "tests/compiler/test_elaborate.py",
    "nets are made from": "tests/compiler/test_elaborate.py",
}
"""What other tests hold, and what no file can bring about."""


def list_sentences() -> Iterator[Sentence]:
    for folder in ("syntax", "compiler", "layers", "recipe"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef):
                    place = f"{path.relative_to(PACKAGE).as_posix()} {function.name}"
                    yield from (Sentence(place, p) for p in list_patterns(function))


def list_patterns(function: ast.FunctionDef) -> Iterator[str]:
    """The sentences of a function's own calls."""
    for call in ast.walk(function):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if name not in SAYING:
            continue
        keyword, index = SAYING[name]
        said = [k.value for k in call.keywords if k.arg == keyword] or call.args[index : index + 1]
        for value in said:
            yield from filter(has_words, to_patterns(value, function))


def to_patterns(value: ast.expr, function: ast.FunctionDef) -> list[str]:
    """The regular expressions of the texts that an expression can be."""
    match value:
        case ast.Constant(str() as text):
            return [re.escape(text)]
        case ast.JoinedStr(parts):
            return ["".join(to_part(part) for part in parts)]
        case ast.IfExp(_, one, other):
            return to_patterns(one, function) + to_patterns(other, function)
        case ast.BinOp(one, ast.Add(), other):
            ends = to_patterns(other, function)
            return [a + b for a in to_patterns(one, function) for b in ends]
        case ast.Name(name):
            assigned = [
                node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign)
                and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
            ]
            return [p for each in assigned for p in to_patterns(each, function)]
        case _:
            return []


def to_part(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*"


def has_words(pattern: str) -> bool:
    return re.search(r"[a-z]{2}", pattern.replace(".*", "")) is not None


def describe(sentence: Sentence) -> str:
    return f"{sentence.place}: {sentence.pattern}"


def test_every_sentence_is_said_of_a_case() -> None:
    said = "\n".join(
        text for d in find_all() for text in (d.headline, d.primary.text, *d.notes) if text
    )
    missing = [
        describe(sentence)
        for sentence in sorted(set(list_sentences()))
        if not re.search(sentence.pattern, said)
        and not any(re.escape(held) in sentence.pattern for held in ELSEWHERE)
    ]
    assert not missing


# constraints

VALUES: tuple[object, ...] = (
    True, -1, 0, Fraction(1, 2), 1, 2, 3, 1_000_000, "text", Word("nonsense"), Size((3, 3)),
    Size((0, 0)), Size((3, 3, 3)), Size((0, 3, 3)), Padding(1, 1), Amount(1, "epochs"),
    Amount(0, "epochs"), [], [1, 2], [0], [True], [Amount(0, "epochs")], [Word("nonsense")],
    Normal(std=0.1), Bilinear(),
)  # fmt: skip
"""One of everything that the language can write, on both sides of the usual limits."""


class Constraint(NamedTuple):
    """What a field wants, as the refusal of a value says it; a field that several schemas have in
    common is one."""

    kinds: tuple[str, ...]
    field: str
    wanted: str

    def __str__(self) -> str:
        return f"{'/'.join(self.kinds[:3])} {self.field}: {self.wanted}"


def list_schemas() -> Iterator[type[Schema]]:
    yield from (find_layer_kind(kind) for kind in KINDS)
    for table in (STRUCTURE, STARTING_VALUES, TRAIN_LINES, TEST_LINES, TRANSFORMS, SCHEDULES):
        yield from (schema for schema in table.values() if schema is not Schedule)


def list_constraints() -> list[Constraint]:
    """What each field of each schema wants, a field told by the class that defines it."""
    kinds: dict[tuple[type, str, str], dict[str, None]] = {}
    for schema in list_schemas():
        for name in schema.model_fields:
            owner = next(c for c in reversed(schema.__mro__) if name in get_annotations(c))
            for wanted in list_wanted(schema, name):
                kinds.setdefault((owner, name, wanted), {})[schema.kind] = None
    return [Constraint(tuple(k), name, wanted) for (_, name, wanted), k in kinds.items()]


LIMITS = {
    "greater_than_equal": "ge",
    "greater_than": "gt",
    "less_than_equal": "le",
    "less_than": "lt",
}
PHRASES = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "below"}


def list_wanted(schema: type[Schema], name: str) -> dict[str, None]:
    """What a field wants, in the words of its refusals."""
    wanted: dict[str, None] = {}
    if schema.model_fields[name].is_required():
        wanted["needs it"] = None
    for value in VALUES:
        try:
            schema.model_validate({name: value})
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                if problem["loc"] == (name,) and problem["type"] != "missing":
                    wanted[to_words(dict(problem))] = None
    return wanted


def to_words(problem: dict[str, Any]) -> str:
    """A refusal without the value that it refuses."""
    context = problem.get("ctx", {})
    if problem["type"] in LIMITS:
        key = LIMITS[problem["type"]]
        return f"must be {PHRASES[key]} {context[key]:g}"
    says = context.get("message") or f"must be {context['expected'].replace(chr(39), '`')}"
    return re.split(r", not |; where", says)[0]


def test_every_constraint_refuses_something_in_a_case() -> None:
    headlines = {d.headline for d in find_all() if d.code in ("NS108", "NS109")}
    missing = [str(c) for c in list_constraints() if not is_refused(c, headlines)]
    assert not missing


def is_refused(constraint: Constraint, headlines: Iterable[str]) -> bool:
    kinds = "|".join(map(re.escape, constraint.kinds))
    field = re.escape(constraint.field)
    if constraint.wanted == "needs it":
        form = f"(?:{kinds}) needs (?:.*`|`){field}`.*"
    else:
        form = f"`{field}` of (?:{kinds}) {re.escape(constraint.wanted)}.*"
    return any(re.fullmatch(form, headline) for headline in headlines)


def test_more_cases_are_wrong_than_right() -> None:
    wrong = right = 0
    for _, blocks in list_cases():
        with TemporaryDirectory() as folder:
            found = compile_case(blocks, Path(folder)).diagnostics
        wrong += bool(found)
        right += not found
    assert wrong > right
    assert wrong + right >= 300
