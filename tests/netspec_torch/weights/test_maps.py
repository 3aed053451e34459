"""Maps: their text, and what they say of a file and a net."""

import pytest

from netspec.recipe.run import TrainingError
from netspec_torch.weights.layers import MisfitError
from netspec_torch.weights.maps import MapLine, parse_map
from netspec_torch.weights.match import Match, match_weights
from tests.netspec_torch.weights.test_match import (
    FOREIGN,
    FOREIGN_HEAD,
    HEAD,
    NET,
    SAME,
    WITH_HEAD,
    join,
    layers_of,
)

WHOLE = """
features.0  conv1
features.1  bn1
features.3  conv2
classifier  fc
"""


def match(text: str, theirs: object = FOREIGN, fresh_last: bool = False) -> Match:
    assert isinstance(theirs, dict)
    return match_weights(theirs, NET, lines=parse_map(text, "x.map"), fresh_last=fresh_last)


def test_two_names_a_line() -> None:
    text = "# theirs ours\n\na.weight\tb.weight # one tensor\n  c#1   d#2  \r\n#"
    assert parse_map(text, "x.map") == [
        MapLine("a.weight", "b.weight", "x.map:3"),
        MapLine("c#1", "d#2", "x.map:4"),
    ]


@pytest.mark.parametrize("line", ["one", "one two three", "one # two"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(TrainingError, match=r"x\.map:2 has \d words?") as refusal:
        parse_map(f"a b\n{line}", "x.map")
    assert refusal.value.cause == "file"


def test_all_other_lines_are_told_at_once() -> None:
    with pytest.raises(TrainingError) as refusal:
        parse_map("one\na b\nx y z", "x.map")
    assert refusal.value.message == "x.map has 2 lines that are not two words"
    assert refusal.value.details == ("x.map:1 has 1 word", "x.map:3 has 3 words")


def test_a_file_that_is_no_map_is_told_of_in_ten_lines() -> None:
    with pytest.raises(TrainingError, match="has 30 lines") as refusal:
        parse_map("one\n" * 30, "x.map")
    assert refusal.value.details[9:] == ("x.map:10 has 1 word", "and 20 more")


def test_a_line_is_of_layers_or_of_tensors() -> None:
    by_layers = match(WHOLE)
    assert by_layers.how == "map"
    assert by_layers.sources == match_weights(FOREIGN, NET).sources
    by_tensors = WHOLE.replace(
        "classifier  fc", "classifier.weight fc.weight\nclassifier.bias fc.bias"
    )
    assert match(by_tensors).sources == by_layers.sources


def test_the_rest_is_by_name() -> None:
    renamed = {name.replace("conv2.", "second."): shape for name, shape in SAME.items()}
    result = match("second conv2", renamed)
    assert result.how == "name"
    assert layers_of(result) == {"conv1": "conv1", "bn1": "bn1", "conv2": "second", "fc": "fc"}


def test_or_by_order() -> None:
    moved = {n: FOREIGN[n] for n in sorted(FOREIGN, key=lambda n: "features.3" not in n)}
    result = match("features.3 conv2", moved)
    assert result.how == "order"
    assert result.sources == match_weights(FOREIGN, NET).sources
    moved = {n: FOREIGN[n] for n in sorted(FOREIGN, key=lambda n: n != "features.3.bias")}
    assert match("features.3.bias conv2.bias", moved).sources == result.sources


@pytest.mark.parametrize("line", ["more -", "module.more -", "more.a -\nmore.b.weight -"])
def test_what_the_file_has_too_much_is_left_out(line: str) -> None:
    more = {"more.a.x": (1,), "more.a.y": (1,), "more.b.weight": (2, 2)}
    for theirs in (join(SAME, more), join(more, FOREIGN)):
        result = match(line, {f"module.{name}": shape for name, shape in theirs.items()})
        assert result.unused == tuple(f"module.{name}" for name in more)
        with pytest.raises(MisfitError):
            match("", theirs)


def test_a_map_may_swap_and_double() -> None:
    swapped = match("conv2.bias bn1.bias\nbn1.bias conv2.bias", SAME)
    assert swapped.sources["bn1.bias"] == "conv2.bias"
    doubled = match("bn1.bias conv2.bias\nbn1.bias bn1.bias\nconv2.bias -", SAME)
    assert doubled.sources["conv2.bias"] == doubled.sources["bn1.bias"] == "bn1.bias"


def test_names_that_are_no_role_can_be_mapped() -> None:
    theirs = {n.replace("bn1.weight", "bn1.gamma"): shape for n, shape in SAME.items()}
    assert match("bn1.gamma bn1.weight", theirs).sources["bn1.weight"] == "bn1.gamma"


def test_a_common_prefix_may_be_left_out() -> None:
    theirs = {f"module.{name}": shape for name, shape in FOREIGN.items()}
    short = match(WHOLE, theirs)
    assert short.sources["conv1.bias"] == "module.features.0.bias"
    assert match(WHOLE.replace("fea", "module.fea").replace("cla", "module.cla"), theirs) == short


def test_the_last_layer_can_be_left_out() -> None:
    result = match(WHOLE.replace("classifier  fc", ""), FOREIGN, fresh_last=True)
    assert result.how == "map"
    assert result.fresh == ("fc.weight", "fc.bias")


def test_heads_are_whole_or_missing() -> None:
    text = f"{WHOLE}aux.conv early.conv_1\naux.fc early.fc_1"
    lines = parse_map(text, "x.map")
    theirs = join(FOREIGN, FOREIGN_HEAD)
    assert match_weights(theirs, WITH_HEAD, lines=lines).fresh == ()
    without = [*lines[:4], MapLine("aux", "-")]
    assert match_weights(theirs, WITH_HEAD, lines=without).fresh == tuple(HEAD)
    with pytest.raises(MisfitError, match="a part of the head `early`"):
        match_weights(theirs, WITH_HEAD, lines=[*lines[:5], MapLine("aux.fc", "-")])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            WHOLE.replace("features.1", "features.2"),
            "x.map:3 names `features.2`, which is no layer of the file",
        ),
        (
            WHOLE.replace("conv2", "conv3"),
            "x.map:4 names `conv3`, which is no layer of the net with weights",
        ),
        (
            f"{WHOLE}features.9.weight fc.weight",
            "x.map:6 names `features.9.weight`, which is no tensor of the file",
        ),
        (f"{WHOLE}classifier fc", "x.map:6 gives `fc.weight`, which has a line already"),
        (
            WHOLE.replace("classifier", "features.3"),
            "its `features.3.weight` is 8x8x3x3, where `fc.weight` (a.net:4:3) is 10x8",
        ),
        (
            WHOLE.replace("classifier", "features.1"),
            "x.map:5 joins `features.1`, which has weight, bias, running_mean, running_var, and "
            "`fc` (a.net:4:3), which has weight, bias",
        ),
        (
            "features.1.bias bn1.running_mean",
            "x.map:1 makes `features.1.bias` of the file the net's `bn1.running_mean`",
        ),
        (
            WHOLE.replace("features.1  bn1", "features.1  -"),
            "it ends before `bn1.weight`, 8 (a.net:2:3)",
        ),
        ("feature -", "x.map:1 names `feature`, which begins no name of the file"),
        (
            "features.0.weight conv1",
            "x.map:1 joins `features.0.weight`, a tensor of the file, and `conv1`, a layer of the "
            "net",
        ),
        (
            "features.0 conv1.bias",
            "x.map:1 joins `features.0`, a layer of the file, and `conv1.bias`, a weight of the "
            "net",
        ),
        ("features.0 conv9\nzz -\nfeatures.1 bn1", "2 lines of the map say what cannot be"),
    ],
)
def test_what_a_map_cannot_say(text: str, says: str) -> None:
    with pytest.raises(MisfitError) as refusal:
        match(text)
    assert str(refusal.value) == says


def test_near_names_are_told() -> None:
    with pytest.raises(MisfitError) as refusal:
        match(WHOLE.replace("classifier", "clasifier"))
    assert "`classifier`" in refusal.value.help[0]


def test_all_lines_that_cannot_be_are_told_with_their_helps() -> None:
    with pytest.raises(MisfitError) as refusal:
        match("features.0 conv9\nfeatures.1 bn1\nzz -\nfeatures.3.weight conv2")
    assert [line.partition(" ")[0] for line in refusal.value.details] == [
        *("x.map:1", "x.map:3", "x.map:4")
    ]
    assert refusal.value.help[0].startswith("did you mean `conv1`")
    assert refusal.value.help[1].startswith("there is features.0.weight, features.0.bias")
    assert refusal.value.help[2] == (
        "`features.3 conv2` joins the layers, `features.3.weight conv2.weight` one tensor"
    )


def test_a_map_and_the_last_layer_left_out() -> None:
    with pytest.raises(MisfitError, match="--fresh-last leaves it out"):
        match(WHOLE, fresh_last=True)
