"""Near names: what somebody may have meant by a word that is not known."""

from collections.abc import Iterable
from functools import lru_cache

MOST_COMPARED = 100
"""So many names are compared letter by letter with one word."""


def suggest_names(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names nearest to the word, the likeliest first; none where none is near."""
    from netspec.syntax.foreign.words import ALIASES  # only a file with a mistake needs them

    known = set(known)
    lowered = word.lower()
    for meant in (lowered, ALIASES.get(lowered), ALIASES.get(lowered.replace("_", ""))):
        if meant in known:
            return [meant]
    limit = max(1, len(word) // 3)
    near = sorted(
        (distance, name[:1] != lowered[:1], name)
        for name in find_comparable(lowered, known, limit)
        if (distance := count_edits(lowered, name.lower(), limit)) <= limit
    )
    if near:
        return [name for _, _, name in near][:most]
    longer = sorted(name for name in known if len(word) > 2 and name.startswith(lowered))
    return longer[:most]


def find_comparable(word: str, known: Iterable[str], limit: int) -> list[str]:
    """The names that can be as near as the limit, as their lengths and letters tell; of very many
    those that begin as the word does."""
    letters = letters_of(word)
    near = [
        name
        for name in known
        if abs(len(name) - len(word)) <= limit
        and (letters ^ letters_of(name)).bit_count() <= 2 * limit
    ]
    if len(near) > MOST_COMPARED:
        near = sorted(name for name in near if name[:1].lower() == word[:1])[:MOST_COMPARED]
    return near


@lru_cache(maxsize=100_000)
def letters_of(name: str) -> int:
    """The letters of a name, a bit each; an edit changes two at most."""
    return sum({1 << ord(letter) % 64 for letter in name.lower()})


def count_edits(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words, or more than
    `limit` where it is certain to be more (optimal string alignment)."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if last and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit and min(before) > limit:
            return limit + 1
    return row[-1]


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The help line for an unknown word, or none."""
    near = suggest_names(word, known)
    if not near:
        return ()
    return ("did you mean " + " or ".join(f"`{name}`" for name in near) + "?",)
