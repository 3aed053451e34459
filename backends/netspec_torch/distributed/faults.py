"""How a run of several processes ends where one of them fails: all end, each saying which one it
was and why.

A process that fails leaves word in the store through which the processes found one another. One
that loses its connection to another looks there; where it finds no word, because a process was
killed, a roll call tells which one is gone.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import current_thread, main_thread
from time import sleep

from torch.distributed import DistError, DistNetworkError
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.elastic.multiprocessing.errors import get_error_handler

from netspec.recipe.run import FailedElsewhereError, TrainingError

SECONDS_TO_ANSWER = 1.0
"""How long the roll call waits; those that live notice the loss at about the same time."""
STORE_PATIENCE = timedelta(seconds=5)
WORD = "failed"


@dataclass(frozen=True)
class Faults:
    """Where the processes of a run leave word of a failure."""

    rank: int
    size: int
    store: Store

    @classmethod
    @contextmanager
    def of_run(cls, rank: int, size: int, store: Store) -> Iterator["Faults"]:
        """Within, an error on any process becomes an error on all."""
        # torchrun keeps the store where it starts the processes anew.
        faults = cls(rank, size, PrefixStore(f"netspec/{count_restarts()}", store))
        try:
            yield faults
        except Exception as error:
            with _deaf():
                told = faults.find_reason(error)
            if told is error:
                get_error_handler().record_exception(told)
                raise
            raise told from error

    def find_reason(self, error: Exception) -> Exception:
        """What this process has to say: its own error where it was the first to fail, else who it
        was."""
        own = error.message if isinstance(error, TrainingError) else str(error)
        if isinstance(error, FailedElsewhereError):
            return error
        try:
            self.store.set_timeout(STORE_PATIENCE)
            if is_lost_connection(error):
                sleep(SECONDS_TO_ANSWER / 2)
                return self._find_lost(error)
            return self._leave_word(error, own)
        except DistError:
            return lost("process 0 is gone", error)

    def _leave_word(self, error: Exception, own: str) -> Exception:
        word = self.store.compare_set(WORD, "", f"{self.rank}\n{own}").decode()
        rank, _, message = word.partition("\n")
        if int(rank) == self.rank:
            return error
        return FailedElsewhereError() if message == own else failed(rank, message)

    def _find_lost(self, error: Exception) -> Exception:
        if self.store.check([WORD]):
            rank, _, message = self.store.get(WORD).decode().partition("\n")
            return failed(rank, message)
        self.store.set(f"here/{self.rank}", "")
        sleep(SECONDS_TO_ANSWER)
        gone = [str(r) for r in range(self.size) if not self.store.check([f"here/{r}"])]
        if not gone:
            return lost("the connection between the processes broke", error)
        plural = "es" if len(gone) > 1 else ""
        verb = "are" if len(gone) > 1 else "is"
        return lost(f"process{plural} {', '.join(gone)} {verb} gone", error)


def count_restarts() -> int:
    """How often torchrun has started the processes anew after a failure."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


@contextmanager
def _deaf() -> Iterator[None]:
    """Where torchrun ends the others as soon as one is gone, time to find out which."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_lost_connection(error: Exception) -> bool:
    """Whether it is not this process that failed but its connection to another."""
    if isinstance(error, DistNetworkError):
        return True
    words = ("Connection closed by peer", "Connection reset by peer", "remote process exited")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)


def failed(rank: str, message: str) -> TrainingError:
    """What a process says of another's failure."""
    return TrainingError(f"process {rank} failed: {message}", cause="run")


def lost(what: str, error: Exception) -> TrainingError:
    """What a process says of another that left no word."""
    said = re.sub(r"^(\[\S+\] )+", "", str(error).splitlines()[0]).partition(". ")[0]
    return TrainingError(
        f"{what}: {said}",
        "it was killed, or its machine or the network failed; what started the processes says more",
        cause="run",
    )
