"""Diagnostics: frozen facts about a file, without colour or width. The table of codes is below.

NS0xx text and syntax, NS1xx names and structure, NS2xx shapes, NS3xx claims, NS4xx recipes and
data, NS5xx lints, NS9xx internal. A code is never used for a second thing.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from netspec.source import Span


class Severity(StrEnum):
    """How much a diagnostic weighs: an error stops a compilation, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Label(Struct, frozen=True):
    """A place with what is to be said there."""

    span: Span
    text: str = ""


class Diagnostic(Struct, frozen=True):
    """One mistake: a sentence, the token it is about, where else to look, and what to write."""

    code: str
    headline: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class CompileError(Exception):
    """A file has errors; the one exception that crosses the public API."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = [d for d in self.diagnostics if d.is_error]
        lines = (f"error[{d.code}]: {d.headline} ({d.primary.span.place})" for d in errors)
        super().__init__("\n".join(lines))


MOST_ERRORS = 1000
"""So many errors of a phase are told; nobody reads on."""
MOST_EXPLAINED = 10
"""So many errors of shapes, and of claims, come with repairs that were tried."""


def cut_short(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """As many as are told, the last of them with a note that there are more."""
    told = list(diagnostics[:MOST_ERRORS])
    note = f"there are more errors than these {MOST_ERRORS:,}"
    return [*told[:-1], replace(told[-1], notes=(*told[-1].notes, note))] if told else told


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.is_error for diagnostic in diagnostics)


CODES: dict[str, str] = {
    "NS001": "text that is no part of the language",
    "NS002": "a malformed number",
    "NS003": "text without its closing quote",
    "NS004": "unexpected word or sign",
    "NS005": "a brace or bracket that is never closed",
    "NS006": "a brace or bracket that was never opened",
    "NS007": "a file that is too large or too deeply nested",
    "NS101": "unknown layer kind or block",
    "NS102": "unknown value",
    "NS103": "unknown tensor",
    "NS104": "a name given twice",
    "NS105": "unknown argument",
    "NS106": "an argument given twice",
    "NS107": "too many arguments",
    "NS108": "a missing argument",
    "NS109": "a value that an argument does not take",
    "NS110": "a name that nothing uses",
    "NS111": "a default that nothing uses",
    "NS112": "a use that nothing uses",
    "NS113": "a name that is not free",
    "NS114": "a block that reaches itself",
    "NS115": "a used file that cannot be had",
    "NS116": "a line in the wrong place",
    "NS117": "a layer without a tensor to read",
    "NS118": "a wrong number of inputs",
    "NS119": "a net that is not whole",
    "NS120": "more than the language allows",
    "NS121": "a value that cannot be computed",
    "NS122": "unknown net or parameter",
    "NS123": "braces that this word does not take",
    "NS201": "tensors whose shapes do not join",
    "NS202": "a tensor whose shape this layer does not take",
    "NS203": "channels that do not split into groups",
    "NS204": "a window that does not fit its input",
    "NS205": "channels that do not split over the GPUs",
    "NS206": "shared weights that do not fit",
    "NS207": "groups that the GPUs would cut",
    "NS301": "a claimed shape that does not hold",
    "NS302": "a claimed parameter count that does not hold",
    "NS303": "claimed multiply-adds that do not hold",
    "NS401": "unknown word of a recipe",
    "NS402": "a recipe that is not whole",
    "NS403": "a recipe that does not fit the net",
    "NS501": "pixels that no window reaches",
    "NS502": "a window beyond its input",
    "NS503": "a bias without effect",
    "NS504": "two activations in a row",
    "NS505": "a softmax before a softmax loss",
    "NS506": "a layer whose result nothing reads",
    "NS507": "a block that nothing calls",
    "NS508": "uneven padding of an even window",
    "NS509": "a depthwise convolution by another name",
    "NS510": "dropout before batchnorm",
    "NS511": "starting values that lose the image",
    "NS512": "a schedule that changes nothing",
    "NS513": "a batch that does not fit the memory",
    "NS514": "a comment that silences nothing",
    "NS515": "an input with its channels last",
    "NS516": "numbers of pixels from 0 to 1",
    "NS900": "an internal error",
}
"""Every code with its title."""
