"""Measures how long a run of `specs/alexnet.net` stands still for a snapshot, and how much memory
that takes: the weights and as much again for the velocity are hashed, written, and forced to disk.

Prints a Markdown table: each of the writes, and reading one back with its checksum.

    python tests/bench/bench_snapshot.py [--rounds 5]
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import torch

import netspec
import netspec_torch
from netspec_torch.snapshot import Snapshot, collect_solver_state, read_snapshot, write_snapshot
from netspec_torch.solver import make_optimizer

SPEC = Path(__file__).parents[2] / "specs" / "alexnet.net"


def make_snapshot() -> Snapshot:
    """Of a net after one update."""
    net = netspec.load(SPEC).net
    assert net.recipe is not None
    module = netspec_torch.build(net, seed=0).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    factors = netspec_torch.parameter_factors(net.graph)
    optimizer = make_optimizer(net.recipe.solver, module.named_parameters(), factors)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()
    return Snapshot(module.state_dict(), collect_solver_state(module, optimizer), {}, {"run": {}})


def peak_memory() -> float:
    """MB of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    snapshot = make_snapshot()
    print("| | seconds | of the processor | MB | more memory at its peak, MB |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "update-1.safetensors"
        for number in range(1, rounds + 1):
            before, start, cpu = peak_memory(), time.perf_counter(), time.process_time()
            write_snapshot(path, snapshot)
            row = time.perf_counter() - start, time.process_time() - cpu, peak_memory() - before
            size = path.stat().st_size / 1e6
            print(f"| write {number} | {row[0]:.2f} | {row[1]:.2f} | {size:.0f} | {row[2]:.0f} |")
        start = time.perf_counter()
        read_snapshot(path)
        print(f"| read | {time.perf_counter() - start:.2f} | | {size:.0f} | |")


if __name__ == "__main__":
    main()
