"""What the goldens stand on: a block that is not found is a test that does not run."""

from pathlib import Path

import pytest

from tests.markdown_blocks import check_golden, read_blocks

PAGE = """# First

```net
# a comment, no heading
net tiny { }
```

## Second

```shapes
```

````markdown
```net
inner
```
````

```net blocks/pair.net slow
outer
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_blocks_stand_under_their_headings(page: Path) -> None:
    blocks = [(b.heading, b.word, b.attributes, b.line) for b in read_blocks(page)]
    assert blocks == [
        ("First", "net", (), 3),
        ("Second", "shapes", (), 10),
        ("Second", "markdown", (), 13),
        ("Second", "net", ("blocks/pair.net", "slow"), 19),
    ]


def test_longer_fences_hold_shorter_ones(page: Path) -> None:
    assert [b.body for b in read_blocks(page)][2] == "```net\ninner\n```\n"


@pytest.mark.parametrize("text", ["```net\nnever closed\n", "```\nwithout a word\n```\n"])
def test_fences_that_would_be_lost_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"page\.md:1"):
        list(read_blocks(path))


def test_a_golden_is_rewritten_in_its_own_block_alone(page: Path) -> None:
    shapes, last = (block for block in read_blocks(page) if block.index in (1, 3))
    check_golden(shapes, "relu_1  3\nrelu_2  3\n", rewrite=True)
    check_golden(last, "new\n", rewrite=True)
    expected = PAGE.replace("```shapes\n", "```shapes\nrelu_1  3\nrelu_2  3\n")
    assert page.read_text(encoding="utf-8") == expected.replace("outer", "new")


def test_an_empty_golden_names_the_flag(page: Path) -> None:
    shapes = next(block for block in read_blocks(page) if block.word == "shapes")
    with pytest.raises(AssertionError, match="--golden"):
        check_golden(shapes, "", rewrite=False)


def test_a_golden_that_differs_fails(page: Path) -> None:
    outer = next(block for block in read_blocks(page) if block.index == 3)
    with pytest.raises(AssertionError, match="make golden"):
        check_golden(outer, "other\n", rewrite=False)
    assert page.read_text(encoding="utf-8") == PAGE
