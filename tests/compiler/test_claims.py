"""Claims: to half a unit of the last digit, and only for the values the net was written with."""

import pytest

from netspec.compiler.program import ClaimTally
from tests.compiled import compile_text, summaries

NET = "net n {{ input 3x224x224\nc: conv 96, 11x11, stride=4, pad=0:3 -> {claim}\n}}"


@pytest.mark.parametrize(
    "claim",
    ["96x55x55", "55x55", "params 35k", "params 34.9k", "params 34_944", "params 0.03M",
     "macs 105M", "96x55x55, params 35k, macs 105_415_200", "params 3e4"],
)  # fmt: skip
def test_claims_that_hold(claim: str) -> None:
    program = compile_text(NET.format(claim=claim))
    assert summaries(program) == []
    assert program.nets[0].claims == ClaimTally(held=claim.count(",") + 1)


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ("96x54x55", "NS301 2:41 96x54x55"),
        ("54x55", "NS301 2:41 54x55"),
        ("96", "NS301 2:41 96"),
        ("params 34k", "NS302 2:41 params 34k"),
        ("params 34_943", "NS302 2:41 params 34_943"),
        ("params 34.8k", "NS302 2:41 params 34.8k"),
        ("macs 106M", "NS303 2:41 macs 106M"),
    ],
)
def test_claims_that_do_not_hold(claim: str, found: str) -> None:
    assert summaries(compile_text(NET.format(claim=claim))) == [found]


@pytest.mark.parametrize(
    ("params", "holds"), [(34_500, True), (35_500, True), (34_499, False), (35_501, False)]
)
def test_half_a_unit_of_the_last_digit(params: int, holds: bool) -> None:
    text = f"net n {{ input {params}x1x1; fc 1, bias=no -> params 35k }}"
    assert (summaries(compile_text(text)) == []) is holds


def test_a_vector_is_claimed_by_its_length() -> None:
    text = "net n { input 3x8x8; avgpool global -> 3; fc 10 -> 10x1x1; fc 10 -> 1x1 }"
    assert compile_text(text).nets[0].claims == ClaimTally(held=3)


def test_a_claim_on_a_call_or_join_speaks_of_everything_in_it() -> None:
    text = """
    block pair { conv 3, 1x1; conv 3, 1x1 }
    net n {
      input 3x8x8
      pair                                             -> 3x8x8, params 24, macs 1152
      add { branch { pair -> params 24 }; branch { conv 3, 1x1 } -> params 12 }   -> params 36
      expect params 60
    }
    """
    assert summaries(compile_text(text)) == []


def test_a_claim_that_a_loop_makes_often_counts_once() -> None:
    text = "net n { input 3x8x8; repeat 4 { relu -> 3x8x8 }; fc 3 }"
    assert compile_text(text).nets[0].claims == ClaimTally(held=1)


PARAMETERS = """
net n(classes = 10, width) {
  input 3x8x8
  conv width, 1x1          -> 4x8x8, params 16
  relu                     -> 8x8
  fc classes               -> 10
  expect params 2586
}
"""


def test_a_value_for_a_parameter_without_default_changes_nothing() -> None:
    assert compile_text(PARAMETERS, {"width": "4"}).nets[0].claims == ClaimTally(held=5)
    assert summaries(compile_text(PARAMETERS, {"width": "5"})) == [
        "NS301 4:31 4x8x8",
        "NS302 4:38 params 16",
        "NS302 7:10 params 2586",
    ]


def test_what_depends_on_a_changed_argument_is_skipped_and_counted() -> None:
    program = compile_text(PARAMETERS, {"width": "4", "classes": "5"})
    assert program.nets[0].claims == ClaimTally(held=3, skipped=2)


def test_a_wrong_claim_that_does_not_depend_on_the_change_is_still_an_error() -> None:
    text = PARAMETERS.replace("-> 8x8", "-> 9x9")
    assert summaries(compile_text(text, {"width": "4", "classes": "5"})) == ["NS301 5:31 9x9"]


def test_the_same_value_as_the_default_is_no_change() -> None:
    program = compile_text(PARAMETERS, {"width": "4", "classes": "10"})
    assert program.nets[0].claims == ClaimTally(held=5)


def test_a_net_made_from_another_keeps_the_claims_that_its_arguments_do_not_touch() -> None:
    text = PARAMETERS + "net m = n(classes=5, width=4) { expect params 1301 }\n"
    (made,) = compile_text(text).nets
    assert made.name == "m"
    assert made.claims == ClaimTally(held=4, skipped=2)


def test_expectations_of_a_made_net_are_about_that_net() -> None:
    text = PARAMETERS + "net m = n(classes=5, width=4) { expect params 1302 }\n"
    assert summaries(compile_text(text)) == ["NS302 9:40 params 1302"]


def test_a_failing_window_explains_its_arithmetic() -> None:
    text = "net n { input 3x224x224; conv 96, 11x11, stride=4 -> 96x55x55 }"
    (problem,) = compile_text(text).diagnostics
    arithmetic, came_from = problem.notes
    assert arithmetic == "height and width: (224 - 11) / 4 + 1 = 54.25, rounded down to 54"
    assert came_from == "input: 3x224x224, from input at line 1"
