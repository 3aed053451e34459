"""`netspec plan`: what it shows, and what it refuses. The numbers are tested in `analyses`."""

import re
from pathlib import Path

import pytest

from tests.cli.process import run

ALEXNET = "specs/alexnet.net"
RATES = ("--speed", "60TFLOP/s", "--link", "200Gbit/s")


def test_without_a_machine_there_are_bytes_and_no_times() -> None:
    done = run("plan", ALEXNET, "--memory", "500MiB")
    assert done.returncode == 0
    assert "alexnet on 2 devices: 2 columns" in done.stdout
    assert "columns     30,015,488 bytes a device\n" in done.stdout
    assert re.search(
        r"^memory +1\.1 GiB a device: .*; more than its 500\.0 MiB$", done.stdout, re.M
    )
    assert "efficiency" not in done.stdout


def test_with_a_machine_there_are_times_and_efficiencies() -> None:
    done = run("plan", ALEXNET, "--gpus", "8", *RATES)
    assert "alexnet on 8 devices: 4 replicas of 2 columns" in done.stdout
    assert "128 images, 32 on each replica" in done.stdout
    rows = re.findall(r"^ *([\d,]+) .*$", done.stdout.split("efficiency")[1], re.MULTILINE)
    assert [int(row.replace(",", "")) for row in rows] == [2**power for power in range(13)]
    last = done.stdout.splitlines()[-1].split()
    assert last[:3] == ["4,096", "4,096", "-"]


def test_a_net_without_columns_has_replicas_alone(tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text("net a { input 3x4x4; fc 2 }", encoding="utf-8")
    done = run("plan", "a.net", "--batch", "12", "--gpus", "4", *RATES, folder=tmp_path)
    assert "a on 4 devices: 4 replicas\n" in done.stdout
    assert "columns of" not in done.stdout


def test_split_fcs_are_among_the_ways(tmp_path: Path) -> None:
    """As one where the recipe does not say so, and as the one that is planned where it does."""
    done = run("plan", "specs/alexnet-one-tower.net", "--gpus", "8", *RATES)
    assert "alexnet_one_tower on 8 devices: 8 replicas\n" in done.stdout
    assert "replicas, fc split" in done.stdout
    first = done.stdout.split("256 each\n")[1].splitlines()[0].split()
    assert first == ["1", "1", "100.0%", "100.0%", "-", "-", "-"]
    text = Path("specs/alexnet-one-tower.net").read_text(encoding="utf-8")
    text = text.replace("  stop after", "  parallel fc=split\n  stop after")
    (tmp_path / "a.net").write_text(text, encoding="utf-8")
    done = run("plan", "a.net", "--gpus", "8", folder=tmp_path)
    assert "8 devices: 8 replicas, the fully connected layers split\n" in done.stdout
    assert "fc split    31,419,136 bytes a device\n" in done.stdout
    assert "replicas    17,287,872 bytes a device\n" in done.stdout
    assert "columns" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpus", "3"], "has `gpus 2`, of which 3 is no multiple"),
        (["--gpus", "512"], "128 images are too few for 256 replicas"),
        (["--speed", "1TFLOP/s"], "a time needs both"),
        (["--column-link", "1GB/s"], "it says where --link is another"),
        (["--memory", "80"], "should be an amount such as 80GB"),
        (["--memory", "80GB/s"], "should be an amount such as 80GB"),
        (["--speed", "1GB/s", "--link", "1GB/s"], "should be an amount such as 60TFLOP/s"),
        (["--link", "0GB/s", "--speed", "1FLOP/s"], "is nothing"),
    ],
)
def test_refusals(arguments: list[str], message: str) -> None:
    done = run("plan", ALEXNET, *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


def test_files_that_cannot_be_planned(tmp_path: Path) -> None:
    texts = {
        "wrong": "net a { input 3x4x4; fc }",
        "several": "net a { input 3x4x4; fc 2 }\nnet b { input 3x4x4; fc 3 }",
        "none": "block a(n) { fc n }",
        "bare": "net a { input 3x4x4; fc 2 }",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    expected = {
        "wrong.net": (1, "NS108"),
        "several.net": (2, "pick one as several.net:NAME: a, b"),
        "none.net": (2, "has no net"),
        "bare.net": (2, "has no recipe"),
        "missing.net": (2, "missing.net"),
    }
    for name, (status, message) in expected.items():
        done = run("plan", name, folder=tmp_path)
        assert done.returncode == status, name
        assert message in " ".join((done.stdout + done.stderr).split()), name
    assert run("plan", "several.net:b", "--batch", "1", folder=tmp_path).returncode == 0
