"""From the words of a command line to source texts: files, folders, patterns, standard input, and
`FILE:NAME` for a single net.

A word that names something on the disk means that; only otherwise is it taken for a pattern or for
`FILE:NAME`. A folder stands for all `.net` files in it and below, those in hidden folders excluded.
What cannot be read is collected with the reason, and the rest goes on.
"""

import glob
import os
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field

from netspec.source import SourceFile, decode_source

STANDARD_INPUT = "-"
ENDING = ".net"
MOST_BYTES = 50_000_000
"""Files beyond this are not even read; the language's own limit lies below it."""
PICKED = re.compile(r"(?P<file>.+):(?P<net>[^\W\d]\w*)")


class UnreadableError(Exception):
    """A file whose text cannot be had; the message completes "FILE: …"."""


class Input(NamedTuple):
    """A text to compile."""

    source: SourceFile
    net: str | None = None
    """The only net to look at, if one was picked."""
    has_mark: bool = False
    """Whether it began with a byte-order mark, which is no part of the text."""
    is_piped: bool = False
    """Whether it came from standard input, whatever name it was given."""


class Inputs(Struct):
    """What a command line asks for."""

    found: list[Input] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """The reason for each file that cannot be read."""


def read_inputs(words: Iterable[str], stdin_filename: str | None = None) -> Inputs:
    """Read everything that the words name, each once, in their order."""
    inputs = Inputs()
    seen: set[tuple[str, str | None]] = set()
    for word in words:
        try:
            for name, net in expand_word(word):
                key = name if name == STANDARD_INPUT else os.path.realpath(name), net
                if key not in seen:
                    seen.add(key)
                    read_into(inputs, name, net, stdin_filename)
        except UnreadableError as error:
            inputs.unreadable[word] = str(error)
    return inputs


def read_into(inputs: Inputs, name: str, net: str | None, stdin_filename: str | None) -> None:
    """Read one file, or note why it cannot be read. The name for standard input, if any, says
    beside which file it belongs."""
    is_piped = name == STANDARD_INPUT
    place = stdin_filename if is_piped else name
    try:
        data = read_standard_input() if is_piped else read_file(name)
        source = SourceFile(place or "<stdin>", decode(data), Path(place) if place else None)
    except UnreadableError as error:
        inputs.unreadable[name] = str(error)
    else:
        inputs.found.append(Input(source, net, data.startswith(BOM_UTF8), is_piped))


def tell_unreadable(inputs: Inputs) -> None:
    """Say which files cannot be read, on standard error."""
    for file, reason in inputs.unreadable.items():
        sys.stderr.write(f"error: {file}: {reason}\n")


@contextmanager
def working_on(each: Input) -> Iterator[None]:
    """Where netspec fails at a file, the report says at which."""
    try:
        yield
    except Exception as error:
        error.add_note(f"file: {each.source.name}")
        raise


def expand_word(word: str) -> Iterator[tuple[str, str | None]]:
    """The files that a word stands for, each with the net that it picks."""
    if word == STANDARD_INPUT or os.path.lexists(word):
        yield from ((name, None) for name in expand_path(word))
        return
    picked = split_picked(word)
    if picked and (picked[0] == STANDARD_INPUT or os.path.lexists(picked[0])):
        if os.path.isdir(picked[0]):
            raise UnreadableError("a net can be picked from a file, not from a folder")
        yield picked
        return
    matches = sorted(glob.glob(word, recursive=True)) if glob.has_magic(word) else []
    if not matches:
        reason = "no file matches" if glob.has_magic(word) else "there is no such file"
        raise UnreadableError(reason)
    for match in matches:
        yield from ((name, None) for name in expand_path(match))


def split_picked(word: str) -> tuple[str, str] | None:
    """The parts of `FILE:NAME`; the colon of a Windows drive is none."""
    match = PICKED.fullmatch(word)
    if match is None or (os.name == "nt" and re.fullmatch("[A-Za-z]", match["file"])):
        return None
    return match["file"], match["net"]


def expand_path(path: str) -> Iterator[str]:
    """A file itself, or the `.net` files of a folder."""
    if not os.path.isdir(path):
        yield path
        return
    found = sorted(walk_folder(path))
    if not found:
        raise UnreadableError(f"the folder holds no {ENDING} file")
    yield from found


def walk_folder(folder: str) -> Iterator[str]:
    """The `.net` files of a folder and of those in it that are not hidden."""
    for place, files in walk_folders(folder):
        yield from (os.path.join(place, name) for name in files if name.endswith(ENDING))


def walk_folders(folder: str) -> Iterator[tuple[str, list[str]]]:
    """A folder and those in it that are not hidden, each with the names of its files."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield place, files


def read_file(name: str) -> bytes:
    """What a file on the disk holds, as far as that may be text."""
    try:
        with open(name, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error


def read_standard_input() -> bytes:
    """What is piped in."""
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def decode(data: bytes) -> str:
    """The text of a file that is not too long and is UTF-8."""
    if len(data) > MOST_BYTES:
        raise UnreadableError(f"holds more than {MOST_BYTES:,} bytes")
    try:
        return decode_source(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"is not UTF-8 text: byte 0x{data[error.start]:02x} in line {line}"
        ) from error
