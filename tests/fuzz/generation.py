"""Whole files that mean something, most of them without an error: blocks, loops, tables, joins,
labels, claims and comments, chance by chance.

Convolutions keep height and width, so that what follows fits; the rest is left to luck.
"""

from collections.abc import Callable
from random import Random

from tests.syntax.legal_files import COMMENTS, respell

PLAIN = (
    "relu", "tanh", "sigmoid", "hardswish", "batchnorm", "dropout 0.5", "lrn 5", "scale", "prelu",
    "layernorm", "leakyrelu 0.1", "shuffle 2", "identity", "activate relu",
)  # fmt: skip
DEEPEST = 2


def generate(random: Random) -> str:
    """The text of a file, its spaces as somebody might leave them."""
    text = _Writer(random).write_file()
    return respell(text, random) if random.random() < 0.8 else text


class _Writer:
    """A file in the making."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.labels: list[list[str]] = [[]]
        """Labels whose tensors may be read, of each pair of braces."""
        self.count = 0
        self.values = ["width"]
        self.has_block = random.random() < 0.6

    def write_file(self) -> str:
        random = self.random
        parts = [f"# {random.choice(COMMENTS)}\n"] if random.random() < 0.3 else []
        if self.has_block:
            body = self.write_lines(DEEPEST - 1)
            parts.append(
                f"block unit(width, act = relu) {{\n{body}activate act\nconv width, 1\n}}\n"
            )
        self.labels = [[]]
        extent = random.choice((8, 16, 31))
        lines = [f"input {random.choice((1, 3, 4))}x{extent}x{extent}"]
        lines += ["conv width, 3, pad=1"]
        lines += [self.write_lines(0), "fc classes"]
        lines += ["expect params 10G"] if random.random() < 0.1 else []
        inner = "\n".join(lines)
        parts.append(f"net n(width = {random.choice((4, 8, 12))}, classes = 10) {{\n{inner}\n}}\n")
        if random.random() < 0.2:
            parts.append("net wide = n(width=16)\n")
        return "".join(parts)

    def write_lines(self, depth: int) -> str:
        """Some lines; the labels of theirs end with them."""
        self.labels.append([])
        lines = [self.write_line(depth) for _ in range(self.random.randrange(1, 5))]
        self.labels.pop()
        return "".join(f"{line}\n" for line in lines)

    def write_line(self, depth: int) -> str:
        random = self.random
        writers: list[Callable[[int], str]] = [self.write_layer] * 6
        if depth < DEEPEST:
            writers += [self.write_join, self.write_join, self.write_if, self.write_loop]
            writers += [self.write_table, self.write_let]
        if self.has_block and depth == 0:
            writers.append(lambda _: f"unit {self.write_channels()}")
        line = random.choice(writers)(depth)
        if random.random() < 0.15:
            line += f"  {random.choice(COMMENTS[:3])}"
        return line

    def write_layer(self, depth: int) -> str:
        random = self.random
        window = random.choice(("1", "3, pad=1", "5x5, pad=2", "3x1, pad=1x0", "3, pad=half"))
        line = random.choice((f"conv {self.write_channels()}, {window}", random.choice(PLAIN)))
        if random.random() < 0.2:
            line += f"; {random.choice(PLAIN)}"
        if random.random() < 0.3:
            self.count += 1
            label = f"l{self.count}x"
            line = f"{label}: {line}"
            self.labels[-1].append(label)
        return line

    def write_channels(self) -> str:
        random = self.random
        value = random.choice(self.values)
        return random.choice(("4", "8", "width", "width", f"2 * {value}", f"({value} + 1) * 4"))

    def write_join(self, depth: int) -> str:
        random = self.random
        if random.random() < 0.3:
            branches = f"branch {{ }}; branch {{ {random.choice(PLAIN)} }}"
            return f"{random.choice(('add', 'maximum', 'multiply'))} {{ {branches} }}"
        if self.labels[-1] and random.random() < 0.5:
            return f"concat from {', '.join(self.labels[-1])}"
        branches = "".join(
            f"branch {{\n{self.write_lines(depth + 1)}}}\n" for _ in range(random.randrange(1, 4))
        )
        return f"concat {{\n{branches}}}"

    def write_if(self, depth: int) -> str:
        value = self.random.choice(self.values)
        first = f"if {value} > {self.random.randrange(10)} {{\n{self.write_lines(depth + 1)}}}"
        if self.random.random() < 0.5:
            return first
        return f"{first} else {{\n{self.write_lines(depth + 1)}}}"

    def write_loop(self, depth: int) -> str:
        times = self.random.choice(("0", "1", "2", "3", "width // 4"))
        return f"repeat {times} {{\n{self.write_lines(depth + 1)}}}"

    def write_table(self, depth: int) -> str:
        self.count += 1
        a, b = f"a{self.count}", f"b{self.count}"
        widths = [self.write_channels() for _ in range(self.random.randrange(1, 4))]
        rows = "".join(f"{width}, {self.random.choice('135')}\n" for width in widths)
        return f"for {a}, {b} in {{\n{rows}}} {{\nconv {a}, {b}, pad={b} // 2\n}}"

    def write_let(self, depth: int) -> str:
        self.count += 1
        name = f"v{self.count}"
        value = self.random.choice(("width + 4", "max(4, width)", "[4, 8][1]", "8"))
        return f"let {name} = {value}\nconv {name}, 1"
