"""SARIF: the parts of its schema that code scanning reads, and the facts in their places."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from netspec.compiler.pipeline import compile_source
from netspec.diagnostics import CODES
from netspec.render.sarif import render_sarif, to_uri
from netspec.source import SourceFile

BAD = "net a {\n  input 3x8x8\n  é: tahn\n  x: relu\n  x: relu\n}\n"
WARNS = "net a { input 3x8x8; relu; relu }\n"


def report(unreadable: dict[str, str] | None = None, **texts: str) -> Any:
    programs = [compile_source(SourceFile(f"{name}.net", text)) for name, text in texts.items()]
    return json.loads(render_sarif(programs, unreadable or {}, "1.2.3"))


def check_schema(log: Any) -> None:
    """What sarif-schema-2.1.0.json requires of the objects that netspec writes."""
    assert log.keys() == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "netspec"
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    for rule in driver["rules"]:
        assert re.fullmatch(r"NS\d{3}", rule["id"])
        assert rule["shortDescription"]["text"]
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"])
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            check_location(location)
    (invocation,) = run["invocations"]
    assert isinstance(invocation["executionSuccessful"], bool)
    for notification in invocation["toolExecutionNotifications"]:
        assert notification["message"]["text"]


def check_location(location: Any) -> None:
    place = location["physicalLocation"]
    assert re.fullmatch(r"[\w./%~:-]+", place["artifactLocation"]["uri"], re.ASCII)
    region = place["region"]
    assert region.keys() == {"startLine", "startColumn", "endLine", "endColumn"}
    start = (region["startLine"], region["startColumn"])
    assert (1, 1) <= start <= (region["endLine"], region["endColumn"])


@pytest.mark.parametrize("texts", [{}, {"bad": BAD}, {"warns": WARNS}, {"b": BAD, "w": WARNS}])
def test_schema(texts: dict[str, str]) -> None:
    check_schema(report({"gone.net": "there is no such file"}, **texts))


def test_a_result_has_the_facts_of_its_diagnostic() -> None:
    log = report(bad="net a {\n  input 3x8x8\n  x: relu\n  x: relu\n}\n")
    (run,) = log["runs"]
    (result,) = run["results"]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert run["tool"]["driver"]["rules"] == [
        {"id": "NS104", "shortDescription": {"text": CODES["NS104"]}}
    ]
    assert (result["ruleId"], result["level"]) == ("NS104", "error")
    assert result["message"]["text"].startswith("`x` ")
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "bad.net"},
                "region": {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 4},
            }
        }
    ]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 3


def test_a_file_that_cannot_be_read_is_a_notification() -> None:
    (run,) = report({"gone.net": "there is no such file"})["runs"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "gone.net: there is no such file"


def test_uris() -> None:
    assert to_uri("./specs/a b.net") == "specs/a%20b.net"
    assert to_uri("<stdin>") == "%3Cstdin%3E"
    assert to_uri(str(Path.cwd() / "a.net")).startswith("file:///")
