"""What the processes of a run keep from one start to the next: where torchrun starts them anew
after a failure, they go on with the run that they had begun, and with no other.

The store through which they find one another belongs to torchrun and lives as long as it does. The
folder that a run has begun to write is noted there; that of an earlier run of the same net, or one
that the first start was refused, is not.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

KEY = "netspec/folder"


@dataclass(frozen=True)
class Launch:
    """A launch of torchrun, or none."""

    store: Store | None

    def note(self, folder: Path) -> None:
        """A run begins to write to this folder, or to go on in it."""
        if self.store is not None:
            self.store.set(KEY, str(folder))

    def recall(self) -> Path | None:
        """The folder of the run that an earlier start of these processes had begun."""
        if self.store is None or not self.store.check([KEY]):
            return None
        return Path(self.store.get(KEY).decode())


ALONE = Launch(None)
"""That of a process that was started by itself."""


def find_store(rank: int, size: int) -> Store | None:
    """The store of the processes; None for one that was started by itself."""
    if size == 1 and "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    store: Store = next(rendezvous("env://", rank, size))[0]
    return store
