"""Follows the LALR(1) tables token by token, and has each complete rule put together.

Which token comes next, and what becomes of one that the grammar does not have, is decided by who
feeds it (`parser.py`), who may cut its stack back to where another can follow.
"""

from collections.abc import Mapping
from typing import Any

from netspec.syntax.builder import TreeBuilder
from netspec.syntax.tables import Rule, load_tables
from netspec.syntax.terminals import Token

BUILDER = TreeBuilder()


class Automaton:
    """A parser somewhere in a text."""

    def __init__(self, start: str) -> None:
        """Before a text of one of the grammar's start rules."""
        tables = load_tables()
        self._actions = tables.actions
        self._rules = tables.rules
        self._end = tables.ends[start]
        self._states = [tables.starts[start]]
        self._values: list[Any] = []
        """What each state but the first was entered with: a token, or what a rule gave."""

    @property
    def height(self) -> int:
        """Of its stack."""
        return len(self._states)

    @property
    def expected(self) -> Mapping[str, int]:
        """What can follow: terminals by their names, and nonterminals in small letters."""
        return self._actions[self._states[-1]]

    @property
    def built(self) -> Any:
        """What the start rule gave, once `$END` was taken."""
        return self._values[-1]

    def feed(self, token: Token) -> bool:
        """Complete the rules that end before a token, and take it; False where the grammar does not
        have it here."""
        while (action := self._actions[self._states[-1]].get(token.type)) is not None:
            if action >= 0:
                self._states.append(action)
                self._values.append(token)
                return True
            self._complete(self._rules[~action])
            if token.type == "$END" and self._states[-1] == self._end:
                return True
        return False

    def unwind(self, wanted: str, floor: int) -> bool:
        """Drop unfinished parts from the stack, down to a height, until a terminal may follow;
        where none lets it, the stack is left as it is."""
        for height in range(len(self._states), floor - 1, -1):
            if self._takes(wanted, height):
                del self._states[height:]
                del self._values[height - 1 :]
                return True
        return False

    def _takes(self, wanted: str, height: int) -> bool:
        """Whether a terminal may follow the stack as it is below a height: whether it is taken once
        the rules are complete that end before it."""
        above: list[int] = []
        state = self._states[height - 1]
        while (action := self._actions[state].get(wanted)) is not None:
            if action >= 0:
                return True
            rule = self._rules[~action]
            num_own = min(len(rule.handed_on), len(above))
            del above[len(above) - num_own :]
            height -= len(rule.handed_on) - num_own
            state = self._actions[above[-1] if above else self._states[height - 1]][rule.name]
            above.append(state)
            if wanted == "$END" and state == self._end:
                return True
        return False

    def _complete(self, rule: Rule) -> None:
        begin = len(self._values) - len(rule.handed_on)
        parts = _gather(rule, self._values[begin:])
        del self._states[begin + 1 :]
        del self._values[begin:]
        self._states.append(self._actions[self._states[-1]][rule.name])
        self._values.append(_build(rule, parts))


def _gather(rule: Rule, values: list[Any]) -> list[Any]:
    """The parts of a rule: what its symbols gave, and None for what is left out."""
    if rule.is_plain:
        return values
    parts: list[Any] = []
    for left_out, is_handed_on, value in zip(rule.left_out, rule.handed_on, values, strict=False):
        parts += [None] * left_out
        if not is_handed_on:
            parts.append(value)
        elif parts:
            parts += value
        else:
            parts = value  # not copied, or a list would take time that grows as its square
    parts += [None] * rule.left_out[-1]
    return parts


def _build(rule: Rule, parts: list[Any]) -> Any:
    if not rule.builder:
        return parts
    if rule.is_alone and len(parts) == 1:
        return parts[0]
    return getattr(BUILDER, rule.builder)(parts)
