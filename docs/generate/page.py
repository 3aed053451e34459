"""Paragraphs and lists at the width of a page."""

import textwrap

WIDTH = 100


def fill(paragraph: str) -> str:
    """A paragraph, wrapped."""
    return "\n".join(wrap(paragraph, ""))


def fill_item(entry: str) -> str:
    """An entry of a list, wrapped."""
    return "\n".join(wrap(entry, "* "))


def wrap(text: str, bullet: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )
