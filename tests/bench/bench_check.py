"""Measures `netspec check` as a whole process, beside a bare Python, beside importing torch, and
beside torchinfo's summary of torchvision's AlexNet.

Prints a Markdown table: the median CPU and wall time of 15 runs each, in milliseconds, and how many
times the check's CPU time that is. The commands take turns, so that a busy moment of the machine
falls on all of them. torchinfo and torchvision are those of the environment that `make parity` has;
without it, their line is left out.

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
PARITY = ROOT / ".build" / "parity" / "bin" / "python"
SUMMARY = """\
import torchinfo, torchvision
torchinfo.summary(torchvision.models.alexnet(), (1, 3, 224, 224), verbose=1)
"""
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


def list_commands(file: str) -> dict[str, list[str]]:
    """The processes that are measured, the check first."""
    netspec = str(Path(sys.executable).with_name("netspec"))
    commands = {
        f"`netspec check {file}`": [netspec, "check", file],
        f"`netspec check --format json {file}`": [netspec, "check", "--format", "json", file],
        "`python -c pass`": [sys.executable, "-c", "pass"],
        '`python -c "import torch"`': [sys.executable, "-c", "import torch"],
    }
    if PARITY.exists():
        commands["`torchinfo.summary(torchvision.models.alexnet(), …)`"] = [
            str(PARITY),
            "-c",
            SUMMARY,
        ]
    else:
        print("make parity installs torchinfo and torchvision to compare with", file=sys.stderr)
    return commands


def main() -> None:
    commands = list_commands(sys.argv[1] if len(sys.argv) > 1 else "specs/alexnet.net")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, command in commands.items():
            taken = measure(command)
            if run:  # the first one warms the caches
                times[name].append(taken)
    medians = {
        name: [median(column) for column in zip(*taken, strict=True)]
        for name, taken in times.items()
    }
    check = next(iter(medians.values()))[0]
    print("| process | CPU ms | wall ms | times the check |\n|---|---:|---:|---:|")
    for name, (cpu, wall) in medians.items():
        print(f"| {name} | {cpu:,.0f} | {wall:,.0f} | {cpu / check:.2g} |")


if __name__ == "__main__":
    main()
