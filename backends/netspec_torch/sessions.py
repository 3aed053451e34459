"""On what a run computed, and for how long: sessions.json, an entry for each time that it began or
went on.

from, to   updates done at its start, and when the entry was last written: with each snapshot, and
           at its end
begun      the time of its start, UTC
seconds    from then until the entry was last written, tests and snapshots included
machine    what `describe_machine` says
processes  who computed what, where there were several
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from netspec_torch.compute import describe_machine
from netspec_torch.preparation import Job
from netspec_torch.run_folder import RunFolder

SESSIONS = "sessions.json"


@dataclass(frozen=True)
class Session:
    """One of them, from now on."""

    folder: RunFolder
    start: int
    """Updates done before."""
    machine: dict[str, str]
    processes: str
    """Empty for one."""
    earlier: list[dict[str, Any]]
    """The entries of those before it."""
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    _since: float = field(default_factory=monotonic)

    def note(self, update: int) -> None:
        """Write that it has come so far; raises TrainingError where that cannot be done."""
        entry = {
            "from": self.start,
            "to": update,
            "begun": self.begun.isoformat(timespec="seconds"),
            "seconds": round(monotonic() - self._since, 1),
            "machine": self.machine,
            "processes": self.processes,
        }
        self.folder.write_json(SESSIONS, [*self.earlier, entry])


def begin_session(job: Job, update: int) -> Session:
    """The session that begins after so many updates."""
    machine = describe_machine(job.device)
    return Session(job.folder, update, machine, job.plan.processes, read_sessions(job.folder))


def read_sessions(folder: RunFolder) -> list[dict[str, Any]]:
    """The entries of a run's folder; none where they cannot be read."""
    try:
        entries = folder.read_json(SESSIONS)
    except (OSError, ValueError):
        return []
    return entries if isinstance(entries, list) else []
