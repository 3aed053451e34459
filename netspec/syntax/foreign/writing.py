"""A layer of another system as a line of ours: which words of theirs are which arguments, how their
values are written here, and what their defaults are.
"""

import re
from collections.abc import Mapping

Found = dict[str, str]
"""Values as another system writes them, by the name of our argument or of something beside it:
`activation` (a layer that follows), `ceil` (yes where windows round up)."""

FORMS: dict[str, tuple[str, str]] = {
    "input": ("size", ""),
    "conv": ("channels size", "stride pad dilation groups bias init bias_init round"),
    "depthwise": ("size", "multiplier stride pad dilation bias init"),
    "deconv": ("channels size", "stride pad output_pad groups bias init"),
    "fc": ("channels", "bias init bias_init"),
    "maxpool": ("size", "stride pad round"),
    "avgpool": ("size", "stride pad round count_pad"),
    "adaptiveavgpool": ("size", ""),
    "lrn": ("n", "alpha beta k over across"),
    "batchnorm": ("", "eps momentum scale shift"),
    "layernorm": ("", "eps"),
    "groupnorm": ("groups", "eps"),
    "dropout": ("p", ""),
    "droppath": ("p", ""),
    "leakyrelu": ("slope", ""),
    "prelu": ("slope", ""),
    "pad": ("size", ""),
    "crop": ("size", ""),
    "upsample": ("factor", "to mode align"),
    "shuffle": ("groups", ""),
    "slice": ("start end", ""),
    "multiply": ("factor", ""),
    "scale": ("", "bias"),
}
"""Our layer kinds' arguments, with and without their names; a kind that is not here has none."""
SIZES = ("size", "stride", "pad", "dilation", "output_pad", "to", "factor")
DEFAULTS = {"stride": "1", "pad": "0", "dilation": "1", "groups": "1", "bias": "yes", "k": "1"}
POOLS = ("maxpool", "avgpool")
ACTIVATIONS = {
    "relu": "relu", "relu6": "relu6", "elu": "elu", "gelu": "gelu", "sigmoid": "sigmoid",
    "logistic": "sigmoid", "tanh": "tanh", "swish": "swish", "silu": "swish", "mish": "mish",
    "softmax": "softmax", "leaky": "leakyrelu 0.1", "leaky_relu": "leakyrelu 0.2",
    "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish", "linear": "", "none": "",
}  # fmt: skip
"""Activations as an argument of another system names them, as lines of ours."""
PLAIN = re.compile(r"[\w.\[\]+*/ -]{1,30}", re.ASCII)


def write_layer(kind: str, found: Mapping[str, str], label: str = "") -> str | None:
    """The line for a layer; None where a value cannot be written here, or one is absent."""
    positional, named = FORMS.get(kind, ("", ""))
    if "global" in found and kind in POOLS:
        return label_line(label, f"{kind} global")
    arguments: list[str] = []
    for name in positional.split():
        value = write_value(kind, name, found.get(name, ""))
        if value is None:
            return None
        if not value and (kind, name) not in OPTIONAL:
            return None
        arguments += [value] if value else []
    for name in named.split():
        value = write_value(kind, name, found.get(name, ""))
        if value is None:
            return None
        is_default = value == DEFAULTS.get(name) and not (kind in POOLS and name == "stride")
        if value and not is_default:
            arguments.append(f"{name}={value}")
    if kind == "upsample" and not arguments:
        return None
    line = f"{kind} {', '.join(arguments)}".rstrip()
    activation = read_activation(found.get("activation", ""))
    if activation is None:
        return None
    return label_line(label, f"{line}; {activation}" if activation else line)


OPTIONAL = {("leakyrelu", "slope"), ("prelu", "slope"), ("upsample", "factor")}
"""Arguments without their name that may be absent."""


def label_line(label: str, line: str) -> str:
    """A line with its label, made a name that a label may be."""
    name = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_")
    name = re.sub(r"_(\d+)$", r"\1", name)
    if not name or not name[0].isalpha() or name in ("input", "channels"):
        return line
    return f"{name}: {line}"


def write_value(kind: str, name: str, text: str) -> str | None:
    """A value as the language writes it; None where it cannot be said."""
    text = text.strip().strip("\"'")
    if name == "size" and kind == "input":
        return write_shape(text)
    lowered = text.lower()
    if lowered in ("true", "false"):
        return "yes" if lowered == "true" else "no"
    if lowered in ("none", "valid", ""):
        return ""
    if name in SIZES:
        return write_size(name, text)
    if name in ("init", "bias_init"):
        return text
    return text if PLAIN.fullmatch(text) else None


def write_size(name: str, text: str) -> str | None:
    """`(3, 3)`, `[3, 3]`, `3` and `same` as sizes; a window is written in full."""
    lowered = text.lower()
    if lowered in ("same", "half"):
        return lowered
    if name == "pad" and re.fullmatch(r"\d+:\d+", text):
        return text
    if text.startswith(("(", "[")):
        text = text[1:-1]
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) not in (1, 2) or not all(map(PLAIN.fullmatch, parts)):
        return None
    if len(parts) == 1 and name == "size" and parts[0].isdigit():
        parts *= 2
    if len(set(parts)) == 1 and name != "size":
        parts = parts[:1]
    is_plain = all(part.isdigit() for part in parts)
    return ("x" if is_plain else " x ").join(parts)


def write_shape(text: str) -> str | None:
    """Height, width, channels, as Keras has them, the other way round."""
    parts = [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return text if re.fullmatch(r"\d+x\d+x\d+", text) else None
    height, width, channels = parts
    return f"{channels}x{height}x{width}"


def read_activation(text: str) -> str | None:
    """The line for an activation that another system takes as an argument; None for one that has no
    counterpart."""
    name = text.strip().strip("\"'").lower().rpartition(".")[2]
    return ACTIVATIONS.get(name) if name else ""
