"""Which data set a run gets: from `--data`, from the environment, or the built-in sample."""

from pathlib import Path

import pytest

from netspec_torch.data import DataError, open_data
from tests.netspec_torch.data.pictures import make_folder

FILES = ("a/1.png", "a/2.png", "b/3.png", "b/4.png")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a folder of data sets nor a cache from elsewhere."""
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_sample_stands_in_and_says_so() -> None:
    data = open_data(None, "imagenet", seed=0)
    assert data.name == "fashion_mnist"
    first, second = data.notice.splitlines()
    assert first.startswith("the data set imagenet is not here: the built-in sample stands in")
    assert "--data FOLDER" in second
    assert "train/CLASS/ and val/CLASS/" in second
    assert "--data elpv" in second
    assert "FOLDER/imagenet" in second


@pytest.mark.parametrize("wanted", ["fashion_mnist", "fashion-mnist", "Fashion-MNIST"])
def test_sample_that_was_wanted_is_no_stand_in(wanted: str) -> None:
    assert open_data(None, wanted, seed=0).notice == ""


def test_sample_can_be_asked_for() -> None:
    data = open_data("fashion_mnist", "imagenet", seed=0)
    assert (data.name, data.notice) == ("fashion_mnist", "")


def test_sample_is_the_same_whatever_the_seed() -> None:
    first, second = (open_data(None, "imagenet", seed=seed).describe() for seed in (0, 1))
    assert first == second


def test_folder_goes_before_all_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "env" / "imagenet", FILES)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "env"))
    chosen = make_folder(tmp_path / "flowers", FILES)
    for path in (chosen, str(chosen)):
        data = open_data(path, "imagenet", seed=0)
        assert (data.name, data.notice, data.origin) == ("flowers", "", str(chosen))


def test_environment_has_the_wanted_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "env" / "imagenet", FILES)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "env"))
    data = open_data(None, "imagenet", seed=0)
    assert (data.name, data.notice) == ("imagenet", "")
    assert open_data(None, "places", seed=0).notice.startswith("the data set places is not here")


def test_a_name_may_not_lead_out_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "outside", FILES)
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "env"))
    for wanted in ("../outside", str(tmp_path / "outside"), "..", ""):
        assert open_data(None, wanted, seed=0).name == "fashion_mnist"


def test_environment_that_is_no_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"NETSPEC_DATA is .*nowhere, which is no folder"):
        open_data(None, "imagenet", seed=0)


def test_unknown_folder_is_refused_with_what_there_is() -> None:
    with pytest.raises(DataError, match="there is no folder or file flowers") as caught:
        open_data("flowers", "imagenet", seed=0)
    assert "--data also takes elpv and fashion_mnist" in caught.value.help


def test_elpv_is_fetched_on_request_only() -> None:
    assert open_data(None, "elpv", seed=0).name == "fashion_mnist"


def test_a_folder_of_a_known_name_is_reached_by_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder(tmp_path / "elpv", FILES)
    monkeypatch.chdir(tmp_path)
    assert open_data("./elpv", "imagenet", seed=0).class_names == ("a", "b")
