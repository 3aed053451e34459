"""Judges mistaken texts and generated files, a number of them from a seed: the same each time.

    PYTHONPATH=. python tests/fuzz/fuzz.py [--inputs N] [--seed N] [--slack X] [--keep DIR]

A text of which something does not hold is printed and kept in the folder; the run goes on.
`guided.py` is led by the code that texts reach.
"""

import argparse
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from tests.fuzz.corpus import read_corpus
from tests.fuzz.generation import generate
from tests.fuzz.judge import Verdict, judge
from tests.fuzz.mutations import mutate


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--slack", type=float, default=1.0, help="times the seconds that are allowed"
    )
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"))
    arguments = parser.parse_args()
    run = Run(arguments.slack, arguments.keep)
    told = perf_counter()
    for text in list_texts(arguments.inputs, arguments.seed):
        run.judge(text)
        if perf_counter() - told > 60:
            told = perf_counter()
            run.tell()
    run.tell()
    return min(len(run.seen), 1)


def list_texts(count: int, seed: int) -> Iterator[str]:
    """So many texts, one in eight a generated file and one more of them made wrong."""
    corpus = read_corpus()
    random = Random(seed)
    for _ in range(count):
        match random.randrange(8):
            case 0:
                yield generate(random)
            case 1:
                yield mutate(generate(random), random.choice(corpus), random)
            case _:
                yield mutate(random.choice(corpus), random.choice(corpus), random)


class Run:
    """Texts judged one after the other, and what was found."""

    def __init__(self, slack: float, keep: Path) -> None:
        self.slack = slack
        self.keep = keep
        self.seen: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0

    def judge(self, text: str) -> None:
        started = process_time()
        try:
            program = judge(text, self.slack)
        except Exception as error:
            self.keep_failure(error, text)
        else:
            self.counts["with errors"] += program.has_errors
            self.counts["with warnings"] += bool(program.diagnostics) and not program.has_errors
        self.counts["inputs"] += 1
        self.slowest = max(self.slowest, process_time() - started)

    def keep_failure(self, error: BaseException, text: str) -> None:
        """Write the text down, once for each place that the error comes from."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}"
        key = str(error)[:30] if isinstance(error, Verdict) else where
        if key in self.seen:
            return
        self.seen.add(key)
        self.keep.mkdir(parents=True, exist_ok=True)
        path = self.keep / f"failure_{len(self.seen)}.net"
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        print(f"{type(error).__name__}: {error}\n  at {where}\n  kept in {path}", flush=True)

    def tell(self) -> None:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        rate = self.counts["inputs"] / max(process_time(), 0.01)
        print(
            f"{counts}; {rate:.0f} a second, slowest {self.slowest:.2f} s, "
            f"{len(self.seen)} findings",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
