"""Which `train` and `test` sections of a file speak for which of its nets.

A section that names a net is for that one, any other for all nets that have none of their own. What
the sections say is read in `recipes.py`.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from netspec.compiler.suggest import did_you_mean
from netspec.diagnostics import Diagnostic, Label
from netspec.syntax import tree

Claimed = dict[tuple[str, str | None], tree.Section]
"""Sections by their word and the net they name."""


class RecipeText(Struct, frozen=True):
    """The sections that make a recipe together."""

    net: str | None
    """The net it is for; None: all that have none of their own."""
    train: tree.Section
    test: tree.Section | None

    @property
    def names(self) -> list[str]:
        """Its parameters."""
        return [parameter.name.text for parameter in self.train.parameters]


def find_recipe(texts: Sequence[RecipeText], net: str) -> RecipeText | None:
    """The recipe that speaks for a net."""
    found = {text.net: text for text in texts}
    return found.get(net) or found.get(None)


def pair_sections(file: tree.File) -> tuple[list[RecipeText], list[Diagnostic]]:
    """The recipes of a file, and what is wrong with how its sections belong together."""
    diagnostics: list[Diagnostic] = []
    nets = [item.name.text for item in file.items if isinstance(item, tree.Net | tree.DerivedNet)]
    sections: Claimed = {}
    for item in file.items:
        if isinstance(item, tree.Section):
            problems = list(_find_faults(item, nets, sections))
            diagnostics += problems
            if not problems:
                sections[item.kind.text, item.net.text if item.net else None] = item
    texts: list[RecipeText] = []
    for (kind, net), section in sections.items():
        train = sections.get(("train", net)) or sections.get(("train", None))
        if train is None:
            headline = "`test` without `train` makes no recipe"
            diagnostics.append(Diagnostic("NS402", headline, Label(section.kind.span)))
        elif kind == "train" or ("train", net) not in sections:
            test = sections.get(("test", net)) or sections.get(("test", None))
            texts.append(RecipeText(net, train, test))
    return texts, diagnostics


def _find_faults(
    item: tree.Section, nets: Sequence[str], sections: Mapping[tuple[str, str | None], tree.Section]
) -> Iterator[Diagnostic]:
    """A section names a net of the file, is the first to do so, and has parameters only where it is
    `train`."""
    name = item.net.text if item.net else None
    if item.net and name not in nets:
        helps = did_you_mean(item.net.text, nets)
        headline = f"there is no net `{name}` in this file"
        yield Diagnostic("NS122", headline, Label(item.net.span), help=helps)
        return
    first = sections.get((item.kind.text, name))
    if first:
        whose = f" for {name}" if name else ""
        headline = f"`{item.kind.text}`{whose} is given twice"
        secondary = (Label(first.kind.span, "first given here"),)
        yield Diagnostic("NS104", headline, Label(item.kind.span, "given again"), secondary)
        return
    if item.parameters and item.kind.text != "train":
        headline = f"`{item.kind.text}` has no parameters of its own"
        helps = ("it sees those of `train`",)
        yield Diagnostic("NS116", headline, Label(item.parameters[0].name.span), help=helps)
