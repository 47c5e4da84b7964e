"""The outline: numbers counted in the order of the page, one maker for each part, and no number written elsewhere."""

import ast
import re
from pathlib import Path

import pytest

from radstudy.report.figures import FIGURES
from radstudy.report.outline import number_of, outline, read_outline
from radstudy.report.tables import TABLES
from radstudy.report.text import TEXTS

REPOSITORY = Path(__file__).parents[3]
SOURCE = REPOSITORY / "src" / "radstudy"
NUMBER = re.compile(r"\b(?:Table|Figure|Fig\.)s?\s+S?\d+")
# the reference paper's own tables and figures, and books'
OF_THE_PAPER = {"src/radstudy/demo/cohort.py", "docs/demo.md"}


def parts():
    return [part for section in outline() for part in section.parts]


def numbers(prefix):
    found = [re.fullmatch(rf"{prefix}(\d+)", part.number) for part in parts()]
    return [int(match.group(1)) for match in found if match]


@pytest.mark.parametrize("prefix", ["Table ", "Figure ", "Figure S"])
def test_numbers_follow_the_page(prefix):
    assert len(numbers(prefix)) > 3
    assert numbers(prefix) == list(range(1, len(numbers(prefix)) + 1))


def test_supplementary_tables_follow_the_page_but_for_the_published_three():
    published = {part.number: part.name for part in parts() if part.number in ("Table S1", "Table S2", "Table S3")}
    assert published == {
        "Table S1": "clinical_whole_cohort", "Table S2": "imaging_whole_cohort", "Table S3": "selected_features"
    }  # fmt: skip
    others = [number for number in numbers("Table S") if number > 3]
    assert others == list(range(4, 4 + len(others)))


def test_every_figure_table_and_text_is_in_the_outline_once():
    for kind, makers in (("table", TABLES), ("figure", FIGURES), ("text", TEXTS)):
        assert sorted(part.name for part in parts() if part.kind == kind) == sorted(makers)


def test_every_figure_and_table_has_a_number_and_a_caption():
    for part in parts():
        if part.kind in ("table", "figure", "fields", "maps"):
            assert part.number == number_of(part.kind, part.name)
            assert part.caption.endswith(".")
        else:
            assert part.number == part.caption == ""


def _outline(*rows):
    return read_outline("\n".join(["- id: one", "  title: One", "  parts:", *(f"    - {{{row}}}" for row in rows)]))


def test_a_new_figure_moves_the_numbers_of_those_below_it_and_a_pinned_number_stays():
    rows = ["table: a, supplement: true", "table: b, supplement: true", "table: p, supplement: true, number: 2",
            "figure: c", "fields: all", "figure: d, supplement: true", "text: said"]  # fmt: skip
    assert [part.number for part in _outline(*rows)[0].parts] == [
        "Table S1", "Table S3", "Table S2", "Figure 1", "Figure 2", "Figure S1", ""
    ]  # fmt: skip
    more = _outline("figure: new", *rows)[0].parts
    assert [(part.name, part.number) for part in more if part.kind == "figure"] == [
        ("new", "Figure 1"), ("c", "Figure 2"), ("d", "Figure S1")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["table: a, number: 2", "table: b, number: 2"], "used for two parts: Table 2"),
        (["table: a, captoin: x"], "captoin"),
        (["caption: x"], "must have one of table, figure"),
    ],
)
def test_an_outline_that_cannot_be_is_refused(rows, said):
    with pytest.raises(ValueError, match=said):
        _outline(*rows)


# --- numbers elsewhere -------------------------------------------------------------------------------------------


def _strings(path):
    """What a module can print: its string constants, without docstrings of functions and of classes not of pydantic."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def _written():
    """Everything that a user reads beside the report itself: (file, text)."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield from ((path, text) for text in _strings(path))
    for ending in ("yaml", "j2", "html", "js"):
        yield from ((path, path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob(f"*.{ending}")))
    documents = [
        *(REPOSITORY / "docs").rglob("*.md"),
        REPOSITORY / "README.md",
        *(REPOSITORY / "examples").rglob("*.md"),
    ]
    yield from ((path, path.read_text(encoding="utf-8")) for path in sorted(documents))


def test_no_number_of_a_figure_or_table_is_written_by_hand():
    """They are counted: a text that names one asks `number_of`, a page of the documentation says what it shows."""
    by_hand = [
        f"{path.relative_to(REPOSITORY)}: {number}" for path, text in _written() for number in NUMBER.findall(text)
        if path.relative_to(REPOSITORY).as_posix() not in OF_THE_PAPER
    ]  # fmt: skip
    assert by_hand == []
