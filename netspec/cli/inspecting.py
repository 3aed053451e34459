"""A look at a data set once its options are known: done by the backend, shown, and told in an exit
code.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from netspec.backend import MissingBackendError, find_backend
from netspec.cli.exit_codes import HAS_ERRORS
from netspec.cli.inputs import Input
from netspec.cli.output import standard_output
from netspec.cli.screen import When, choose_screen
from netspec.cli.training import (
    BACKEND,
    FAILURES,
    NOT_INSTALLED,
    SIGNALS,
    choose_watch,
    fail,
    find_net,
    show_diagnostics,
)
from netspec.cli.watching import Watch, list_headed
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet, Program
from netspec.diagnostics import CompileError
from netspec.recipe.data_report import DataReport, DataTiming, describe_data, describe_timing
from netspec.recipe.run import TrainingError

Form = Literal["auto", "plain", "json"]


def run(
    path: str,
    input: Input | None,
    settings: Mapping[str, str],
    *,
    form: Form,
    color: When,
    images: int | None,
    seed: int,
    timing: Mapping[str, Any],
) -> int:
    """Look at a data set, and time it with the input's net if there is one; gives the exit code."""
    watch = choose_inspection_watch(form, color)
    try:
        net = None if input is None else compile_net(input, settings)
        backend = find_backend(BACKEND)
        with watch:
            report = backend.inspect_data(path, images=images, seed=seed, listener=watch)
            show(watch, form, describe_data(report))
            timed = None
            if net is not None:
                timed = backend.time_data(net, data=path, **timing, listener=watch)
                show(watch, form, describe_timing(timed))
    except MissingBackendError as error:
        return fail(str(error), "", NOT_INSTALLED)
    except TrainingError as error:
        return fail(error.message, error.help, FAILURES[error.cause])
    except CompileError as error:
        assert input is not None
        show_diagnostics(Program(input.source, diagnostics=error.diagnostics), watch.screen)
        return HAS_ERRORS
    except KeyboardInterrupt:
        return fail("stopped", "", SIGNALS["SIGINT"])
    if form == "json":
        write_json(report, timed)
    return HAS_ERRORS if report.pixels is not None and report.pixels.broken else 0


def choose_inspection_watch(form: Form, color: When) -> Watch:
    """A bar on a terminal; nothing but the result elsewhere, and beside JSON nothing on standard
    output."""
    if form == "json":
        return Watch(choose_screen("plain", "never", sys.stderr, os.environ))
    return choose_watch(form, color, quiet=not sys.stdout.isatty())


def compile_net(input: Input, settings: Mapping[str, str]) -> CheckedNet:
    """The net that the input names; raises CompileError and TrainingError."""
    program = compile_source(input.source, settings, input.net)
    if program.has_errors:
        raise CompileError(program.diagnostics)
    return find_net(program)


def show(watch: Watch, form: Form, texts: Sequence[tuple[str, str]]) -> None:
    """Show a part of the result to people."""
    if form != "json":
        watch.show(list_headed(texts, watch.screen.page.width))


def write_json(report: DataReport, timed: DataTiming | None) -> None:
    """The whole result for machines."""
    values = {**report.to_json(), "time": timed and timed.to_json()}
    with standard_output() as stream:
        stream.write(json.dumps(values, indent=1) + "\n")
