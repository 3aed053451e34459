"""The metrics of a run as TensorBoard shows them: event files beside metrics.jsonl, where the
package `tensorboard` is installed.

Each time that a run begins or goes on it has a file of its own, as TensorBoard expects: such a file
says after which step it begins, and a TensorBoard that is running forgets what it knew of later
ones. The earlier files are cut back to the snapshot that the run goes on from, as the metrics are,
so that nothing stands in them twice. A run reads nothing else from them.

A file is a row of records (tensorflow/core/lib/io/record_writer.h): the length of an `Event`, 8
bytes, a checksum of that, 4 bytes, the `Event`, and its checksum, 4 bytes.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec_torch.storage import cannot_write, force_to_disk

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

FILES = "events.out.tfevents.*"
FILE_VERSION = "brain.Event:2"
SESSION_STARTS = 1
"""`SessionLog.START`."""
TRAIN_TAGS = {"loss": "loss/training", "error": "error/training", "rate": "rate"}
TEST_TAGS = {"loss": "loss/held out", "top1": "accuracy/top 1", "top5": "accuracy/top 5"}
LENGTH = struct.Struct("<Q")
CHECKSUM_BYTES = 4


class Events:
    """The event file of a run, from where it begins or goes on."""

    def __init__(self, folder: Path, update: int) -> None:
        """For what comes after so many updates; nothing is written yet."""
        name = f"{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self._path = folder / FILES.replace("*", name)
        self._update = update

    def log(self, entry: Mapping[str, Any]) -> None:
        """Add what a line of the metrics says; raises TrainingError where it cannot."""
        if not self._path.exists():
            self._add(file_version=FILE_VERSION)
            if self._update:
                self._add(step=self._update + 1, session_log={"status": SESSION_STARTS})
        values = [{"tag": tag, "simple_value": value} for tag, value in list_scalars(entry)]
        self._add(step=entry["update"], summary={"value": values})

    def force(self) -> None:
        """Have the file on the disk."""
        if self._path.exists():
            force_to_disk(self._path)

    def _add(self, **fields: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = Event(wall_time=time.time(), **fields)
        try:
            with self._path.open("ab") as file:
                RecordWriter(file).write(event.SerializeToString())
        except OSError as error:
            raise cannot_write(self._path, error) from error


def open_events(folder: Path, update: int, announce: Callable[[str], None]) -> Events | None:
    """The event file of a run that goes on after so many updates; None where tensorboard is not
    installed, or cannot be imported, which is announced."""
    why_not = find_fault()
    if why_not is None:
        return Events(folder, update)
    if why_not:
        announce(f"note: no events are written, as tensorboard cannot be imported: {why_not}")
    return None


def find_fault() -> str | None:
    """Why tensorboard cannot be used: empty where it is not installed, None where it can."""
    if find_spec("tensorboard") is None:
        return ""
    try:
        import tensorboard.compat.proto.event_pb2
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except Exception as error:  # With a protobuf of another version it fails in ways of its own.
        return next(iter(str(error).splitlines()), "") or type(error).__name__
    return None


def list_scalars(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The tags and values of a line of the metrics."""
    if entry["kind"] == "layers":
        for weight, sizes in entry["layers"].items():
            named = ((f"{name}/{weight}", value) for name, value in sizes.items())
            yield from ((tag, value) for tag, value in named if value is not None)
        return
    tags = TEST_TAGS if entry["kind"] == "test" else TRAIN_TAGS
    yield from ((tag, entry[name]) for name, tag in tags.items())


def cut_events(folder: Path, update: int, tested: int) -> None:
    """Cut the event files of a folder back to what was known after `update`
    updates and the test after `tested` ones, and a record that was not written to its end.

    Raises TrainingError where it cannot.
    """
    if find_fault() is not None:
        return
    for path in folder.glob(FILES):
        try:
            with path.open("r+b") as file:
                file.truncate(_count_kept(file.read(), update, tested))
        except OSError as error:
            raise cannot_write(path, error) from error


def _count_kept(data: bytes, update: int, tested: int) -> int:
    """The bytes of the records that stay. They stand in the order in which they were written, so
    that behind the first that goes all go."""
    from tensorboard.compat.proto.event_pb2 import Event

    end = 0
    for record in _split(data):
        event = Event.FromString(record)
        if event.HasField("summary") and event.step > (tested if _is_test(event) else update):
            break
        end += LENGTH.size + len(record) + 2 * CHECKSUM_BYTES
    return end


def _split(data: bytes) -> Iterator[bytes]:
    """The contents of the records that are whole."""
    start = 0
    while start + LENGTH.size <= len(data):
        begin = start + LENGTH.size + CHECKSUM_BYTES
        end = begin + LENGTH.unpack_from(data, start)[0]
        start = end + CHECKSUM_BYTES
        if start > len(data):
            return
        yield data[begin:end]


def _is_test(event: "Event") -> bool:
    return any(value.tag in TEST_TAGS.values() for value in event.summary.value)
