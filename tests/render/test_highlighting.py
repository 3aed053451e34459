"""The lexer for Pygments: every file of the repository has its colours, and keeps its text."""

from pathlib import Path

import pytest
from hypothesis import given
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation

from netspec.layers import KINDS
from netspec.render.highlighting import NetspecLexer
from netspec.syntax.lexicon import KEYWORDS
from tests.syntax.legal_files import legal_files

TESTS = Path(__file__).parents[1]
FILES = sorted([*TESTS.parent.glob("specs/**/*.net"), *TESTS.glob("specimens/*.net")])


def tokens_of(text: str) -> list[tuple[object, str]]:
    """Kinds and texts of what is no space."""
    found = [(kind, part) for _, kind, part in NetspecLexer().get_tokens_unprocessed(text)]
    assert "".join(part for _, part in found) == text
    return [(kind, part) for kind, part in found if part.strip()]


def errors_of(text: str) -> list[str]:
    return [part for kind, part in tokens_of(text) if kind is Error]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_file_has_no_errors(path: Path) -> None:
    assert errors_of(path.read_text(encoding="utf-8")) == []


@given(legal_files())
def test_what_the_grammar_allows_has_no_errors(text: str) -> None:
    assert errors_of(text) == []


def test_what_is_no_part_of_the_language_is_an_error() -> None:
    assert errors_of("fc 3 ! 4 é") == ["!", "é"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_kind_has_its_colour(kind: str) -> None:
    line = f"net n {{ {kind}; x: {kind} 3, {kind}=3 }}"
    found = [token for token, part in tokens_of(line) if part == kind]
    assert found == [Name.Builtin, Name.Builtin, Name.Attribute]


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_every_reserved_word_has_its_colour(word: str) -> None:
    ((kind, _),) = tokens_of(word)
    assert kind in (*Keyword.subtypes, Keyword, Operator.Word)


def test_the_parts_of_a_line() -> None:
    assert tokens_of("c1: conv 96, pad=same from x -> 3x3, params 35k # why") == [
        (Name.Label, "c1"),
        (Punctuation, ":"),
        (Name.Builtin, "conv"),
        (Number, "96"),
        (Punctuation, ","),
        (Name.Attribute, "pad"),
        (Operator, "="),
        (Name.Constant, "same"),
        (Keyword, "from"),
        (Name, "x"),
        (Operator, "->"),
        (Number, "3x3"),
        (Punctuation, ","),
        (Name, "params"),
        (Number, "35k"),
        (Comment.Single, "# why"),
    ]


def test_pygments_finds_it() -> None:
    assert isinstance(get_lexer_by_name("netspec"), NetspecLexer)
    assert find_lexer_class_for_filename("specs/alexnet.net") is NetspecLexer
