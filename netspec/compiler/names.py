"""Check of names and structure: every word of every line means something, in all text, also in an
`if` that is not taken and a block that is not called.

Decides nothing about values that have to be computed; those that are constant are checked here too,
so that a mistake in a block that is called fifty times is one error.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from netspec.compiler.arguments import place_arguments
from netspec.compiler.check_values import ValueCheck, list_names
from netspec.compiler.library import Module, Thing, list_parameters
from netspec.compiler.recursion import Calls, count_bases, find_recursion
from netspec.compiler.scopes import Scope
from netspec.compiler.structure import AGAIN, JOINS, STRUCTURE, STRUCTURE_WORDS
from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.diagnostics import MOST_ERRORS, Diagnostic, Label, cut_short
from netspec.layers import KINDS, find_layer_kind
from netspec.source import Span
from netspec.syntax import tree

MOST_BASES = 64
"""Nets that a net may be made from, one from the other."""


class Place(Struct, frozen=True):
    """Whose braces a line stands in."""

    owner: Literal["net", "block", "branch", "head", "join"]
    is_direct: bool = True
    """Directly in the owner's braces, not in an `if` or a loop inside them."""

    def within(self) -> "Place":
        return Place(self.owner, is_direct=False)


class NamesChecked(Struct, frozen=True):
    """What the check found, and which block calls which."""

    diagnostics: list[Diagnostic]
    called: set[str]
    """Names of the checked file's own blocks that something calls."""


def check_names(module: Module, modules: Iterable[Module]) -> NamesChecked:
    """Check all definitions of a file and of the files that it uses."""
    diagnostics: list[Diagnostic] = []
    calls: Calls = {}
    for each in modules:
        checker = _ModuleCheck(each)
        checker.run()
        diagnostics += checker.diagnostics
        calls |= checker.calls
        if len(diagnostics) > MOST_ERRORS:
            diagnostics = cut_short(diagnostics)
            break
    diagnostics += find_recursion(modules, calls)
    called = {thing.name for made in calls.values() for thing, _ in made if thing.module is module}
    return NamesChecked(diagnostics, called)


class _ModuleCheck(ValueCheck):
    """The check of one file."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module
        self.calls: Calls = {}
        self.current: list[tuple[Thing, Span]] = []
        self.used_files: set[int] = set()

    def run(self) -> None:
        for thing in self.module.own.values():
            self.current = self.calls[id(thing.definition)] = []
            match thing.definition:
                case tree.Block() as block:
                    self.check_block(block)
                case tree.Net() as net:
                    self.check_net(net)
                case tree.DerivedNet() as derived:
                    self.check_derived(derived)
        for use, used in self.module.uses:
            if id(use) not in self.used_files and used.own:
                self.report("NS112", f"nothing of `{use.path.value}` is used", use.span)

    def knows(self, word: str) -> bool:
        """Whether a line may begin with the word."""
        return word in KINDS or word in STRUCTURE_WORDS or self.find(word) is not None

    def find(self, name: str) -> Thing | None:
        if name in self.module.used:
            self.used_files.add(id(self.module.used[name][1]))
        return self.module.find(name)

    # definitions

    def check_block(self, block: tree.Block) -> None:
        if block.name.text in KINDS or block.name.text in STRUCTURE_WORDS:
            headline = f"`{block.name.text}` is a layer kind; a block needs another name"
            self.report("NS113", headline, block.name.span, "a layer kind")
        scope = Scope()
        self.declare_parameters(block.parameters, scope)
        if block.inputs:
            for name in block.inputs:
                self.diagnostics += scope.declare_tensor(name, "block input")
        else:
            scope.declare_input(block.name.span, "block input")
        self.check_lines(block.body, scope, Place("block"))

    def check_net(self, net: tree.Net) -> None:
        scope = Scope()
        self.declare_parameters(net.parameters, scope)
        self.check_inputs(net, scope)
        self.check_lines(net.body, scope, Place("net"))

    def declare_parameters(self, parameters: Sequence[tree.Parameter], scope: Scope) -> None:
        for parameter in parameters:
            if parameter.default is not None:
                self.check_expression(parameter.default, scope)
            self.diagnostics += scope.declare_value(parameter.name, "parameter")

    def check_inputs(self, net: tree.Net, scope: Scope) -> None:
        """`gpus` once and first; several inputs each with a label."""
        lines = [line for line in net.body.lines if isinstance(line, tree.LayerLine)]
        inputs = [line for line in lines if line.kind.text == "input"]
        gpus = [line for line in lines if line.kind.text == "gpus"]
        for line in gpus[1:]:
            self.report("NS116", "`gpus` is given twice", line.kind.span, "given again")
        if gpus and inputs and gpus[0].span.start > inputs[0].span.start:
            self.report("NS116", "`gpus` stands before `input`", gpus[0].kind.span, "after `input`")
        if not inputs:
            helps = "begin with a line such as `input 3x224x224`"
            self.report("NS119", f"net `{net.name.text}` has no input", net.name.span, "", helps)
        if len(inputs) > 1:
            self.check_input_labels([line.kind for line in inputs if line.label is None])
        elif inputs and inputs[0].label is None:
            scope.declare_input(inputs[0].kind.span, "layer")

    def check_input_labels(self, unlabelled: Sequence[tree.Name]) -> None:
        """Several inputs are told apart by their labels."""
        if unlabelled:
            *others, last = unlabelled
            secondary = tuple(Label(kind.span, "and here") for kind in others)
            label = Label(last.span, "has none")
            helps = ("write `left: input …` and `right: input …`",)
            headline = "of several inputs each needs a label"
            self.diagnostics.append(Diagnostic("NS119", headline, label, secondary, help=helps))

    def check_derived(self, derived: tree.DerivedNet) -> None:
        base = self.find(derived.base.text)
        if base is None or isinstance(base.definition, tree.Block):
            nets = [n for n in self.module.names if not self._is_block(n)]
            headline = f"there is no net `{derived.base.text}`"
            self.report(
                "NS122", headline, derived.base.span, "", *did_you_mean(derived.base.text, nets)
            )
            return
        self.current.append((base, derived.base.span))
        bases = count_bases(Thing(derived, self.module), MOST_BASES + 2)
        if bases is None or bases > MOST_BASES:
            if bases == MOST_BASES + 1:  # those made from this one are no other mistakes
                headline = f"nets are made from each other more than {MOST_BASES} deep"
                self.report("NS120", headline, derived.base.span)
            return
        names = [parameter.name.text for parameter in list_parameters(base)]
        placed = place_arguments(f"net {base.name}", derived.arguments, names, names)
        self.diagnostics += placed.diagnostics
        for argument in derived.arguments:
            self.check_expression(argument.value, Scope())
        for line in derived.body.lines if derived.body else ():
            if isinstance(line, tree.Expect):
                self.check_claims(line.claims, is_expect=True)
            else:
                headline = "only `expect` may stand in the braces of a net made from another"
                self.report("NS116", headline, line.span)

    def _is_block(self, name: str) -> bool:
        thing = self.module.find(name)
        return thing is not None and isinstance(thing.definition, tree.Block)

    # lines

    def check_lines(self, body: tree.Body, scope: Scope, place: Place) -> None:
        for line in body.lines:
            if self.is_full:
                return
            if isinstance(line, tree.Output) and line is not body.lines[-1]:
                self.report("NS116", "`output` is the last line of a block", line.span)
            LINE_CHECKS[type(line)](self, line, scope, place)
        self.diagnostics += scope.find_unused()

    def check_let(self, line: tree.Let, scope: Scope, place: Place) -> None:
        self.check_expression(line.value, scope)
        self.diagnostics += scope.declare_value(line.name, "let")

    def check_if(self, line: tree.If, scope: Scope, place: Place) -> None:
        for condition, body in line.arms:
            self.check_expression(condition, scope)
            self.check_lines(body, scope.inner(is_transparent=True), place.within())
        if line.otherwise:
            self.check_lines(line.otherwise, scope.inner(is_transparent=True), place.within())

    def check_repeat(self, line: tree.Repeat, scope: Scope, place: Place) -> None:
        self.check_expression(line.count, scope)
        inner = scope.inner(is_transparent=True)
        if line.index:
            self.diagnostics += inner.declare_value(line.index, "loop variable")
        self.check_lines(line.body, inner, place.within())

    def check_for(self, line: tree.For, scope: Scope, place: Place) -> None:
        inner = scope.inner(is_transparent=True)
        is_sound = True
        if isinstance(line.rows, tuple):
            for row in line.rows:
                self.check_row(row, line.names, scope)
        else:
            is_sound = self.check_expression(line.rows, scope)
        for name in line.names:
            self.diagnostics += inner.declare_value(name, "loop variable")
            if not is_sound:
                inner.forgive([name.text])
        self.check_lines(line.body, inner, place.within())

    def check_row(self, row: tree.Row, names: Sequence[tree.Name], scope: Scope) -> None:
        for value in row.values:
            self.check_expression(value, scope)
        if len(row.values) != len(names):
            headline = f"a row of {len(row.values)} values for {len(names)} names"
            shown = ", ".join(name.text for name in names)
            self.report("NS121", headline, row.span, f"the names are {shown}")

    def check_default(self, line: tree.Default, scope: Scope, place: Place) -> None:
        known = [kind for kind in line.kinds if kind.text in KINDS]
        for kind in line.kinds:
            if kind not in known:
                helps = did_you_mean(kind.text, KINDS)
                self.report("NS101", f"there is no layer kind `{kind.text}`", kind.span, "", *helps)
        for kind in known:
            self.check_schema(find_layer_kind(kind.text), line.arguments, kind.span, scope)

    def check_expect(self, line: tree.Expect, scope: Scope, place: Place) -> None:
        if place != Place("net"):
            self.report("NS116", "`expect` stands in the braces of a net", line.span)
        self.check_claims(line.claims, is_expect=True)

    def check_output(self, line: tree.Output, scope: Scope, place: Place) -> None:
        if not place.is_direct or place.owner not in ("block", "net"):
            self.report("NS116", "`output` is the last line of a block", line.span)
        self.check_tensor(line.name, scope)

    def check_flow(self, line: tree.Flow, scope: Scope, place: Place) -> None:
        if place.owner == "join":
            self.report_no_branch(line.span)
        for source in line.sources:
            self.check_tensor(source, scope)
        if len(line.sources) != 1:
            headline = f"one tensor flows on, here are {len(line.sources)}"
            helps = "join them: `add from a, b` or `concat from a, b`"
            self.report("NS118", headline, line.sources[1].span, "", helps)
        self.check_claims(line.claims)
        if line.label:
            self.diagnostics += scope.declare_tensor(line.label, "layer")

    def check_branch(self, line: tree.Branch, scope: Scope, place: Place) -> None:
        if place.owner != "join":
            headline = "`branch` stands in the braces of add, multiply, maximum or concat"
            self.report("NS116", headline, line.keyword.span, "no join around it")
        self.check_lines(line.body, scope.inner(), Place("branch"))
        self.check_claims(line.claims)
        if line.label:
            self.diagnostics += scope.declare_tensor(line.label, "layer")

    def report_no_branch(self, span: Span) -> None:
        helps = "put it in a `branch { … }`"
        self.report("NS116", "a join holds branches", span, "not in a branch", helps)

    def check_layer(self, line: tree.LayerLine, scope: Scope, place: Place) -> None:
        if self.is_told_of_sign(line):
            return
        is_known = self.knows(line.kind.text)
        if place.owner == "join" and is_known:
            self.report_no_branch(line.kind.span)
        for source in line.sources or ():
            self.check_tensor(source, scope)
        self.check_claims(line.claims)
        kind = line.kind.text
        what = "layer"
        if kind == AGAIN:
            self.check_again(line, scope)
        elif kind in STRUCTURE:
            self.check_structure(line, scope, place)
            what = kind
        elif kind in KINDS:
            self.check_kind(line, scope, place)
        elif is_known:
            self.check_call(line, scope)
        else:
            self.report_unknown(line, scope)
        if is_known:
            self.check_braces(line, scope)
        is_plain_input = kind == "input" and line.label is None
        if line.label and not is_plain_input:
            self.diagnostics += scope.declare_tensor(line.label, what)

    def is_told_of_sign(self, line: tree.LayerLine) -> bool:
        """Report `conv-1: relu`, where the label has a sign in it and reads as a layer with a
        padding."""
        match line.arguments[0].value if line.arguments else None:
            case tree.PaddingOf(tree.Unary("-", operand), tree.Reference() as kind):
                sign = Span(kind.span.source, line.kind.span.end, operand.span.start)
            case _:
                return False
        if sign.text != "-" or line.label or not self.knows(kind.text):
            return False
        part = operand.span.text
        name = f"{line.kind.text}{'' if part[:1].isdigit() else '_'}{part}"
        label = "names have letters, digits and `_`"
        helps = f"write `{name}: {kind.span.to(line.span).text}`"
        self.report("NS004", "unexpected `-`", sign, label, helps)
        return True

    def check_braces(self, line: tree.LayerLine, scope: Scope) -> None:
        if line.body is None:
            return
        owner = line.kind.text
        if owner in JOINS:
            self.check_lines(line.body, scope.inner(), Place("join"))
        elif owner == "head":
            self.check_lines(line.body, scope.inner(), Place("head"))
        else:
            start = Span(line.body.span.source, line.body.span.start, line.body.span.start + 1)
            self.report("NS123", f"{owner} takes no braces", start)

    def check_kind(self, line: tree.LayerLine, scope: Scope, place: Place) -> None:
        kind = line.kind
        if self.is_told_of_tensors(line, scope):
            return
        self.check_schema(find_layer_kind(kind.text), line.arguments, kind.span, scope)
        if kind.text == "input" and place != Place("net"):
            headline = "`input` stands in the braces of a net"
            self.report("NS116", headline, kind.span, "not directly in a net")
        sources = line.sources or ()
        if kind.text == "input" and sources:
            self.report("NS118", "an input reads no other tensor", sources[0].span)
        elif kind.text in JOINS:
            self.check_join(line)
        elif len(sources) > 1:
            helps = "join them first: `add from a, b` or `concat from a, b`"
            self.report("NS118", f"{kind.text} reads one tensor", sources[1].span, "", helps)

    def is_told_of_tensors(self, line: tree.LayerLine, scope: Scope) -> bool:
        """Report `add a, b` and `add 3`: whether a join has arguments for what it joins."""
        kind = line.kind.text
        if kind not in JOINS or not line.arguments or line.sources or line.body:
            return False
        values = [argument.value for argument in line.arguments if not argument.name]
        names = [value.text for value in values if isinstance(value, tree.Reference)]
        has_tensors = any(scope.find_tensor(name) for name in names)
        if not values or (kind == "multiply" and not has_tensors):
            return False
        helps = f"write `{kind} {{ branch {{ … }}; branch {{ … }} }}` or `{kind} from a, b`"
        if has_tensors and len(names) == len(values) == len(line.arguments) > 1:
            helps = f"write `{kind} from {', '.join(names)}`"
        headline = f"{kind} needs branches, or the tensors it joins after `from`"
        self.report("NS118", headline, values[0].span, "joins nothing", helps)
        for value in values:
            scope.forgive(list_names(value))
        return True

    def check_join(self, line: tree.LayerLine) -> None:
        kind = line.kind.text
        if line.body and line.sources and len(line.sources) > 1:
            headline = "the branches of a join start from one tensor"
            self.report("NS118", headline, line.sources[1].span)
        has_factor = kind == "multiply" and bool(line.arguments)
        if not line.body and not line.sources and not has_factor:
            helps = f"write `{kind} {{ branch {{ … }}; branch {{ … }} }}` or `{kind} from a, b`"
            headline = f"{kind} needs branches, or the tensors it joins after `from`"
            self.report("NS118", headline, line.kind.span, "joins nothing", helps)

    def check_structure(self, line: tree.LayerLine, scope: Scope, place: Place) -> None:
        kind = line.kind
        self.check_schema(STRUCTURE[kind.text], line.arguments, kind.span, scope)
        if place.owner != "net" or (kind.text == "gpus" and not place.is_direct):
            headline = f"`{kind.text}` stands in the braces of a net"
            self.report("NS116", headline, kind.span, "not directly in a net")
        if kind.text == "head" and line.body is None:
            self.report(
                "NS123", "a head has braces", kind.span, "", "write `head weight=0.3 { … }`"
            )
        if kind.text == "gpus" and (line.label or line.sources or line.claims):
            self.report("NS116", "`gpus` is no layer: it has no label, input or claim", line.span)
        if kind.text == "head" and len(line.sources or ()) > 1:
            self.report("NS118", "a head reads one tensor", line.span)

    def check_again(self, line: tree.LayerLine, scope: Scope) -> None:
        values = [argument.value for argument in line.arguments]
        if len(values) != 1 or not isinstance(values[0], tree.Reference) or line.arguments[0].name:
            helps = "write `again NAME from x`"
            headline = "`again` takes the label of a layer or call"
            self.report("NS108", headline, line.kind.span, "", helps)
            return
        name = tree.Name(values[0].text, values[0].span)
        self.check_tensor(name, scope)
        declared = scope.find_tensor(name.text)
        if declared and declared.what == "block input":
            self.report("NS103", f"`{name.text}` is an input, not a layer", name.span)

    def check_call(self, line: tree.LayerLine, scope: Scope) -> None:
        name = line.kind
        thing = self.find(name.text)
        assert thing
        if not isinstance(thing.definition, tree.Block):
            helps = "what several nets have in common is a `block`"
            self.report("NS101", f"`{name.text}` is a net, not a block", name.span, "a net", helps)
            return
        self.current.append((thing, name.span))
        self.check_call_arguments(line, thing.definition, scope)

    def report_unknown(self, line: tree.LayerLine, scope: Scope) -> None:
        from netspec.compiler.advice import advise_kind  # for mistakes alone

        known = (*KINDS, *STRUCTURE_WORDS, *self.module.names)
        headline = f"there is no layer kind or block `{line.kind.text}`"
        self.report("NS101", headline, line.kind.span, "unknown", *advise_kind(line, known))
        for argument in line.arguments:
            if suggest_names(line.kind.text, known):
                self.check_expression(argument.value, scope)
            else:
                scope.forgive(list_names(argument.value))
        if line.body:
            is_join = any(isinstance(inner, tree.Branch) for inner in line.body.lines)
            self.check_lines(line.body, scope.inner(), Place("join" if is_join else "branch"))

    def check_call_arguments(self, line: tree.LayerLine, block: tree.Block, scope: Scope) -> None:
        word = line.kind.text
        names = [parameter.name.text for parameter in block.parameters]
        if len(set(names)) < len(names):
            return  # which is an error of the block
        arguments = self.check_signs(line.arguments, names, scope)
        placed = place_arguments(word, arguments, names, names)
        self.diagnostics += placed.diagnostics
        for argument in arguments:
            self.check_expression(argument.value, scope)
        missing = [
            parameter.name.text
            for parameter in block.parameters
            if parameter.default is None and parameter.name.text not in placed.by_field
        ]
        is_whole = len(arguments) == len(line.arguments) and not placed.diagnostics
        if missing and is_whole:
            shown = ", ".join(f"`{name}`" for name in missing)
            headline = f"{word} needs {shown}"
            self.report("NS108", headline, line.kind.span, f"takes {', '.join(names)}")
        wanted = len(block.inputs) or 1
        given = len(line.sources or ())
        if given != wanted and (given or wanted > 1):
            inputs = ", ".join(name.text for name in block.inputs) or "input"
            headline = f"{word} reads {wanted} tensor{'s' * (wanted > 1)} ({inputs}), not {given}"
            span = line.sources[0].span if line.sources else line.kind.span
            self.report("NS118", headline, span, "", f"write `{word} from {inputs}`")


LineCheck = Callable[[_ModuleCheck, Any, Scope, Place], None]
LINE_CHECKS: dict[type, LineCheck] = {
    tree.Let: _ModuleCheck.check_let,
    tree.If: _ModuleCheck.check_if,
    tree.Repeat: _ModuleCheck.check_repeat,
    tree.For: _ModuleCheck.check_for,
    tree.Default: _ModuleCheck.check_default,
    tree.Expect: _ModuleCheck.check_expect,
    tree.Output: _ModuleCheck.check_output,
    tree.Flow: _ModuleCheck.check_flow,
    tree.Branch: _ModuleCheck.check_branch,
    tree.LayerLine: _ModuleCheck.check_layer,
}
