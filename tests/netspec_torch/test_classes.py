"""The data's number of classes: taken by the net, or refused with a way out."""

import pytest

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec_torch.classes import count_outputs, fit_classes

FREE = "net free(classes = 10) { input 1x4x4; fc classes -> 10; expect params 170 }"
FIXED = "net fixed { input 1x4x4; fc 10 }"
UNUSED = "net odd(classes = 10) { input 1x4x4; fc 10; fc 10 + 0 * classes }"
FAMILY = """
net base(width, classes = 10) { input 1x4x4; conv width, 1x1; fc classes }
net wide = base(width=8)
net five = base(width=8, classes=5)
"""
GROUPS = "net grouped(classes = 10) { input 1x4x4; fc 2 * classes; conv classes, 1x1, groups=5 }"


def compile_net(text: str, name: str | None = None, **settings: object) -> CheckedNet:
    source = SourceFile("case.net", text)
    return netspec.load(source, net=name, settings=settings).net


def test_the_parameter_takes_the_datas_number() -> None:
    net, note = fit_classes(compile_net(FREE), 3)
    assert count_outputs(net) == 3
    assert dict(net.graph.parameters) == {"classes": 3}
    assert note == "classes = 3, the data's (the spec says 10)"


@pytest.mark.parametrize("text", [FREE, FIXED])
def test_a_net_that_fits_is_left_as_it_is(text: str) -> None:
    net = compile_net(text)
    assert fit_classes(net, 10) == (net, "")


def test_other_settings_are_kept() -> None:
    net, _ = fit_classes(compile_net(FAMILY, "base", width=4), 7)
    assert dict(net.graph.parameters) == {"width": 4, "classes": 7}


def test_a_net_made_from_another_takes_it_too() -> None:
    net, _ = fit_classes(compile_net(FAMILY, "wide"), 7)
    assert (net.name, count_outputs(net)) == ("wide", 7)


@pytest.mark.parametrize(
    ("net", "cause", "help"),
    [
        (compile_net(FIXED), "file", "`net fixed(classes = 3)`"),
        (compile_net(FREE, classes=4), "usage", "leave out --set classes"),
        (compile_net(UNUSED), "file", "last layer `classes` channels"),
        (compile_net(FAMILY, "five"), "file", "leave the parameter open"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(net: CheckedNet, cause: str, help: str) -> None:
    with pytest.raises(TrainingError, match="the data have 3 classes") as caught:
        fit_classes(net, 3)
    assert caught.value.cause == cause
    assert help in caught.value.help


def test_a_spec_that_does_not_hold_with_the_number_says_why() -> None:
    with pytest.raises(netspec.CompileError, match="groups"):
        fit_classes(compile_net(GROUPS), 3)
