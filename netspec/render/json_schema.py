"""The shape of `netspec check --format json`: a model for each kind of object.

The reference page and the JSON Schema beside it are made from these models; what fills them is
decided in `json.py`. A field is only ever added; where one would have to change or go,
FORMAT_VERSION counts up.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

FORMAT_VERSION: Literal[1] = 1


class Model(BaseModel):
    """What all have in common: the text under a field is its description."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Place(Model):
    """A run of text in a file."""

    file: str
    """The file's name as messages show it."""
    line: int
    """Line of the first character, from 1."""
    column: int
    """Column of the first character, from 1, in code points."""
    end_line: int
    """Line of the place right behind the last character."""
    end_column: int
    """Column of the place right behind the last character."""
    start: int
    """Code points before the first character, from the file's start."""
    end: int
    """Code points before the place right behind the last character."""


class LabelReport(Place):
    """A place with what is to be said there."""

    text: str
    """What is said; may be empty."""


class DiagnosticReport(Model):
    """An error or a warning."""

    code: str
    """The stable code, such as NS203."""
    severity: Literal["error", "warning"]
    """Whether the file is wrong or only suspicious."""
    headline: str
    """The mistake in a sentence."""
    primary: LabelReport
    """Where it is."""
    secondary: list[LabelReport]
    """Where else to look."""
    notes: list[str]
    """Facts that explain it."""
    help: list[str]
    """Edits that would mend it."""


class WeightReport(Model):
    """One tensor that a layer owns."""

    name: str
    """Its name within the layer, as PyTorch has it."""
    shape: list[int]
    """Its size in each direction."""
    learned: bool
    """Whether it is learned; running averages are not."""


class CrossingReport(Model):
    """What one GPU fetches of one tensor from another, for one image going forward."""

    tensor: str
    """The layer whose result is fetched."""
    sender: int
    """The GPU that has it, from 0."""
    receiver: int
    """The GPU that needs it, from 0."""
    bytes: int
    """How much, in float32."""


class ShareReport(Model):
    """One GPU's share of a layer."""

    gpu: int
    """The GPU, from 0."""
    first_channel: int
    """The first output channel that lies there, from 0."""
    end_channel: int
    """The channel behind the last; equal to the first where none lies there."""
    params: int
    """Parameters that lie there."""
    macs: int
    """Multiply-adds done there for one image."""


class LayerReport(Model):
    """One layer, in the order in which the layers can be computed."""

    name: str
    """The dotted path of labels that also names its weights."""
    kind: str
    """The layer kind."""
    written: str
    """Kind and arguments as the file gives them, with values in place of names."""
    arguments: dict[str, JsonValue]
    """Every argument with its value, defaults included. Sizes are lists of height and width,
    paddings objects of four sides, starting values objects with a `kind`."""
    inputs: list[str]
    """The layers that it reads."""
    shape: list[int]
    """Channels, height and width of its output."""
    params: int
    """Learned numbers. Those of a layer with shared weights are counted at each of its uses here,
    but once in the totals."""
    macs: int
    """Multiply-adds for one image."""
    weights: list[WeightReport]
    """The tensors it owns or shares."""
    shares_weights_of: str | None
    """The layer whose weights it uses."""
    head: str | None
    """The head that it belongs to."""
    place: Place
    """The word of its kind in the file."""
    gpus: list[ShareReport]
    """What lies on each GPU; empty for a net on a single one."""
    crossings: list[CrossingReport]
    """What has to be fetched from another GPU before it can be computed."""
    crossing_bytes: int
    """The sum of its crossings."""
    returning_bytes: int
    """Bytes of gradients that go back over its crossings for one image in training."""


class HeadReport(Model):
    """A side exit, trained but absent from inference and from the totals."""

    name: str
    """Its label."""
    weight: float
    """Its weight in the training loss."""
    output: str
    """The layer whose result is its output."""
    params: int
    """Learned numbers of its own."""
    macs: int
    """Multiply-adds of its own for one image."""


class TotalsReport(Model):
    """What inference uses: no heads, shared weights once."""

    params: int
    """Learned numbers, running averages excluded."""
    macs: int
    """Multiply-adds of conv, depthwise, deconv and fc for one image."""
    weight_bytes: int
    """Learned numbers in float32."""
    average_bytes: int
    """Running averages in float32."""
    activations: int
    """Numbers of the layers' results for one image, less those that can take the place of what
    their layer reads, such as a relu's. What a training keeps is in `training`."""
    crossing_bytes: int
    """Bytes that cross between GPUs for one image, going forward."""
    returning_bytes: int
    """Bytes of gradients that go back for one image in training."""
    training_bytes: int
    """Bytes that cross for one image of an update: both ways, with the heads and the loss."""
    update_bytes: int | None
    """The same for all images of an update; null for a net without a recipe."""


class ClaimsReport(Model):
    """How the claims of the net fared; one that does not hold is a diagnostic."""

    held: int
    """Claims that hold."""
    skipped: int
    """Claims passed over because an argument that they depend on was changed."""


class MemoryReport(Model):
    """Bytes that an update needs on one device, estimated from shapes."""

    weights: int
    """Learned numbers and running averages."""
    gradients: int
    """Of the learned numbers that are not frozen."""
    solver: int
    """What the solver remembers of these."""
    activations: int
    """What is kept for the way back, with the batch itself."""
    passing: int
    """What else is there at the peak: gradients of activations, mostly."""
    peak: int
    """The most that is there at once. Gradients of weights come as activations go, so it may be
    less than the sum of the others."""


class TrainingReport(Model):
    """What an update takes of the devices that train a net, with its heads."""

    batch: int
    """Its images: the recipe's batch; 1 for a net without a recipe, whose solver remembers
    nothing."""
    precision: Literal["float32", "bf16"]
    """In which layers compute."""
    devices: list[MemoryReport]
    """For each GPU of the net, in order."""
    one_device: MemoryReport
    """The same where one device has the whole net."""
    room: int | None
    """The bytes that each device has by --memory; null without it."""
    largest_batch: int | None
    """The largest batch that has room on each of the devices, 0 where not one image has; null
    without --memory."""


class NetReport(Model):
    """One net that was elaborated."""

    name: str
    """Its name."""
    documentation: str
    """The comment right above it."""
    place: Place
    """Its name in the file."""
    parameters: dict[str, JsonValue]
    """The values that its parameters have."""
    settings: dict[str, str]
    """Those of them that were given by --set, as they were written there."""
    inputs: list[str]
    """Names of its input layers."""
    output: str
    """The layer whose result is its output."""
    gpus: int
    """How many GPUs it is laid on."""
    layers: list[LayerReport]
    """All layers, those of heads included."""
    heads: list[HeadReport]
    """Side exits."""
    totals: TotalsReport
    """Sums over what inference uses."""
    training: TrainingReport | None
    """The memory that training needs; null for a net without a recipe, unless --memory is given."""
    claims: ClaimsReport
    """How many claims held."""


class PatternReport(Model):
    """A net with parameters that have no value; it is checked through the nets made from it."""

    name: str
    """Its name."""
    missing: list[str]
    """The parameters without a value."""
    place: Place
    """Its name in the file."""


class FileReport(Model):
    """What one file holds."""

    file: str
    """Its name as messages show it."""
    nets: list[NetReport]
    """Its nets, in order; empty where it has errors."""
    patterns: list[PatternReport]
    """Its patterns, in order."""
    diagnostics: list[DiagnosticReport]
    """What was found, in the order of the text; what an earlier file has shown is left out."""


class UnreadableReport(Model):
    """A file that could not be read."""

    file: str
    """Its name as it was given."""
    reason: str
    """Why not."""


class CheckReport(Model):
    """The whole output of a check."""

    format_version: Literal[1]
    """The version of this format."""
    netspec_version: str
    """The version that checked."""
    errors: int
    """How many of all diagnostics are errors."""
    warnings: int
    """How many of all diagnostics are warnings."""
    files: list[FileReport]
    """The files that could be read, in the order they were given."""
    unreadable: list[UnreadableReport]
    """Those that could not."""
