"""Measures `netspec check` on deep networks, as a whole process: the largest in specs/, and a
residual block that is repeated to 1,000 layers and more.

Prints a Markdown table: the least CPU time of 5 runs, to which other jobs can only add, and what
each layer takes of what is beyond LeNet's, which is hardly more than a start. The files take turns,
so that a busy moment of the machine falls on all of them; the first round only warms the caches.

    python tests/bench/bench_deep.py
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from netspec.compiler.pipeline import compile_file

RUNS = 5
SPECS = Path(__file__).parents[2] / "specs"
NAMES = ("lenet", "resnet152", "inception_resnet_v2", "nasnet_a_large")
DEPTHS = (1_000, 3_000, 10_000, 30_000)
DEEP = """\
# {depth} layers: four in each block, and four around them.

block residual {{
  add {{
    branch {{ conv channels, 3x3, pad=1, bias=no; batchnorm; relu }}
    branch {{ }}
  }}
}}

net deep(classes = 10) {{
  input 3x32x32
  conv 16, 3x3, pad=1, bias=no; batchnorm; relu
  repeat {repeats} {{ residual }}
  fc classes                                   -> 10
}}
"""
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""As a user has it: Python keeps compiled modules from the first run on."""


def write_deep(folder: Path, depth: int) -> Path:
    """A file with a net of that many layers."""
    path = folder / f"{depth}-layers.net"
    path.write_text(DEEP.format(depth=depth, repeats=(depth - 4) // 4), encoding="utf-8")
    return path


def count_layers(path: Path) -> int:
    """The layers of a file's net, as `netspec check` counts them: without the input."""
    (net,) = compile_file(path).nets
    return len(list(net.graph.inference_nodes)) - len(net.graph.inputs)


def measure(path: Path) -> float:
    """Milliseconds of CPU that a check of the file takes, from the process's start to its end."""
    command = [sys.executable, "-m", "netspec", "check", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return (usage.ru_utime + usage.ru_stime) * 1000


def find_least(paths: list[Path]) -> dict[Path, float]:
    """The least time of each file."""
    rounds = [{path: measure(path) for path in paths} for _ in range(RUNS + 1)][1:]
    return {path: min(times[path] for times in rounds) for path in paths}


def main() -> None:
    with TemporaryDirectory() as folder:
        deep = [write_deep(Path(folder), depth) for depth in DEPTHS]
        paths = [SPECS / f"{name}.net" for name in NAMES] + deep
        layers = {path: count_layers(path) for path in paths}
        times = find_least(paths)
    print("| file | layers | CPU ms | µs a layer |\n|---|---:|---:|---:|")
    least = times[paths[0]]
    for path in paths:
        name = f"`specs/{path.name}`" if path not in deep else "a residual block, repeated"
        each = f"{(times[path] - least) / layers[path] * 1000:.0f}" if path != paths[0] else "-"
        print(f"| {name} | {layers[path]:,} | {times[path]:,.0f} | {each} |")


if __name__ == "__main__":
    main()
