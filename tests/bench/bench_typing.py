"""Measures what someone waits for who types: a check of the text in an editor, its canonical form,
and the answer of `netspec check --watch` to a save.

Prints a Markdown table. Each figure is the least of many: whatever else the machine does can only
add to it. Every run gets another text, as typing makes it, so that nothing is remembered.

    python tests/bench/bench_typing.py [FILE]
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import netspec
from netspec.source import SourceFile
from netspec.syntax.formatter import format_source

RUNS = 200
SAVES = 50
ROOT = Path(__file__).parents[2]


def measure_calls(work: Callable[[SourceFile], object], file: Path) -> list[float]:
    """Milliseconds of calls in this process, the first left out: it loads the compiler."""
    text = file.read_text(encoding="utf-8")
    times: list[float] = []
    for run in range(RUNS + 1):
        source = SourceFile(file.name, f"{text}# {run}\n", file)
        start = time.perf_counter()
        work(source)
        times.append((time.perf_counter() - start) * 1000)
    return times[1:]


def measure_saves(file: Path) -> list[float]:
    """Milliseconds from a save to the last line of what a watch shows of it."""
    text = file.read_text(encoding="utf-8")
    times: list[float] = []
    with TemporaryDirectory() as folder:
        watched = Path(folder) / file.name
        watched.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "netspec", "check", "--watch", str(watched)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as process:
            wait_for_round(process)
            for run in range(SAVES):
                time.sleep(0.05 + run % 10 / 1000)  # falls anywhere between two looks
                beside = watched.with_suffix(".new")
                beside.write_text(f"{text}# {run}\n", encoding="utf-8")
                start = time.perf_counter()
                os.replace(beside, watched)
                wait_for_round(process)
                times.append((time.perf_counter() - start) * 1000)
            process.send_signal(signal.SIGINT)
    return times


def wait_for_round(process: "subprocess.Popen[str]") -> None:
    assert process.stdout
    while not process.stdout.readline().startswith("checked at "):
        pass


def main() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "specs" / "alexnet.net").resolve()
    rows = {
        "`netspec.check`, in process": measure_calls(netspec.check, file),
        "its canonical form, in process": measure_calls(format_source, file),
        "`netspec check --watch`, from save to answer": measure_saves(file),
    }
    print(f"| {file.name} | least ms | median ms |\n|---|---:|---:|")
    for name, times in rows.items():
        print(f"| {name} | {min(times):.1f} | {median(times):.1f} |")


if __name__ == "__main__":
    main()
