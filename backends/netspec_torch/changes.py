"""What makes a run the same when it goes on, and how it is shown that it is not.

An identity is what decides a run's weights, update by update, as JSON values under the names of
what they are: `recipe: solver`, `layer conv1`, `seed`. Where two differ, the lines of the spec that
are not the same are shown, before and after; what no line of it says is shown by its name.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from netspec.compiler.program import CheckedNet
from netspec.recipe.recipe import Recipe
from netspec.recipe.written import resolve_recipe, write_resolved
from netspec.values import spell_value
from netspec_torch.data import DataSet
from netspec_torch.options import Options

MAY_CHANGE = frozenset({"stop", "parallel", "views", "test_batch"})
"""What of a recipe may be another when a run goes on: nothing that the weights depend on so far.
The end is among it unless the rates before it depend on where it is."""
WRITTEN = ("layer ", "recipe: ", "net")
"""What of an identity the spec's text says, as the beginnings of its names."""
MOST_LINES = 20


def describe_identity(
    net: CheckedNet, recipe: Recipe, options: Options, data: DataSet
) -> dict[str, Any]:
    """What decides a run's weights, update by update, as JSON values."""
    free = MAY_CHANGE - ({"stop"} if recipe.schedule.depends_on_end else set())
    lines = {f"recipe: {k}": v for k, v in resolve_recipe(recipe).items() if k not in free}
    layers = {f"layer {n.name}": _digest([repr(n.layer), n.inputs]) for n in net.graph.nodes}
    return {
        "net": net.name,
        **layers,
        **lines,
        "parameters": describe_parameters(net),
        "seed": options.settled_seed,
        "precision": options.settled_precision,
        "data": _describe_data(data),
    }


def describe_parameters(net: CheckedNet) -> dict[str, str]:
    """The values of the parameters that may be given one, as `--set` takes them."""
    return {name: spell_value(value) for name, value in net.parameters}


def list_changes(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names under which two identities differ."""
    names = dict.fromkeys([*earlier, *now])
    return [name for name in names if earlier.get(name) != now.get(name)]


def show_changes(
    earlier: Mapping[str, Any],
    now: Mapping[str, Any],
    earlier_texts: Mapping[str, str],
    texts: Mapping[str, str],
) -> list[str]:
    """The changes as lines: a place, and under it what was there (-) and what is there (+)."""
    lines = list(_show_texts(earlier_texts, texts))
    is_written = bool(lines)
    for name in list_changes(earlier, now):
        if is_written and name.startswith(WRITTEN):
            continue
        lines.append(name)
        if not name.startswith("layer "):
            lines += _show_pair(write_resolved(earlier.get(name)), write_resolved(now.get(name)))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES:,} more lines"]
    return lines


def _describe_data(data: DataSet) -> dict[str, object]:
    """What the images are, wherever they lie."""
    digest = hashlib.sha256(json.dumps([data.kind, data.class_names, data.checksum]).encode())
    for split in (data.train, data.held_out):
        if not data.checksum:
            names = (split.images.name(index) for index in range(len(split)))
            digest.update("\n".join(names).encode())
        digest.update(split.labels.tobytes())
    shards = data.train.shards
    if shards is not None:
        digest.update(shards.tobytes())
    return {
        "kind": data.kind,
        "train": len(data.train),
        **({"shards": len(np.unique(shards))} if shards is not None else {}),
        "held_out": len(data.held_out),
        "classes": data.num_classes,
        "digest": digest.hexdigest()[:16],
    }


def _show_texts(earlier: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The changed lines of a spec and of the files that it uses; the spec itself may have another
    name than it had."""
    pairs = [(next(iter(now), ""), next(iter(earlier), ""))]
    others = [name for name in dict.fromkeys([*now, *earlier]) if name not in pairs[0]]
    for name, earlier_name in pairs + [(name, name) for name in others]:
        before = _read_lines(earlier.get(earlier_name, ""))
        after = _read_lines(now.get(name, ""))
        matcher = SequenceMatcher(None, list(before.values()), list(after.values()), autojunk=False)
        numbers = [*after, len(now.get(name, "").splitlines()) + 1]
        for tag, start, end, new_start, new_end in matcher.get_opcodes():
            if tag != "equal":
                yield f"{name}:{numbers[new_start]}"
                yield from _show_pair(
                    list(before.values())[start:end], list(after.values())[new_start:new_end]
                )


def _read_lines(text: str) -> dict[int, str]:
    """The lines by their numbers, without what changes nothing: comments and space around."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {number: line for number, line in enumerate(lines, start=1) if line}


def _show_pair(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    yield from (f"  - {line}" for line in before)
    yield from (f"  + {line}" for line in after)


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]
