"""The words of other systems for ours."""

KINDS = frozenset(
    {
        "activate", "adaptiveavgpool", "add", "avgpool", "batchnorm", "concat", "conv", "crop",
        "deconv", "depthwise", "dropout", "droppath", "elu", "fc", "flatten", "gelu", "groupnorm",
        "hardsigmoid", "hardswish", "identity", "input", "layernorm", "leakyrelu", "lrn", "maximum",
        "maxpool", "mish", "multiply", "pad", "prelu", "relu", "relu6", "scale", "shuffle",
        "sigmoid", "slice", "softmax", "swish", "tanh", "upsample",
    }
)  # fmt: skip
"""Our layer kinds; that they are all is held by a test."""

JOINS = frozenset({"add", "multiply", "maximum", "concat"})
"""Those of them that join tensors."""

PHRASES = {
    "gap": "avgpool global", "globalpool": "avgpool global", "globalpooling": "avgpool global",
    "globalavgpool": "avgpool global", "globalaveragepool": "avgpool global",
    "globalavgpooling": "avgpool global", "globalaveragepooling": "avgpool global",
    "globalmaxpool": "maxpool global", "globalmaxpooling": "maxpool global",
}  # fmt: skip
"""Layers of others that are a whole line here, in small letters without `_` and a `2d` at the end.
"""

ALIASES = {
    # layer kinds
    "convolution": "conv", "conv1d": "conv", "conv2d": "conv", "convolutional": "conv",
    "conv2": "conv", "cnn": "conv", "linear": "fc", "dense": "fc", "innerproduct": "fc",
    "inner_product": "fc", "connected": "fc", "fullyconnected": "fc", "fully_connected": "fc",
    "full": "fc", "maxpooling": "maxpool", "maxpool2d": "maxpool", "maxpooling2d": "maxpool",
    "max_pool": "maxpool", "max_pooling": "maxpool", "max_pool2d": "maxpool", "pool": "maxpool",
    "pooling": "maxpool", "pool2d": "maxpool", "averagepool": "avgpool", "avgpooling": "avgpool",
    "averagepooling": "avgpool", "averagepooling2d": "avgpool", "average_pooling": "avgpool",
    "avgpool2d": "avgpool", "avg_pool": "avgpool", "avg_pool2d": "avgpool", "meanpool": "avgpool",
    "bn": "batchnorm",
    "adaptiveavgpool2d": "adaptiveavgpool", "adaptive_avg_pool2d": "adaptiveavgpool",
    "batch_norm": "batchnorm", "batchnorm2d": "batchnorm", "batchnormalization": "batchnorm",
    "batch_normalization": "batchnorm", "layer_norm": "layernorm", "layernormalization":
    "layernorm", "group_norm": "groupnorm", "groupnormalization": "groupnorm",
    "localresponsenorm": "lrn", "local_response_norm": "lrn", "response_norm": "lrn",
    "rnorm": "lrn", "cmrnorm": "lrn", "drop": "dropout", "dropout2d": "dropout",
    "drop_path": "droppath", "stochastic_depth": "droppath", "stochasticdepth": "droppath",
    "deconvolution": "deconv", "deconvolutional": "deconv", "convtranspose2d": "deconv",
    "conv2dtranspose": "deconv", "transposedconv": "deconv", "silu": "swish", "relu_": "relu",
    "rectifier": "relu", "leaky_relu": "leakyrelu", "lrelu": "leakyrelu", "hswish": "hardswish",
    "hsigmoid": "hardsigmoid", "eltwise": "add", "elementwise": "add", "mul": "multiply",
    "prod": "multiply", "cat": "concat", "concatenate": "concat", "route": "concat",
    "depthconcat": "concat", "shortcut": "add", "residual": "add",
    "depthwiseconv2d": "depthwise", "depthwise_conv2d": "depthwise", "dwconv": "depthwise",
    "leaky": "leakyrelu", "logistic": "sigmoid", "zeropad": "pad", "zeropadding2d": "pad",
    "zeropad2d": "pad", "upsampling": "upsample", "upsampling2d": "upsample", "channelshuffle":
    "shuffle", "channel_shuffle": "shuffle", "split": "slice", "reshape": "flatten",
    "view": "flatten", "data": "input", "inputlayer": "input", "centercrop": "crop",
    "softmaxwithloss": "softmax", "skip": "identity",
    # arguments
    "filters": "channels", "out_channels": "channels", "num_output": "channels", "units":
    "channels", "output": "channels", "num_filters": "channels", "out_features": "channels",
    "kernel": "size", "kernel_size": "size", "k": "size", "s": "stride", "p": "pad", "d":
    "dilation", "g": "groups",
    "ksize": "size", "pool_size": "size", "k_size": "size", "window": "size", "strides": "stride",
    "step": "stride", "padding": "pad", "group": "groups", "dilation_rate": "dilation", "dilate":
    "dilation", "round_mode": "round", "count_include_pad": "count_pad",
    "use_bias": "bias", "bias_term": "bias", "output_padding": "output_pad", "depth_multiplier":
    "multiplier", "channel_multiplier": "multiplier", "std": "init", "initializer": "init",
    "kernel_initializer": "init", "weight_filler": "init", "bias_filler": "bias_init",
    "bias_initializer": "bias_init", "bias_value": "bias_init", "alphas": "alpha", "local_size":
    "n", "depth_radius": "n", "bias_lr": "bias_rate", "epsilon": "eps", "negative_slope": "slope",
    "scale_factor": "factor", "momentums": "momentum", "dropout_ratio": "p", "probability": "p",
    "rate_mult": "rate", "lr_mult": "rate", "decay_mult": "decay", "num_groups": "groups",
    "affine": "scale", "device": "gpu", "interpolation": "mode",
    # recipes
    "lr": "rate", "learning_rate": "rate", "base_lr": "rate", "weight_decay": "decay", "wd":
    "decay", "l2": "decay", "batch_size": "batch", "batchsize": "batch", "minibatch": "batch",
    "gamma": "factor", "stepsize": "every", "step_size": "every", "milestones": "at", "steps": "at",
    "label_smoothing": "smooth", "smoothing": "smooth", "beta_1": "beta1", "beta_2": "beta2",
    "delta": "eps", "rms_decay": "alpha", "warmup_epochs": "warmup", "criterion": "loss",
    "objective": "loss", "dataset": "data", "lr_policy": "schedule", "lr_schedule": "schedule",
    "scheduler": "schedule", "policy": "schedule", "cross_entropy": "softmax", "crossentropy":
    "softmax", "crossentropyloss": "softmax", "epochs": "stop", "max_iter": "stop", "max_epochs":
    "stop", "max_batches": "stop", "iterations": "stop", "constant": "fixed", "polynomial": "poly",
    "exponential": "exp", "cosineannealing": "cosine", "reducelronplateau": "plateau", "steplr":
    "step", "multisteplr": "multistep", "flip": "mirror", "horizontal_flip": "mirror", "hflip":
    "mirror", "randomhorizontalflip": "mirror", "random_crop": "crop", "randomcrop": "crop",
    "center_crop": "crop", "normalize": "subtract", "normalise": "subtract", "mean": "subtract",
    "mean_subtract": "subtract", "std_divide": "divide", "pca": "lighting", "color_jitter":
    "lighting", "gray": "grey", "greyscale": "grey", "grayscale": "grey", "rescale": "scale",
    "crop_size": "crop", "tta": "views", "optimizer": "solver", "solver_type": "solver",
    # values
    "true": "yes", "on": "yes", "false": "no", "off": "no", "zeropadding": "same",
    "gaussian": "normal", "randomnormal": "normal", "random_normal": "normal", "randomuniform":
    "uniform", "glorot": "xavier", "glorot_uniform": "xavier", "xavier_uniform": "xavier",
    "glorot_normal": "xavier", "xavier_normal": "xavier", "kaiming": "msra", "he": "msra",
    "he_normal": "msra", "he_uniform": "msra", "kaiming_normal": "msra", "kaiming_uniform": "msra",
    "fan_in": "in", "fan_out": "out", "fan_avg": "average", "ceil": "up", "floor": "down",
}  # fmt: skip
"""The words of Caffe, Darknet, Keras and PyTorch, in small letters, for ours. One word may be meant
in several places; only those of ours count that are known where it stands."""
for _word in list(ALIASES):
    ALIASES.setdefault(_word.replace("_", ""), ALIASES[_word])

TRUTHS = {"true": "yes", "false": "no", "on": "yes", "off": "no"}
"""The words of others for yes and no, in small letters."""
NOTHING = ("none", "null", "nil", "default")

OF_THE_SOLVER = "it stands on the solver's line: `sgd rate=0.01, momentum=0.9, decay=5e-4`"
ON_THE_COMMAND_LINE = "it is said on the command line, `netspec train --{}`, never in the file"
RECIPE_LINES = {
    "momentum": OF_THE_SOLVER, "rate": OF_THE_SOLVER, "lr": OF_THE_SOLVER,
    "learning_rate": OF_THE_SOLVER, "base_lr": OF_THE_SOLVER, "weight_decay": OF_THE_SOLVER,
    "decay": OF_THE_SOLVER,
    "nesterov": "it stands on the solver's line: `sgd rate=0.01, momentum=0.9, nesterov=yes`",
    "clip": "it stands on the solver's line: `sgd rate=0.01, momentum=0.9, clip=1`",
    "optimizer": "a solver is a line of its own: `sgd rate=0.01, momentum=0.9`",
    "solver": "a solver is a line of its own: `sgd rate=0.01, momentum=0.9`",
    "solver_type": "a solver is a line of its own: `sgd rate=0.01, momentum=0.9`",
    "epochs": "write `stop after=90 epochs`", "max_epochs": "write `stop after=90 epochs`",
    "max_iter": "write `stop after=450k iterations`",
    "iterations": "write `stop after=450k iterations`",
    "max_batches": "write `stop after=450k iterations`",
    "warmup": "it stands on the schedule's line: `schedule cosine, warmup=5 epochs`",
    "gamma": "it stands on the schedule's line: `schedule step, every=30 epochs, factor=0.1`",
    "stepsize": "it stands on the schedule's line: `schedule step, every=30 epochs, factor=0.1`",
    "shuffle": "leave it out: each epoch takes the images in an order of its own",
    "crop": "it stands in the braces of data: `data imagenet { resize 256; crop 224 }`",
    "resize": "it stands in the braces of data: `data imagenet { resize 256; crop 224 }`",
    "mirror": "it stands in the braces of data: `data imagenet { resize 256; mirror }`",
    "augment": "it stands in the braces of data: `data imagenet { resize 256; mirror }`",
    "views": "it stands in `test { views 10 }`",
    "device": ON_THE_COMMAND_LINE.format("device"), "gpu": ON_THE_COMMAND_LINE.format("device"),
    "gpus": ON_THE_COMMAND_LINE.format("device"), "seed": ON_THE_COMMAND_LINE.format("seed"),
    "precision": ON_THE_COMMAND_LINE.format("precision"),
    "random_seed": ON_THE_COMMAND_LINE.format("seed"),
    "snapshot": ON_THE_COMMAND_LINE.format("snapshot-every"),
    "iter_size": ON_THE_COMMAND_LINE.format("device-batch"),
    "subdivisions": ON_THE_COMMAND_LINE.format("device-batch"),
}  # fmt: skip
"""Lines of other recipes, and of ours that stand in another place, with what to write."""


def to_our_line(word: str, *, is_bare: bool) -> str:
    """Our line for a layer by another's name, empty where that is unknown; one that has arguments
    is not bare, and for it there is only our kind in small letters."""
    if word.lower() in KINDS:
        return word.lower()
    return find_phrase(word) if is_bare else ""


def find_phrase(word: str) -> str:
    """The line that another's layer is here; empty for one that has a kind of its own."""
    return PHRASES.get(word.lower().replace("_", "").removesuffix("2d"), "")
