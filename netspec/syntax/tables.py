"""The LALR(1) tables of `grammar.lark`: what a parser does with each terminal in each state, and
what it puts together when a rule is complete.

lark makes them, which takes half as long as the rest of a check, so they are kept between runs in
the user's cache folder, with the text of the grammar that they were made of. Following them needs
no lark any more; that is done in `automaton.py`.
"""

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import DecodeError, Struct, json

if TYPE_CHECKING:
    from lark.grammar import Rule as LarkRule

FORM = 1
"""Of the file that the tables are kept in; another number, and they are made anew."""
STARTS = ("start", "value")


class Rule(Struct, frozen=True, array_like=True):
    """A rule of the grammar, with one of its ways to be written."""

    name: str
    """The nonterminal that it makes."""
    builder: str
    """The method of `TreeBuilder` that gets its parts; empty for a rule whose name begins with `_`,
    whose parts are handed to the rule above."""
    is_alone: bool
    """Whether a single part stands for itself, as in rules that begin with `?`."""
    handed_on: tuple[bool, ...]
    """For each symbol, whether it is a rule whose parts are handed to this one."""
    left_out: tuple[int, ...]
    """Before each symbol, and behind the last, how many optional parts were left out."""
    is_plain: bool
    """Whether its parts are what its symbols gave, and nothing else."""


class Tables(Struct, frozen=True, array_like=True):
    """The tables of a grammar. An action is the state to go to, or ~n to complete rule n."""

    form: int
    grammar: str
    rules: tuple[Rule, ...]
    actions: tuple[dict[str, int], ...]
    """For each state the actions by the name of a terminal, and the states to go to by that of a
    nonterminal, in small letters."""
    starts: dict[str, int]
    """The state in which each of the start rules begins."""
    ends: dict[str, int]
    """The state in which it is complete."""


@cache
def load_tables() -> Tables:
    """The tables, from the cache folder where they are there."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    path = _cache_file()
    try:
        tables = json.decode(path.read_bytes(), type=Tables)
        if (tables.form, tables.grammar) == (FORM, grammar):
            return tables
    except (OSError, DecodeError):
        pass  # there are none yet, or what is there is no such file
    tables = make_tables(grammar)
    _keep(tables, path)
    return tables


def make_tables(grammar: str) -> Tables:
    """Have lark make the tables of a grammar."""
    from lark import Lark  # loaded only where there are none
    from lark.parsers.lalr_analysis import Shift

    made = Lark(
        grammar,
        parser="lalr",
        start=list(STARTS),
        lexer="basic",
        maybe_placeholders=True,
        keep_all_tokens=True,
    )
    table = made.parser.parser._parse_table
    number = {rule: place for place, rule in enumerate(made.rules)}
    actions = tuple(
        {
            str(name): argument if action is Shift else ~number[argument]
            for name, (action, argument) in table.states[state].items()
        }
        for state in range(len(table.states))
    )
    rules = tuple(map(_translate, made.rules))
    return Tables(FORM, grammar, rules, actions, table.start_states, table.end_states)


def _translate(rule: "LarkRule") -> Rule:
    """What lark's own tree builder would do for a rule, with the options above. Its
    `empty_indices` have a truth for each symbol, those among them that were left out."""
    name, options = str(rule.origin.name), rule.options
    symbols = [symbol.name for symbol in rule.expansion]
    left_out = [0]
    for is_left_out in options.empty_indices or [False] * len(symbols):
        if is_left_out:
            left_out[-1] += 1
        else:
            left_out.append(0)
    handed_on = tuple(symbol.startswith("_") for symbol in symbols)
    return Rule(
        name=name,
        builder="" if name.startswith("_") else str(rule.alias or name),
        is_alone=options.expand1 and not rule.alias,
        handed_on=handed_on,
        left_out=tuple(left_out),
        is_plain=not any(handed_on) and not any(left_out),
    )


def _cache_file() -> Path:
    """Where tables are kept."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "netspec" / "grammar.json"


def _keep(tables: Tables, path: Path) -> None:
    """Write tables for the next run, in one piece; where that cannot be, they are made again."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(json.encode(tables))
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
