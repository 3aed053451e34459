"""Measures `netspec check` as a whole process, beside a bare Python and beside importing torch.

Prints a Markdown table: the median CPU and wall time of 15 runs each, in milliseconds. The three
commands take turns, so that a busy moment of the machine falls on all of them.

    python tests/bench/bench_check.py [FILE]
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

RUNS = 15
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""As a user has it: Python keeps compiled modules from the first run on."""


def measure(command: list[str]) -> tuple[float, float]:
    """CPU and wall time of a whole process, in milliseconds."""
    before, start = cpu_of_children(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=ENVIRONMENT)
    wall = time.perf_counter() - start
    return (cpu_of_children() - before) * 1000, wall * 1000


def cpu_of_children() -> float:
    """Seconds of CPU that all finished child processes took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    file = sys.argv[1] if len(sys.argv) > 1 else "specs/alexnet.net"
    commands = {
        "`python -c pass`": ["-c", "pass"],
        f"`netspec check {file}`": ["-m", "netspec", "check", file],
        f"`netspec check --format json {file}`": [
            "-m",
            "netspec",
            "check",
            "--format",
            "json",
            file,
        ],
        '`python -c "import torch"`': ["-c", "import torch"],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, arguments in commands.items():
            taken = measure([sys.executable, *arguments])
            if run:  # the first one warms the caches
                times[name].append(taken)
    print("| process | CPU ms | wall ms |\n|---|---:|---:|")
    for name, taken_times in times.items():
        cpu, wall = (median(column) for column in zip(*taken_times, strict=True))
        print(f"| {name} | {cpu:.0f} | {wall:.0f} |")


if __name__ == "__main__":
    main()
