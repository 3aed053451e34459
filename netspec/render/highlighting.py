"""A lexer for Pygments, which colours .net files in documents and on web pages. Pygments finds it
by the entry point `pygments.lexers`; nothing else imports it.

Colours go by the grammar's words and by the tables of layer kinds, not by what a file defines.
"""

from pygments.lexer import RegexLexer, bygroups, default, include, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from netspec.layers import KINDS, WORDS
from netspec.syntax.lexicon import KEYWORDS, NUMBER, SIZE, UNIT_WORDS

NAME = r"[A-Za-z]\w*"
CONNECTIVES = ("and", "or", "not")
TRUTHS = ("yes", "no")
TIGHT = r"(?![\w.])"
"""What a number's end is followed by."""


class NetspecLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """Files of netspec, a language for convolutional networks."""

    name = "netspec"
    aliases = ("netspec", "net")
    filenames = ("*.net",)
    mimetypes = ("text/x-netspec",)

    tokens = {  # noqa: RUF012  # as Pygments wants it
        # The beginning of a statement: a label, and the word that says what it is.
        "root": [
            include("blank"),
            (r"\n", Whitespace),
            (r"[;{}]", Punctuation),
            (rf"({NAME})([ \t]*)(:)", bygroups(Name.Label, Whitespace, Punctuation)),
            (
                rf"(net|block)([ \t]+)({NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
                "rest",
            ),
            (rf"(let)([ \t]+)({NAME})", bygroups(Keyword, Whitespace, Name.Variable), "rest"),
            (words(KINDS, suffix=r"\b"), Name.Builtin, "rest"),
            (rf"(?!(?:{'|'.join(KEYWORDS)})\b){NAME}(?!\s*[=,.])", Name.Function, "rest"),
            default("rest"),
        ],
        "rest": [
            include("blank"),
            (r"(,)(\s+)", bygroups(Punctuation, Whitespace)),
            (r"\n", Whitespace, "#pop"),
            (r"[;{}]", Punctuation, "#pop"),
            (r'"[^"\n]*"', String.Double),
            (SIZE.pattern + TIGHT, Number),
            (NUMBER.pattern + TIGHT, Number, "unit"),
            (words(TRUTHS, suffix=r"\b"), Keyword.Constant),
            (words(CONNECTIVES, suffix=r"\b"), Operator.Word),
            (rf"({NAME})([ \t]*)(=)(?!=)", bygroups(Name.Attribute, Whitespace, Operator)),
            (words(sorted(KEYWORDS), suffix=r"\b"), Keyword),
            (words(sorted(WORDS), suffix=r"\b"), Name.Constant),
            (rf"{NAME}(?=[ \t]*\()", Name.Function),
            (NAME, Name),
            (r"->|==|!=|<=|>=|\*\*|//|[-+*/%<>=]", Operator),
            (r"[:,.()\[\]]", Punctuation),
        ],
        "unit": [
            (r"[ \t]+", Whitespace),
            (words(UNIT_WORDS, suffix=r"\b"), Keyword.Type, "#pop"),
            default("#pop"),
        ],
        "blank": [
            (r"[ \t\r]+", Whitespace),
            (r"#[^\n]*", Comment.Single),
        ],
    }
