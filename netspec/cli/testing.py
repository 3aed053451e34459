"""A test once its options are known: done by the backend, shown, and told in an exit code."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.backend import find_backend
from netspec.cli.inputs import Input
from netspec.cli.inspecting import Form, choose_inspection_watch, compile_net
from netspec.cli.output import let_first_speak, standard_output
from netspec.cli.screen import When
from netspec.cli.training import BACKEND, FAILED, tell_failure
from netspec.render.figures import list_figures

FORMAT_VERSION = 1
"""Of the JSON output; counts up where a field changes or goes."""


def run(
    input: Input | None,
    settings: Mapping[str, str],
    weights: Sequence[Path],
    *,
    form: Form,
    color: When,
    **options: Any,
) -> int:
    """Test the weights, on the input's net if there is one; gives the exit code."""
    let_first_speak()
    watch = choose_inspection_watch(form, color)
    try:
        net = None if input is None else compile_net(input, settings)
        backend = find_backend(BACKEND)
        with watch:
            report = backend.test(weights, net, **options, listener=watch)
    except FAILED as error:
        return tell_failure(error, watch.screen)
    if form == "json":
        with standard_output() as stream:
            values = {"format": FORMAT_VERSION, **report.to_json()}
            stream.write(json.dumps(values, indent=1) + "\n")
    else:
        watch.show(list_figures(report, watch.screen.page))
    return 0
