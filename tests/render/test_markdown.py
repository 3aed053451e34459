"""Markdown on a terminal: the forms that the project's pages use, and the width of the page."""

from textwrap import dedent

from netspec.render.markdown import render_markdown
from netspec.render.page import Page, Piece, line_text


def show(text: str, width: int | None = 60) -> list[str]:
    return [line_text(line) for line in render_markdown(dedent(text), Page(width))]


def test_paragraphs_are_filled_anew() -> None:
    text = "A paragraph that\nwas broken elsewhere, with a [link](page.md#there) and **weight**.\n"
    assert show(text, 40) == ["A paragraph that was broken elsewhere,", "with a link and weight."]


def test_code_keeps_its_quotes_and_has_a_style() -> None:
    (line,) = render_markdown("Say `round=up` **now**.", Page(60))
    assert line == (
        Piece("Say "),
        Piece("`round=up`", "code"),
        Piece(" "),
        Piece("now", "strong"),
        Piece("."),
    )


def test_headings_and_comments() -> None:
    assert show("<!-- not shown -->\n\n# One `two`\n\nThree.") == ["One `two`", "", "Three."]


def test_text_that_stands_as_it_is() -> None:
    text = """
    Before:

    ```console exit=1
    $ netspec check  x.net
    error[NS001]:   two   spaces
    ```

        indented     too
    """
    assert show(text) == [
        "Before:",
        "",
        "  $ netspec check  x.net",
        "  error[NS001]:   two   spaces",
        "",
        "  indented     too",
    ]


def test_a_fence_ends_a_paragraph() -> None:
    assert show("One\n```text\ntwo\n```\nthree") == ["One", "", "  two", "", "three"]


def test_lists_hang() -> None:
    text = "* **`pad`** (padding). Pixels of zeros around the map.\n* two\n  lines\n1. first\n"
    assert show(text, 30) == [
        "* pad (padding). Pixels of",
        "  zeros around the map.",
        "* two lines",
        "1. first",
    ]


def test_tables_and_what_becomes_of_them_on_a_narrow_page() -> None:
    text = "| word | meaning |\n| --- | --- |\n| `min` | the smallest |\n| `sum(list)` | all |\n"
    assert show(text) == [
        "word         meaning",
        "`min`        the smallest",
        "`sum(list)`  all",
    ]
    assert show(text, 20) == ["`min`: the smallest", "`sum(list)`: all"]


def test_pages_are_no_wider_than_a_hundred_cells() -> None:
    assert max(map(len, show("word " * 100, None))) <= 100


def test_signs_that_a_plain_page_does_not_have() -> None:
    assert show("`branch { … }`") == ["`branch { ... }`"]
