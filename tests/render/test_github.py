"""Commands of GitHub Actions: their parts, and what is escaped in them."""

from netspec.compiler.pipeline import compile_source
from netspec.render.github import render_github, write_command
from netspec.source import SourceFile


def render(*texts: str, unreadable: dict[str, str] | None = None) -> list[str]:
    programs = [
        compile_source(SourceFile(f"./f{number}.net", text)) for number, text in enumerate(texts)
    ]
    return render_github(programs, unreadable or {}).splitlines()


def test_errors_warnings_and_the_total() -> None:
    wrong = "net a {\n  input 3x8x8\n  conv 8, 9x9\n  tahn\n  rulu\n}\n"
    warns = "net a { input 3x8x8; relu; relu }\n"
    assert render(wrong, warns) == [
        "::error title=NS101,file=f0.net,line=4,col=3,endLine=4,endColumn=7::"
        "there is no layer kind or block `tahn`%0Aunknown%0Ahelp: did you mean `tanh`?",
        "::error title=NS101,file=f0.net,line=5,col=3,endLine=5,endColumn=7::"
        "there is no layer kind or block `rulu`%0Aunknown%0Ahelp: did you mean `relu`?",
        "::warning title=NS504,file=f1.net,line=1,col=28,endLine=1,endColumn=32::"
        "relu follows relu with nothing between them%0Aa second activation%0A"
        "without weights between them the two are one function, and a rare one%0A"
        "help: leave one of them out, or put the layer between them that is missing",
        "::notice title=netspec::2 errors, 1 warning in 2 files",
    ]


def test_nothing_found_is_nothing_written() -> None:
    assert render("net a { input 3x8x8; relu }\n") == []


def test_a_file_that_cannot_be_read() -> None:
    assert render(unreadable={"./gone.net": "there is no such file"}) == [
        "::error file=gone.net::there is no such file"
    ]


def test_columns_are_left_out_where_several_lines_are_marked() -> None:
    (error, _) = render("net a {\n  input 3x8x8\n  fc (1 +\n   0.5)\n}\n")
    assert error.startswith("::error title=NS109,file=f0.net,line=3,endLine=4::")


def test_escaping() -> None:
    assert (
        write_command("error", "50 %,\r\n: all", file="a:b,c%\n.net", line=3)
        == "::error file=a%3Ab%2Cc%25%0A.net,line=3::50 %25,%0D%0A: all"
    )
