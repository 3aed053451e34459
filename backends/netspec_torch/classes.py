"""How many classes a net has and the data have, and making the two agree.

A net's parameter `classes` takes the data's number, unless it was given a value from outside; a net
without one must end in that many numbers.
"""

from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import CompileError
from netspec.recipe.run import TrainingError

PARAMETER = "classes"


def fit_classes(net: CheckedNet, count: int) -> tuple[CheckedNet, str]:
    """The net with `count` classes, and what the plan says of where the number comes from.

    Raises TrainingError where the net has another number and none to change, and CompileError where
    the spec does not hold with that number.
    """
    parameters = dict(net.graph.parameters)
    note = ""
    if _is_free(net) and parameters[PARAMETER] != count:
        net, note = (
            _recompile(net, count),
            f"classes = {count}, the data's (the spec says {parameters[PARAMETER]})",
        )
    outputs = net.graph[net.graph.output].shape.channels
    if outputs == count:
        return net, note
    raise TrainingError(
        f"`{net.name}` ends in {outputs:,} numbers, and the data have {count:,} classes",
        _describe_way_out(net, count),
        cause="usage" if PARAMETER in dict(net.settings) else "file",
    )


def _is_free(net: CheckedNet) -> bool:
    return PARAMETER in dict(net.graph.parameters) and PARAMETER not in dict(net.settings)


def _recompile(net: CheckedNet, count: int) -> CheckedNet:
    settings = {**dict(net.settings), PARAMETER: str(count)}
    program = compile_source(net.span.source, settings, net.name)
    if program.has_errors:
        raise CompileError(program.diagnostics)
    (fitted,) = program.nets
    return fitted


def _describe_way_out(net: CheckedNet, count: int) -> str:
    if PARAMETER in dict(net.settings):
        return f"leave out --set {PARAMETER}=…, and it takes the data's {count}"
    if PARAMETER in dict(net.graph.parameters):
        return f"use the parameter `{PARAMETER}` as the channels of the net's last layer"
    return (
        f"give the net a parameter, `net {net.name}({PARAMETER} = {count})`, and its last layer "
        f"{PARAMETER} channels; it then takes the number that the data have"
    )
