"""A packing once its options are known: done by the backend, shown, and told in an exit code."""

from collections.abc import Sequence
from typing import Any

from netspec.backend import MissingBackendError, find_backend
from netspec.cli.training import BACKEND, FAILURES, NOT_INSTALLED, SIGNALS, fail
from netspec.cli.watching import Watch, list_headed
from netspec.recipe.data_report import describe_packing
from netspec.recipe.run import TrainingError


def run(sources: Sequence[str], watch: Watch, **options: Any) -> int:
    """Pack what the sources name; gives the exit code."""
    try:
        backend = find_backend(BACKEND)
        with watch:
            report = backend.pack(sources, **options, listener=watch)
    except MissingBackendError as error:
        return fail(str(error), "", NOT_INSTALLED)
    except TrainingError as error:
        return fail(error.message, error.help, FAILURES[error.cause])
    except KeyboardInterrupt:
        return fail("stopped", "the same command goes on", SIGNALS["SIGINT"])
    watch.show(list_headed(describe_packing(report), watch.screen.page.width))
    return 0
