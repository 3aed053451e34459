"""What `netspec plan` shows: what an update takes of each device, and how the efficiency falls with
their number.
"""

from collections.abc import Iterator

from msgspec import Struct

from netspec.analyses.scaling import Layout, Load, Machine, Scaling
from netspec.recipe.device import show_bytes
from netspec.render.page import Line, Page, Piece, count_noun, join_blocks, styled, wrap_text
from netspec.render.table import Column, TableRow, fit_columns, render_table

FACT_WIDTH = 12
PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class PaperPlan(Struct, frozen=True):
    """A net's training on so many devices."""

    net: str
    scaling: Scaling
    batch: int
    """Images of an update."""
    devices: int
    memory: int | None
    """Bytes that a device has; None where nothing is said of it."""
    machine: Machine | None
    """None where speed and link are not both said."""
    splits_fc: bool = False
    """Whether the recipe says so of the fully connected layers."""

    @property
    def layout(self) -> Layout:
        """As the net and its recipe say, but on one device."""
        if self.devices == 1:
            return Layout(1)
        columns = self.scaling.graph.gpus
        return Layout(self.devices // columns, columns, self.splits_fc)


def render_plan(plan: PaperPlan, page: Page) -> list[Line]:
    """The facts of the devices asked for, and the table of other numbers of devices."""
    load = plan.scaling.load(plan.layout, plan.batch)
    blocks = [
        [styled(f"{plan.net} on {describe_layout(plan.layout)}", "strong")],
        list(render_facts(plan, load, page)),
    ]
    if plan.machine:
        blocks.append(render_efficiencies(plan, plan.machine, page))
    return join_blocks(blocks)


def describe_layout(layout: Layout) -> str:
    devices = count_noun(layout.devices, "device")
    if layout.devices == 1:
        return devices
    replicas = count_noun(layout.replicas, "replica")
    if layout.splits_fc:
        return f"{devices}: {replicas}, the fully connected layers split"
    if layout.columns == 1:
        return f"{devices}: {replicas}"
    if layout.replicas == 1:
        return f"{devices}: {layout.columns} columns"
    return f"{devices}: {replicas} of {layout.columns} columns"


def render_facts(plan: PaperPlan, load: Load, page: Page) -> Iterator[Line]:
    room = None if page.width is None else max(20, page.width - FACT_WIDTH)
    for name, value in list_facts(plan, load):
        for index, part in enumerate(wrap_text(value, room)):
            label = name if index == 0 else ""
            yield Piece(f"{label:<{FACT_WIDTH}}", "faint"), Piece(part)


def list_facts(plan: PaperPlan, load: Load) -> Iterator[tuple[str, str]]:
    """Each device's share of an update; the one with most of it, where they differ."""
    each = f", {load.images:,} on each replica" if load.layout.replicas > 1 else ""
    yield "update", f"{count_noun(plan.batch, 'image')}{each}"
    yield "memory", describe_memory(plan)
    seconds = load.seconds(plan.machine) if plan.machine else None
    facts = (
        ("compute", f"{show_number(load.operations)}FLOP"),
        ("fc split" if load.layout.splits_fc else "columns", f"{load.part_bytes:,} bytes a device"),
        ("replicas", f"{load.replica_bytes:,} bytes a device"),
    )
    if seconds is None:
        yield from facts
        return
    for (name, text), time in zip(facts, seconds, strict=True):
        yield name, f"{text}, {show_seconds(time)}"
    total = sum(seconds)
    yield "together", f"{show_seconds(total)}, {plan.batch / total:,.0f} images/s"


def describe_memory(plan: PaperPlan) -> str:
    memory = plan.scaling.measure_memory(plan.layout, plan.batch)
    text = f"{show_bytes(memory.peak)} a device: {memory.describe_parts()}"
    if plan.memory is None:
        return text
    room = show_bytes(plan.memory)
    return f"{text}; " + (f"more than its {room}" if memory.peak > plan.memory else f"of {room}")


def render_efficiencies(plan: PaperPlan, machine: Machine, page: Page) -> list[Line]:
    """The efficiency at each number of devices, with the batch as it is and grown with them."""
    columns = plan.scaling.graph.gpus
    ways = ["replicas"]
    if columns > 1:
        ways.append(f"replicas of {columns} columns")
    elif plan.scaling.has_fc:
        ways.append("replicas, fc split")
    headings = [Column("devices", right=True, style="strong")]
    for way in ways:
        cells = (way, f"batch {plan.batch:,}", f"{plan.batch:,} each")
        headings += [Column(cell, right=True) for cell in cells]
    rows = []
    for devices in plan.scaling.list_devices():
        shown = list_efficiencies(plan, machine, Layout(devices))
        if len(ways) > 1:
            fits = devices % columns == 0 and (columns > 1 or devices > 1)
            layout = Layout(devices // columns, columns, splits_fc=columns == 1)
            shown += list_efficiencies(plan, machine, layout) if fits else ["-"] * 3
        rows.append(TableRow((f"{devices:,}", *shown)))
    widths = fit_columns(headings, rows, None)
    assert widths is not None
    return [styled("efficiency", "strong"), *render_table(headings, rows, widths, page)]


def list_efficiencies(plan: PaperPlan, machine: Machine, layout: Layout) -> list[str]:
    """The number of replicas, and the efficiency where each has an image and where each has as
    many as one device has alone."""
    kept = (
        f"{plan.scaling.efficiency(layout, plan.batch, machine):.1%}"
        if layout.replicas <= plan.batch
        else "-"
    )
    grown = f"{plan.scaling.grown_efficiency(layout, plan.batch, machine):.1%}"
    return [f"{layout.replicas:,}", kept, grown]


def show_number(number: float) -> str:
    """`278 G`, with the space that a unit wants before it."""
    for factor, prefix in PREFIXES:
        if number >= factor:
            return f"{number / factor:,.3g} {prefix}"
    return f"{number:,.3g} "


def show_seconds(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= factor:
            return f"{seconds / factor:,.3g} {unit}"
    return "0 s" if not seconds else f"{seconds * 1e9:,.3g} ns"
