"""A run as it is shown while it goes: the plan, progress, tests.

On a terminal with a bar that stays in its place, elsewhere as lines, of which progress has one
every few seconds.
"""

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from netspec.cli.output import drop_output
from netspec.cli.screen import Screen
from netspec.recipe.plan import Plan, describe_plan
from netspec.recipe.run import TOP, Figures, Listener, Progress
from netspec.render.page import Line, Piece, Style, printable, styled, wrap_text

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 10.0
HEADING_WIDTH = 9


class Watch(Listener):
    """Shows what must be said and no more: downloads, data that stand in for others."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._notices: set[str] = set()
        """Those that were shown: a training of several seeds has the same one for each."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """The run is over."""

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines at once. Where nobody reads them any more, the run goes on unseen."""
        try:
            self.screen.write(lines)
            self.screen.stream.flush()
        except OSError:
            drop_output()

    def say(self, text: str, style: Style = "text") -> None:
        """Show text, broken where the screen ends."""
        width = self.screen.page.width
        broken = [part for line in text.splitlines() for part in wrap_text(line, width, hang=2)]
        self.show([styled(printable(line), style) for line in broken])

    def announce(self, line: str) -> None:
        self.say(line)

    def planned(self, plan: Plan) -> None:
        if plan.data.notice and plan.data.notice not in self._notices:
            self._notices.add(plan.data.notice)
            self.say(f"note: {plan.data.notice}", "warning")


class Lines(Watch):
    """Everything as lines, for files and pipes."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._shown = monotonic()
        self._classes = 0

    def planned(self, plan: Plan) -> None:
        super().planned(plan)
        self._classes = len(plan.data.classes)
        self.show(list_plan(plan, self.screen.page.width))

    def packing(self, done: int, total: int) -> None:
        if self._is_due(done, total):
            self.say(f"packed {done:,}/{total:,} images")

    def updated(self, progress: Progress) -> None:
        if self._is_due(progress.update, progress.total):
            self.say(
                f"update {progress.update:,}/{progress.total:,}  {describe_progress(progress)}"
            )

    def _is_due(self, done: int, total: int) -> bool:
        """Whether it is time for another line about progress, or for the last."""
        if done < total and monotonic() - self._shown < SECONDS_BETWEEN_LINES:
            return False
        self._shown = monotonic()
        return True

    def dropped(self, update: int, rate: float) -> None:
        self.say(f"rate {rate:g} from update {update:,}")

    def tested(self, update: int, figures: Figures, is_best: bool) -> None:
        best = "  (best so far)" if is_best else ""
        self.say(
            f"test after update {update:,}: accuracy {figures.top1:.3f}, "
            f"{describe_rest(figures, self._classes)}, {figures.images:,} images{best}"
        )


class ProgressBar(Lines):
    """The same on a terminal, with a bar below the lines instead of a line now and then."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self._bar: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[about]}"),
            console=Console(
                file=self.screen.stream, no_color=not self.screen.colour, highlight=False
            ),
            transient=True,
        )
        self._bar.start()
        return self

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, lines: Sequence[Line]) -> None:
        if self._bar is None:
            super().show(lines)
            return
        from rich.text import Text

        from netspec.render.terminal import COLOURS

        for line in lines:
            pieces = ((text, COLOURS[style] if self.screen.colour else "") for text, style in line)
            self._bar.console.print(Text.assemble(*pieces), soft_wrap=True)

    def swept(self, done: int, total: int) -> None:
        self._draw("runs", done, total)

    def measuring(self, done: int, total: int) -> None:
        self._draw("mean", done, total)

    def packing(self, done: int, total: int) -> None:
        self._draw("pack", done, total)

    def inspecting(self, done: int, total: int) -> None:
        self._draw("look", done, total)

    def updated(self, progress: Progress) -> None:
        self._draw("train", progress.update, progress.total, describe_progress(progress))

    def testing(self, done: int, total: int) -> None:
        self._draw("test", done, total)

    def _draw(self, name: str, done: int, total: int, about: str = "") -> None:
        """Move the bar of a name; one that is full goes."""
        assert self._bar is not None
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(f"{name:5}", total=total, about=about)
        self._bar.update(self._tasks[name], completed=done, about=about)
        if done >= total:
            self._bar.remove_task(self._tasks.pop(name))


def list_plan(plan: Plan, width: int | None) -> list[Line]:
    """The plan's lines."""
    return [*list_headed(describe_plan(plan), width), ()]


def list_headed(texts: Sequence[tuple[str, str]], width: int | None) -> list[Line]:
    """Lines with their headings in a column of their own."""
    room = None if width is None else max(20, width - HEADING_WIDTH)
    lines: list[Line] = []
    for heading, text in texts:
        for number, part in enumerate(wrap_text(text, room)):
            head = heading if number == 0 else ""
            lines.append((Piece(f"{head:{HEADING_WIDTH}}", "strong"), Piece(printable(part))))
    return lines


def describe_rest(figures: Figures, classes: int) -> str:
    """What a test has beside its accuracy; top-5 says nothing where there are five classes."""
    loss = f"loss {figures.loss:.3f}"
    return f"top 5 {figures.top5:.3f}, {loss}" if classes > TOP else loss


def describe_progress(progress: Progress) -> str:
    """Epoch, loss, rate, speed and the time left."""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return (
        f"epoch {progress.epoch:.2f}  loss {progress.loss:.4f}  rate {progress.rate:.3g}  "
        f"{progress.images_per_second:,.0f} images/s  {left} left"
    )
