"""Who is named where one of several processes fails."""

import threading

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]

from netspec.recipe.run import FailedElsewhereError, TrainingError
from netspec_torch.distributed import faults
from netspec_torch.distributed.faults import Faults, is_lost_connection

LOST = RuntimeError(
    "[/x/gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:30608: Connection reset by peer. "
    "This is typically caused by a remote worker hanging."
)


@pytest.fixture(autouse=True)
def _short_roll_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SECONDS_TO_ANSWER", 0.05)


def full_disk() -> TrainingError:
    return TrainingError("x cannot be written: the disk is full", cause="run")


def test_the_first_to_fail_says_its_own_error() -> None:
    error = full_disk()
    assert Faults(1, 4, HashStore()).find_reason(error) is error


def test_the_others_say_who_failed_and_why() -> None:
    store = HashStore()
    Faults(1, 4, store).find_reason(full_disk())
    for error in (LOST, TrainingError("the run diverged", cause="run")):
        told = Faults(0, 4, store).find_reason(error)
        assert isinstance(told, TrainingError)
        assert told.message == "process 1 failed: x cannot be written: the disk is full"


def test_what_all_find_wrong_is_said_once() -> None:
    store = HashStore()
    reasons = [Faults(rank, 3, store).find_reason(full_disk()) for rank in (2, 0, 1)]
    assert [isinstance(reason, FailedElsewhereError) for reason in reasons] == [False, True, True]


def test_a_process_that_left_no_word_is_found_by_roll_call() -> None:
    store, told = HashStore(), dict[int, Exception]()

    def lose(rank: int) -> None:
        told[rank] = Faults(rank, 4, store).find_reason(LOST)

    threads = [threading.Thread(target=lose, args=(rank,)) for rank in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in told.values():
        assert isinstance(error, TrainingError)
        said = "Read error [127.0.0.1]:30608: Connection reset by peer"
        assert error.message == f"processes 1, 2 are gone: {said}"


def test_other_errors_are_no_lost_connections() -> None:
    assert is_lost_connection(LOST)
    assert not is_lost_connection(RuntimeError("shapes do not match"))
    assert not is_lost_connection(ValueError("Connection closed by peer"))
