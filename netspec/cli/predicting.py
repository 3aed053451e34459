"""Predictions once their options are known: made by the backend, shown one by one, and told in an
exit code.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from netspec.backend import find_backend
from netspec.cli.exit_codes import HAS_ERRORS, IS_UNREADABLE
from netspec.cli.inputs import STANDARD_INPUT, Input
from netspec.cli.inspecting import Form, compile_net
from netspec.cli.output import standard_output
from netspec.cli.screen import Screen, When, choose_screen
from netspec.cli.training import BACKEND, FAILED, tell_failure
from netspec.cli.watching import Watch
from netspec.recipe.results import Prediction
from netspec.render.bars import list_prediction
from netspec.render.page import printable


def run(
    words: Sequence[str],
    input: Input | None,
    settings: Mapping[str, str],
    *,
    form: Form,
    color: When,
    weights: Sequence[Path],
    **options: Any,
) -> int:
    """Say what the pictures show; gives the exit code."""
    missing = [word for word in words if word != STANDARD_INPUT and not os.path.lexists(word)]
    with standard_output() as stream:
        notes = Watch(choose_screen("plain", "never", sys.stderr, os.environ))
        screen = choose_screen(form, color, stream, os.environ)
        try:
            net = None if input is None else compile_net(input, settings)
            backend = find_backend(BACKEND)
            found = (word for word in words if word not in missing)
            pictures = read_words(found)
            predictions = backend.predict(pictures, weights, net, **options, listener=notes)
            for word in missing:
                tell(word, "there is no such file")
            show = show_values if form == "json" else show_bars
            failures = show(predictions, screen)
        except FAILED as error:
            return tell_failure(error, notes.screen if form == "json" else screen)
    return IS_UNREADABLE if missing else HAS_ERRORS if failures else 0


def read_words(words: Iterator[str]) -> Iterator[Path | bytes]:
    """The pictures that words name; standard input is read when its turn comes."""
    for word in words:
        yield sys.stdin.buffer.read() if word == STANDARD_INPUT else Path(word)


def show_bars(predictions: Iterator[Prediction], screen: Screen) -> int:
    """Show each picture as soon as it is there; gives the number of those that failed."""
    failures = 0
    is_first = True
    for each in predictions:
        if each.failure:
            failures += 1
            tell(each.picture, each.failure)
            continue
        screen.write([*([] if is_first else [()]), *list_prediction(each, screen.page)])
        screen.stream.flush()
        is_first = False
    return failures


def show_values(predictions: Iterator[Prediction], screen: Screen) -> int:
    """Write all pictures for machines, the broken ones too; gives the number of those."""
    made = list(predictions)
    values = {"format": 1, "predictions": [each.to_json() for each in made]}
    screen.stream.write(json.dumps(values, indent=1) + "\n")
    return sum(bool(each.failure) for each in made)


def tell(picture: str, failure: str) -> None:
    """Say on standard error that a picture has no answer."""
    typer.echo(f"error: {printable(picture)}: {failure}", err=True)
