"""`use`: what a file brings, where it is looked for, and what is refused."""

from pathlib import Path

import pytest

from netspec.compiler.pipeline import compile_file, compile_source, compile_texts
from netspec.source import SourceFile
from tests.compiled import summaries

BLOCK = "block b(w) { conv w, 3x3 }\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    """Lay files into a project; the first is the one to check."""
    (folder / "netspec.toml").touch()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def test_blocks_and_nets_come_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "nets/a.net": 'use "../blocks/b.net"\nnet a = n(k=2)\nnet c { input 3x8x8; b 4 }\n',
            "blocks/b.net": 'use "deep/c.net"\nnet n(k) { input 3x8x8; d k }\n' + BLOCK,
            "blocks/deep/c.net": "block d(k) { fc k }\n",
        },
    )
    program = compile_file(path)
    assert summaries(program) == []
    assert [net.name for net in program.nets] == ["a", "c"]


def test_what_a_used_file_uses_itself_is_not_brought(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "a.net": 'use "b.net"\nnet a { input 3x8x8; b 3; d 3 }\n',
            "b.net": 'use "c.net"\nblock b(w) { d w }\n',
            "c.net": "block d(k) { fc k }\n",
        },
    )
    assert summaries(compile_file(path)) == ["NS101 2:27 d"]


def test_a_file_reached_twice_is_read_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "a.net": 'use "b.net"\nuse "c.net"\nnet a { input 3x8x8; b 3; c }\n',
            "b.net": BLOCK,
            "c.net": 'use "b.net"\nblock c { b 5 }\n',
        },
    )
    assert summaries(compile_file(path)) == []


def test_recipes_of_used_files_stay_there(tmp_path: Path) -> None:
    recipe = "train { data x; batch 1; loss softmax; sgd rate=1; stop after=1 }\n"
    path = write(
        tmp_path, {"a.net": 'use "b.net"\nnet a { input 3x8x8; b 3; fc 2 }\n', "b.net": BLOCK}
    )
    (tmp_path / "b.net").write_text(
        BLOCK + "net m { input 3x8x8; fc 2 }\n" + recipe, encoding="utf-8"
    )
    (net,) = compile_file(path).nets
    assert net.recipe is None


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.net": 'use "no.net"\n'}, ['NS115 1:5 "no.net"']),
        ({"a.net": 'use "../../outside.net"\n'}, ['NS115 1:5 "../../outside.net"']),
        ({"a.net": 'use "."\n'}, ['NS115 1:5 "."']),
        ({"a.net": 'use ""\n'}, ['NS115 1:5 ""']),
        ({"a.net": 'use "b.net"\n', "b.net": 'use "a.net"\n'}, ['NS115 1:5 "a.net"']),
        ({"a.net": 'use "a.net"\n'}, ['NS115 1:5 "a.net"']),
        ({"a.net": 'use "b.net"\n', "b.net": BLOCK}, ['NS112 1:1 use "b.net"']),
        (
            {"a.net": 'use "b.net"\nblock b(w) { fc w }\n', "b.net": BLOCK},
            ['NS104 1:5 "b.net"'],
        ),
        (
            {
                "a.net": 'use "b.net"\nuse "c.net"\nblock d { b 3 }\n',
                "b.net": BLOCK,
                "c.net": BLOCK,
            },
            ['NS104 2:5 "c.net"'],
        ),
        (
            {"a.net": 'use "b.net"\nblock d { b 3 }\n', "b.net": "block b( {"},
            ["NS005 1:8 (", "NS005 1:10 {"],
        ),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, files: dict[str, str], found: list[str]) -> None:
    assert summaries(compile_file(write(tmp_path, files))) == found


def test_a_link_that_leads_outside_the_project_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.net"
    outside.write_text(BLOCK, encoding="utf-8")
    project = tmp_path / "project"
    project.mkdir()
    path = write(project, {"a.net": 'use "link.net"\nblock d { b 3 }\n'})
    (project / "link.net").symlink_to(outside)
    assert summaries(compile_file(path)) == ['NS115 1:5 "link.net"']


def test_columns_do_not_count_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.net": 'use "b.net"\nblock d { b 3 }\n'})
    (tmp_path / "b.net").write_bytes(b"\xef\xbb\xbfblock b(width) { fc widht }\r\n")
    assert summaries(compile_file(path)) == ["NS102 1:21 widht"]


def test_a_used_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.net": 'use "b.net"\n'})
    (tmp_path / "b.net").write_bytes(b"\xff\xfe\x00")
    assert summaries(compile_file(path)) == ['NS115 1:5 "b.net"']


def test_a_net_keeps_the_texts_that_it_was_compiled_from(tmp_path: Path) -> None:
    files = {
        "nets/a.net": 'use "../blocks/b.net"\nnet a { input 3x8x8; b 3 }\n',
        "blocks/b.net": 'use "deep/../../c.net"\nblock b(w) { d w }\n',
        "c.net": "block d(k) { fc k }\n",
    }
    (net,) = compile_file(write(tmp_path, files)).nets
    assert list(net.texts) == ["a.net", "../blocks/b.net", "../c.net"]
    assert list(net.texts.values()) == list(files.values())


def test_kept_texts_compile_where_the_files_are_gone(tmp_path: Path) -> None:
    files = {
        "nets/a.net": 'use "../blocks/b.net"\nnet a(k = 2) { input 3x8x8; b k }\n',
        "blocks/b.net": 'use "c.net"\nblock b(w) { d w }\n',
        "blocks/c.net": "block d(k) { fc k }\n",
    }
    path = write(tmp_path, files)
    (net,) = compile_file(path).nets
    for name in files:
        (tmp_path / name).unlink()
    program = compile_texts(net.texts, {"k": "5"}, "a")
    assert summaries(program) == []
    assert program.nets[0].graph.num_params == 5 * (3 * 8 * 8 + 1)
    assert program.nets[0].texts == net.texts


def test_kept_texts_follow_links(tmp_path: Path) -> None:
    files = {
        "a.net": 'use "link.net"\nnet a { input 3x8x8; b 3 }\n',
        "deep/b.net": 'use "c.net"\nblock b(w) { d w }\n',
        "deep/c.net": "block d(k) { fc k }\n",
    }
    path = write(tmp_path, files)
    (tmp_path / "link.net").symlink_to(tmp_path / "deep" / "b.net")
    (net,) = compile_file(path).nets
    assert list(net.texts) == ["a.net", "link.net", "c.net"]
    assert summaries(compile_texts(net.texts)) == []


def test_kept_texts_never_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path, {"a.net": "", "b.net": BLOCK}).parent)
    program = compile_texts({"a.net": 'use "b.net"\nblock d { b 3 }\n'})
    assert summaries(program) == ['NS115 1:5 "b.net"']


def test_a_text_that_lies_nowhere_has_a_name_too() -> None:
    (net,) = compile_source(SourceFile("<stdin>", "net a { input 3x8x8; fc 2 }\n")).nets
    assert list(net.texts) == ["<stdin>"]
    assert summaries(compile_texts(net.texts)) == []
