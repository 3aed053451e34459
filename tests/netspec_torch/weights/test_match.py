"""Which tensor becomes which weight: names and shapes in, a mapping or a refusal out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from netspec_torch.weights.layers import (
    AmbiguousError,
    MisfitError,
    NetWeight,
    OtherClassesError,
    Shape,
)
from netspec_torch.weights.match import Match, match_weights

Tensors = Mapping[str, Shape]


def conv(name: str, *shape: int) -> Tensors:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def norm(name: str, channels: int) -> Tensors:
    roles = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{role}": (channels,) for role in roles}


def join(*parts: Tensors) -> Tensors:
    return {name: shape for part in parts for name, shape in part.items()}


def ours(*parts: Tensors, **heads: Tensors) -> list[NetWeight]:
    """The weights of a net, each layer on a line of its own, the heads at the end."""
    weights = []
    layers: dict[str, int] = {}
    for head, tensors in [(None, join(*parts)), *heads.items()]:
        for name, shape in tensors.items():
            line = layers.setdefault(name.rpartition(".")[0], len(layers) + 1)
            weights.append(NetWeight(name, shape, f"a.net:{line}:3", head))
    return weights


def move_head(weights: Sequence[NetWeight], head: str, after: str) -> list[NetWeight]:
    """The same net with a head right behind a layer."""
    moved = [weight for weight in weights if weight.head == head]
    rest = [weight for weight in weights if weight.head != head]
    place = max(i for i, weight in enumerate(rest) if weight.name.startswith(f"{after}."))
    return [*rest[: place + 1], *moved, *rest[place + 1 :]]


def layers_of(match: Match) -> dict[str, str]:
    """Their layer for each of ours."""
    return {
        name.rpartition(".")[0]: source.rpartition(".")[0] for name, source in match.sources.items()
    }


NET = ours(conv("conv1", 8, 3, 3, 3), norm("bn1", 8), conv("conv2", 8, 8, 3, 3), conv("fc", 10, 8))
SAME = {weight.name: weight.shape for weight in NET}
FOREIGN = join(
    conv("features.0", 8, 3, 3, 3),
    norm("features.1", 8),
    conv("features.3", 8, 8, 3, 3),
    conv("classifier", 10, 8),
)


def test_by_name() -> None:
    match = match_weights(SAME, NET)
    assert match.how == "name"
    assert match.sources == {name: name for name in SAME}
    assert (match.fresh, match.unused) == ((), ())


def test_names_are_enough_whatever_the_order() -> None:
    for keeps_order in (True, False):
        match = match_weights(dict(reversed(SAME.items())), NET, keeps_order=keeps_order)
        assert match.how == "name"


@pytest.mark.parametrize("prefix", ["module", "module._orig_mod", "net/x"])
def test_a_prefix_of_all_names_does_not_count(prefix: str) -> None:
    match = match_weights({f"{prefix}.{name}": shape for name, shape in SAME.items()}, NET)
    assert match.how == "name"
    assert match.sources == {name: f"{prefix}.{name}" for name in SAME}


def test_a_prefix_of_both_stays() -> None:
    net = ours(conv("body.a", 4, 3, 1, 1), conv("body.b", 4, 4, 1, 1))
    assert match_weights({weight.name: weight.shape for weight in net}, net).how == "name"


def test_counts_of_batches_are_left_out() -> None:
    for tensors in (SAME, FOREIGN):
        counted = {**tensors, "bn1.num_batches_tracked": (), "num_batches_tracked": ()}
        match = match_weights(counted, NET)
        assert not any("num_batches" in name for name in (*match.sources.values(), *match.unused))


def test_by_order() -> None:
    match = match_weights(FOREIGN, NET)
    assert match.how == "order"
    assert layers_of(match) == {
        "conv1": "features.0",
        "bn1": "features.1",
        "conv2": "features.3",
        "fc": "classifier",
    }
    assert all(n.rpartition(".")[2] == s.rpartition(".")[2] for n, s in match.sources.items())


def test_a_layer_is_where_its_first_tensor_is() -> None:
    """Within a layer the order means nothing: a bias is never a running mean."""
    shuffled = sorted(FOREIGN, key=lambda name: ("classifier" in name, name.split(".")[1], name))
    match = match_weights({name: FOREIGN[name] for name in shuffled}, NET)
    assert match.sources == match_weights(FOREIGN, NET).sources


def misfit(theirs: Tensors, net: Sequence[NetWeight] = NET, **options: Any) -> MisfitError:
    with pytest.raises(MisfitError) as refusal:
        match_weights(theirs, net, **options)
    return refusal.value


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (
            {**FOREIGN, "features.3.weight": (8, 4, 3, 3)},
            "its `features.3.weight` is 8x4x3x3, where `conv2.weight` (a.net:3:3) is 8x8x3x3",
        ),
        (
            join(conv("features.3", 8, 8, 3, 3), FOREIGN),
            "its `features.3.weight` is 8x8x3x3, where `conv1.weight` (a.net:1:3) is 8x3x3x3",
        ),
        (
            {n: shape for n, shape in FOREIGN.items() if "running" not in n},
            "its `features.1` has weight, bias, where `bn1` (a.net:2:3) has weight, bias, "
            "running_mean, running_var",
        ),
        (
            {n: shape for n, shape in FOREIGN.items() if "classifier" not in n},
            "it ends before `fc.weight`, 10x8 (a.net:4:3)",
        ),
        (
            join(FOREIGN, conv("more", 1, 10)),
            "its `more.weight`, 1x10, comes after the last layer of the net",
        ),
        ({"x": ()}, "its `` has x, where `conv1` (a.net:1:3) has weight, bias"),
        ({}, "it ends before `conv1.weight`, 8x3x3x3 (a.net:1:3)"),
        (
            {n: shape for n, shape in SAME.items() if n != "conv2.bias"},
            "it has no `conv2.bias`, 8 (a.net:3:3)",
        ),
        (
            {**SAME, "fc.weight": (7, 8)},
            "its `fc.weight` is 7x8, where `fc.weight` (a.net:4:3) is 10x8",
        ),
        (
            join(SAME, conv("fc9", 5, 5)),
            "its `fc9.weight`, 5x5, is no weight of the net",
        ),
    ],
)
def test_the_first_line_that_does_not_fit(theirs: Tensors, says: str) -> None:
    assert str(misfit(theirs)) == says


def test_a_convolution_is_no_fully_connected_layer() -> None:
    for theirs, net in (
        (conv("x", 10, 8, 1, 1), conv("fc", 10, 8)),
        (conv("x", 10, 8), conv("conv", 10, 8, 1, 1)),
    ):
        assert "are not taken for each other" in misfit(theirs, ours(net)).help[0]
    assert "are not taken" not in misfit(conv("x", 8, 10), ours(conv("c", 10, 8, 1, 1))).help[0]


def test_other_classes_are_helped_on() -> None:
    other = misfit({**FOREIGN, "classifier.weight": (1000, 8)})
    assert isinstance(other, OtherClassesError)
    assert other.theirs == 1000
    assert "--fresh-last" in other.help[0]
    inner = misfit({**FOREIGN, "features.3.weight": (9, 8, 3, 3)})
    assert not any("--fresh-last" in line for line in inner.help)


@pytest.mark.parametrize("keeps_order", [True, False])
def test_a_last_layer_that_is_missing_is_helped_on(keeps_order: bool) -> None:
    for theirs in (SAME, FOREIGN):
        short = {n: s for n, s in theirs.items() if n.partition(".")[0] not in ("fc", "classifier")}
        assert "--fresh-last" in misfit(short, keeps_order=keeps_order).help[0]


# The last layer


@pytest.mark.parametrize(
    "last", [conv("classifier", 1000, 8), conv("classifier", 10, 8), norm("x", 3), {}]
)
def test_the_last_layer_can_be_left_out_by_order(last: Tensors) -> None:
    theirs = join({n: s for n, s in FOREIGN.items() if "classifier" not in n}, last)
    match = match_weights(theirs, NET, fresh_last=True)
    assert match.how == "order"
    assert match.fresh == ("fc.weight", "fc.bias")
    assert match.unused == tuple(last)


@pytest.mark.parametrize("last", [conv("fc", 1000, 8), conv("fc", 10, 8), conv("fc9", 7, 7), {}])
def test_the_last_layer_can_be_left_out_by_name(last: Tensors) -> None:
    theirs = join({n: s for n, s in SAME.items() if not n.startswith("fc.")}, last)
    match = match_weights(theirs, NET, fresh_last=True)
    assert match.how == "name"
    assert match.fresh == ("fc.weight", "fc.bias")
    assert match.unused == tuple(last)


def test_no_other_layer_may_be_missing() -> None:
    short = {n: s for n, s in FOREIGN.items() if "features.3" not in n}
    assert "features.1" not in str(misfit(short, fresh_last=True))
    two = join(SAME, conv("fc8", 1, 1), conv("fc9", 1, 1))
    assert "is no weight of the net" in str(misfit(two, fresh_last=True))


def test_something_must_come_from_the_file() -> None:
    net = ours(conv("fc", 10, 8))
    assert str(misfit(conv("fc", 10, 8), net, fresh_last=True)) == (
        "no weight of the net would come from it"
    )


# Heads

HEAD = join(conv("early.conv_1", 4, 8, 1, 1), conv("early.fc_1", 10, 4))
WITH_HEAD = ours(SAME, early=HEAD)
FOREIGN_HEAD = join(conv("aux.conv", 4, 8, 1, 1), conv("aux.fc", 10, 4))


@pytest.mark.parametrize("theirs", [SAME, FOREIGN])
def test_a_head_may_be_missing(theirs: Tensors) -> None:
    for net in (WITH_HEAD, move_head(WITH_HEAD, "early", "bn1")):
        match = match_weights(theirs, net)
        assert match.fresh == tuple(HEAD)
        assert match.sources == match_weights(theirs, NET).sources


@pytest.mark.parametrize("place", [1, 2, 3, 4])
@pytest.mark.parametrize("ours_after", ["conv1", "bn1", "fc"])
def test_a_head_may_stand_anywhere_in_the_file(place: int, ours_after: str) -> None:
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in FOREIGN))
    before = {n: s for n, s in FOREIGN.items() if n.rpartition(".")[0] in layers[:place]}
    theirs = join(before, FOREIGN_HEAD, FOREIGN)
    match = match_weights(theirs, move_head(WITH_HEAD, "early", ours_after))
    assert match.how == "order"
    assert match.fresh == ()
    assert layers_of(match)["early.conv_1"] == "aux.conv"
    assert layers_of(match)["conv2"] == "features.3"


def test_heads_of_the_same_shapes_keep_their_order() -> None:
    net = ours(SAME, early=HEAD, late=conv("late.fc", 10, 8))
    theirs = join(FOREIGN, FOREIGN_HEAD, conv("aux2", 10, 8))
    assert "could be `late.fc` or `fc`" in str(
        misfit(join(FOREIGN, conv("aux2", 10, 8)), ours(SAME, late=conv("late.fc", 10, 8)))
    )
    assert layers_of(match_weights(theirs, net))["late.fc"] == "aux2"


def test_a_part_of_a_head_is_refused() -> None:
    theirs = join(SAME, conv("early.conv_1", 4, 8, 1, 1))
    assert str(misfit(theirs, WITH_HEAD)) == (
        "it has a part of the head `early`, but no `early.fc_1.weight`"
    )
    assert "it ends before `early.fc_1.weight`" in str(
        misfit(join(FOREIGN, conv("aux.conv", 4, 8, 1, 1)), WITH_HEAD)
    )


def test_a_head_that_the_net_has_not_is_refused() -> None:
    assert "comes after" in str(misfit(join(FOREIGN, FOREIGN_HEAD)))
    assert "`early.conv_1.weight`, 4x8x1x1, is no weight" in str(misfit(join(SAME, HEAD)))


def test_the_last_layers_of_heads_are_left_out_too() -> None:
    theirs = join(FOREIGN, FOREIGN_HEAD)
    theirs = {
        n: (1000, *s[1:]) if n.startswith(("aux.fc", "clas")) else s for n, s in theirs.items()
    }
    match = match_weights(theirs, WITH_HEAD, fresh_last=True)
    assert match.fresh == ("fc.weight", "fc.bias", "early.fc_1.weight", "early.fc_1.bias")
    assert layers_of(match)["early.conv_1"] == "aux.conv"
    assert len(match.unused) == 4


# More than one way


def test_a_name_that_speaks_against_the_order() -> None:
    net = ours(conv("left", 4, 3, 1, 1), conv("right", 4, 3, 1, 1), conv("last", 2, 4))
    theirs = join(conv("right", 4, 3, 1, 1), conv("left", 4, 3, 1, 1), conv("head", 2, 4))
    error = misfit(theirs, net)
    assert str(error) == (
        "by its order its `right` would be `left` (a.net:1:3), and by its name `right` (a.net:2:3)"
    )
    assert isinstance(error, AmbiguousError)
    theirs = join(conv("right", 4, 9, 1, 1), conv("left", 4, 3, 1, 1), conv("head", 2, 4))
    assert not isinstance(misfit(theirs, net), AmbiguousError)


def test_a_file_without_an_order() -> None:
    unique = join(conv("b", 8, 3, 3, 3), norm("a", 8), conv("d", 8, 8, 3, 3), conv("c", 10, 8))
    match = match_weights(dict(sorted(unique.items())), NET, keeps_order=False)
    assert match.how == "shapes"
    assert layers_of(match) == {"conv1": "b", "bn1": "a", "conv2": "d", "fc": "c"}


def test_a_file_without_an_order_and_layers_alike() -> None:
    net = ours(conv("conv1", 8, 8, 3, 3), conv("conv2", 8, 8, 3, 3))
    theirs = join(conv("a", 8, 8, 3, 3), conv("b", 8, 8, 3, 3))
    assert match_weights(theirs, net).how == "order"
    error = misfit(theirs, net, keeps_order=False)
    assert str(error) == (
        "its `a` and `b` have the same shapes, and either could be `conv1.weight`, 8x8x3x3 "
        "(a.net:1:3)"
    )
    assert "sorted by name" in error.help[0]


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (conv("a", 1, 1), "no layer of its has the shapes of `conv1.weight`"),
        (join(FOREIGN, conv("more", 1, 1)), "it has 5 layers, and the net 4"),
    ],
)
def test_a_file_without_an_order_that_does_not_fit(theirs: Tensors, says: str) -> None:
    assert says in str(misfit(theirs, keeps_order=False))


def test_shapes_alone_with_heads_and_without_the_last() -> None:
    theirs = join(FOREIGN, FOREIGN_HEAD)
    assert match_weights(theirs, WITH_HEAD, keeps_order=False).fresh == ()
    assert match_weights(FOREIGN, WITH_HEAD, keeps_order=False).fresh == tuple(HEAD)
    match = match_weights(
        {**FOREIGN, "classifier.weight": (7, 8)}, NET, keeps_order=False, fresh_last=True
    )
    assert match.fresh == ("fc.weight", "fc.bias")
