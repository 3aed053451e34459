"""What to say to people who write a line as another system has it, or as they would guess: the help
lines of errors about names and arguments. Imported only where there is such an error.

Nothing is decided here; each function is asked once an error is certain.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from netspec.compiler.suggest import did_you_mean, suggest_names
from netspec.layers import KINDS
from netspec.recipe.solver import SOLVERS
from netspec.source import SourceFile
from netspec.syntax import tree
from netspec.syntax.foreign.words import NOTHING, RECIPE_LINES, TRUTHS, find_phrase
from netspec.syntax.lexicon import KEYWORDS, NUMBER
from netspec.syntax.tokens import scan
from netspec.values import Size, Word, format_value

INHERITED = ("gpu", "rate", "decay", "bias_rate", "bias_decay")
"""Arguments that many kinds have and few lines say."""
SAMPLES = {
    "channels": "96", "size": "3x3", "n": "5", "p": "0.5", "groups": "8", "start": "0",
    "end": "64", "weight": "weight=0.3 { … }", "count": "2", "word": "relu", "rate": "rate=0.01",
    "std": "0.01", "bound": "0.1", "value": "0.1", "after": "after=90 epochs", "side": "256",
    "images": "128", "function": "softmax", "name": "imagenet", "factor": "0.1",
    "every": "every=30 epochs", "at": "[30 epochs, 60 epochs]", "gamma": "gamma=1e-4",
    "power": "power=0.75", "trust": "trust=0.001", "biases": "biases=no",
}  # fmt: skip
"""How an argument may look, for an example of a whole line."""
NEXT = {
    "conv": ("stride", "pad"), "deconv": ("stride", "pad"), "depthwise": ("stride", "pad"),
    "maxpool": ("stride", "pad"), "avgpool": ("stride", "pad"), "lrn": ("alpha", "beta", "k"),
}  # fmt: skip
"""The arguments that other systems take next by their place, and which have to be named here."""
OWN = {
    ("dropout", "rate"): "p", ("dropout", "keep_prob"): "", ("lrn", "size"): "n",
    ("leakyrelu", "alpha"): "slope", ("leakyrelu", "negative_slope"): "slope",
    ("upsample", "size"): "to", ("upsample", "scale"): "factor", ("crop", "height"): "size",
    ("shuffle", "group"): "groups", ("groupnorm", "num_groups"): "groups",
}  # fmt: skip
"""Arguments whose name means another thing for most kinds."""
ELSEWHERE = {
    "activation": "an activation is a layer of its own: `relu` on the line below",
    "nonlinearity": "an activation is a layer of its own: `relu` on the line below",
    "batch_normalize": "it is a layer of its own: `batchnorm` on the line below",
    "name": "a label stands before the layer: `conv1: conv 96, 11x11`",
    "label": "a label stands before the layer: `conv1: conv 96, 11x11`",
    "in_channels": "leave it out: the channels are those of the tensor that the layer reads",
    "in_features": "leave it out: an fc reads the whole tensor, whatever its shape",
    "num_features": "leave it out: the channels are those of the tensor that the layer reads",
    "input": "what a layer reads stands behind `from`, if it is not the line above",
    "inputs": "what a layer reads stands behind `from`, if it is not the line above",
    "bottom": "what a layer reads stands behind `from`, if it is not the line above",
    "top": "a label stands before the layer: `conv1: conv 96, 11x11`",
    "input_shape": "the shape of the images stands in a line `input 3x224x224`",
    "inplace": "leave it out: what is computed in place is not the file's concern",
    "dim": "leave it out: it is always the channels",
    "axis": "leave it out: it is always the channels",
    "ceil_mode": "write `round=up`",
    "kernel_h": "a size is height x width: `3x5`",
    "kernel_w": "a size is height x width: `3x5`",
    "stride_h": "a stride of two directions is `stride=1x2`",
    "stride_w": "a stride of two directions is `stride=1x2`",
    "pad_h": "a padding of two directions is `pad=0x3`",
    "pad_w": "a padding of two directions is `pad=0x3`",
    "keep_prob": "`p` is the share that is dropped, so 1 less what is kept",
    "norm_region": "over what it runs is said by `across=channels` or `across=map`",
    "nesterov_momentum": "write `nesterov=yes`",
    "global_pooling": "write `global` in place of the size",
    "dropout": "it is a layer of its own: `dropout 0.5`",
    "trainable": "`rate=0` freezes a layer",
    "momentum2": "its name is `beta2`",
    "betas": "their names are `beta1` and `beta2`",
    "weight": "starting values are given by `init`",
}
"""Arguments of other systems that are no argument here, with where their matter stands."""
SIZES = ("size", "stride", "pad", "dilation", "output_pad", "to")
"""Arguments that take a height and a width."""
SEPARABLE = ("sepconv", "separable", "separableconv", "separableconvolution")
AMOUNTS = {
    "epoch": "epochs", "epochs": "epochs", "max_epochs": "epochs", "num_epochs": "epochs",
    "iterations": "iterations", "max_iter": "iterations", "iters": "iterations",
    "images": "images",
}  # fmt: skip
"""What other systems call the end of a training, with the unit that it counts in."""
TRANSFORMS_ELSEWHERE = {
    "totensor": "images are tensors already; `scale 1 / 255` gives pixels from 0 to 1",
    "toimage": "leave it out: pixels are numbers from 0 to 255",
    "normalize": "it is two lines: `subtract [123.7, 116.3, 103.5]; divide [58.4, 57.1, 57.4]`",
}
"""Transforms of others that have another name or none here, in small letters without `_`."""
LOOPS = ("loop", "while", "foreach", "until", "do")
WORDS_ELSEWHERE = {
    "valid": "leave `pad` out: there is no padding unless it is said",
    "zeros": "write `constant(0)`",
    "ones": "write `constant(1)`",
}
"""Words of other systems that are no value here, with what to write."""
FUNCTIONS = {
    "range": "a loop counts by `repeat 3 as i { … }`",
    "len": "the length of a list is `length(list)`",
    "int": "`floor(x)` and `round(x)` make a number whole",
    "sqrt": "a root is `x ** 0.5`",
    "pow": "a power is `2 ** 3`",
}
PLAIN_WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)


# layer kinds


def advise_kind(line: tree.LayerLine, known: Iterable[str]) -> tuple[str, ...]:
    """For a line whose first word is neither a layer kind nor a block."""
    word = line.kind.text
    if word.lower() in KEYWORDS:
        return (f"`{word.lower()}` is written in small letters",)
    if word.lower() in LOOPS:
        return ("a loop is written `repeat 3 { … }` or `for x in [1, 2] { … }`",)
    label = _missing_colon(line)
    return label or _foreign_call(line) or _whole_line(line) or did_you_mean(word, known)


def _whole_line(line: tree.LayerLine) -> tuple[str, ...]:
    """`gap`, `sepconv 64, 3x3`: layers that are a whole line here, or two."""
    word = line.kind.text.lower().replace("_", "").removesuffix("2d")
    if word not in SEPARABLE:
        written = find_phrase(word)
        return (f"write `{written}`",) if written else ()
    texts = [argument.value.span.text for argument in line.arguments if not argument.name]
    channels, size = texts if len(texts) == 2 else ["64", "3x3"]
    named = [argument.span.text for argument in line.arguments if argument.name]
    return (
        f"it is two layers: `{', '.join([f'depthwise {size}', *named])}; conv {channels}, 1x1`",
    )


def _missing_colon(line: tree.LayerLine) -> tuple[str, ...]:
    """`conv1 relu`: a label before a layer kind."""
    first = line.arguments[0] if line.arguments else None
    is_kind = first and isinstance(first.value, tree.Reference) and first.value.text in KINDS
    if line.label or not first or first.name or not is_kind:
        return ()
    rest = _text(line)[len(line.kind.text) :].strip()
    return (f"a label ends in a colon: `{line.kind.text}: {rest}`",) if len(rest) < 80 else ()


def _foreign_call(line: tree.LayerLine) -> tuple[str, ...]:
    """`Linear(4096)`, which reads as a layer with a value in brackets."""
    from netspec.syntax.foreign.lines import translate_statement

    text = _text(line)
    if not re.match(r"\w+\(", text) or len(text) > 500:
        return ()
    found = translate_statement(scan(SourceFile("", text)).tokens, 0)
    return (f"write `{'; '.join(found.lines)}`",) if found and found.lines else ()


def _text(line: tree.LayerLine) -> str:
    """The line from its kind on."""
    return line.kind.span.to(line.span).text


# arguments


def list_arguments(known: Sequence[str], positional: Sequence[str]) -> list[str]:
    """Arguments in the order in which people ask for them."""
    own = [name for name in known if name not in positional and name not in INHERITED]
    return [*positional, *own, *(name for name in INHERITED if name in known)]


def advise_argument(
    word: str, argument: tree.Argument, known: Sequence[str], positional: Sequence[str]
) -> tuple[str, ...]:
    """For an argument with a name that its word does not have."""
    assert argument.name
    name, value = argument.name.text, argument.value.span.text
    own = OWN.get((word, name.lower()))
    near = [own] if own in known else suggest_names(name, known)
    meant = _mend_named(word, name.lower(), value)
    if meant:
        return (f"write `{meant}`",)
    is_elsewhere = name in ELSEWHERE and (name != "weight" or "init" in known)
    if is_elsewhere and not (near and near[0] in known and own):
        return (ELSEWHERE[name],)
    if near:
        if len(near) == 1 and len(value) <= 40:
            return (f"did you mean `{near[0]}={_as_ours(value)}`?",)
        return ("did you mean " + " or ".join(f"`{each}`" for each in near) + "?",)
    if not known:
        return (f"{word} takes no arguments",)
    return (f"{word} takes {', '.join(list_arguments(known, positional))}",)


def _mend_named(word: str, name: str, value: str) -> str:
    """The line of a recipe whose argument has no name, or another; empty for any other."""
    if word == "stop" and name in AMOUNTS and re.fullmatch(r"[\d_.]+[kM]?", value):
        return f"stop after={value} {AMOUNTS[name]}"
    if (word, name) in (("divide", "std"), ("subtract", "means")) and len(value) <= 60:
        return f"{word} {value}"
    return ""


def _as_ours(value: str) -> str:
    """A value with the words for yes and no, and the sizes, of other languages in ours."""
    size = re.fullmatch(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*[)\]]", value)
    return f"{size[1]}x{size[2]}" if size else TRUTHS.get(value.lower(), value)


def advise_surplus(
    word: str,
    arguments: Sequence[tree.Argument],
    surplus: Sequence[tree.Argument],
    positional: Sequence[str],
    known: Sequence[str],
) -> tuple[str, ...]:
    """For more arguments without a name than the word takes; `arguments` are all that it has."""
    first = surplus[0]
    value = first.value
    fitting = [argument for argument in arguments if argument not in surplus]
    given = [argument for argument in fitting if argument.name is None]
    if given and _begins_a_line(first, given[-1]):
        return ("the line before ends in a comma, so this is read as part of it",)
    if isinstance(value, tree.Reference) and value.text in KINDS:
        line = f"{word} {', '.join(argument.span.text for argument in fitting)}".rstrip()
        return (f"a second layer on the line is written `{line}; {value.text}`",)
    texts = [each.value.span.text for each in (*given, *surplus)]
    mended = _mend_places(word, texts, given, surplus)
    if mended:
        return (f"write `{mended}`",)
    if word == "fc" and len(texts) == 2:
        return (f"what it reads is not said: `fc {texts[1]}`, if {texts[1]} is what it gives",)
    own = [name for name in known if name not in positional and name not in INHERITED]
    if not positional and len(surplus) == 1 and (word in SOLVERS or len(own) == 1):
        name = "rate" if word in SOLVERS else own[0]
        if not any(argument.name and argument.name.text == name for argument in fitting):
            written = [f"{name}={value.span.text}", *(argument.span.text for argument in fitting)]
            return (f"write `{word} {', '.join(written)}`",)
    next_ones = [name for name in NEXT.get(word, ()) if name in known]
    if next_ones and len(surplus) <= len(next_ones):
        pairs = zip(next_ones, surplus, strict=False)
        named = ", ".join(f"{name}={each.value.span.text}" for name, each in pairs)
        return (f"what follows has a name: `{named}`",)
    if own and (positional or word in SOLVERS):
        shown = ", ".join(f"`{name}=`" for name in own[:6])
        return (f"name it: {shown}" + (", …" if len(own) > 6 else ""),)
    return ("leave it out",) if word in KINDS or not positional else ()


def _begins_a_line(argument: tree.Argument, before: tree.Argument) -> bool:
    source = argument.span.source
    return "\n" in source.text[before.span.end : argument.span.start]


def _mend_places(
    word: str, texts: list[str], given: Sequence[tree.Argument], surplus: Sequence[tree.Argument]
) -> str:
    """The line where it is plain what was meant; empty where it is not."""
    numbers = all(text.isdigit() for text in texts)
    if word == "input" and numbers and len(texts) == 3:
        return f"input {'x'.join(texts)}"
    if word == "fc" and numbers and len(texts) == 2:
        thousands = surplus[0].span.start == given[0].span.end + 1 and len(texts[1]) == 3
        return f"fc {texts[0]}{texts[1]}" if thousands else ""
    if word in ("avgpool", "maxpool") and "global" in texts:
        return f"{word} global"
    if word in ("crop", "pad") and numbers and len(texts) == 2:
        return f"{word} {'x'.join(texts)}"
    if word == "depthwise" and len(texts) == 2 and texts[0].isdigit() and "x" in texts[1]:
        return f"depthwise {texts[1]}"
    if word == "scale" and len(texts) == 1:
        return f"multiply {texts[0]}"
    if word in ("subtract", "divide") and all(NUMBER.fullmatch(text) for text in texts):
        return f"{word} [{', '.join(texts)}]"
    if word == "conv" and len(texts) == 3:
        if texts[0].isdigit() and texts[1].isdigit() and "x" in texts[2]:
            return f"conv {texts[1]}, {texts[2]}"
        if numbers and texts[1] == texts[2]:
            return f"conv {texts[0]}, {texts[1]}x{texts[2]}"
    return ""


def advise_recipe_line(word: str, known: Collection[str], section: str) -> tuple[str, ...]:
    """For a first word that no line of the section has."""
    if word.lower() in RECIPE_LINES and word.lower() not in known:
        return (RECIPE_LINES[word.lower()],)
    if word in KINDS:
        return (f"a layer stands in a net, not in {section}",)
    return did_you_mean(word, known) or (f"{section} has {', '.join(known)}",)


def advise_transform(word: str, known: Collection[str]) -> tuple[str, ...]:
    """For a word in the braces of data that is no transform."""
    plain = word.lower().replace("_", "")
    if plain in TRANSFORMS_ELSEWHERE:
        return (TRANSFORMS_ELSEWHERE[plain],)
    return did_you_mean(word, known) or (f"the transforms are {', '.join(known)}",)


def advise_missing(word: str, positional: Sequence[str], missing: Sequence[str], given: str) -> str:
    """For needed arguments that are absent: a whole line as an example. `given` is the line's
    arguments as they stand."""
    samples = []
    for name in missing:
        sample = SAMPLES.get(name, "…")
        samples.append(sample if name in positional or "=" in sample else f"{name}={sample}")
    begins = bool(positional) and missing[0] == positional[0]
    arguments = [*samples, given] if begins else [given, *samples]
    written = f"{word} {', '.join(filter(None, arguments))}"
    return f"for example `{written.replace(',, ', ', ')}`"


# values


def advise_value(reference: tree.Reference, known: Iterable[str]) -> tuple[str, ...]:
    """For a name that is no value where it stands."""
    text = reference.text
    lowered = text.lower()
    before = reference.span.source.text[: reference.span.start][-80:].rstrip(" \t")
    if before.endswith("//"):
        return ("a comment begins with `#`",)
    if lowered in TRUTHS:
        return (f"write `{TRUTHS[lowered]}`",)
    if lowered in NOTHING:
        return ("leave the argument out: what is not said has its default",)
    if lowered in WORDS_ELSEWHERE:
        return (WORDS_ELSEWHERE[lowered],)
    if text in ("height", "width"):
        return (f"the {text} of a tensor is `NAME.{text}`, where NAME is its label",)
    return did_you_mean(text, known)


def advise_function(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """For a name before brackets that is no function."""
    return (FUNCTIONS[name],) if name in FUNCTIONS else did_you_mean(name, known)


def advise_tensor(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """For a name that is no tensor where it stands."""
    known = set(known)
    if "." in name:
        return ("what a block names inside its braces cannot be seen outside",)
    if name == "input" and known:
        return ("an input with a label goes by that alone",)
    near = did_you_mean(name, known)
    kind = re.sub(r"_\d+$", "", name)
    if kind in KINDS and (kind != name or not near):
        return (f"a line is read by its label: write `NAME: {kind} …`, and `from NAME`",)
    return near


def advise_refusal(
    kind: str, name: str, value: object, values: Mapping[str, Any], expected: Sequence[str]
) -> tuple[str, ...]:
    """For a value that an argument does not take; `expected` are the words that it does."""
    match value:
        case list() if (kind, name) == ("subtract", "mean"):
            return (f"write `subtract [{', '.join(map(format_value, value))}]`",)
        case list() if (
            name in SIZES
            and value
            and all(isinstance(item, int) for item in value)
            and len(value) < 4
        ):
            return (f"write `{'x'.join(map(str, value))}`",)
        case Word():
            if value.lower() in TRUTHS:
                return (f"write `{name}={TRUTHS[value.lower()]}`",)
            return did_you_mean(value, expected)
        case str() if PLAIN_WORD.fullmatch(value) or value.replace(".", "").isdigit():
            return (f"without quotes: `{value}`",)
        case bool():
            return ()
        case Size():
            return _advise_size(kind, name, value, values)
        case int() | float() if name == "p" and 1 < value <= 100:
            return (f"it is a share: `{float(value) / 100:g}`",)
        case int() if value in (0, 1) and expected == ["yes", "no"]:
            return (f"write `{name}={'yes' if value else 'no'}`",)
        case _:
            return ()


def _advise_size(kind: str, name: str, value: Size, values: Mapping[str, Any]) -> tuple[str, ...]:
    if name == "channels" and isinstance(values.get("size"), int):
        return (f"channels stand first: `{kind} {values['size']}, {format_value(value)}`",)
    if kind == "input" and len(value) == 2:
        return (f"channels stand first: `input 3x{format_value(value)}`",)
    if kind == "input" and len(value) == 4:
        return (f"the number of images is no part of it: `input {format_value(Size(value[1:]))}`",)
    return ()
