"""What a token is, which of them open and close, and what scanning a file gives."""

from msgspec import Struct, field

from netspec.diagnostics import Diagnostic
from netspec.source import Span
from netspec.syntax.repairs import Mistakes

CLOSER = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
SIGN_OF = {"RPAR": ")", "RSQB": "]", "RBRACE": "}"}
FILE_LEVEL = frozenset({"USE", "NET", "BLOCK", "TRAIN", "TEST"})
"""Words that begin what stands outside all braces."""


class Token(Struct, frozen=True):
    """A word or sign; `type` is its terminal in the grammar."""

    type: str
    text: str
    span: Span

    @property
    def is_newline(self) -> bool:
        return self.type == "SEP" and self.text != ";"


class Tokens(Struct):
    """What scanning gives; the last token is `$END`."""

    tokens: list[Token] = field(default_factory=list)
    comments: list[Span] = field(default_factory=list)
    mistakes: Mistakes = field(default_factory=Mistakes)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The errors in the order of the text."""
        return self.mistakes.list(self.comments)
