"""A group of processes that stay, so that PyTorch is imported once a process and not once a test.

Each takes part in one process group of gloo, and calls what it is told to: a function of a module,
with the same arguments on all.
"""

import os
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SECONDS = 120.0
"""How long a call may take."""


class Processes:
    """So many processes, with ranks from 0, until `close`."""

    def __init__(self, size: int) -> None:
        port = find_free_port()
        context = get_context("spawn")
        self.size = size
        self._members = []
        # The processes get this one's path, and find `tests` at its end: behind what is installed.
        sys.path.append(str(ROOT))
        try:
            for rank in range(size):
                ours, theirs = context.Pipe()
                arguments = theirs, rank, size, port
                process = context.Process(target=serve, args=arguments, daemon=True)
                process.start()
                theirs.close()
                self._members.append((process, ours))
        finally:
            sys.path.remove(str(ROOT))

    def run(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """What the function returned on each, by rank; raises where it raised on one, after which
        the others may wait for it for ever, so all processes are ended."""
        if not self._members:
            raise AssertionError("the processes ended with an error in an earlier test")
        for _, pipe in self._members:
            pipe.send((function, arguments))
        answers = [
            pipe.recv() if pipe.poll(SECONDS) else (False, f"rank {rank} gave no answer")
            for rank, (_, pipe) in enumerate(self._members)
        ]
        wrong = [answer for is_right, answer in answers if not is_right]
        if wrong:
            self.close()
            raise AssertionError("\n".join(wrong))
        return [answer for _, answer in answers]

    def close(self) -> None:
        """End the processes."""
        for process, _ in self._members:
            process.kill()
        for process, pipe in self._members:
            process.join()
            pipe.close()
        self._members.clear()


def serve(pipe: Connection, rank: int, size: int, port: int) -> None:
    """What a process does: answers calls until it is killed."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    import torch
    import torch.distributed

    warnings.simplefilter("error")
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    while True:
        function, arguments = pipe.recv()
        try:
            pipe.send((True, function(*arguments)))
        except Exception:
            pipe.send((False, f"rank {rank}:\n{traceback.format_exc()}"))


def find_free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
