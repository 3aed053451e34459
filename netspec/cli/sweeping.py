"""A sweep once its options are known: every choice of values checked, then trained, shown, and told
in an exit code.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from netspec.backend import find_backend
from netspec.cli.exit_codes import HAS_ERRORS
from netspec.cli.inputs import Input
from netspec.cli.screen import Screen
from netspec.cli.training import (
    BACKEND,
    FAILED,
    FAILURES,
    SIGNALS,
    SPINS,
    find_net,
    tell_failure,
)
from netspec.cli.watching import Watch
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.diagnostics import Diagnostic
from netspec.recipe.plan import Plan
from netspec.recipe.run import Listener, Progress
from netspec.render.page import Line, count_noun, styled
from netspec.render.report import Detail, render_programs
from netspec.render.sweep_table import list_sweep


class SweepWatch(Listener):
    """Shows of each run what is not the same for all: of the plans the first, and no tests on the
    way."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._is_first = True

    def announce(self, line: str) -> None:
        self._watch.announce(line)

    def planned(self, plan: Plan) -> None:
        if self._is_first:
            self._watch.planned(plan)
        self._is_first = False

    def swept(self, done: int, total: int) -> None:
        self._watch.swept(done, total)

    def measuring(self, done: int, total: int) -> None:
        self._watch.measuring(done, total)

    def updated(self, progress: Progress) -> None:
        self._watch.updated(progress)

    def testing(self, done: int, total: int) -> None:
        self._watch.testing(done, total)


def run(
    input: Input,
    choices: Mapping[str, Sequence[str]],
    seeds: int,
    watch: Watch,
    **options: Any,
) -> int:
    """Train the net that the input names with every choice of values; gives the exit code."""
    combinations = [
        dict(zip(choices, values, strict=True)) for values in product(*choices.values())
    ]
    programs = [compile_source(input.source, chosen, input.net) for chosen in combinations]
    watch.show(list_findings(combinations, programs, watch.screen))
    if any(program.has_errors for program in programs):
        return HAS_ERRORS
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    try:
        nets = [find_net(program) for program in programs]
        backend = find_backend(BACKEND)
        with watch:
            watch.say(describe_choices(choices, seeds, len(nets)))
            result = backend.train_sweep(nets, seeds, **options, listener=SweepWatch(watch))
    except FAILED as error:
        return tell_failure(error, watch.screen, "--resume goes on with what is not done")
    watch.show([(), *list_sweep(result.report, watch.screen.page)])
    if result.interrupted:
        watch.say(f"stopped by {result.interrupted}; --resume goes on")
    watch.say(f"written to {result.folder}")
    if result.interrupted:
        return SIGNALS[result.interrupted]
    has_diverged = any(run.state == "diverged" for run in result.report.runs)
    return FAILURES["run"] if has_diverged else 0


def list_findings(
    combinations: Sequence[Mapping[str, str]], programs: Sequence[Program], screen: Screen
) -> list[Line]:
    """Errors and warnings of all choices of values, each once; those that not all have stand below
    the values that have them."""
    found: dict[tuple[str, str, str, int], list[tuple[int, Diagnostic]]] = {}
    for number, program in enumerate(programs):
        for each in program.diagnostics:
            place = each.primary.span
            key = each.code, each.headline, place.source.name, place.start
            found.setdefault(key, []).append((number, each))
    groups: dict[tuple[int, ...], list[Diagnostic]] = {}
    for having in found.values():
        groups.setdefault(tuple(number for number, _ in having), []).append(having[0][1])
    lines: list[Line] = []
    for numbers, diagnostics in groups.items():
        if len(numbers) < len(programs):
            lines.append(styled(_describe_place(combinations, numbers), "strong"))
        program = Program(programs[0].source, diagnostics=tuple(diagnostics))
        lines += render_programs([program], screen.page, Detail(quiet=True))
    return lines


def _describe_place(combinations: Sequence[Mapping[str, str]], numbers: Sequence[int]) -> str:
    """Which choices of values have something."""
    values = ", ".join(f"{name}={value}" for name, value in combinations[numbers[0]].items())
    others = len(numbers) - 1
    more = f" and {count_noun(others, 'other choice')}" if others else ""
    return f"with {values}{more}:"


def describe_choices(choices: Mapping[str, Sequence[str]], seeds: int, nets: int) -> str:
    """What will be trained, in a line."""
    values = "; ".join(f"{name} {', '.join(each)}" for name, each in choices.items())
    return f"{count_noun(nets * seeds, 'run')}: {values}; {count_noun(seeds, 'seed')} each"
