"""Signals that ask a run to stop are noted; a second Ctrl-C is obeyed."""

import signal
import threading

import pytest

from netspec_torch.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_not_obeyed(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        seen: list[object] = [interrupts.received]
        signal.raise_signal(number)
        seen.append(interrupts.received)
    assert seen == [None, number]
    assert signal.getsignal(number) is before


def test_the_second_interrupt_is_obeyed() -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_first_signal_is_the_one_that_counts() -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.received == signal.SIGINT


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def run() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
