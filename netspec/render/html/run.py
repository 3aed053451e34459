"""A run with its net compiled once more, and what several parts of its page say of it."""

from functools import cached_property

from msgspec import Struct

from netspec.compiler.pipeline import compile_texts
from netspec.compiler.program import CheckedNet, Program
from netspec.recipe.run import Figures
from netspec.recipe.run_facts import RunFacts
from netspec.render.figures import has_top_five
from netspec.render.html.curves import RunCurves
from netspec.render.page import count_noun


class Run(Struct, frozen=True, dict=True):
    """A run to be shown."""

    facts: RunFacts
    anchor: str
    """What the names of its sections in the page begin with."""

    @cached_property
    def program(self) -> Program:
        """What compiling the spec gives, with the values that the run gave its parameters."""
        return compile_texts(self.facts.texts, self.facts.parameters, self.facts.net)

    @property
    def net(self) -> CheckedNet | None:
        """The net; None where its spec does not hold, as with another version of netspec."""
        return self.program.nets[0] if not self.program.has_errors and self.program.nets else None

    @cached_property
    def own_net(self) -> CheckedNet | None:
        """The net with the values of its parameters that its file gives; None where it gives not
        all."""
        program = compile_texts(self.facts.texts, None, self.facts.net)
        return program.nets[0] if not program.has_errors and program.nets else None

    @property
    def name(self) -> str:
        return self.facts.folder

    @property
    def figures(self) -> Figures | None:
        """How well its last weights do on the centre view."""
        facts = self.facts
        return facts.final or (facts.answers.figures if facts.answers else None)

    @property
    def tests(self) -> list[tuple[str, Figures]]:
        """The tests that are known, with what they are of."""
        facts, found = self.facts, []
        if facts.final is not None:
            found.append(("last weights", facts.final))
        if facts.final_views is not None:
            views = f"mean of {facts.final_views.views} views"
            found.append((f"last weights, {views}", facts.final_views))
        if facts.final is None and facts.answers is not None:
            found.append(("last weights, tested for this report", facts.answers.figures))
        if facts.best is not None:
            found.append((f"best on the way, after update {facts.best_update:,}", facts.best))
        return found

    @property
    def has_top_five(self) -> bool:
        """Whether the five likeliest classes can be wrong."""
        return has_top_five(self.num_classes, (figures for _, figures in self.tests))

    @property
    def num_classes(self) -> int:
        """Of the data, as far as they are known."""
        facts = self.facts
        names = facts.answers.class_names if facts.answers else facts.data.get("classes", ())
        return len(names)

    @property
    def epochs(self) -> float | None:
        each = self.facts.updates_per_epoch
        return self.facts.updates / each if each else None

    @property
    def seconds(self) -> float:
        """The time that it took, of all its sessions."""
        return sum(session.seconds for session in self.facts.sessions)

    @property
    def chance(self) -> float | None:
        """The accuracy of always giving the most frequent class."""
        facts = self.facts
        if facts.chance is None and facts.answers is not None:
            counts = facts.answers.count_images().values()
            return max(counts) / sum(counts)
        return facts.chance

    @property
    def curves(self) -> RunCurves:
        facts = self.facts
        return RunCurves(self.name, facts.metrics, self.chance, facts.updates_per_epoch)


def show_seconds(seconds: float) -> str:
    """`3 h 12 min`, `4 min 13 s`, `8.3 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def show_share(share: float) -> str:
    """`87.3 %`."""
    return f"{100 * share:.1f} %"


def describe_updates(run: Run) -> str:
    """`90 of 5,670 updates, 1.43 epochs`."""
    facts = run.facts
    is_whole = facts.planned is None or facts.planned == facts.updates
    done = "" if is_whole else f" of {facts.planned:,}"
    text = count_noun(facts.updates, "update")
    if done:
        text = f"{facts.updates:,}{done} updates"
    return text if run.epochs is None else f"{text}, {show_epochs(run.epochs)}"


def capitalize(text: str) -> str:
    """A text as a sentence begins, the rest of it as it is."""
    return text[:1].upper() + text[1:]


def show_epochs(epochs: float) -> str:
    """`1 epoch`, `0.317 epochs`."""
    return "1 epoch" if epochs == 1 else f"{epochs:,.3g} epochs"


def describe_end(run: Run) -> str:
    """That a run did not come to its end, and why; empty where it did."""
    facts = run.facts
    match facts.ended:
        case "interrupted":
            return f"The run was stopped by {facts.reason} after {describe_updates(run)}."
        case "failed":
            done = f"This is what there was until then: {describe_updates(run)}."
            return f"{capitalize(facts.reason)}\n{done}"
        case "unknown":
            return (
                "The run has not come to its end: it goes on, or was killed. This is what was "
                f"written by now: {describe_updates(run)}."
            )
    return ""
