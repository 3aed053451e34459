"""The phases of a compilation, in order. Each gives a value and its diagnostics; a phase reports
all its errors, and the pipeline stops after one that had any.

    text → tree → names checked → graphs and recipes, claims held → placement, lints
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from netspec.compiler.build_graph import DefaultUse
from netspec.compiler.library import (
    Module,
    Thing,
    collect_texts,
    list_parameters,
    load_module,
)
from netspec.compiler.lints import lint_net
from netspec.compiler.lints.allowed import drop_allowed, find_unused_allowances
from netspec.compiler.lints.unread import find_uncalled
from netspec.compiler.names import NamesChecked, check_names
from netspec.compiler.nets import NetResult, compile_net, list_missing
from netspec.compiler.placement import check_placement
from netspec.compiler.program import CheckedNet, Pattern, Program
from netspec.compiler.recipe_names import check_recipe_names
from netspec.compiler.recipe_sections import RecipeText, find_recipe, pair_sections
from netspec.compiler.recipes import RecipeBook, check_recipe, compile_recipes
from netspec.compiler.settings import evaluate_settings
from netspec.diagnostics import Diagnostic, has_errors
from netspec.recipe.device import Device
from netspec.source import SourceFile, decode_source
from netspec.syntax import tree

DEEPEST_STACK = 50_000
"""Frames that the deepest legal file needs: 64 calls, each with 100 nested braces."""


def compile_file(
    path: Path,
    settings: Mapping[str, str] | None = None,
    net: str | None = None,
    device: Device | None = None,
) -> Program:
    """Compile a file; raises OSError or UnicodeDecodeError where it cannot be read."""
    text = decode_source(path.read_bytes())
    return compile_source(SourceFile(str(path), text, path), settings, net, device=device)


def compile_source(
    source: SourceFile,
    settings: Mapping[str, str] | None = None,
    net: str | None = None,
    texts: Mapping[Path, str] | None = None,
    device: Device | None = None,
) -> Program:
    """Compile source text. `settings` are values for parameters, in the language; `net` picks one
    of the file's nets; `texts` are those of the files that it uses, where the disk is not to be
    read for them; `device` is what its nets are to be trained on, where that is known."""
    with deep_stack():
        module, modules, diagnostics = load_module(source, texts)
        if has_errors(diagnostics):
            return Program(source, diagnostics=tuple(diagnostics))
        checked = check_names(module, modules)
        recipes, problems = pair_sections(module.file)
        problems += [*checked.diagnostics, *check_recipe_names(module, recipes)]
        if has_errors(problems):
            return Program(source, diagnostics=_in_order(problems))
        program = _compile_nets(module, checked, recipes, settings or {}, net, device or Device())
        if program.nets and not settings and net is None:
            unused = find_unused_allowances(program, module.file)
            program = replace(program, diagnostics=_in_order([*program.diagnostics, *unused]))
        kept = drop_allowed(program, [each.file for each in modules])
        own_texts = collect_texts(module)
        nets = tuple(replace(each, texts=own_texts) for each in program.nets)
        return replace(program, nets=nets, diagnostics=tuple(kept))


def compile_texts(
    texts: Mapping[str, str], settings: Mapping[str, str] | None = None, net: str | None = None
) -> Program:
    """Compile a file from the texts that a checked net keeps (`CheckedNet.texts`); the disk is not
    looked at."""
    name, text = next(iter(texts.items()))
    by_path = {Path(each): content for each, content in texts.items()}
    return compile_source(SourceFile(name, text, Path(name)), settings, net, by_path)


def _compile_nets(
    module: Module,
    checked: NamesChecked,
    recipes: Sequence[RecipeText],
    settings: Mapping[str, str],
    net: str | None,
    device: Device,
) -> Program:
    source = module.file.source
    things = [t for t in module.own.values() if not isinstance(t.definition, tree.Block)]
    asked = evaluate_settings(module, things, recipes, settings, net)
    book = compile_recipes(recipes, asked.of_recipes)
    diagnostics = [*asked.diagnostics, *checked.diagnostics, *book.diagnostics]
    use = DefaultUse()
    nets: list[CheckedNet] = []
    patterns: list[Pattern] = []
    for thing in asked.nets:
        own = asked.of_nets.get(thing.name, {})
        missing = list_missing(thing, own)
        if missing:
            patterns.append(Pattern(thing.name, missing, thing.definition.name.span))
            continue
        result = compile_net(thing, own, use)
        diagnostics += result.diagnostics
        if result.graph:
            diagnostics += check_placement(result.graph)
            checked_net = _checked_net(thing, result, book, diagnostics)
            text = find_recipe(recipes, thing.name)
            names = {*own, *(asked.of_recipes.get(text.net, {}) if text else ())}
            given = tuple((name, settings[name]) for name in settings if name in names)
            nets.append(replace(checked_net, settings=given))
    if not has_errors(diagnostics):
        diagnostics += use.find_unused()
    if has_errors(diagnostics):
        return Program(source, (), tuple(patterns), _in_order(diagnostics))
    for checked_net in nets:
        diagnostics += lint_net(checked_net, device)
    diagnostics += find_uncalled(module.own.values(), checked.called)
    return Program(source, tuple(nets), tuple(patterns), _in_order(diagnostics), device)


def _checked_net(
    thing: Thing, result: NetResult, book: RecipeBook, diagnostics: list[Diagnostic]
) -> CheckedNet:
    assert result.graph
    recipe = book.find(thing.name)
    if recipe and not result.is_changed:
        diagnostics += check_recipe(recipe, result.graph)
    left_open = {parameter.name.text for parameter in list_parameters(thing)}
    of_net = [(name, value) for name, value in result.graph.parameters if name in left_open]
    return CheckedNet(
        name=thing.name,
        graph=result.graph,
        claims=result.claims,
        documentation=find_documentation(thing.module.file, thing.definition),
        span=thing.definition.name.span,
        recipe=recipe,
        parameters=(*of_net, *(recipe.parameters if recipe else ())),
    )


def find_documentation(file: tree.File, definition: tree.Item) -> str:
    """The comment lines right above a definition, with no blank line between."""
    comments = {file.source.locate(span.start)[0]: span for span in file.comments}
    line = file.source.locate(definition.span.start)[0] - 1
    found: list[str] = []
    while line in comments and file.source.line_text(line).lstrip().startswith("#"):
        found.append(comments[line].text.removeprefix("#").removeprefix(" "))
        line -= 1
    return "\n".join(reversed(found))


def _in_order(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By place, each once: several nets may meet the same mistake in a block."""
    unique: dict[tuple[Any, ...], Diagnostic] = {}
    for diagnostic in diagnostics:
        span = diagnostic.primary.span
        unique.setdefault((span.source.name, span.start, diagnostic.code), diagnostic)
    return tuple(unique[key] for key in sorted(unique))


@contextmanager
def deep_stack() -> Iterator[None]:
    """Room for deeply nested files; Python's own limit is for runaway recursion, which the
    language's limits rule out."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEEPEST_STACK))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
