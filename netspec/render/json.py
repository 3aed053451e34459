"""The format for machines: the facts of a check as the models of `json_schema.py`."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from pydantic import JsonValue

from netspec.analyses.training_memory import TrainingMemory
from netspec.compiler.program import CheckedNet, Pattern, Program
from netspec.diagnostics import Diagnostic, Label
from netspec.graph import Node
from netspec.recipe.device import Device
from netspec.render.facts import NetFacts, TrainingFacts
from netspec.render.json_schema import (
    FORMAT_VERSION,
    CheckReport,
    ClaimsReport,
    CrossingReport,
    DiagnosticReport,
    FileReport,
    HeadReport,
    LabelReport,
    LayerReport,
    MemoryReport,
    NetReport,
    PatternReport,
    Place,
    ShareReport,
    TotalsReport,
    TrainingReport,
    UnreadableReport,
    WeightReport,
)
from netspec.render.report import distinct_diagnostics
from netspec.schema import Schema
from netspec.source import Span
from netspec.values import format_value


def render_json(
    programs: Sequence[Program], unreadable: Mapping[str, str], netspec_version: str
) -> str:
    """The whole output; `unreadable` has the reason for each file that was not read."""
    found = distinct_diagnostics(programs)
    together = [diagnostic for diagnostics in found for diagnostic in diagnostics]
    errors = sum(diagnostic.is_error for diagnostic in together)
    report = CheckReport(
        format_version=FORMAT_VERSION,
        netspec_version=netspec_version,
        errors=errors,
        warnings=len(together) - errors,
        files=[report_file(*each) for each in zip(programs, found, strict=True)],
        unreadable=[
            UnreadableReport(file=file, reason=reason) for file, reason in unreadable.items()
        ],
    )
    return report.model_dump_json(indent=2) + "\n"


def report_file(program: Program, diagnostics: Iterable[Diagnostic]) -> FileReport:
    return FileReport(
        file=program.source.name,
        nets=[report_net(net, program.device) for net in program.nets],
        patterns=[report_pattern(pattern) for pattern in program.patterns],
        diagnostics=[report_diagnostic(diagnostic) for diagnostic in diagnostics],
    )


def report_net(net: CheckedNet, device: Device) -> NetReport:
    facts = NetFacts(net, device)
    graph = facts.graph
    return NetReport(
        name=net.name,
        documentation=net.documentation,
        place=locate(net.span),
        parameters={name: as_json(value) for name, value in graph.parameters},
        settings=dict(net.settings),
        inputs=list(graph.inputs),
        output=graph.output,
        gpus=graph.gpus,
        layers=[report_layer(node, facts) for node in graph.nodes],
        heads=report_heads(facts),
        totals=report_totals(facts),
        training=report_training(facts.training),
        claims=ClaimsReport(held=net.claims.held, skipped=net.claims.skipped),
    )


def report_heads(facts: NetFacts) -> list[HeadReport]:
    return [
        HeadReport(
            name=head.name,
            weight=head.weight,
            output=head.output,
            params=facts.head_cost(head).params,
            macs=facts.head_cost(head).macs,
        )
        for head in facts.graph.heads
    ]


def report_totals(facts: NetFacts) -> TotalsReport:
    return TotalsReport(
        params=facts.total.params,
        macs=facts.total.macs,
        weight_bytes=facts.memory.weight_bytes,
        average_bytes=facts.memory.average_bytes,
        activations=facts.memory.activations,
        crossing_bytes=facts.placement.crossing_bytes if facts.placement else 0,
        returning_bytes=facts.placement.returning_bytes if facts.placement else 0,
        training_bytes=facts.placement.training_bytes if facts.placement else 0,
        update_bytes=count_update_bytes(facts),
    )


def report_training(training: TrainingFacts | None) -> TrainingReport | None:
    if training is None:
        return None
    return TrainingReport(
        batch=training.batch,
        precision=training.precision,
        devices=[report_memory(memory) for memory in training.devices],
        one_device=report_memory(training.whole),
        room=training.room,
        largest_batch=training.largest_batch,
    )


def report_memory(memory: TrainingMemory) -> MemoryReport:
    return MemoryReport(**memory._asdict(), passing=memory.passing)


def count_update_bytes(facts: NetFacts) -> int | None:
    """What crosses for an update; None for a net without a recipe."""
    if facts.net.recipe is None:
        return None
    return facts.placement.training_bytes * facts.net.recipe.batch if facts.placement else 0


def report_layer(node: Node, facts: NetFacts) -> LayerReport:
    crossings = list_crossings(node, facts)
    return LayerReport(
        name=node.name,
        kind=node.layer.kind,
        written=node.written,
        arguments=list_arguments(node.layer),
        inputs=list(node.inputs),
        shape=list(node.shape),
        params=node.num_params,
        macs=node.macs,
        weights=[
            WeightReport(name=weight.name, shape=list(weight.shape), learned=weight.is_learned)
            for weight in node.weights
        ],
        shares_weights_of=node.shares_weights_of,
        head=node.head,
        place=locate(node.span),
        gpus=list_shares(node, facts),
        crossings=crossings,
        crossing_bytes=sum(crossing.bytes for crossing in crossings),
        returning_bytes=facts.placement.nodes[node.name].returning_bytes if facts.placement else 0,
    )


def list_shares(node: Node, facts: NetFacts) -> list[ShareReport]:
    if facts.placement is None:
        return []
    placed = facts.placement.nodes[node.name]
    shares = zip(placed.runs, placed.costs, strict=True)
    return [
        ShareReport(
            gpu=gpu,
            first_channel=run.start,
            end_channel=run.end,
            params=cost.params,
            macs=cost.macs,
        )
        for gpu, (run, cost) in enumerate(shares)
    ]


def list_crossings(node: Node, facts: NetFacts) -> list[CrossingReport]:
    if facts.placement is None:
        return []
    return [
        CrossingReport(
            tensor=crossing.tensor,
            sender=crossing.sender,
            receiver=crossing.receiver,
            bytes=crossing.bytes,
        )
        for crossing in facts.placement.nodes[node.name].crossings
    ]


def report_pattern(pattern: Pattern) -> PatternReport:
    missing = list(pattern.missing)
    return PatternReport(name=pattern.name, missing=missing, place=locate(pattern.span))


def report_diagnostic(diagnostic: Diagnostic) -> DiagnosticReport:
    return DiagnosticReport(
        code=diagnostic.code,
        severity=diagnostic.severity.value,
        headline=diagnostic.headline,
        primary=report_label(diagnostic.primary),
        secondary=[report_label(label) for label in diagnostic.secondary],
        notes=list(diagnostic.notes),
        help=list(diagnostic.help),
    )


def report_label(label: Label) -> LabelReport:
    return LabelReport(text=label.text, **locate(label.span).model_dump())


def locate(span: Span) -> Place:
    line, column = span.source.locate(span.start)
    end_line, end_column = span.source.locate(span.end)
    return Place(
        file=span.source.name,
        line=line,
        column=column,
        end_line=end_line,
        end_column=end_column,
        start=span.start,
        end=span.end,
    )


def list_arguments(schema: Schema) -> dict[str, JsonValue]:
    """A schema's fields as JSON, without those that have no value."""
    values = ((name, getattr(schema, name)) for name in type(schema).model_fields)
    return {name: as_json(value) for name, value in values if value is not None}


def as_json(value: object) -> JsonValue:
    """A value of the language, or of a layer's field, as JSON."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Fraction():
            return int(value) if value.denominator == 1 else float(value)
        case Schema():
            return {"kind": value.kind, **list_arguments(value)}
        case tuple() if hasattr(value, "left"):
            return {side: getattr(value, side) for side in ("top", "bottom", "left", "right")}
        case list() | tuple():
            return [as_json(item) for item in value]
        case _:
            return format_value(value)
