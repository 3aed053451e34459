"""Elements and their text, as Python's own parser reads them back."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.recipe.run_facts import Picture
from netspec.render.html.markup import clean, element, facts, image, table, write_page


def read(text: str) -> tuple[str, dict[str, str | None]]:
    """The text of a page and the attributes of its last element."""

    class Reader(HTMLParser):
        words = ""
        attributes: dict[str, str | None]

        def handle_data(self, data: str) -> None:
            self.words += data

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            self.attributes = dict(attributes)

    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader.words.strip(), reader.attributes


@given(st.text(st.characters(blacklist_characters="\r\n\t")))
def test_any_text_is_text(text: str) -> None:
    page = write_page(element("p", text, title=text))
    words, attributes = read(page)
    assert words == clean(text).strip()
    assert attributes == {"title": clean(text)}
    page.encode("utf-8")


def test_text_between_elements_stays_in_its_place() -> None:
    made = element("p", "a", element("b", "c"), "d", None, ["e", element("i"), ("f",)])
    assert write_page(made).splitlines()[1] == "<p>a<b>c</b>de<i></i>f</p>"


def test_attributes() -> None:
    made = element("path", stroke_width=2, class_="c", x=1.25, y=3.0, hidden=True, d=None, e=False)
    text = '<path stroke-width="2" class="c" x="1.2" y="3" hidden=""></path>'
    assert write_page(made).splitlines()[1] == text


@pytest.mark.parametrize("char", ["\0", "\x1b", "\u202e", "\ud800", "\u2028"])
def test_what_hides_becomes_visible(char: str) -> None:
    assert clean(f"a{char}b\nc") == "a\N{REPLACEMENT CHARACTER}b\nc"


def test_a_table_has_headings_for_its_rows() -> None:
    made = table(("", "n"), [("a", "1"), ("b", "2")], [1])
    text = write_page(made)
    assert '<th scope="row">a</th><td class="number">1</td>' in text
    assert '<th scope="col"></th><th class="number" scope="col">n</th>' in text


def test_facts_go_on_below() -> None:
    text = write_page(facts([("rate", "0.1"), ("", "then 0.01"), ("batch", "8")]))
    assert "<dt>rate</dt><dd>0.1<br>then 0.01</dd><dt>batch</dt><dd>8</dd>" in text


def test_a_picture_has_words_for_those_who_do_not_see_it() -> None:
    text = write_page(image(Picture(b"\x89PNG", 3, 4), "a cat", class_="photo"))
    assert 'src="data:image/png;base64,iVBORw=="' in text
    assert 'alt="a cat"' in text
    assert 'width="3" height="4" class="photo"' in text
