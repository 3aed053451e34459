"""Layers that are written as calls: PyTorch's modules and functions, Keras's and TF-Slim's layers,
Caffe's net_spec, and our own kinds with brackets around their arguments.
"""

from collections.abc import Sequence
from typing import NamedTuple

from netspec.syntax.foreign.words import JOINS, KINDS
from netspec.syntax.foreign.writing import Found, write_layer
from netspec.syntax.mistake import token_at
from netspec.syntax.terminals import CLOSER, SIGN_OF, Token

ROWS = """
PyTorch    Conv2d             conv             _ channels size stride pad dilation groups bias
PyTorch    ConvTranspose2d    deconv           _ channels size stride pad output_pad groups bias
PyTorch    MaxPool2d          maxpool          size stride pad _ _ ceil
PyTorch    AvgPool2d          avgpool          size stride pad ceil count_pad
PyTorch    AdaptiveAvgPool2d  adaptiveavgpool  size
PyTorch    Linear             fc               _ channels bias
PyTorch    BatchNorm2d        batchnorm        _ eps momentum
PyTorch    GroupNorm          groupnorm        groups _ eps
PyTorch    LayerNorm          layernorm        _ eps
PyTorch    LocalResponseNorm  lrn              n alpha beta k
PyTorch    Dropout            dropout          p
PyTorch    Dropout2d          dropout          p
PyTorch    ReLU               relu             _
PyTorch    ReLU6              relu6            _
PyTorch    ELU                elu              _
PyTorch    GELU               gelu             _
PyTorch    SiLU               swish            _
PyTorch    Mish               mish             _
PyTorch    Hardswish          hardswish        _
PyTorch    Hardsigmoid        hardsigmoid      _
PyTorch    Sigmoid            sigmoid
PyTorch    Tanh               tanh
PyTorch    Softmax            softmax          _
PyTorch    LeakyReLU          leakyrelu        slope
PyTorch    PReLU              prelu            _ slope
PyTorch    Flatten            flatten          _ _
PyTorch    Identity           identity
PyTorch    ZeroPad2d          pad              size
PyTorch    Upsample           upsample         to factor mode
PyTorch    ChannelShuffle     shuffle          groups
PyTorch    relu               relu             _ _
PyTorch    max_pool2d         maxpool          _ size stride pad _ _ ceil
PyTorch    avg_pool2d         avgpool          _ size stride pad ceil count_pad
PyTorch    adaptive_avg_pool2d adaptiveavgpool _ size
PyTorch    dropout            dropout          _ p
PyTorch    flatten            flatten          _ _
PyTorch    softmax            softmax          _ _
PyTorch    sigmoid            sigmoid          _
PyTorch    tanh               tanh             _
Keras      Conv2D             conv             channels size stride pad
Keras      Convolution2D      conv             channels size stride pad
Keras      DepthwiseConv2D    depthwise        size stride pad multiplier
Keras      Conv2DTranspose    deconv           channels size stride pad
Keras      MaxPooling2D       maxpool          size stride pad
Keras      MaxPool2D          maxpool          size stride pad
Keras      AveragePooling2D   avgpool          size stride pad
Keras      GlobalAveragePooling2D avgpool      _
Keras      GlobalMaxPooling2D maxpool          _
Keras      Dense              fc               channels activation
Keras      BatchNormalization batchnorm        _
Keras      LayerNormalization layernorm        _
Keras      Activation         activate         activation
Keras      SpatialDropout2D   dropout          p
Keras      ZeroPadding2D      pad              size
Keras      UpSampling2D       upsample         factor
Keras      Input              input            size
Keras      InputLayer         input            size
TF-Slim    conv2d             conv             _ channels size stride pad
TF-Slim    separable_conv2d   depthwise        _ _ size multiplier stride
TF-Slim    fully_connected    fc               _ channels
TF-Slim    avg_pool2d         avgpool          _ size stride pad
Caffe      Convolution        conv             _ size channels
Caffe      Pooling            maxpool          _ _ size stride pad
Caffe      InnerProduct       fc               _ channels
Caffe      LRN                lrn              _ n
Caffe      Softmax            softmax          _
"""
"""System, its layer, our kind, and which of our arguments its own are in their order; `_` for what
has no counterpart here."""
NAMED = {
    "out_channels": "channels", "filters": "channels", "num_output": "channels", "units":
    "channels", "out_features": "channels", "num_outputs": "channels", "kernel_size": "size",
    "pool_size": "size", "ksize": "size", "output_size": "size", "strides": "stride", "padding":
    "pad", "dilation_rate": "dilation", "rate": "p", "group": "groups", "num_groups": "groups",
    "use_bias": "bias", "bias_term": "bias", "ceil_mode": "ceil", "count_include_pad": "count_pad",
    "output_padding": "output_pad", "negative_slope": "slope", "scale_factor": "factor",
    "epsilon": "eps", "local_size": "n", "depth_multiplier": "multiplier", "input_shape": "_",
    "shape": "size", "dropout_ratio": "p", "inplace": "_", "name": "_", "scope": "_", "dim": "_",
    "axis": "_", "in_channels": "_", "in_features": "_", "num_features": "_", "input_dim": "_",
    "training": "_", "kernel_initializer": "_", "bias_initializer": "_", "kernel_regularizer": "_",
    "weight_filler": "_", "bias_filler": "_", "param": "_", "in_place": "_", "padding_mode": "_",
    "device": "_", "dtype": "_", "activation_fn": "activation", "interpolation": "mode",
    "align_corners": "_", "return_indices": "_", "data_format": "_", "trainable": "_",
    "start_dim": "_", "end_dim": "_", "track_running_stats": "_", "affine": "_", "size": "size",
}  # fmt: skip
"""Their arguments by name, as ours."""
HOLDERS = ("Sequential", "add", "append", "ModuleList")
"""Calls that hold layers: what is in their brackets is looked at."""
SHARED = ("Dropout", "Flatten", "ReLU", "LeakyReLU", "PReLU", "Softmax")
"""PyTorch's modules that Keras has by the same name, where they stand without a prefix."""
MOST_LINES = 12


class Row(NamedTuple):
    system: str
    kind: str
    order: tuple[str, ...]


LAYERS: dict[str, Row] = {}
for _line in ROWS.strip().splitlines():
    _system, _name, _kind, *_order = _line.split()
    LAYERS.setdefault(_name, Row(_system, _kind, tuple(_order)))


class Call(NamedTuple):
    """A call as it stands: `nn.Conv2d(3, 96, 11, stride=4)`."""

    name: str
    path: str
    """What stands before the name, with its dots."""
    positional: tuple[str, ...]
    named: dict[str, str]
    start: int
    opening: int
    end: int
    """The index behind its closing bracket."""
    is_tight: bool
    """Whether its opening bracket stands right behind the name."""


class Lines(NamedTuple):
    """What was recognised: whose it is, and our lines for it, none where it has no counterpart."""

    system: str
    lines: tuple[str, ...]
    end: int


def read_call(tokens: Sequence[Token], start: int) -> Call | None:
    """The call that begins at an index."""
    index, names = start, []
    while token_at(tokens, index).type in ("NAME", "TEST", "TRAIN", "OUTPUT"):
        names.append(tokens[index].text)
        index += 1
        if token_at(tokens, index).type != "DOT":
            break
        index += 1
    if not names or token_at(tokens, index).type != "LPAR":
        return None
    opening = index
    positional: list[str] = []
    named: dict[str, str] = {}
    end = find_closer(tokens, opening)
    for first, last in split_arguments(tokens, opening + 1, end):
        is_named = tokens[first].type == "NAME" and tokens[first + 1].type == "EQUAL"
        value = first + 2 if is_named else first
        if value > last:
            continue
        text = tokens[value].span.to(tokens[last].span).text
        if is_named:
            named[tokens[first].text] = text
        else:
            positional.append(text)
    path = ".".join(names[:-1])
    is_tight = tokens[opening].span.start == tokens[opening - 1].span.end
    return Call(names[-1], path, tuple(positional), named, start, opening, end + 1, is_tight)


def find_closer(tokens: Sequence[Token], opening: int) -> int:
    """The index of the bracket that closes the one at an index."""
    depth = 0
    for index in range(opening, len(tokens) - 1):
        depth += (tokens[index].type in CLOSER) - (tokens[index].type in SIGN_OF)
        if not depth:
            return index
    return len(tokens) - 1


def split_arguments(tokens: Sequence[Token], start: int, end: int) -> list[tuple[int, int]]:
    """The first and last index of each argument between two brackets."""
    parts: list[tuple[int, int]] = []
    depth, first = 0, start
    for index in range(start, end + 1):
        kind = tokens[index].type
        if index == end or (kind == "COMMA" and not depth):
            if index > first:
                parts.append((first, index - 1))
            first = index + 1
        depth += (kind in CLOSER) - (kind in SIGN_OF)
    return parts


def translate_call(call: Call, label: str = "") -> Lines | None:
    """Our line for a call of a layer; None for a call of anything else."""
    if call.name in KINDS and not call.path:
        named = [f"{name}={value}" for name, value in call.named.items()]
        word = f"{call.name} from" if joins_tensors(call) else call.name
        line = f"{word} {', '.join([*call.positional, *named])}".rstrip()
        is_ours = not any(value.startswith(("(", "[")) for value in call.positional)
        if not call.is_tight:
            return None
        return Lines("", (f"{label}: {line}" if label else line,) if is_ours else (), call.end)
    row = find_row(call)
    if row is None:
        return None
    found: Found = {}
    if row.kind == "fc" and len(call.positional) == 1:
        row = row._replace(order=("channels",))  # as in lazy modules, which find out what they read
    for name, value in zip(row.order, call.positional, strict=False):
        found.setdefault(name, value)
    for name, value in call.named.items():
        own = "n" if row.kind == "lrn" and name == "size" else NAMED.get(name, name)
        if row.kind == "leakyrelu" and name == "alpha":
            own = "slope"
        found[own] = value
    written = write_call(call.name, row, found, label)
    return Lines(row.system, (written,) if written else (), call.end)


def joins_tensors(call: Call) -> bool:
    """Whether this is one of our joins, with names alone in its brackets."""
    names = all(value.isidentifier() for value in call.positional)
    return call.name in JOINS and bool(call.positional) and names and not call.named


def find_row(call: Call) -> Row | None:
    row = LAYERS.get(call.name)
    if row and call.path.endswith("slim"):
        return row._replace(system="TF-Slim")
    is_keras = call.path.endswith(("layers", "keras")) or (not call.path and call.name in SHARED)
    if row and row.system == "PyTorch" and is_keras:
        return row._replace(system="Keras")
    if row and call.path == "L" and row.system == "PyTorch":
        return row._replace(system="Caffe", order=("_", *row.order))
    return row


def write_call(name: str, row: Row, found: Found, label: str) -> str | None:
    kind = row.kind
    if name.startswith("Global"):
        found["global"] = "yes"
    if found.get("ceil", "").lower() == "true":
        found["round"] = "up"
    if kind in ("maxpool", "avgpool") and "stride" not in found and "size" in found:
        found["stride"] = "1" if row.system == "Caffe" else found["size"]
    if row.system == "Caffe" and kind == "maxpool":
        kind = "avgpool" if "AVE" in found.get("pool", "") else "maxpool"
        found["round"] = "up"
    if row.system == "TF-Slim" and kind in ("conv", "fc"):
        found.setdefault("activation", "relu")
        if kind == "conv":
            found.setdefault("pad", "same")
    if kind == "dropout" and row.system == "PyTorch":
        found.setdefault("p", "0.5")
    if kind == "adaptiveavgpool" and found.get("size", "").strip("() ,1") == "":
        kind, found["global"] = "avgpool", "yes"
    if kind == "activate":
        activation = write_layer("identity", {"activation": found.get("activation", "")})
        return activation.partition("; ")[2] or None if activation else None
    return write_layer(kind, found, label)


def translate_all(tokens: Sequence[Token], start: int, end: int) -> Lines | None:
    """Our lines for all layers that are called anywhere in a range, in their order."""
    lines: list[str] = []
    system = ""
    index = start
    while index < end and len(lines) <= MOST_LINES:
        starts_name = tokens[index].type == "NAME" and tokens[index - 1].type != "DOT"
        call = read_call(tokens, index) if starts_name else None
        found = translate_call(call) if call and find_row(call) else None
        if call is None or found is None:
            index += 1
            continue
        system = system or found.system
        lines += found.lines
        index = call.end
    return Lines(system, tuple(lines), end) if system else None
