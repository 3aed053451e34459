"""Layers of a Caffe prototxt: `layer { name: "conv1" type: "Convolution" … }`."""

import re
from collections.abc import Sequence

from netspec.syntax.foreign.calls import Lines, find_closer
from netspec.syntax.foreign.writing import Found, write_layer
from netspec.syntax.mistake import token_at
from netspec.syntax.terminals import Token

LAYER_WORDS = ("layer", "layers")
KINDS = {
    "convolution": "conv", "deconvolution": "deconv", "innerproduct": "fc", "pooling": "maxpool",
    "relu": "relu", "prelu": "prelu", "sigmoid": "sigmoid", "tanh": "tanh", "lrn": "lrn",
    "dropout": "dropout", "softmax": "softmax", "softmaxwithloss": "softmax", "batchnorm":
    "batchnorm", "scale": "scale", "flatten": "flatten", "elu": "elu", "concat": "concat",
    "eltwise": "add", "input": "input", "split": "identity",
}  # fmt: skip
"""Caffe's layer types, in small letters and without `_`, as ours."""
NAMED = {
    "num_output": "channels", "kernel_size": "size", "group": "groups", "bias_term": "bias",
    "local_size": "n", "dropout_ratio": "p", "negative_slope": "slope", "global_pooling": "global",
}  # fmt: skip
PADDED = re.compile(r"(kernel|stride|pad)_([hw])")

Fields = dict[str, list[str]]
"""The values of a message by their field; those of messages inside by their own fields, with the
filler's fields behind the filler's name and a dot."""


def translate_message(tokens: Sequence[Token], start: int) -> Lines | None:
    """Our line for the `layer { … }` that begins at an index."""
    if tokens[start].text not in LAYER_WORDS or token_at(tokens, start + 1).type != "LBRACE":
        return None
    end = find_closer(tokens, start + 1)
    fields = read_fields(tokens, start + 2, end)
    if "type" not in fields and "name" not in fields:
        return None
    line = write_message(fields)
    return Lines("Caffe", (line,) if line else (), end + 1)


def read_fields(tokens: Sequence[Token], start: int, end: int, prefix: str = "") -> Fields:
    """`name: value` and `name { … }`, with or without line ends between them."""
    fields: Fields = {}
    index = start
    while index < end:
        name = tokens[index]
        after = token_at(tokens, index + 1)
        if after.type == "COLON" and token_at(tokens, index + 2).type == "LBRACE":
            index, after = index + 1, token_at(tokens, index + 2)
        if after.type == "LBRACE":
            closer = find_closer(tokens, index + 1)
            inner = f"{name.text}." if name.text.endswith("_filler") else ""
            for field, values in read_fields(tokens, index + 2, closer, inner).items():
                fields.setdefault(field, []).extend(values)
            index = closer + 1
        elif after.type == "COLON":
            value, index = token_at(tokens, index + 2), index + 3
            text = value.text
            if value.type == "MINUS":
                text, index = f"-{token_at(tokens, index).text}", index + 1
            fields.setdefault(prefix + name.text, []).append(text)
        else:
            index += 1
    return fields


def write_message(fields: Fields) -> str | None:
    kind = KINDS.get(first(fields, "type").lower().replace("_", ""))
    label = first(fields, "name")
    if kind is None:
        return None
    if kind in ("concat", "add"):
        joins = {"PROD": "multiply", "MAX": "maximum"}
        word = joins.get(first(fields, "operation"), kind)
        sources = ", ".join(re.sub(r"\W", "_", name) for name in fields.get("bottom", []))
        name = re.sub(r"\W", "_", label)
        return f"{name}: {word} from {sources}"
    found: Found = {}
    for field, values in fields.items():
        found.setdefault(NAMED.get(field, field), values[0])
    read_two_directions(fields, found)
    if kind == "input":
        found["size"] = "x".join(fields.get("dim", [])[1:4])
    if kind == "maxpool":
        kind = "avgpool" if first(fields, "pool") == "AVE" else "maxpool"
        if found.get("global", "").lower() != "true":
            found.pop("global", None)
        found |= {"stride": found.get("stride", "1"), "round": "up"}
    if kind == "relu" and float_of(found.get("slope", "0")):
        kind = "leakyrelu"
    if kind == "lrn":
        found.setdefault("n", "5")
        found.setdefault("alpha", "1")
        if first(fields, "norm_region") == "WITHIN_CHANNEL":
            found["across"] = "map"
    if kind == "batchnorm":
        found |= {"scale": "no", "shift": "no"}
    if kind == "dropout":
        found.setdefault("p", "0.5")
    if kind == "scale" and found.get("bias", "").lower() == "true":
        found["bias"] = "yes"
    read_fillers(fields, found)
    return write_layer(kind, found, label)


def read_two_directions(fields: Fields, found: Found) -> None:
    """`kernel_h` and `kernel_w` as a size."""
    names = {"kernel": "size", "stride": "stride", "pad": "pad"}
    for field in fields:
        match = PADDED.fullmatch(field)
        if match:
            height = first(fields, f"{match[1]}_h") or "0"
            width = first(fields, f"{match[1]}_w") or "0"
            found[names[match[1]]] = f"({height}, {width})"


def read_fillers(fields: Fields, found: Found) -> None:
    """Starting values, where they are not Caffe's own constant 0."""
    for filler, argument in (("weight_filler", "init"), ("bias_filler", "bias_init")):
        value = first(fields, f"{filler}.value")
        match first(fields, f"{filler}.type"):
            case "gaussian":
                found[argument] = f"normal({first(fields, f'{filler}.std') or '1'})"
            case "xavier":
                found[argument] = "xavier(fan=in)"
            case "msra":
                found[argument] = "msra"
            case "constant" if float_of(value or "0"):
                found[argument] = value if argument == "bias_init" else f"constant({value})"
            case _:
                pass


def first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


def float_of(text: str) -> float:
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return 0.0
