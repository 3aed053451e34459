"""Near names: what somebody may have meant by a word that is not known."""

from collections.abc import Iterable

ALIASES = {
    "convolution": "conv", "conv2d": "conv", "convolutional": "conv", "linear": "fc",
    "dense": "fc", "innerproduct": "fc", "inner_product": "fc", "connected": "fc",
    "fullyconnected": "fc", "maxpooling": "maxpool", "maxpool2d": "maxpool",
    "max_pool": "maxpool", "pool": "maxpool", "pooling": "maxpool", "averagepool": "avgpool",
    "avgpooling": "avgpool", "avgpool2d": "avgpool", "avg_pool": "avgpool", "bn": "batchnorm",
    "adaptiveavgpool2d": "adaptiveavgpool", "adaptive_avg_pool2d": "adaptiveavgpool",
    "batch_norm": "batchnorm", "batchnorm2d": "batchnorm", "localresponsenorm": "lrn",
    "drop": "dropout", "deconvolution": "deconv", "silu": "swish", "convtranspose2d": "deconv",
    "eltwise": "add", "sum": "add", "mul": "multiply", "cat": "concat", "route": "concat",
    "shortcut": "add", "separable": "depthwise", "leaky": "leakyrelu", "logistic": "sigmoid",
    "filters": "channels", "out_channels": "channels", "num_output": "channels",
    "units": "channels", "kernel": "size", "kernel_size": "size", "ksize": "size",
    "strides": "stride", "padding": "pad", "group": "groups", "lr": "rate",
    "learning_rate": "rate", "base_lr": "rate", "weight_decay": "decay", "use_bias": "bias",
    "alphas": "alpha", "epsilon": "eps", "momentums": "momentum", "rate_mult": "rate",
    "lr_mult": "rate", "decay_mult": "decay", "local_size": "n", "std": "init",
    "initializer": "init", "weight_filler": "init", "bias_filler": "bias_init",
}  # fmt: skip
"""The words of Caffe, Darknet, Keras and PyTorch for ours."""


def suggest_names(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names nearest to the word, the likeliest first; none where none is near."""
    known = set(known)
    lowered = word.lower()
    alias = ALIASES.get(lowered)
    if alias in known:
        return [alias]
    if lowered in known:
        return [lowered]
    limit = max(1, len(word) // 3)
    near = sorted((count_edits(lowered, name.lower(), limit), name) for name in known)
    return [name for distance, name in near if distance <= limit][:most]


def count_edits(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words, or more than
    `limit` where it is certain to be more (optimal string alignment)."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if last and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The help line for an unknown word, or none."""
    near = suggest_names(word, known)
    if not near:
        return ()
    return ("did you mean " + " or ".join(f"`{name}`" for name in near) + "?",)
