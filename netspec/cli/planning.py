"""A plan on paper once its options are known: the file compiled, the net found, the plan shown."""

from collections.abc import Mapping

from netspec.analyses.scaling import Machine, Scaling
from netspec.cli.check import refuse
from netspec.cli.inputs import Input
from netspec.cli.screen import Screen
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet, Program
from netspec.render.plan_report import PaperPlan, render_plan
from netspec.render.report import Detail, render_programs


def show_plan(
    input: Input,
    settings: Mapping[str, str],
    screen: Screen,
    gpus: int | None,
    batch: int | None,
    memory: int | None,
    rates: tuple[float | None, float | None, float | None],
) -> int:
    """Show the plan of the net that the input names; gives the exit code."""
    program = compile_source(input.source, settings, input.net)
    screen.write(render_programs([program], screen.page, Detail(quiet=True)))
    if program.has_errors:
        return 1
    net = find_net(program)
    columns = net.graph.gpus
    devices = gpus or columns
    if devices > 1 and devices % columns:
        refuse("--gpus", f"{net.name} has `gpus {columns}`, of which {devices} is no multiple")
    images = batch or (net.recipe and net.recipe.batch)
    if not images:
        refuse("--batch", f"{net.name} has no recipe that says how many images an update has")
    if images < devices // columns:
        refuse("--gpus", f"{images} images are too few for {devices // columns} replicas")
    scaling = Scaling.of(net.graph, net.recipe.solver if net.recipe else None)
    speed, link, column_link = rates
    machine = Machine(speed, link, column_link or link) if speed and link else None
    splits_fc = net.recipe is not None and net.recipe.parallel.fc == "split"
    plan = PaperPlan(net.name, scaling, images, devices, memory, machine, splits_fc)
    screen.write(render_plan(plan, screen.page))
    return 0


def find_net(program: Program) -> CheckedNet:
    """The only net; ends with a usage error where there are several or none."""
    if len(program.nets) == 1:
        return program.nets[0]
    name = program.source.name
    if program.nets:
        names = ", ".join(net.name for net in program.nets)
        refuse("FILE", f"{name} has several nets, pick one as {name}:NAME: {names}")
    refuse("FILE", f"{name} has no net whose parameters all have values")
