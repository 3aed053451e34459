"""The diagnostics of a check as SARIF 2.1.0, the form that code-scanning services take in.

A file's name becomes a URI relative to the folder of the check. Columns count code points, and a
region's end is the column behind its last character, as everywhere in netspec.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from netspec.compiler.program import Program
from netspec.diagnostics import CODES, Diagnostic
from netspec.render.diagnostic import describe_diagnostic, find_extent
from netspec.render.report import distinct_diagnostics
from netspec.source import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

Object: TypeAlias = dict[str, Any]


def render_sarif(
    programs: Sequence[Program], unreadable: Mapping[str, str], netspec_version: str
) -> str:
    """The whole output; `unreadable` has the reason for each file that was not read."""
    diagnostics = [each for found in distinct_diagnostics(programs) for each in found]
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {
        "name": "netspec",
        "version": netspec_version,
        "rules": [{"id": code, "shortDescription": {"text": CODES[code]}} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not unreadable,
                "toolExecutionNotifications": list(map(report_unreadable, unreadable.items())),
            }
        ],
        "results": [report_result(diagnostic, codes) for diagnostic in diagnostics],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def report_result(diagnostic: Diagnostic, codes: Sequence[str]) -> Object:
    result: Object = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity.value,
        "message": {"text": describe_diagnostic(diagnostic)},
        "locations": [{"physicalLocation": locate(diagnostic.primary.span)}],
    }
    if diagnostic.secondary:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": locate(label.span),
                **({"message": {"text": label.text}} if label.text else {}),
            }
            for number, label in enumerate(diagnostic.secondary)
        ]
    return result


def report_unreadable(file: tuple[str, str]) -> Object:
    name, reason = file
    return {
        "level": "error",
        "message": {"text": f"{name}: {reason}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": to_uri(name)}}}],
    }


def locate(span: Span) -> Object:
    extent = find_extent(span)
    return {
        "artifactLocation": {"uri": to_uri(span.source.name)},
        "region": {
            "startLine": extent.line,
            "startColumn": extent.column,
            "endLine": extent.end_line,
            "endColumn": extent.end_column,
        },
    }


def to_uri(name: str) -> str:
    path = Path(name)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
