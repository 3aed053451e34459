"""Sections of a Darknet cfg: `[convolutional]` and the lines `filters=96` below it."""

from collections.abc import Sequence

from netspec.syntax.foreign.calls import Lines
from netspec.syntax.foreign.writing import read_activation, write_layer
from netspec.syntax.terminals import Token

SECTIONS = {
    "net", "network", "convolutional", "conv", "deconvolutional", "connected", "conn", "maxpool",
    "max", "avgpool", "avg", "dropout", "softmax", "cost", "route", "shortcut", "upsample", "yolo",
    "region", "detection", "batchnorm", "normalization", "local", "crop", "activation", "reorg",
    "rnn", "gru", "lstm",
}  # fmt: skip


def translate_section(tokens: Sequence[Token], start: int) -> Lines | None:
    """Our line for the section that begins at an index."""
    name = read_section_name(tokens, start)
    if name is None:
        return None
    options, end = read_options(tokens, start + 3)
    line = write_section(name, options)
    return Lines("Darknet", (line,) if line else (), end)


def read_section_name(tokens: Sequence[Token], start: int) -> str | None:
    """The name in `[name]`, if Darknet has such a section."""
    if start + 2 >= len(tokens) or tokens[start].type != "LSQB" or tokens[start + 2].type != "RSQB":
        return None
    name = tokens[start + 1].text.lower()
    return name if name in SECTIONS else None


def read_options(tokens: Sequence[Token], start: int) -> tuple[dict[str, str], int]:
    """The lines `name=value` from an index on, and the index of what ends the last."""
    options: dict[str, str] = {}
    index, end = start, start
    while True:
        while tokens[index].type == "SEP":
            index += 1
        if index + 2 >= len(tokens) or tokens[index + 1].type != "EQUAL":
            return options, end
        last = index + 1
        while tokens[last].type not in ("SEP", "RBRACE", "LBRACE", "$END"):
            last += 1
        if last > index + 2:
            text = tokens[index + 2].span.to(tokens[last - 1].span).text
            options.setdefault(tokens[index].text, text)
        index = end = last


def write_section(name: str, options: dict[str, str]) -> str | None:
    """Darknet's defaults are those of its parser.c: size and stride 1, activation logistic, a
    pooling window's padding size - 1 in all, the smaller half before."""
    match name:
        case "net" | "network":
            shape = [options.get(key, "") for key in ("channels", "height", "width")]
            return f"input {'x'.join(shape)}" if all(map(str.isdigit, shape)) else None
        case "convolutional" | "conv":
            return write_convolution(options)
        case "connected" | "conn":
            line = write_layer("fc", {"channels": options.get("output", "")})
            return join_lines(line, read_activation(options.get("activation", "logistic")))
        case "maxpool" | "max":
            return write_pool(options)
        case "avgpool" | "avg":
            return "avgpool global"
        case "dropout":
            return write_layer("dropout", {"p": options.get("probability", "0.5")})
        case "softmax":
            return "softmax"
        case "upsample":
            return write_layer("upsample", {"factor": options.get("stride", "2")})
        case "batchnorm":
            return "batchnorm"
        case "activation":
            return read_activation(options.get("activation", "linear")) or None
        case "route":
            return "concat from a, b"
        case "shortcut":
            return "add from a, b"
        case _:
            return None


def write_convolution(options: dict[str, str]) -> str | None:
    is_normed = options.get("batch_normalize", "0") == "1"
    found = {
        "channels": options.get("filters", "1"),
        "size": options.get("size", "1"),
        "stride": options.get("stride", "1"),
        "pad": "half" if options.get("pad", "0") == "1" else options.get("padding", "0"),
        "groups": options.get("groups", "1"),
        "bias": "no" if is_normed else "yes",
    }
    if found["size"] == "1" and found["pad"] == "half":
        found["pad"] = "0"
    line = write_layer("conv", found)
    norm = "batchnorm" if is_normed else ""
    return join_lines(line, norm, read_activation(options.get("activation", "logistic")))


def write_pool(options: dict[str, str]) -> str | None:
    stride = options.get("stride", "1")
    size = options.get("size", stride)
    if not size.isdigit():
        return None
    padding = options.get("padding", str(int(size) - 1))
    if not padding.isdigit():
        return None
    before = int(padding) // 2
    after = int(padding) - before
    pad = str(before) if before == after else f"{before}:{after}"
    return write_layer("maxpool", {"size": size, "stride": stride, "pad": pad})


def join_lines(line: str | None, *more: str | None) -> str | None:
    if line is None or None in more:
        return None
    return "; ".join([line, *filter(None, more)])
