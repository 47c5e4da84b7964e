"""The step `report` leaves nothing of an earlier report beside its own."""

import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.provenance import StepFolder
from radstudy.report import write
from radstudy.steps.report import do_report
from radstudy.steps.run import Run
from radstudy.store import write_text
from unit.report.conftest import STUDY


@pytest.fixture
def run(tmp_path):
    """A run whose last report, by an older version, had its figures named by their numbers."""
    for step, names in (("evaluate", []), ("report", ["figures/figure_s4_funnel.svg", "figures/figure3_auc.png",
                                                      "tables/table3.csv"])):  # fmt: skip
        folder = StepFolder(tmp_path / step)
        folder.begin()
        for name in names:
            write_text(folder.path / name, "of the older version")
        folder.finish("older", settings={}, inputs={}, seconds=0.0)
    return Run(parse_protocol(STUDY), tmp_path, tmp_path, 1, lambda _: None, lambda items, _n, _w: items)


@pytest.fixture(autouse=True)
def without_bundle(monkeypatch):
    """These runs have no cohort that a bundle could describe."""
    monkeypatch.setattr("radstudy.steps.report.write_bundle", lambda run: None)
    monkeypatch.setattr("radstudy.steps.acquisitions.cases_in", lambda folder: [])
    monkeypatch.setattr("radstudy.steps.report.write_contributions", lambda run: None)


def test_figures_of_an_older_version_are_not_left_beside_the_new_ones(run, monkeypatch):
    mine = run.path("report", "figures", "mine.svg")
    write_text(mine, "my own")
    write_text(run.path("report", "figures", "figure3_auc.png"), "with my arrows")
    monkeypatch.setattr(
        write, "write_report", lambda _, out, jobs: write_text(out / "report" / "figures" / "funnel.svg", "new")
    )
    do_report(run)
    assert sorted(path.name for path in run.path("report", "figures").iterdir()) == [
        "figure3_auc.kept-1.png", "funnel.svg", "mine.svg"
    ]  # fmt: skip
    assert list(run.path("report", "tables").iterdir()) == []
    assert run.path("report", "figures", "figure3_auc.kept-1.png").read_text() == "with my arrows"


def test_the_reading_room_changes_neither_the_key_nor_the_settings_of_a_report(run, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "write_report", lambda _, out, jobs: None)
    do_report(run)
    before = run.folder("report").finished_key()
    other = parse_protocol(f"{STUDY}reading: {{image: acquired, practice: 0}}\n")
    assert other != run.protocol
    do_report(Run(other, tmp_path, tmp_path, 1, lambda _: None, lambda items, _n, _w: items))
    assert run.folder("report").finished_key() == before
    renamed = parse_protocol(STUDY.replace("MADE UP", "made up"))
    do_report(Run(renamed, tmp_path, tmp_path, 1, lambda _: None, lambda items, _n, _w: items))
    assert run.folder("report").finished_key() != before
