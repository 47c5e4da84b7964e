"""The record of the reading room is declared, and documented as declared."""

from pathlib import Path

import pytest

from radstudy.artefacts import ARTEFACTS
from radstudy.artefacts.cohort import READING
from radstudy.artefacts.reading import ARBITER, COMPUTED_VALUE, DECLARED, FINAL, SUMMARY, TOOLS, first_answer

PAGE = (Path(__file__).parents[3] / "docs" / "reading.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", DECLARED, ids=lambda one: one.path)
def test_every_file_of_the_record_stands_on_the_page(file):
    assert f"`reading/{file.path}`" in PAGE
    assert file not in ARTEFACTS  # no step of a run writes it


def test_the_columns_of_an_item_stand_on_the_page():
    for end in (first_answer("margin", 1), first_answer("margin", 2), f"margin{ARBITER}", f"margin{FINAL}"):
        assert f"`{end}`" in PAGE
    assert f"`{COMPUTED_VALUE}`" in PAGE


def test_the_runs_copy_of_the_summary_has_its_fields():
    assert READING.fields == SUMMARY.fields
    assert "taken_in" in TOOLS.names
