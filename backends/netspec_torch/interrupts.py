"""Ending a run between two updates when it is asked to: Ctrl-C and SIGTERM.

The first signal only raises a flag, which the run looks at where it can stop without loss; the
second Ctrl-C interrupts at once, as Python does.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While entered, signals to stop are noted instead of obeyed. Outside the main thread, which
    alone hears signals, it does nothing."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        """The signal that asked the run to stop."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
