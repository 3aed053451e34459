"""Runs netspec in this process, so that torch is imported once for all tests."""

import sys
from typing import NamedTuple

import pytest

from netspec.cli.app import main


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Command:
    """`netspec`, as on a command line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        self._monkeypatch.delenv("COLUMNS", raising=False)  # Workers of pytest-xdist have it.
        self._monkeypatch.setattr(sys, "argv", ["netspec", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, shown.out, shown.err)
