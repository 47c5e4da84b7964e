"""The report as PDF, and `radstudy report` on a run whose files were changed."""

import os

import pandas as pd
import pytest

from radstudy.report.cited.check import check_numbers
from radstudy.report.pdf import EVIDENCE_PDF, PDF, browsers, print_pdf


def pages(file):
    content = file.read_bytes()
    assert content.startswith(b"%PDF")
    return content.count(b"/Type /Page\n")


@pytest.mark.long  # half a minute of printing
def test_the_answer_and_the_paper_are_printed_short_and_the_evidence_apart(demo, tmp_path):
    if next(browsers(), None) is None:
        assert not os.environ.get("RADSTUDY_REQUIRE_BROWSER"), "no browser that prints"
        pytest.skip("no browser that prints")
    for name, evidence in ((PDF, False), (EVIDENCE_PDF, True)):
        print_pdf(demo / "report.html", tmp_path / name, evidence=evidence)
    paper, evidence = (pages(tmp_path / name) for name in (PDF, EVIDENCE_PDF))
    assert 3 <= paper < 20 <= evidence


@pytest.mark.long
def test_a_table_that_was_changed_is_found_and_written_again(demo_copy, command):
    file = demo_copy / "report" / "tables" / "missing_data.csv"  # a file that no other step reads
    table = pd.read_csv(file)
    table.loc[0, "training_missing"] += 1
    table.to_csv(file, index=False)
    assert {one.where.partition("missing_data")[1] for one in check_numbers(demo_copy)} == {"missing_data"}
    done = command("report", demo_copy / "data" / "study.yaml", "--out", demo_copy, "--check", "--pdf", check=0)
    assert "changed by hand; it is kept as" in done.stderr  # the step is done again
    assert check_numbers(demo_copy) == []
    assert pages(demo_copy / PDF) < pages(demo_copy / EVIDENCE_PDF)
