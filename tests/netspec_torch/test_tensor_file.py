"""The safetensors files of a run: any reader reads them, and only what was written is taken."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from netspec_torch.tensor_file import (
    TYPES,
    DamagedFileError,
    read_tensor_file,
    read_texts,
    write_tensor_file,
)

TENSORS = {
    "conv.weight": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
    "flag": torch.tensor([True, False, True]),
    "step": torch.tensor(7.0),
    "mean": torch.randn(5, dtype=torch.float64),
    "empty": torch.empty(0, 3),
    "half": torch.randn(3).bfloat16(),
    "part": torch.randn(4, 6)[:, ::2],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tensor_file(tmp_path / "a", TENSORS, {"said": 'a text with "sha256":"' + "0" * 64 + '"'})
    return tmp_path / "a"


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) and one[name].dtype == other[name].dtype for name in one
    )


def test_what_is_written_is_read(path: Path) -> None:
    file = read_tensor_file(path)
    assert same(file.tensors, TENSORS)
    assert file.about["said"].startswith('a text with "sha256"')
    assert read_texts(path) == file.about


def test_other_readers_read_it(path: Path) -> None:
    assert same(load_file(path), TENSORS)
    with safe_open(path, framework="np") as file:
        assert file.get_tensor("conv.weight").shape == (4, 3, 2, 2)


@pytest.mark.parametrize("kind", list(TYPES))
def test_every_kind_of_number_is_written(kind: torch.dtype, tmp_path: Path) -> None:
    tensors = {"x": torch.arange(6).reshape(2, 3).to(kind)}
    write_tensor_file(tmp_path / "a", tensors, {})
    assert same(load_file(tmp_path / "a"), tensors)


def test_a_file_that_is_cut_off_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    for length in [0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFileError, match=f"is cut off.* {length:,} "):
            read_tensor_file(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(DamagedFileError, match="is cut off"):
        read_tensor_file(path)


def test_a_changed_bit_is_noticed_wherever_it_is(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(DamagedFileError):
            read_tensor_file(path)


def test_other_files_are_refused(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tensor_file(path.with_name("none"))
    with pytest.raises(DamagedFileError, match="cannot be read"):
        read_tensor_file(path.parent)
    save_file({"a": torch.zeros(1)}, path, {"about": "it"})
    with pytest.raises(DamagedFileError, match="has no checksum, so that netspec did not write it"):
        read_tensor_file(path)
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(DamagedFileError, match="no safetensors file"):
        read_tensor_file(path)
    text = json.dumps(["a"]).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(DamagedFileError, match="is no safetensors file"):
        read_tensor_file(path)


def test_texts_of_what_is_no_file_are_none(path: Path) -> None:
    path.write_bytes(b"text")
    assert read_texts(path) == read_texts(path.with_name("none")) == {}
