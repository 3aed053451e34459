"""What is asked from outside: a net by name, values for parameters."""

from fractions import Fraction

import pytest

from netspec.values import spell_value
from tests.compiled import compile_text, summaries

NETS = """
net a(classes = 10, act = relu) { input 3x8x8; activate act; fc classes }
net b(counts) { input 3x8x8; for c in counts { fc c } }
net c = a(classes=3)
"""


def test_a_value_goes_to_every_net_that_has_the_parameter() -> None:
    program = compile_text(NETS, {"counts": "[4, 5]", "act": "tanh"})
    assert {net.name: str(net.graph[net.graph.output].shape) for net in program.nets} == {
        "a": "10", "b": "5", "c": "3",
    }  # fmt: skip
    assert all(
        net.graph["activate_1"].layer.kind == "tanh" for net in program.nets if net.name != "b"
    )


def test_a_net_without_all_its_values_is_a_pattern() -> None:
    (pattern,) = compile_text(NETS).patterns
    assert (pattern.name, pattern.missing) == ("b", ("counts",))


def test_one_net_can_be_picked() -> None:
    assert [net.name for net in compile_text(NETS, net="c").nets] == ["c"]


@pytest.mark.parametrize(
    ("settings", "net", "found"),
    [
        ({"clases": "3"}, None, "NS122 1:1 clases"),
        ({"classes": "3"}, "c", "NS122 1:1 classes"),
        ({"classes": "3 +"}, None, "NS004"),
        ({"classes": "35kg"}, None, "NS002"),
        ({"classes": "1 / 0"}, None, "NS121"),
        ({}, "d", "NS122 1:1"),
    ],
)
def test_refusals(settings: dict[str, str], net: str | None, found: str) -> None:
    program = compile_text(NETS, settings, net)
    assert program.nets == ()
    (problem,) = summaries(program)
    assert problem.startswith(found)


def test_a_value_that_a_layer_does_not_take_is_told_at_the_layer() -> None:
    assert summaries(compile_text(NETS, {"classes": "0", "counts": "[1]"})) == [
        "NS109 2:65 classes"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "-3",
        "0.1",
        "1 / 3",
        "2 / 7",
        "1e-9",
        "yes",
        "relu",
        '"my set"',
        "3x4",
        "3x224x224",
        "1:2",
        "1x2:3x4",
        "2 epochs",
        "0.1 epochs",
        "100k iterations",
        "[1, [2 / 3, relu], no]",
    ],
)
def test_a_value_is_spelled_as_it_is_read(text: str) -> None:
    """What a net was trained with is kept as text."""
    net = "net n(value = 0, classes = 10) { input 3x8x8; if value == value { fc classes } }"
    (first,) = compile_text(net, {"value": text}).nets
    spelled = {name: spell_value(value) for name, value in first.parameters}
    (second,) = compile_text(net, spelled).nets
    assert second.parameters == first.parameters


def test_tenths_are_spelled_as_decimals() -> None:
    assert [spell_value(Fraction(1, 10)), spell_value(Fraction(1, 3))] == ["0.1", "1/3"]
