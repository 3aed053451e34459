"""Check of the names in recipes: the parameters of `train`, and where they are used.

In a recipe a name is a parameter of its `train`, and failing that a word; which words an argument
takes, its schema says when the lines are read (`recipe_lines.py`). A recipe sees no parameter of a
net, and has none of a net's name, so that `--set` means one of the two.
"""

import re
from collections.abc import Iterator, Sequence

from netspec.compiler.check_values import ValueCheck, children
from netspec.compiler.library import Module, Thing, list_parameters
from netspec.compiler.recipe_sections import RecipeText, find_recipe
from netspec.compiler.scopes import Scope
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import Diagnostic, Label
from netspec.recipe.data import TRANSFORMS
from netspec.recipe.lines import TEST_LINES, TRAIN_LINES, WORDS
from netspec.recipe.schedule import SCHEDULES
from netspec.syntax import tree

KNOWN = WORDS.union(TRAIN_LINES, TEST_LINES, SCHEDULES, TRANSFORMS)
"""The words that a parameter may have as its value, and be compared with."""


def check_recipe_names(module: Module, texts: Sequence[RecipeText]) -> list[Diagnostic]:
    """Check the recipes of a file."""
    checked = _RecipeCheck()
    nets = [t for t in module.own.values() if not isinstance(t.definition, tree.Block)]
    for text in texts:
        checked.check(text, [net for net in nets if find_recipe(texts, net.name) is text])
    return checked.diagnostics


class _RecipeCheck(ValueCheck):
    """The check of one recipe after the other."""

    words = KNOWN

    def check(self, text: RecipeText, nets: Sequence[Thing]) -> None:
        scope = Scope()
        for parameter in text.train.parameters:
            self.check_parameter(parameter, scope, nets)
        for section in filter(None, (text.train, text.test)):
            self.check_body(section.body, scope)
        self.diagnostics += scope.find_unused()

    def check_parameter(
        self, parameter: tree.Parameter, scope: Scope, nets: Sequence[Thing]
    ) -> None:
        name = parameter.name
        if parameter.default is None:
            headline = f"the parameter `{name.text}` of a recipe needs a value"
            helps = f"`{name.text} = …`; --set {name.text}=… then gives another"
            self.report("NS108", headline, name.span, "has none", helps)
        else:
            self.check_expression(parameter.default, scope)
        self.diagnostics += scope.declare_value(name, "parameter")
        for net in nets:
            for other in list_parameters(net):
                if other.name.text == name.text:
                    headline = f"`{name.text}` is a parameter of net `{net.name}` too"
                    secondary = (Label(other.name.span, "that of the net"),)
                    label = Label(name.span, "given again")
                    self.diagnostics.append(Diagnostic("NS104", headline, label, secondary))

    def check_body(self, body: tree.Body, scope: Scope) -> None:
        for line in body.lines:
            if isinstance(line, tree.If):
                for condition, inside in line.arms:
                    self.check_expression(condition, scope)
                    self.check_body(inside, scope)
                if line.otherwise:
                    self.check_body(line.otherwise, scope)
            elif isinstance(line, tree.LayerLine):
                # The first word of `data` is a name that no file knows.
                free = line.arguments[:1] if line.kind.text == "data" else ()
                for argument in line.arguments:
                    self.check_uses(argument.value, scope, is_free=argument in free)
                if line.body:
                    self.check_body(line.body, scope)
            else:  # It is told as out of place, and what stands in it is no second mistake.
                words = set(re.findall(r"\w+", line.span.text))
                scope.forgive(scope.value_names & words)

    def check_uses(self, value: tree.Expression, scope: Scope, *, is_free: bool) -> None:
        """Count the parameters in an argument as used, and report what is nearly one."""
        for reference in _list_references(value):
            declared = scope.find_value(reference.text)
            if declared:
                declared.used = True
            elif not is_free and reference.text not in KNOWN:
                near = suggest_names(reference.text, scope.value_names)
                if near:
                    scope.forgive(near)
                    headline = f"there is no value `{reference.text}` here"
                    helps = did_you_mean(reference.text, scope.value_names)
                    self.report("NS102", headline, reference.span, "unknown", *helps)


def _list_references(value: tree.Expression) -> Iterator[tree.Reference]:
    if isinstance(value, tree.Reference):
        yield value
    for child in children(value):
        yield from _list_references(child)
