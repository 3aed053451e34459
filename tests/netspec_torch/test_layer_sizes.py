"""The sizes of weights and of their updates, and their line in the metrics of a run."""

from typing import Any

import pytest
import torch

import netspec
from netspec.source import SourceFile
from netspec_torch.distributed.local_net import place_net
from netspec_torch.distributed.world import World
from netspec_torch.layer_sizes import LayerSizes
from tests.netspec_torch.small_runs import (
    TOTAL,
    Recorder,
    Trainer,
    assert_same_run,
    make_net,
    read_metrics,
)


def test_the_sizes_of_an_update_are_those_counted_by_hand() -> None:
    spec = "net tiny { input 2x1x1; fc1: fc 1; fc2: fc 3, rate=0, bias_rate=0 }"
    graph = netspec.load(SourceFile("tiny.net", spec)).net.graph
    local = place_net(graph, World(torch.device("cpu")), 0)
    weights = dict(local.trained.named_parameters())
    with torch.no_grad():
        weights["fc1.weight"].copy_(torch.tensor([[3.0, -1.0]]))
        weights["fc1.bias"].zero_()
    sizes = LayerSizes(local)
    sizes.remember()
    with torch.no_grad():
        weights["fc1.weight"].add_(torch.tensor([[0.5, 0.5]]))
    assert sizes.measure() == {
        "fc1.weight": {"weights": 2.0, "updates": 0.5, "ratio": 0.25},
        "fc1.bias": {"weights": 0.0, "updates": 0.0, "ratio": None},
    }


def list_sizes(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["kind"] == "layers"]


def test_a_run_logs_them_on_request_and_is_the_same(run: Trainer) -> None:
    plain = run(make_net(), out="plain")
    watched = run(make_net(), watch_layers=True)
    assert list_sizes(read_metrics(plain)) == []
    lines = list_sizes(read_metrics(watched))
    assert [line["update"] for line in lines] == list(range(1, TOTAL + 1))
    assert set(lines[0]["layers"]) == {"conv1.weight", "conv1.bias", "fc2.weight", "fc2.bias"}
    rest = [entry for entry in read_metrics(watched) if entry["kind"] != "layers"]
    assert rest == read_metrics(plain)
    assert watched.final == plain.final


def test_the_first_update_is_the_rate_times_the_gradient(run: Trainer) -> None:
    """Twice the rate moves the weights twice as far."""
    first, second = (
        list_sizes(
            read_metrics(
                run(make_net(f"sgd rate={rate}"), out=str(rate), iterations=1, watch_layers=True)
            )
        )[0]["layers"]["fc2.weight"]
        for rate in (0.01, 0.02)
    )
    assert second["updates"] == pytest.approx(2 * first["updates"], rel=1e-4)
    assert first["ratio"] == pytest.approx(first["updates"] / first["weights"])


def test_a_run_that_goes_on_keeps_logging(run: Trainer) -> None:
    straight = run(make_net(), out="straight", watch_layers=True)
    run(make_net(), watch_layers=True, listener=Recorder(stop_after=6))
    assert_same_run(straight, run(make_net(), resume=True))
