"""How many classes a net has and the data have, and making the two agree.

A net's parameter `classes` takes the data's number, unless it was given a value from outside; a net
without one must end in that many numbers.
"""

from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import CompileError
from netspec.recipe.run import TrainingError

PARAMETER = "classes"
UNKNOWN_PARAMETER = "NS122"


def fit_classes(net: CheckedNet, count: int) -> tuple[CheckedNet, str]:
    """The net with `count` classes, and what the plan says of where the number comes from.

    Raises TrainingError where the net has another number and none to change, and CompileError where
    the spec does not hold with that number.
    """
    if count_outputs(net) == count:
        return net, ""
    written = dict(net.graph.parameters).get(PARAMETER)
    if written is not None and PARAMETER not in dict(net.settings):
        fitted = _recompile(net, count)
        if fitted is not None and count_outputs(fitted) == count:
            return fitted, f"classes = {count}, the data's (the spec says {written})"
    raise TrainingError(
        f"`{net.name}` ends in {count_outputs(net):,} numbers, and the data have {count:,} classes",
        _describe_way_out(net, count),
        cause="usage" if PARAMETER in dict(net.settings) else "file",
    )


def count_outputs(net: CheckedNet) -> int:
    """The numbers that a net ends in, which are its classes."""
    return net.graph[net.graph.output].shape.channels


def _recompile(net: CheckedNet, count: int) -> CheckedNet | None:
    """The net with another number; None where it was made from another net, with its number."""
    settings = {**dict(net.settings), PARAMETER: str(count)}
    program = compile_source(net.span.source, settings, net.name)
    if any(diagnostic.code == UNKNOWN_PARAMETER for diagnostic in program.diagnostics):
        return None
    if program.has_errors:
        raise CompileError(program.diagnostics)
    (fitted,) = program.nets
    return fitted


def _describe_way_out(net: CheckedNet, count: int) -> str:
    if PARAMETER in dict(net.settings):
        return f"leave out --set {PARAMETER}=…, and it takes the data's {count}"
    if PARAMETER in dict(net.graph.parameters):
        return (
            f"give the net's last layer `{PARAMETER}` channels, and leave the parameter open where "
            "the net is made from another"
        )
    return (
        f"give the net a parameter, `net {net.name}({PARAMETER} = {count})`, and its last layer "
        f"{PARAMETER} channels; it then takes the number that the data have"
    )
