"""Every declared figure and table: drawn from a whole study, from the files that it says it reads, and sound."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import pytest

from radstudy.report.checklists import CHECKLISTS
from radstudy.report.facts import DOCUMENTS, PROVENANCES, read_facts
from radstudy.report.facts import TABLES as FILES
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import rendered
from radstudy.report.part import report_part
from radstudy.report.tables import TABLES
from radstudy.store import write_csv

DECLARED = [*FIGURES.values(), *TABLES.values()]
# with limits or p-values among the columns that they read, which yet take no row as independent: why
NOT_OF_ROWS = {
    "clinical": "counts patients, one row each", "imaging": "counts patients, one row each",
    "clinical_whole_cohort": "counts patients, one row each", "imaging_whole_cohort": "counts patients, one row each",
    "icc": "readers of the same lesions; the limits are in the CSV file",
    "chance": "permutes whole patients", "honest": "resamples whole patients", "stability": "resamples whole patients",
    "selection_frequency": "resamples whole patients", "splits": "splits by patients",
    "risks": "resamples whole patients", "volumes": "intensities of the scale", "warnings": "intensities of the scale",
    "precision_recall": "draws the curves, no interval", "scores": "draws the probabilities and the cut-off",
    "workflow": "counts what was done", "examples": "draws single patients",
    "optimism": "resamples whole patients", "comparability": "counts patients, one row each",
    "predicted": "one row per patient, no interval", "cutoffs": "counts, no interval",
    "sample_size": "counts rows and events", **{f"checklist_{name}": "says which files exist" for name in CHECKLISTS},
}  # fmt: skip
# read only where there is nothing to show, to say why
WHERE_EMPTY = {*PROVENANCES, "evaluate/leaks/checked.json", "evaluate/baselines/beside_volume.csv"}


class Watched(dict):
    """A dictionary that remembers what was asked for."""

    def __init__(self, content: Mapping[str, object]) -> None:
        super().__init__(content)
        self.asked: set[str] = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)

    def __contains__(self, name):
        self.asked.add(name)
        return super().__contains__(name)


def id_of(declared):
    return f"{'figure' if declared in FIGURES.values() else 'table'}-{declared.name}"


def watched(facts):
    return replace(facts, frames=Watched(facts.frames), documents=Watched(facts.documents))


@pytest.mark.parametrize("figure", FIGURES.values(), ids=id_of)
def test_every_figure_is_drawn_from_what_it_reads(pictured, figure):
    facts = watched(pictured)
    drawing = figure.make(facts)
    assert len(drawing.alt) > 40
    assert b"<svg" in rendered(drawing.figure, ["svg"])["svg"][:2000]
    assert facts.frames.asked | facts.documents.asked == set(figure.reads)


def _of_a_study_that_harmonises():
    """The two files of the step, of one model with two features."""
    beside = {"model": "DWI", "testing_auc_with": 0.8, "testing_auc_without": 0.7, "difference": 0.1,
              "difference_low": -0.1, "difference_high": 0.3, "p_value": 0.2, "folds_auc_with": 0.7,
              "folds_auc_without": 0.7, "folds": 5, "note": ""}  # fmt: skip
    effect = {"model": "DWI", "set": ["training", "testing"], "feature": "DWI:original_firstorder_Mean", "rows": 20,
              "sites": 2, "eta_squared_before": 0.5, "eta_squared_after": 0.01, "p_before": 0.001,
              "p_after": 0.8}  # fmt: skip
    return {
        "evaluate/harmonisation/with_and_without.csv": pd.DataFrame([beside]),
        "evaluate/harmonisation/site_effect.csv": pd.DataFrame(effect),
    }


@pytest.mark.parametrize("table", TABLES.values(), ids=id_of)
def test_every_table_is_rectangular_and_made_of_what_it_reads(whole, table):
    if table.name == "lesions_per_patient":  # has nothing to show where every patient has one
        rows = whole.frames["cohort/rows.csv"]
        whole.frames["cohort/rows.csv"] = pd.concat([rows, rows.head(3).assign(lesion="2")])
        whole.frames["model/predictions.csv"] = pd.concat([
            whole.frames["model/predictions.csv"], whole.frames["model/predictions.csv"].head(3).assign(lesion="2")
        ])  # fmt: skip
    if table.name == "testing_history":  # has nothing to show where testing results were seen under one protocol
        whole.documents["history.json"] = {"seen": [
            {"time": "2026-01-02T03:04:05+00:00", "protocol": f"{keep}", "settings": {"keep": keep}, "training": ["a"],
             "testing": ["b"], "excluded": [], "data": "d", "protocols": keep}
            for keep in (1, 2)
        ]}  # fmt: skip
    if table.name in ("harmonised", "site_effect"):  # have nothing where no site is harmonised
        whole.frames.update(_of_a_study_that_harmonises())
    facts = watched(whole)
    made = table.make(facts)
    asked = facts.frames.asked | facts.documents.asked
    assert asked <= set(table.reads) <= asked | WHERE_EMPTY
    assert made.rows
    widths = {sum(cell.span for cell in row) for row in (*made.header, *made.rows)}
    assert len(widths) == 1, widths


@pytest.mark.parametrize("declared", DECLARED, ids=id_of)
def test_what_is_read_is_a_file_of_the_run(declared):
    assert set(declared.reads) <= {file.path for file in (*FILES, *DOCUMENTS)}


@pytest.mark.parametrize("declared", DECLARED, ids=id_of)
def test_what_has_limits_or_p_values_says_whether_it_takes_rows_as_independent(whole, declared):
    columns = [str(column) for name in declared.reads if name in whole.frames for column in whole.frames[name].columns]
    tested = [
        column for column in columns
        if re.search(r"(^|_)(low|high)$|p_value", column) and not column.startswith("training_")  # a range, no interval
    ]  # fmt: skip
    if tested and declared.name not in NOT_OF_ROWS:
        assert declared.rows_independent, tested
    if declared.name in NOT_OF_ROWS:
        assert not declared.rows_independent


def test_a_declaration_that_does_not_say_so_is_refused():
    with pytest.raises(TypeError, match="rows_independent"):
        report_part("new", reads=())


def test_what_looks_like_a_number_in_a_note_stays_text(whole, tmp_path):
    frame = whole.frames["evaluate/table3.csv"].assign(average_precision_note="007")
    write_csv(tmp_path / "evaluate" / "table3.csv", frame)
    assert set(read_facts(whole.protocol, tmp_path).frame("evaluate/table3.csv")["average_precision_note"]) == {"007"}
    whole.frames["evaluate/table3.csv"] = frame
    assert "a: 007." in TABLES["performance_measures"](whole).footnotes
