"""Counting what crosses: the numbers that collectives are given, and the bytes that the system's
sockets have sent.
"""

import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.distributed import barrier
from torch.utils._python_dispatch import TorchDispatchMode

BYTES_ACKED = 120
"""Where `tcp_info` of <linux/tcp.h> has its count of bytes that have arrived at the other end."""
SECONDS_TO_ARRIVE = 0.3


class CollectiveBytes(TorchDispatchMode):
    """Notes the bytes that this process gives to each all-to-all for the others."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sent: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops._c10d_functional.all_to_all_single.default:
            tensor, _, lengths, *_ = args
            assert sum(lengths) == tensor.numel()
            self.sent.append(tensor.numel() * tensor.element_size())
        return func(*args, **(kwargs or {}))


def measure_sockets(function: Callable[[], object]) -> int:
    """Bytes that this process's sockets send while the function runs, headers of gloo included."""
    barrier()
    time.sleep(SECONDS_TO_ARRIVE)
    before = read_sockets()
    function()
    time.sleep(SECONDS_TO_ARRIVE)
    after = read_sockets()
    barrier()
    return sum(count - before.get(name, 0) for name, count in after.items())


def read_sockets() -> dict[str, int]:
    """The bytes that each of this process's TCP connections has sent."""
    counts: dict[str, int] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            link = os.readlink(f"/proc/self/fd/{name}")
            if not link.startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(name))) as copy:
                info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        except OSError:  # closed meanwhile, or no TCP connection
            continue
        counts[link] = struct.unpack_from("Q", info, BYTES_ACKED)[0]
    return counts
