"""Lints: what is legal but rarely meant. Each is a warning with a code of its own, and each can be
silenced on its line by a comment `# netspec: allow NS503`.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from netspec.compiler.lints.activations import find_double_activations, find_softmax_before_loss
from netspec.compiler.lints.biases import find_useless_biases
from netspec.compiler.lints.pixels import find_dropped_pixels
from netspec.compiler.lints.unread import find_unread
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic
from netspec.syntax import tree

LINTS: tuple[Callable[[CheckedNet], Iterator[Diagnostic]], ...] = (
    find_dropped_pixels,
    find_useless_biases,
    find_double_activations,
    find_softmax_before_loss,
    find_unread,
)

ALLOW = re.compile(r"#\s*netspec:\s*allow\s+(NS\d{3}(?:\s*,?\s*NS\d{3})*)")


def lint_net(net: CheckedNet) -> Iterator[Diagnostic]:
    """Everything that any lint has to say about a net."""
    for lint in LINTS:
        yield from lint(net)


def drop_allowed(
    diagnostics: Iterable[Diagnostic], files: Iterable[tree.File]
) -> Iterator[Diagnostic]:
    """Leave out the warnings that a comment on their line allows."""
    allowed: set[tuple[str, int, str]] = set()
    for file in files:
        for comment in file.comments:
            found = ALLOW.search(comment.text)
            if found:
                line, _ = file.source.locate(comment.start)
                codes = re.findall(r"NS\d{3}", found.group(1))
                allowed |= {(file.source.name, line, code) for code in codes}
    for diagnostic in diagnostics:
        span = diagnostic.primary.span
        line, _ = span.source.locate(span.start)
        if diagnostic.is_error or (span.source.name, line, diagnostic.code) not in allowed:
            yield diagnostic
