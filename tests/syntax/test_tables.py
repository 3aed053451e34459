"""The tables of the grammar: made by lark, kept between runs, and followed as lark follows them."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given, settings
from msgspec import json
from msgspec.structs import replace

from netspec.source import SourceFile
from netspec.syntax import tables
from netspec.syntax.automaton import Automaton
from netspec.syntax.builder import TreeBuilder
from netspec.syntax.parser import parse_source
from netspec.syntax.tables import FORM, Rule, Tables, load_tables
from netspec.syntax.terminals import Token
from tests.syntax.legal_files import legal_files

ROOT = Path(__file__).parents[2]
GRAMMAR = (ROOT / "netspec" / "syntax" / "grammar.lark").read_text(encoding="utf-8")
SPECS = sorted((ROOT / "specs").rglob("*.net"))


class NoLexer(lark.lexer.Lexer):
    """Satisfies lark, which is handed finished tokens."""

    def __init__(self, lexer_conf: object) -> None: ...

    def lex(self, *_: object) -> Any:
        return iter(())


@cache
def load_lark() -> lark.Lark:
    return lark.Lark(
        GRAMMAR,
        parser="lalr",
        start="start",
        lexer=NoLexer,
        maybe_placeholders=True,
        keep_all_tokens=True,
        transformer=TreeBuilder(),
    )


def build_by_lark(tokens: list[Token]) -> Any:
    """What lark's own parser makes of tokens, with the same callbacks."""
    state = load_lark().parse_interactive("", "start").parser_state
    for token in tokens[:-1]:
        state.feed_token(token)  # type: ignore[arg-type]
    return state.feed_token(tokens[-1], is_end=True)  # type: ignore[arg-type]


def check_as_lark(text: str) -> None:
    fed: list[Token] = []

    class Recording(Automaton):
        def feed(self, token: Token) -> bool:
            fed.append(token)
            return super().feed(token)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netspec.syntax.parser.Automaton", Recording)
        file, errors = parse_source(SourceFile("test.net", text))
    assert not errors
    assert file.items == build_by_lark(fed)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_become_what_lark_makes_of_them(path: Path) -> None:
    check_as_lark(path.read_text(encoding="utf-8"))


@given(legal_files())
@settings(deadline=None)
def test_any_file_becomes_what_lark_makes_of_it(text: str) -> None:
    check_as_lark(text)


def test_every_rule_has_its_builder() -> None:
    for rule in load_tables().rules:
        if rule.builder and not (rule.is_alone and len(rule.handed_on) == 1):
            assert hasattr(TreeBuilder, rule.builder), rule


def test_a_long_list_is_never_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the time for a file would grow as the square of its lines."""
    lists: list[list[Any]] = []
    complete = Automaton._complete

    def note(self: Automaton, rule: Rule) -> None:
        complete(self, rule)
        if "_star_" in rule.name and len(self._values[-1]) > 2:
            lists.append(self._values[-1])

    monkeypatch.setattr(Automaton, "_complete", note)
    parse_source(SourceFile("test.net", "net n {" + "\n".join(["relu"] * 50) + "}"))
    assert len(lists) > 40
    assert all(each is lists[0] for each in lists)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tables are kept for a test, in a folder that is not there yet."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "netspec" / "grammar.json"


def load_anew() -> Tables:
    return load_tables.__wrapped__()


def assert_usable(made: Tables) -> None:
    """They are the grammar's; lark numbers the states as it comes."""
    assert (made.form, made.grammar) == (FORM, GRAMMAR)
    assert set(made.rules) == set(load_tables().rules)
    assert len(made.actions) == len(load_tables().actions)


def forbid_making(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(grammar: str) -> Tables:
        raise AssertionError("made again")

    monkeypatch.setattr(tables, "make_tables", fail)


def test_tables_are_made_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load_anew()
    assert_usable(made)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    forbid_making(monkeypatch)
    assert load_anew() == made


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"[1, 2",
        b"{}",
        b"\xff\xfe",
        json.encode(replace(load_tables(), grammar="start: NAME")),
        json.encode(replace(load_tables(), form=0)),
    ],
)
def test_what_is_no_such_file_is_made_anew(kept: Path, spoilt: bytes) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_bytes(spoilt)
    made = load_anew()
    assert_usable(made)
    assert json.decode(kept.read_bytes(), type=Tables) == made


def test_where_nothing_can_be_kept_tables_are_made_each_time(kept: Path) -> None:
    kept.parent.parent.write_text("a file where the folder should be")
    assert_usable(load_anew())


def test_a_disk_that_is_full_leaves_nothing_half_written(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    assert_usable(load_anew())
    assert not list(kept.parent.iterdir())


def test_lark_is_loaded_only_where_there_are_no_tables(kept: Path) -> None:
    program = (
        "import sys; from netspec.syntax.tables import load_tables; load_tables(); "
        "print('lark' in sys.modules)"
    )
    loaded = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in loaded] == ["True", "False"]
