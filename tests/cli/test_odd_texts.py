"""Texts that no one writes on purpose, through every command that reads any text: an answer, soon,
and never a traceback.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netspec.cli.inputs import MOST_BYTES
from netspec.syntax.tokens import MAX_NESTING, MAX_TEXT
from tests.cli.in_process import Command
from tests.cli.process import environment

HEAD, TAIL = b"net n {\n  input 3x8x8\n", b"}\n"


def in_net(*lines: str) -> bytes:
    return HEAD + "".join(f"  {line}\n" for line in lines).encode() + TAIL


TEXTS: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", []),
    "a byte-order mark alone": (b"\xef\xbb\xbf", []),
    "two byte-order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + in_net("relu"), []),
    "no last line end": (in_net("relu")[:-1], []),
    "braces as deep as they may be": (
        in_net("if yes { " * (MAX_NESTING - 1), "relu", "}" * (MAX_NESTING - 1)),
        [],
    ),
    "braces deeper than they may be": (
        in_net("if yes { " * MAX_NESTING, "relu", "}" * MAX_NESTING),
        ["NS007"],
    ),
    "brackets without end": (in_net("conv " + "(" * 100_000), ["NS007"]),
    "joins in joins": (in_net("add { branch { " * 49, "relu", "} }" * 49), []),
    "minus signs without end": (in_net("conv " + "-" * 100_000 + "1, 1x1"), ["NS007"]),
    "a number of 100,000 digits": (in_net(f"conv {'9' * 100_000}, 1x1"), ["NS002"]),
    "an exponent of 100,000 digits": (in_net(f"conv 1e{'9' * 100_000}, 1x1"), ["NS002"]),
    "a fraction of 100,000 digits": (in_net(f"dropout 0.{'9' * 100_000}"), ["NS002"]),
    "a number beyond 2^53": (in_net("conv 9007199254740993, 1x1"), ["NS120"]),
    "a power beyond all numbers": (in_net("conv 9 ** 9 ** 9 ** 9, 1x1"), ["NS121"]),
    "sides beyond all memory": (in_net("upsample 9007199254740992"), []),
    "NUL bytes": (in_net("relu\0", "re\0lu"), ["NS001", "NS001"]),
    "NUL bytes alone": (bytes(1000), ["NS001"]),
    "control characters": (in_net("relu \x1b[31m\x07"), ["NS001", "NS005"]),
    "CRLF": (in_net("relu", "conv 4, 1x1").replace(b"\n", b"\r\n"), []),
    "CRLF and a mistake": (in_net("rulu").replace(b"\n", b"\r\n"), ["NS101"]),
    "LF and CRLF by turns": (in_net("relu\r", "conv 4, 1x1", "tanh\r"), []),
    "CR alone": (in_net("relu").replace(b"\n", b"\r"), ["NS001"]),
    "tabs": (in_net("\trelu\t\t# why\t", "conv\t4,\t1x1"), []),
    "tabs and a mistake": (in_net("\tconv\t4,\t\trulu"), ["NS102"]),
    "vertical tabs and form feeds": (in_net("relu\v", "relu\f"), ["NS001", "NS001"]),
    "other line ends": (in_net("relu\u2028tanh\u0085"), ["NS001"]),
    "right-to-left text in a comment": (in_net("relu  # \u05e9\u05dc\u05d5\u05dd \u202e abc"), []),
    "right-to-left text": (in_net("\u05e9\u05dc\u05d5\u05dd: relu"), ["NS001"]),
    "a right-to-left override": (in_net("conv 4\u202e, 1x1"), ["NS001"]),
    "spaces of no width": (in_net("re\u200blu"), ["NS001"]),
    "letters that look alike": (in_net("\u0441onv 4, 1x1"), ["NS001"]),
    "marks on a letter": (in_net("e" + "\u0301" * 10_000), ["NS001"]),
    "wide characters and a mistake": (in_net("rulu  # \u6f22\u5b57\U0001f600"), ["NS101"]),
    "a line of a million characters": (in_net("relu" + " " * 1_000_000 + "; rulu"), ["NS101"]),
    "a name of a million letters": (in_net("a" * 1_000_000), ["NS101"]),
    "a text of a million letters": (b'use "' + b"a" * 1_000_000 + b'"\n', ["NS115"]),
    "a text with a NUL byte": (b'use "a\0.net"\n', ["NS115"]),
    "a path that is a folder": (b'use "."\n', ["NS115"]),
    "a path to the root": (b'use "/"\n', ["NS115"]),
    "a path to a device": (b'use "/dev/zero"\n', ["NS115"]),
    "a path outside": (b'use "../../../../../../etc/passwd"\n', ["NS115"]),
}  # fmt: skip
"""Their bytes, and the codes of what is wrong with them."""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_answers(name: str, command: Command, tmp_path: Path) -> None:
    data, codes = TEXTS[name]
    (tmp_path / "pyproject.toml").touch()
    path = tmp_path / "odd.net"
    path.write_bytes(data)
    checked = command("check", "--format", "json", str(path))
    assert list_codes(checked.out) == codes
    for form in ("plain", "sarif", "github"):
        assert command("check", "--format", form, str(path)).code == checked.code
    is_syntax = any(code < "NS1" for code in codes)
    assert command("fmt", "--check", str(path)).code in ((1,) if is_syntax else (0, 1))
    assert command("explain", str(path)).code in (1, 2) if codes else (0, 2)
    assert path.read_bytes() == data


def list_codes(text: str) -> list[str]:
    """The errors of a check as JSON; warnings are left out."""
    found = [each for file in json.loads(text)["files"] for each in file["diagnostics"]]
    return [each["code"] for each in found if each["severity"] == "error"]


BYTES = {
    "a byte that is no UTF-8": (b"# \xff\n", "byte 0xff in line 1"),
    "half a character": (b"\n# \xc3", "byte 0xc3 in line 2"),
    "half of a surrogate pair": (b"# \xed\xa0\x80\n", "byte 0xed in line 1"),
    "a character too long": (b"# \xc0\xaf\n", "byte 0xc0 in line 1"),
    "UTF-16": ("net n { input 3x8x8; relu }".encode("utf-16"), "byte 0xff in line 1"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "byte 0x89 in line 1"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text_are_named(name: str, command: Command, tmp_path: Path) -> None:
    data, place = BYTES[name]
    path = tmp_path / "odd.net"
    path.write_bytes(data)
    for words in (["check"], ["fmt"], ["fmt", "--check"], ["explain"]):
        result = command(*words, str(path))
        assert (result.code, result.out) == (2, "")
        assert f"is not UTF-8 text: {place}" in result.err
    assert path.read_bytes() == data


def test_files_that_use_each_other(command: Command, tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    for name, other in zip(names, [*names[1:], "a"], strict=True):
        text = f'use "{other}.net"\nblock of_{name} {{ of_{other} }}\n'
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    (tmp_path / "self.net").write_text('use "self.net"\n', encoding="utf-8")
    for name in (*names, "self"):
        result = command("check", "--format", "json", str(tmp_path / f"{name}.net"))
        assert list_codes(result.out) == ["NS115"]
        assert "use each other in a circle" in result.out


def test_a_long_chain_of_files(command: Command, tmp_path: Path) -> None:
    count = 1_500
    for number in range(count):
        text = f'use "{number + 1}.net"\nblock b{number} {{ b{number + 1} }}\n'
        (tmp_path / f"{number}.net").write_text(text, encoding="utf-8")
    (tmp_path / f"{count}.net").write_text(f"block b{count} {{ relu }}\n", encoding="utf-8")
    assert command("check", str(tmp_path / "0.net")).code == 0


def test_links_that_lead_to_each_other(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.net").symlink_to("b.net")
    (tmp_path / "b.net").symlink_to("a.net")
    (tmp_path / "c.net").write_text('use "a.net"\n', encoding="utf-8")
    (tmp_path / "folder").symlink_to(tmp_path)
    result = command("check", str(tmp_path / "a.net"))
    assert (result.code, "Too many levels of symbolic links" in result.err) == (2, True)
    result = command("check", "--format", "json", str(tmp_path / "c.net"))
    assert list_codes(result.out) == ["NS115"]
    result = command("check", str(tmp_path))  # the link to itself is not gone into
    assert (result.code, result.out.count("error[NS115]")) == (2, 1)


MEGABYTES = 10_000_000
LARGE: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "comment signs": (lambda: b"#" * MEGABYTES, None),
    "comments": (lambda: b"#\n" * (MEGABYTES // 2), None),
    "spaces": (lambda: b" " * MEGABYTES, None),
    "line ends": (lambda: b"\n" * MEGABYTES, None),
    "digits": (lambda: in_net("conv " + "1" * (MEGABYTES - 100)), "NS002"),
    "letters": (lambda: in_net("a" * (MEGABYTES - 100)), "NS101"),
    "NUL bytes": (lambda: bytes(MEGABYTES), "NS001"),
    "braces": (lambda: b"{" * MEGABYTES, "NS007"),
    "brackets": (lambda: b"()" * (MEGABYTES // 2), "NS007"),
    "quotes": (lambda: b'"\n' * (MEGABYTES // 2), "NS003"),
    "marks on a letter": (lambda: in_net("e" + "\u0301" * (MAX_TEXT // 3)), "NS001"),
    "one character too many": (lambda: b"#" * (MAX_TEXT + 1), "NS007"),
    "one byte too many": (lambda: b"#" * (MOST_BYTES + 1), ""),
    "relus": (lambda: in_net(*["relu"] * 200_000, "x" * 8_000_000), "NS101"),
}
"""Texts of ten megabytes, and the code of the first error; none for what is only unreadable."""
SMALL = ("comment signs", "NUL bytes", "one character too many", "one byte too many")
MEMORY = 4 << 30
"""Bytes that a check of ten megabytes may take; a word of a line is some hundred."""


def list_large() -> Iterator[object]:
    for name in LARGE:
        yield pytest.param(name, marks=[] if name in SMALL else [pytest.mark.slow])


@pytest.mark.parametrize("name", list(list_large()))
def test_ten_megabytes(name: str, tmp_path: Path) -> None:
    write, code = LARGE[name]
    path = tmp_path / "large.net"
    path.write_bytes(write())
    for words in (["check", "-q"], ["fmt", "--check"]):
        result = subprocess.run(
            [sys.executable, "-m", "netspec", *words, str(path)],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        shown = result.stdout + result.stderr
        assert "Traceback" not in shown
        if code == "":
            assert (result.returncode, f"holds more than {MOST_BYTES:,} bytes" in shown) == (
                2,
                True,
            )
        elif code is None:
            assert result.returncode in ((0, 1) if words[0] == "fmt" else (0,))
        elif words[0] == "check" or code < "NS1":
            assert (result.returncode, f"[{code}]" in shown) == (1, True)
