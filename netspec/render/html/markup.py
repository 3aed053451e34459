"""Elements of HTML and SVG, and their text.

Whatever a name, a file or an image says becomes text of an element or of an attribute, and is
escaped when the tree is written: there is no way from it to markup. Characters that hide or reorder
text, or that no document may have, become visible. What the parts of a page are is decided in the
other files of this folder.
"""

from base64 import b64encode
from collections.abc import Iterable
from importlib.resources import files
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from netspec.recipe.run_facts import Picture
from netspec.render.page import show_character

Child: TypeAlias = "Element | str | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | float | bool | None"
LINE_ENDS = "\n\t"


def element(tag: str, *children: Child, **attributes: Attribute) -> Element:
    """An element. Of the names of attributes, `stroke_width` means `stroke-width`, and `class_` is
    `class`; None and False leave an attribute out."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None and value is not False:
            made.set(name.rstrip("_").replace("_", "-"), write_attribute(value))
    add(made, children)
    return made


def add(parent: Element, children: Child) -> None:
    """Put children behind those that an element has."""
    if children is None:
        return
    if isinstance(children, Element):
        parent.append(children)
    elif isinstance(children, str):
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + clean(children)
        else:
            parent.text = (parent.text or "") + clean(children)
    else:
        for child in children:
            add(parent, child)


def write_attribute(value: str | float | bool) -> str:
    """A value as text; coordinates to a tenth."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return f"{round(value, 1):.10g}"
    return clean(str(value))


def clean(text: str) -> str:
    """Text with what is not to be seen made visible; the ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(char if char in LINE_ENDS else show_character(char) for char in text)


def write_page(root: Element) -> str:
    """A whole page."""
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n"


def write_svg(root: Element) -> str:
    """A picture as a file of its own."""
    return tostring(root, encoding="unicode") + "\n"


def read_style(name: str) -> str:
    """A style sheet of this folder."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def image(picture: Picture, text: str, **attributes: Attribute) -> Element:
    """A picture within the page; `text` stands for it where it cannot be seen."""
    data = b64encode(picture.png).decode("ascii")
    source = f"data:image/png;base64,{data}"
    size = {"width": picture.width, "height": picture.height}
    return element("img", src=source, alt=text, **{**size, **attributes})


def table(
    headings: Iterable[str], rows: Iterable[Iterable[Child]], numbers: Iterable[int] = ()
) -> Element:
    """A table, the first column its rows' headings; columns of `numbers` end at their right."""
    right = set(numbers)

    def row(cells: Iterable[Child], tag: str) -> Element:
        return element(
            "tr",
            (
                element(
                    "th" if place == 0 else tag,
                    cell,
                    class_="number" if place in right else None,
                    scope="col" if tag == "th" else "row" if place == 0 else None,
                )
                for place, cell in enumerate(cells)
            ),
        )

    head = element("thead", row(headings, "th"))
    body = element("tbody", (row(cells, "td") for cells in rows))
    return element("div", element("table", head, body), class_="scrolls")


def facts(pairs: Iterable[tuple[str, Child]]) -> Element:
    """Names and what is said of each; the name of a line that goes on is empty."""
    parts: list[Element] = []
    for name, value in pairs:
        if name or not parts:
            parts.append(element("dt", name))
            parts.append(element("dd", value))
        else:
            add(parts[-1], (element("br"), value))
    return element("dl", parts)


def folded(title: str, *children: Child, is_printed: bool = False) -> Element:
    """What is shown when somebody asks for it, and in print perhaps."""
    kind = "printed" if is_printed else None
    return element("details", element("summary", title), children, class_=kind)
