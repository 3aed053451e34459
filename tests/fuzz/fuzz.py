"""Reads, checks and formats mistaken texts for as long as it is told, and says how many a second.

A text of which something does not hold is printed and kept in the folder; the run goes on.

    PYTHONPATH=. python tests/fuzz/fuzz.py [--seconds N] [--seed N] [--keep DIR]
"""

import argparse
import sys
import traceback
from pathlib import Path
from random import Random
from time import perf_counter

from tests.fuzz.corpus import read_corpus
from tests.fuzz.judge import Verdict, judge
from tests.fuzz.mutations import mutate


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"))
    arguments = parser.parse_args()
    return run(arguments.seconds, arguments.seed, arguments.keep)


def run(seconds: float, seed: int, keep: Path) -> int:
    """Judge texts; the number of those of which something does not hold."""
    corpus = read_corpus()
    random = Random(seed)
    count = wrong = failed = 0
    slowest = 0.0
    seen: set[str] = set()
    started = told = perf_counter()
    while perf_counter() - started < seconds:
        text = mutate(random.choice(corpus), random.choice(corpus), random)
        begun = perf_counter()
        try:
            wrong += bool(judge(text))
        except (Exception, RecursionError) as error:
            failed += keep_failure(error, text, keep, seen)
        slowest = max(slowest, perf_counter() - begun)
        count += 1
        if perf_counter() - told > 30:
            told = perf_counter()
            tell(count, wrong, failed, slowest, told - started)
    tell(count, wrong, failed, slowest, perf_counter() - started)
    return min(failed, 1)


def keep_failure(error: BaseException, text: str, keep: Path, seen: set[str]) -> int:
    """Write the text down, once for each place that the error comes from; 1 if it is new."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}"
    key = str(error)[:30] if isinstance(error, Verdict) else where
    if key in seen:
        return 0
    seen.add(key)
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / f"failure_{len(seen)}.net"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    print(f"{type(error).__name__}: {error}\n  at {where}\n  kept in {path}", flush=True)
    return 1


def tell(count: int, wrong: int, failed: int, slowest: float, seconds: float) -> None:
    rate = count / seconds
    print(
        f"{count:,} inputs, {rate:.0f} a second, {wrong:,} with errors or warnings, "
        f"slowest {slowest:.2f} s, {failed} failures",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
