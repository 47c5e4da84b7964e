"""The outline: numbers in the order of the page, files named after them, documents that mention the right ones."""

import re
from importlib import resources
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radstudy.report.figures import FIGURES
from radstudy.report.tables import TABLES
from radstudy.report.text import TEXTS

REPOSITORY = Path(__file__).parents[3]


def parts():
    text = (resources.files("radstudy.report") / "outline.yaml").read_text(encoding="utf-8")
    return [part for section in YAML(typ="safe").load(text) for part in section["parts"]]


def numbers(prefix):
    found = [re.fullmatch(rf"{prefix}(\d+)", part.get("number", "")) for part in parts()]
    return [int(match.group(1)) for match in found if match]


@pytest.mark.parametrize("prefix", ["Table ", "Figure ", "Figure S"])
def test_numbers_follow_the_page(prefix):
    assert numbers(prefix) == list(range(1, len(numbers(prefix)) + 1))


def test_supplementary_tables_follow_the_page_but_for_the_published_three():
    published = {part["number"]: part["table"] for part in parts() if part.get("number") in
                 ("Table S1", "Table S2", "Table S3")}  # fmt: skip
    assert published == {"Table S1": "clinical_whole", "Table S2": "imaging_whole", "Table S3": "selected"}
    others = [number for number in numbers("Table S") if number > 3]
    assert others == list(range(4, 4 + len(others)))


def test_every_maker_is_in_the_outline_once():
    for kind, makers in (("table", TABLES), ("figure", FIGURES), ("text", TEXTS)):
        assert sorted(part[kind] for part in parts() if kind in part) == sorted(makers)


def test_every_figure_and_table_has_a_number_and_a_caption():
    for part in parts():
        if {"table", "figure", "fields", "maps"} & part.keys():
            assert part["number"]
            assert part["caption"].endswith(".")


@pytest.mark.parametrize("name", ["scores", "calibration", "decision", "forest", "nomogram", "funnel"])
def test_a_figures_file_is_named_after_its_number(facts, name):
    number = next(part["number"] for part in parts() if part.get("figure") == name)
    written = number.lower().replace("figure s", "figure_s").replace(" ", "")
    assert FIGURES[name](facts).name.startswith(f"{written}_")


@pytest.mark.parametrize(
    ("document", "number", "part"),
    [("preparation.md", "Table S7", "volumes"), ("preparation.md", "Figure S1", "intensities"),
     ("preparation.md", "Figure S2", "all"), ("extraction.md", "Figure S3", "all")],
)  # fmt: skip
def test_documents_mention_the_numbers_of_the_outline(document, number, part):
    assert number in (REPOSITORY / "docs" / document).read_text(encoding="utf-8")
    entry = next(entry for entry in parts() if entry.get("number") == number)
    assert part in entry.values()


def test_no_document_mentions_a_number_that_is_not_there():
    known = {part["number"] for part in parts() if "number" in part}
    for path in [*(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "README.md"]:
        mentioned = set(re.findall(r"(?:Table|Figure) S\d+", path.read_text(encoding="utf-8")))
        assert mentioned <= known, path.name
