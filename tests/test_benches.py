"""What the benchmarks compare is the same on both sides."""

import netspec
import netspec_torch
from tests.bench.bench_training_step import SPEC, check_that_both_agree


def test_the_network_by_hand_computes_what_the_spec_does() -> None:
    net = netspec.load(SPEC).net
    check_that_both_agree(net, netspec_torch.build(net, seed=0).state_dict())
