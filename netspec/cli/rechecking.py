"""`netspec check --watch`: the check again after every save, until Ctrl-C.

Watched are the files that were named, those that they use, and the folders that were named, where
files come and go. They are looked at a hundred times a second, which takes next to no time and no
other package. A file is compiled again only where it or a file that it uses has changed.

Each round looks at the files before it reads them, so that no save between the two goes unseen.
"""

import gc
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO, TypeAlias

import typer

from netspec.cli.checking import Checking
from netspec.cli.inputs import (
    Input,
    UnreadableError,
    expand_word,
    read_inputs,
    split_picked,
    tell_unreadable,
    walk_folders,
)
from netspec.compiler.program import Program

SECONDS_BETWEEN_LOOKS = 0.01
CLEAR = "\x1b[2J\x1b[3J\x1b[H"
"""Clears a terminal, and what was scrolled out of it."""
USE = re.compile(rb'\buse[ \t]*"([^"\n]*)"')
"""A `use` line; what only looks like one, in a comment, is watched too."""

Version: TypeAlias = tuple[int, int, int] | None
"""What tells a file from what it was before; None where there is none."""
State: TypeAlias = dict[Path, Version]


class Kept(NamedTuple):
    """A program of the last round, and the files that it came from as they were then."""

    program: Program
    state: State


def recheck_forever(words: Sequence[str], checking: Checking, stream: TextIO) -> NoReturn:
    """Check what the words name, show it, wait until something of it changes, and so on."""
    gc.enable()  # what each round leaves behind would add up
    kept: dict[Input, Kept] = {}
    while True:
        folders = look_at(list_folders(words))
        names = list_names(words)
        states = {name: follow_uses(Path(name)) for name in names}
        inputs = read_inputs(words)
        kept = {
            each: compile_again(each, states.get(each.source.name, {}), kept.get(each), checking)
            for each in inputs.found
        }
        if stream.isatty():
            stream.write(CLEAR)
        tell_unreadable(inputs)
        checking.show([each.program for each in kept.values()], inputs.unreadable, stream)
        stream.flush()
        typer.echo(f"checked at {time.strftime('%X')}; Ctrl-C ends the watch", err=True)
        files = {path: version for state in states.values() for path, version in state.items()}
        wait_for_change(words, names, files, folders)


def compile_again(each: Input, state: State, before: Kept | None, checking: Checking) -> Kept:
    """A file's program: that of the last round, where nothing changed that it comes from."""
    if before and before.state == state:
        return before
    return Kept(checking.compile(each), state)


def wait_for_change(words: Sequence[str], names: set[str], files: State, folders: State) -> None:
    """Come back when a file is not as it was, or when the words stand for other files."""
    while look_at(files) == files:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if look_at(folders) != folders:
            folders = look_at(list_folders(words))
            if list_names(words) != names:
                return


def look_at(paths: Iterable[Path]) -> State:
    return {path: find_version(path) for path in paths}


def find_version(path: Path) -> Version:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # no file, or no path
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def follow_uses(path: Path) -> State:
    """A file and those that it uses, and these use, whether there are such files or not."""
    state: State = {}
    waiting = [path]
    while waiting:
        path = waiting.pop()
        if path not in state:
            state[path] = find_version(path)
            waiting += list_used(path)
    return state


def list_used(path: Path) -> Iterator[Path]:
    try:
        text = path.read_bytes()
    except (OSError, ValueError):
        return
    for used in USE.findall(text):
        yield path.parent / used.decode(errors="replace")


def list_names(words: Iterable[str]) -> set[str]:
    """The files that the words stand for, and those that are missing."""
    names: set[str] = set()
    for word in words:
        try:
            names |= {name for name, _ in expand_word(word)}
        except UnreadableError:
            picked = split_picked(word)
            names |= {word, picked[0]} if picked else {word}
    return names


def list_folders(words: Iterable[str]) -> set[Path]:
    """The folders in which files may come that the words stand for."""
    folders: set[Path] = set()
    for word in words:
        if os.path.isdir(word):
            folders |= {Path(place) for place, _ in walk_folders(word)}
        elif has_magic(word) and not os.path.lexists(word):
            places = glob(os.path.dirname(word) or ".", recursive=True)
            folders |= {Path(place) for place in places if os.path.isdir(place)}
    return folders
