"""`radstudy report`: prints beside the page, keeps a user's PDF, and names numbers that differ from their cells."""

import pytest

from radstudy.cli.commands.report import report
from radstudy.errors import DataError, UsageError
from radstudy.owned import is_own
from radstudy.report.cited.check import NumberMismatch
from unit.report.conftest import STUDY


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose run is finished, and a printer that takes down what it prints."""
    printed = []

    def printing(page, target, *, evidence):
        printed.append((page.name, target.name, evidence))
        target.write_bytes(b"%PDF")
        return "a browser"

    file = tmp_path / "study.yaml"
    file.write_text(STUDY, encoding="utf-8")
    (tmp_path / "runs" / "study").mkdir(parents=True)
    monkeypatch.setattr("radstudy.study.run", lambda *_, **__: 0)
    monkeypatch.setattr("radstudy.report.pdf.print_pdf", printing)
    monkeypatch.setattr("radstudy.steps.leaks.leak_errors", lambda _: [])
    return file, printed


def test_without_a_wish_nothing_is_printed(study, capsys):
    file, printed = study
    report(file)
    assert capsys.readouterr().out.strip().endswith("report.html") and printed == []


def test_both_layers_are_printed_and_may_be_printed_again(study, capsys):
    file, printed = study
    for _ in range(2):
        report(file, pdf=True)
    assert printed == 2 * [("report.html", "report.pdf", False), ("report.html", "report_evidence.pdf", True)]
    assert is_own(file.parent / "runs" / "study" / "report.pdf")
    assert "report.pdf: printed by a browser" in capsys.readouterr().err


def test_a_pdf_of_the_users_own_is_kept(study):
    file, printed = study
    mine = file.parent / "runs" / "study" / "report.pdf"
    mine.write_text("with my notes")
    with pytest.raises(UsageError, match="radstudy did not write it"):
        report(file, pdf=True)
    assert mine.read_text() == "with my notes" and printed == []


def test_numbers_that_differ_are_named_and_the_first_ten_only(study, monkeypatch, capsys):
    problems = [NumberMismatch(f"Table {index}", "0.7", "a.csv, row 1, auc", "was 0.7, is 0.8") for index in range(12)]
    monkeypatch.setattr("radstudy.report.cited.check.check_numbers", lambda _: problems)
    with pytest.raises(
        DataError, match=r"^12 number\(s\).*Table 0: 0.7 \(a.csv, row 1, auc: was 0.7, is 0.8\)"
    ) as error:
        report(study[0], check=True)
    assert "Table 9" in str(error.value) and "Table 10" not in str(error.value) and "and 2 more" in str(error.value)
    monkeypatch.setattr("radstudy.report.cited.check.check_numbers", lambda _: [])
    report(study[0], check=True)
    assert "every number of the report is that of its cells" in capsys.readouterr().err
