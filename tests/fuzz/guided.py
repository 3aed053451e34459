"""Judges texts that coverage chooses: those that reach code which none before reached are kept and
made wrong again. Needs atheris, which `make fuzz` installs into an environment of its own.

    PYTHONPATH=. python tests/fuzz/guided.py CORPUS [-runs=N] [-seed=N] [-timeout=S] ...

CORPUS is a folder: what was kept lies there, and a later run begins with it. The options are
libFuzzer's. A text of which something does not hold is written into CORPUS-findings, and the run
goes on.
"""

import atexit
import gc
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from random import Random

import atheris

with atheris.instrument_imports(include=["netspec"]):
    import netspec

    for found in walk_packages(netspec.__path__, "netspec."):
        if not found.name.startswith(("netspec.__main__", "netspec.cli")):
            import_module(found.name)

from tests.fuzz.corpus import LONGEST, read_corpus
from tests.fuzz.fuzz import Run
from tests.fuzz.generation import generate
from tests.fuzz.mutations import mutate

CORPUS = read_corpus()
SLACK = 10.0
"""Instrumented code is slower, and the machine may be busy."""
TELL_EVERY = 10_000


def main() -> None:
    folder, *options = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(CORPUS):
        (Path(folder) / f"corpus_{number}").write_bytes(text.encode())
    run = Run(SLACK, Path(f"{folder}-findings"))

    def judge_bytes(data: bytes) -> None:
        run.judge(data.decode("utf-8", errors="replace"))
        if run.counts["inputs"] % TELL_EVERY == 0:
            run.tell()

    fixed = [f"-max_len={2 * LONGEST}", f"-artifact_prefix={folder}-"]
    arguments = [sys.argv[0], *fixed, *options, folder]
    atheris.Setup(arguments, judge_bytes, custom_mutator=mutate_bytes)
    atexit.register(run.tell)
    gc.freeze()
    atheris.Fuzz()


def mutate_bytes(data: bytes, longest: int, seed: int) -> bytes:
    """A text made wrong by what we know of texts, at times by what libFuzzer knows of bytes, or
    another text altogether."""
    random = Random(seed)
    match random.randrange(8):
        case 0:
            return bytes(atheris.Mutate(data, longest))
        case 1:
            text = generate(random)
        case _:
            text = data.decode("utf-8", errors="replace")
    mutated = mutate(text, random.choice(CORPUS), random)
    return mutated.encode("utf-8", errors="replace")[:longest]


if __name__ == "__main__":
    main()
