"""Texts made of one thing many times, each a function of how many: what takes time that grows
faster than a text does would show in one of them.
"""

from collections.abc import Callable

Text = Callable[[int], str]


def in_net(unit: str, before: str = "", after: str = "") -> Text:
    """Lines of a net; `#` in them is their number."""

    def write(count: int) -> str:
        lines = "".join(f"{unit.replace('#', str(number))}\n" for number in range(count))
        return f"net n {{\n  input 4x8x8\n{before}\n{lines}{after}\n}}\n"

    return write


def in_file(unit: str, before: str = "", after: str = "net n { input 4x8x8; relu }\n") -> Text:
    """Text of a file; `#` in it is its number, `%` the next."""

    def write(count: int) -> str:
        units = (
            unit.replace("#", str(number)).replace("%", str(number + 1)) for number in range(count)
        )
        return before + "".join(units) + after

    return write


def in_line(unit: str, before: str, after: str) -> Text:
    return lambda count: before + unit * count + after


REPETITIONS: dict[str, Text] = {
    "layers": in_net("conv 4, 1x1"),
    "layers in one line": in_line("relu; ", "net n { input 4x8x8; ", "relu }"),
    "labels": in_net("l#x: relu"),
    "readers of one tensor": in_net("relu from a; sigmoid", before="a: tanh"),
    "claims": in_net("conv 4, 1x1  -> 4x8x8, params 20, macs 1024"),
    "false claims": in_net("conv 4, 1x1  -> 5x8x8, params 21"),
    "windows that do not fit": in_net("l#x: conv 4, 9x9 from input"),
    "groups that do not divide": in_net("conv 4, 1x1, groups=3 from input"),
    "heads": in_net("head weight=0.1 { fc 3 }"),
    "weights used again": in_net("again a", before="a: conv 4, 1x1"),
    "joins": in_net("add { branch { relu }; branch { } }"),
    "branches": in_net("branch { conv 4, 1x1 }", before="concat {", after="}"),
    "defaults": in_net("default conv { stride=1 }", after="conv 4, 1x1"),
    "lets": in_net("let v# = 4\nconv v#, 1x1"),
    "unused lets": in_net("let v# = 4"),
    "a list": in_line("4, ", "net n { input 4x8x8; for v in [", "4] { conv v, 1x1 } }"),
    "a table": in_net("4, 1  # why", before="for a, b in {", after="} { conv a, b }"),
    "passes of a loop": lambda count: f"net n {{ input 4x8x8; repeat {count} {{ conv 4, 1x1 }} }}",
    "concat of concat": lambda count: (
        f"net n {{ input 4x8x8; repeat {count} {{ concat {{ branch {{ }}; branch {{ }} }} }} }}"
    ),
    "parameters": lambda count: (
        f"net n({', '.join(f'p{n} = 4' for n in range(count))}) {{ input 4x8x8; "
        + "".join(f"conv p{n}, 1x1; " for n in range(count))
        + "}"
    ),
    "layers on two GPUs": in_file("conv 4, 1x1\n", "net n { gpus 2; input 4x8x8\n", "}"),
    "layers that GPUs do not divide": in_file("fc 3\n", "net n { gpus 2; input 4x8x8\n", "}"),
    "blocks": in_file("block b# { relu }\n"),
    "blocks that call the next": in_file("block b# { b%; b% }\n", after="block b { b0 }\n"),
    "nets": in_file("net n# { input 4x8x8; conv 4, 1x1 }\n", after=""),
    "nets made from one": in_file("net n# = n(w=%)\n", "net n(w) { input 1x1x1; fc w }\n", ""),
    "nets made from the one before": in_file("net n% = n#()\n", "net n0 { input 4; relu }\n", ""),
    "uses": in_file('use "a#.net"\n'),
    "recipes": in_file("train n# { batch 3 }\n"),
    "lines of a recipe": in_file("batch 3\n", "train {\n", "}\nnet n { input 4x8x8; relu }\n"),
    "unknown kinds": in_net("rulu#"),
    "unknown kinds in one line": in_line("rulu; ", "net n { input 4x8x8; ", "relu }"),
    "unknown values": in_net("conv w#, 1x1"),
    "unknown tensors": in_net("l#x: relu\nrelu from k#x"),
    "unknown arguments": in_net("conv 4, 1x1, strode=2, pud=1"),
    "comments": in_file("# why\n"),
    "comments that silence": in_net("relu  # netspec: allow NS504"),
    "hashes": in_line("#", "", ""),
    "blank lines": in_line("\n", "", ""),
    "spaces": in_line(" ", "", "a"),
    "tabs": in_line("\t", "net n {", "}"),
    "semicolons": in_line(";", "net n {", "}"),
    "braces": in_line("{}", "", ""),
    "open braces": in_line("net n {\n", "", ""),
    "closed brackets": in_line(")", "net n { ", "}"),
    "quotes": in_line('"\n', "", ""),
    "colons": in_line(":", "net n { a ", "}"),
    "signs that are none": in_line("@ ", "", ""),
    "characters that are none": in_line("\0", "", ""),
    "right-to-left marks": in_line("\u202e", "net n { ", "}"),
    "combining marks": in_line("\u0301", "net n { e", "}"),
    "wide characters": in_line("漢", "# ", "\n"),
    "one word": in_line("a", "net n { input 4x8x8; ", " }"),
    "one number": in_line("9", "net n { input 4x8x8; conv ", ", 1x1 }"),
    "digits of an exponent": in_line("9", "net n { input 4x8x8; conv 1e", ", 1x1 }"),
    "one text": in_line("a", 'use "', '"\n'),
    "operators": in_line("+ 4", "net n { input 4x8x8; conv 4 ", ", 1x1 }"),
    "minus signs": in_line("-", "net n { input 4x8x8; conv 4 ", "4, 1x1 }"),
    "elses": in_line("else if yes { relu } ", "net n { input 4x8x8; if yes { relu } ", "}"),
    "words without sense": in_net("conv conv relu ="),
    "arrows": in_net("conv 4, 1x1 => 4"),
    "lines of Caffe": in_line(
        'layer { name: "c" type: "Convolution" convolution_param { num_output: 96 } }\n', "", ""
    ),
    "lines of Darknet": in_line("[convolutional]\nfilters=96\nsize=3\nactivation=leaky\n", "", ""),
    "lines of Keras": in_line("model.add(Conv2D(96, (11, 11), activation='relu'))\n", "", ""),
    "lines of PyTorch": in_line("self.conv1 = nn.Conv2d(3, 96, kernel_size=11)\n", "", ""),
    "lines of PyTorch in a net": in_net("x = F.relu(self.conv#(x))"),
}  # fmt: skip
"""By what they repeat."""
