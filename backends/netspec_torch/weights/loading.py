"""Giving a module the weights of a file, all that it is to have or none, and saying what was done.

Which tensor becomes which weight is decided in `match.py`. Numbers are converted to the module's
precision; whole numbers, as quantized files have, are refused, and so is what is not finite.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from netspec.compiler.program import CheckedNet
from netspec.graph import Graph
from netspec.recipe.run import TrainingError
from netspec_torch.emission import module_path
from netspec_torch.module import list_weights
from netspec_torch.weights.files import read_weights
from netspec_torch.weights.layers import MAP_HELP, MisfitError, NetWeight, Sources
from netspec_torch.weights.maps import MapLine, parse_map
from netspec_torch.weights.match import Match, match_weights

PRECISIONS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MOST_NAMED = 5
"""Tensors that are not used and named all the same."""


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What a module was given."""

    path: Path
    entry: str
    """The entry of the checkpoint; empty where the file has weights alone."""
    match: Match
    weights_map: Path | None

    def describe(self) -> list[str]:
        """The file and how it was matched; where that was not by name, the layers side by side, in
        the form of a map; and what was left."""
        entry = f", its `{self.entry}`" if self.entry else ""
        count = len(self.match.sources)
        tensors = f"{count:,} tensor{'' if count == 1 else 's'}"
        lines = [f"{self.path}{entry}: {tensors} {self._describe_how()}"]
        if self.match.how != "name" or self.weights_map is not None:
            lines[0] += ", theirs then ours:"
            lines += list_pairs(self.match.sources)
        if self.match.fresh:
            lines += [f"keep their starting values: {', '.join(list_layers(self.match.fresh))}"]
        if self.match.unused:
            named = ", ".join(self.match.unused[:MOST_NAMED])
            more = len(self.match.unused) - MOST_NAMED
            lines += [f"not used: {named}" + (f" and {more:,} more" if more > 0 else "")]
        return lines

    def _describe_how(self) -> str:
        ways = [] if self.weights_map is None else [str(self.weights_map)]
        if self.match.how == "shapes":
            ways.append("shapes, which no two layers share")
        elif self.match.how != "map":
            ways.append(self.match.how)
        return f"by {' and by '.join(ways)}"


def load_weights(
    module: nn.Module,
    net: Graph | CheckedNet,
    path: Path | str,
    *,
    weights_map: Path | str | None = None,
    fresh_last: bool = False,
) -> LoadedWeights:
    """Give a module the weights of a file, and say which became which.

    `module` is what `build` made of the net, with heads or without. The file is safetensors, or
    what `torch.save` made of a `state_dict` or of a checkpoint with an entry `state_dict` or
    `model`. Its tensors are matched by a map, if there is one (a text file: two names a line,
    theirs and ours, or `-` for what is left out), and the rest by name, else by order. With
    `fresh_last` the last layer of the net and of each head keeps its starting values.

    Raises TrainingError, and the module is as it was, where the file cannot be read, or with the
    first line that does not fit.
    """
    try:
        return fit_weights(module, net, path, weights_map=weights_map, fresh_last=fresh_last)
    except MisfitError as misfit:
        left_out = () if weights_map is None else (MAP_HELP,)
        raise tell_misfit(path, net, misfit, left_out) from misfit


def fit_weights(
    module: nn.Module,
    net: Graph | CheckedNet,
    path: Path | str,
    *,
    weights_map: Path | str | None = None,
    fresh_last: bool = False,
) -> LoadedWeights:
    """As `load_weights`, but raises MisfitError where the file does not fit."""
    graph = net.graph if isinstance(net, CheckedNet) else net
    file = read_weights(Path(path))
    map_path = None if weights_map is None else Path(weights_map)
    lines = [] if map_path is None else read_map(map_path)
    match = match_weights(
        {name: tuple(tensor.shape) for name, tensor in file.tensors.items()},
        list_net_weights(graph),
        keeps_order=file.keeps_order,
        lines=lines,
        fresh_last=fresh_last,
    )
    targets = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    copy_numbers(targets, file.tensors, match.sources, file.path)
    fresh = tuple(name for name in match.fresh if name in targets)
    return LoadedWeights(file.path, file.entry, replace(match, fresh=fresh), map_path)


def tell_misfit(
    path: Path | str, net: Graph | CheckedNet, misfit: MisfitError, left_out: Collection[str] = ()
) -> TrainingError:
    """The error of a file that does not fit; `left_out` are helps that are none here."""
    return TrainingError(
        f"{path} does not fit `{net.name}`: {misfit}",
        "\n".join(help for help in misfit.help if help not in left_out),
        cause="file",
        details=misfit.details,
    )


def list_net_weights(graph: Graph) -> list[NetWeight]:
    """The weights of a net in the order of the text, heads included."""
    nodes = {module_path(node.name): node for node in graph.nodes}
    owners = {name: nodes[name.rpartition(".")[0]] for name in list_weights(graph, heads=True)}
    return [
        NetWeight(name, weight.shape, owners[name].span.place, owners[name].head)
        for name, weight in list_weights(graph, heads=True).items()
    ]


def read_map(path: Path) -> list[MapLine]:
    """The lines of a map; raises TrainingError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TrainingError(f"{path} cannot be read: {reason}", cause="usage") from error
    return parse_map(text, str(path))


def copy_numbers(
    targets: Mapping[str, Tensor], tensors: Mapping[str, Tensor], sources: Sources, path: Path
) -> None:
    """Copy to the targets that the module has, once all of it can be."""
    for name, source in sources.items():
        tensor = tensors[source]
        if tensor.dtype not in PRECISIONS:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise TrainingError(
                f"{path} has `{source}` in {kind}, which is no precision of weights", cause="file"
            )
        if name in targets and not tensor.to(targets[name].dtype).isfinite().all():
            raise TrainingError(f"{path} has in `{source}` what is no finite number", cause="file")
    with torch.no_grad():
        for name, source in sources.items():
            if name in targets:
                targets[name].copy_(tensors[source])


def list_pairs(sources: Sources) -> list[str]:
    """Theirs and ours, in columns: a line a layer that comes whole from one layer, else a line a
    tensor."""
    by_layer: dict[str, list[tuple[str, str]]] = {}
    for ours, theirs in sources.items():
        by_layer.setdefault(ours.rpartition(".")[0], []).append((theirs, ours))
    pairs: list[tuple[str, str]] = []
    for layer, tensors in by_layer.items():
        others = {theirs.rpartition(".")[0] for theirs, _ in tensors}
        keeps_roles = all(t.rpartition(".")[2] == o.rpartition(".")[2] for t, o in tensors)
        pairs += [(others.pop(), layer)] if keeps_roles and len(others) == 1 else tensors
    width = max(len(theirs) for theirs, _ in pairs)
    return [f"{theirs:{width}}  {ours}" for theirs, ours in pairs]


def list_layers(names: Iterable[str]) -> list[str]:
    """The layers that some weights belong to."""
    return list(dict.fromkeys(name.rpartition(".")[0] for name in names))
