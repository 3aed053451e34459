"""A training once its options are known: the file compiled, the net found, the run shown and told
in an exit code.
"""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import typer

from netspec.backend import Backend, MissingBackendError, Run, find_backend
from netspec.cli.exit_codes import HAS_ERRORS
from netspec.cli.inputs import Input
from netspec.cli.output import let_first_speak
from netspec.cli.screen import Screen, When, choose_screen
from netspec.cli.watching import Lines, ProgressBar, Watch, describe_rest
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet, Program
from netspec.diagnostics import CompileError
from netspec.recipe.run import FailedElsewhereError, Figures, TrainingError
from netspec.render.figures import describe_skipped, list_figures
from netspec.render.report import Detail, render_programs

BACKEND = "torch"
NOT_INSTALLED = 4
FAILURES = {"file": 1, "usage": 2, "run": 3}
"""The exit code of a training that fails, by what is at fault."""
SIGNALS = {"SIGINT": 130, "SIGTERM": 143}
"""The exit code of a run that a signal ended."""
SPINS = "10000"
"""How often a thread of GNU's OpenMP looks for more work before it sleeps, unless the environment
says otherwise; docs/performance.md has what it brings."""
FAILED = (
    MissingBackendError,
    TrainingError,
    FailedElsewhereError,
    CompileError,
    KeyboardInterrupt,
)
"""What a command that uses a backend may end with, and `tell_failure` tells."""


def choose_watch(form: Literal["auto", "plain"], color: When, *, quiet: bool) -> Watch:
    """How a run is shown: a bar on a terminal, lines elsewhere. Characters that the output's
    encoding lacks become `?`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    screen = choose_screen(form, color, sys.stdout, os.environ)
    if quiet:
        return Watch(screen)
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return ProgressBar(screen) if form == "auto" and is_terminal else Lines(screen)


def run(
    input: Input,
    settings: Mapping[str, str],
    watch: Watch,
    *,
    seeds: int | None = None,
    **options: Any,
) -> int:
    """Train the net that the input names, once or with several seeds; gives the exit code.

    Where torchrun has started several processes, the first alone speaks, but for errors."""
    let_first_speak()
    program = compile_source(input.source, settings, input.net)
    show_diagnostics(program, watch.screen)
    if program.has_errors:
        return HAS_ERRORS
    # PyTorch's threads wait for each other by spinning, for milliseconds unless told otherwise.
    # Where another program wants the same cores that makes a training several times slower.
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    try:
        net = find_net(program)
        backend = find_backend(BACKEND)
        with watch:
            if seeds is not None:
                return train_seeds(backend, net, seeds, watch, options)
            result = backend.train(net, **options, listener=watch)
    except FAILED as error:
        return tell_failure(error, watch.screen, "--resume goes on from the last snapshot")
    for line in summarize(result):
        watch.say(line)
    return SIGNALS.get(result.interrupted, 0)


def train_seeds(
    backend: Backend, net: CheckedNet, count: int, watch: Watch, options: Mapping[str, Any]
) -> int:
    """Train with several seeds and show the table of all; gives the exit code."""
    result = backend.train_seeds(net, count, **options, listener=watch)
    if result.report is not None:
        watch.show(list_figures(result.report, watch.screen.page))
    else:
        watch.say(f"stopped by {result.interrupted}; --resume goes on")
    watch.say(f"written to {result.folder}")
    return SIGNALS.get(result.interrupted, 0)


def find_net(program: Program) -> CheckedNet:
    """The one net to train; raises TrainingError where it is not clear which."""
    if len(program.nets) == 1:
        return program.nets[0]
    name = program.source.name
    if program.nets:
        names = ", ".join(net.name for net in program.nets)
        help = f"pick one: {name}:{program.nets[0].name}"
        raise TrainingError(f"{name} has several nets: {names}", help, cause="usage")
    for pattern in program.patterns:
        missing = ", ".join(pattern.missing)
        help = " ".join(f"--set {parameter}=…" for parameter in pattern.missing)
        raise TrainingError(f"`{pattern.name}` has no value for {missing}", help, cause="usage")
    raise TrainingError(f"{name} has no net", cause="file")


def show_diagnostics(program: Program, screen: Screen) -> None:
    """Errors and warnings of the file, if there are any."""
    screen.write(render_programs([program], screen.page, Detail(quiet=True)))


def tell_failure(error: BaseException, screen: Screen, on_interrupt: str = "") -> int:
    """Say why something is not done; gives the exit code."""
    match error:
        case MissingBackendError():
            return fail(str(error), "", NOT_INSTALLED)
        case FailedElsewhereError():
            return FAILURES["run"]
        case TrainingError():
            return fail(error.message, error.help, FAILURES[error.cause], error.details)
        case CompileError():
            source = error.diagnostics[0].primary.span.source
            show_diagnostics(Program(source, diagnostics=error.diagnostics), screen)
            return HAS_ERRORS
    return fail("stopped", on_interrupt, SIGNALS["SIGINT"])


def fail(message: str, help: str, code: int, details: Sequence[str] = ()) -> int:
    """Say on standard error why there is no trained net."""
    typer.echo(f"error: {message}", err=True)
    for line in details:
        typer.echo(f"  {line}", err=True)
    for line in help.splitlines():
        typer.echo(f"  = help: {line}", err=True)
    return code


def summarize(result: Run) -> list[str]:
    """What a run came to, in a few lines."""
    lines = []
    if result.interrupted:
        done = f"{result.updates:,} of {result.total:,} updates"
        lines.append(f"stopped by {result.interrupted} after {done}; --resume goes on")
    for figures in (result.final, result.final_views):
        if figures is not None:
            lines.append(describe_figures(figures, result.chance, len(result.class_names)))
    if result.skipped:
        lines.append(describe_skipped(result.skipped))
    return [*lines, f"written to {result.folder}"]


def describe_figures(figures: Figures, chance: float, classes: int) -> str:
    """One test's figures in a line."""
    views = "centre view" if figures.views == 1 else f"mean of {figures.views} views"
    return (
        f"accuracy {figures.top1:.3f} on {figures.images:,} held-out images, {views} "
        f"(chance {chance:.3f}); {describe_rest(figures, classes)}"
    )
