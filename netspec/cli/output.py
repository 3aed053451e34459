"""Writing a result to standard output, where the reader may be gone and the disk may be full."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from netspec.cli.exit_codes import NOBODY_READS

CANNOT_WRITE = 2


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Standard output, in which characters that its encoding lacks become `?`. Its end is written
    out here, so that every mistake in writing shows here too."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
        raise SystemExit(NOBODY_READS) from None
    except OSError as error:
        drop_output()
        sys.stderr.write(f"error: the output cannot be written: {error.strerror}\n")
        raise SystemExit(CANNOT_WRITE) from None


def let_first_speak() -> None:
    """Where torchrun has started several processes, the first alone writes to standard output."""
    if os.environ.get("RANK", "0") != "0":
        drop_output()


def drop_output() -> None:
    """Send what is still buffered nowhere, or Python would try to write it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
