"""Measures the memory of a training update beside the estimate that `netspec check` makes of it
from shapes, on a CPU by PyTorch's own record of what its allocator is asked for.

Prints a Markdown table, that of docs/performance.md. No figure of it depends on the machine's load.

    python tests/bench/bench_memory.py
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

from netspec.analyses.training_memory import need_one_device
from netspec.compiler.pipeline import compile_file
from netspec.recipe.device import Precision
from tests.netspec_torch.peak import measure_peak

SPECS = Path(__file__).parents[2] / "specs"
NETS = ("alexnet", "resnet18", "mobilenet_v2")
BATCHES = (8, 32)
MIB = 2**20


class Case(NamedTuple):
    """An update that the table has a row for."""

    spec: str
    batch: int
    precision: Precision

    def estimate(self) -> int:
        """Bytes, from shapes."""
        (net,) = compile_file(SPECS / f"{self.spec}.net").nets
        assert net.recipe
        needs = need_one_device(net.graph, net.recipe.solver)
        return needs.measure(self.batch, self.precision).peak

    def measure(self) -> int:
        """Bytes, of PyTorch."""
        (net,) = compile_file(SPECS / f"{self.spec}.net").nets
        return measure_peak(net, self.batch, self.precision)

    @property
    def heading(self) -> str:
        """The cells of its row that do not say how much."""
        return f"| `specs/{self.spec}.net` | {self.batch} | {self.precision} |"


def list_cases() -> Iterator[Case]:
    for spec in NETS:
        for precision in get_args(Precision):
            for batch in BATCHES:
                yield Case(spec, batch, precision)


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    print("| update | batch | precision | estimated MiB | measured MiB | estimated / measured |")
    print("|---|---:|---|---:|---:|---:|")
    for case in list_cases():
        told, found = case.estimate(), case.measure()
        amounts = f"{told / MIB:,.1f} | {found / MIB:,.1f} | {told / found:.3f}"
        print(f"{case.heading} {amounts} |", flush=True)


if __name__ == "__main__":
    main()
