"""On what a run computed, and when."""

from collections.abc import Iterator

from netspec.recipe.run_facts import Session
from netspec.render.html.markup import Child, element, facts, table
from netspec.render.html.run import Run, show_seconds

NAMES = ("device", "processor", "cores", "system", "python", "torch", "netspec")


def render_machine(run: Run) -> Iterator[Child]:
    """The machine; where the run went on, each time in a row, and the machine where it changed."""
    sessions = run.facts.sessions
    if not sessions:
        yield element("p", "The run does not say on what it computed.", class_="missing")
        return
    yield facts(describe_machine(sessions[-1]))
    if len(sessions) > 1:
        rows = [list_cells(session, sessions[-1]) for session in sessions]
        yield table(("begun", "updates", "time", "elsewhere"), rows, (2,))


def describe_machine(session: Session) -> Iterator[tuple[str, str]]:
    yield from ((name, session.machine[name]) for name in NAMES if name in session.machine)
    if session.processes:
        yield "processes", session.processes
    yield "begun", show_time(session.begun)
    yield "time", show_seconds(session.seconds)


def list_cells(session: Session, last: Session) -> tuple[str, ...]:
    changed = [
        f"{name} {session.machine[name]}"
        for name in NAMES
        if session.machine.get(name) not in (None, last.machine.get(name))
    ]
    updates = f"{session.start:,} to {session.end:,}"
    time = show_seconds(session.seconds)
    return show_time(session.begun), updates, time, "; ".join(changed)


def show_time(text: str) -> str:
    """`2025-11-24 14:19 UTC`, of a time in ISO 8601."""
    return f"{text[:16].replace('T', ' ')} UTC"
