"""The outline: numbers counted in the order of the page, one maker for each part, and no number written elsewhere."""

import ast
import re
from pathlib import Path

import pytest

from radstudy.errors import StudyFileError
from radstudy.protocol.sections import Report
from radstudy.report.figures import FIGURES
from radstudy.report.outline import LAYERS, number_of, outline, outline_of, read_outline
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


@pytest.mark.parametrize("prefix", ["Table ", "Figure ", "Figure S", "Table S"])
def test_numbers_follow_the_page(prefix):
    assert len(numbers(prefix)) >= 3
    assert numbers(prefix) == list(range(1, len(numbers(prefix)) + 1))


def test_the_paper_is_in_the_order_of_a_paper():
    """The reference study's tables and figures keep their numbers; the figure of the first page is supplementary."""
    numbered = {part.name: part.number for part in parts() if part.kind in ("table", "figure")}
    papers = [section for section in outline() if section.layer == "paper"]
    assert [numbered[name] for name in ("clinical", "imaging", "performance")] == ["Table 1", "Table 2", "Table 3"]
    assert [numbered[name] for name in ("clinical_whole_cohort", "imaging_whole_cohort", "selected_features")] == [
        "Table S1", "Table S2", "Table S3"
    ]  # fmt: skip
    order = [part.name for section in papers for part in section.parts]
    places = [order.index(name) for name in ("flowchart", "roc", "delong", "clinical", "selected_features", "methods")]
    assert places == sorted(places)


def test_layers_follow_one_another_and_all_evidence_is_supplementary():
    layers = [section.layer for section in outline()]
    assert list(dict.fromkeys(layers)) == list(LAYERS)
    assert layers == sorted(layers, key=list(LAYERS).index)
    assert all(
        " S" in part.number for section in outline() if section.layer == "evidence" for part in section.parts
        if part.number
    )  # fmt: skip


# --- what a study leaves out and moves ---------------------------------------------------------------------------


def test_a_study_leaves_parts_out_and_moves_them_and_the_numbers_follow():
    report = Report(leave_out=["table imaging"], move={"figure decision": "figures"})
    with outline_of(report) as sections:
        assert number_of("table", "performance") == "Table 2"
        (figures,) = (section for section in sections if section.id == "figures")
        assert figures.parts[-1].name == "decision" and figures.parts[-1].number == f"Figure {len(figures.parts)}"
        assert number_of("table", "imaging") == "the table 'imaging', which this report leaves out,"
    assert number_of("table", "performance") == "Table 3"
    with pytest.raises(KeyError):
        number_of("table", "no such table")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (
            Report(leave_out=["figure nomogramm"]),
            r"report\.leave_out: there is no part 'figure nomogramm'.*figure nomogram",
        ),
        (
            Report(move={"figure decision": "figure"}),
            r"report\.move: there is no section 'figure' of the report; choose from",
        ),
        (Report(move={"decision": "figures"}), r"report\.move: there is no part 'decision'"),
    ],
)
def test_a_part_or_section_that_does_not_exist_is_refused(report, said):
    with pytest.raises(StudyFileError, match=said), outline_of(report):
        pass


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
    generated = {  # by the site of the documentation, of these texts
        line.strip("/").removeprefix("docs/")
        for line in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines() if line.startswith("/docs/")
    }  # fmt: skip
    docs = REPOSITORY / "docs"
    documents = [
        *(file for file in docs.rglob("*.md") if file.relative_to(docs).parts[0] not in generated),
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
