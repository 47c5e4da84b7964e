"""Patients lost: excluded, in no model, and missing from some models, each with the reason."""

import pandas as pd
import pytest

from radstudy.report.facts import AbsentError
from radstudy.report.tables import TABLES
from radstudy.report.text import TEXTS
from radstudy.report.text.first_page import asked

FLOW = {
    "screened": 70, "kept": 62,
    "excluded": [{"reason": "borderline", "patients": 1}, {"reason": "artefacts", "patients": 2}],
    **{which: {"patients": 31, "negative": 11, "positive": 20} for which in ("training", "testing")},
}  # fmt: skip


@pytest.fixture
def losing(whole):
    """A study that excluded three patients, and whose models of DWI go without two others."""
    predictions = whole.frames["model/predictions.csv"]
    whole.frames["cohort/rows.csv"] = predictions[["patient", "lesion", "set", "outcome"]].drop_duplicates("patient")
    gone = {"training0", "training1"}
    without = predictions["patient"].isin(gone) & predictions["model"].isin(["DWI", "both"])
    whole.frames["model/predictions.csv"] = predictions[~without]
    whole.frames["cohort/absent.csv"] = pd.DataFrame({"patient": sorted(gone), "lesion": "1", "sequence": "DWI"})
    for name, sequences in (("T2", ["T2"]), ("DWI", ["DWI"]), ("both", ["T2", "DWI"])):
        not_used = 0 if name == "T2" else 2
        whole.documents["model/models.json"][name] |= {"sequences": sequences, "clinical": [], "not_used": not_used}
    whole.documents["cohort/flow.json"] = FLOW
    reasons = {"x1": "artefacts", "x2": "borderline", "x3": "artefacts", "training5": "artefacts"}
    whole.frames["cohort/excluded.csv"] = pd.DataFrame(
        {"patient": list(reasons), "lesion": ["1", "1", "1", "2"], "reason": list(reasons.values())}
    )
    return whole


def test_exclusions_are_counted_by_reason_the_most_frequent_first(losing):
    table = TABLES["exclusions"](losing)
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["artefacts", "2", "x1, x3"],
        ["borderline", "1", "x2"],
    ]
    assert table.footnotes[0] == "Of 70 patients screened, 62 were included."
    assert "1 lesion more" in table.footnotes[1]
    losing.frames["cohort/excluded.csv"] = losing.frames["cohort/excluded.csv"].iloc[:0]
    with pytest.raises(AbsentError, match="Nobody was excluded"):
        TABLES["exclusions"](losing)


def test_the_first_page_says_who_was_lost_and_why(losing):
    (said,) = [one.text for one in asked(losing) if one.lead == "Patients"]
    assert "70 patients screened, 3 excluded (artefacts 2, borderline 1), 62 included: 31 training" in said
    assert "2 patients are missing from DWI and both (DWI not acquired, or lesion not visible on it; Table S" in said


def test_of_many_reasons_the_first_page_names_the_most_frequent(losing):
    many = [{"reason": f"reason {letter}", "patients": count} for count, letter in enumerate("ABCDEFGH", 1)]
    losing.documents["cohort/flow.json"] = {**FLOW, "excluded": many}
    (said,) = [one.text for one in asked(losing) if one.lead == "Patients"]
    assert (
        "36 excluded (reason H 8, reason G 7, reason F 6, reason E 5, reason D 4, reason C 3, other reasons 3)" in said
    )


def test_the_table_of_rows_says_why_a_model_could_not_use_some(losing):
    table = TABLES["rows_per_model"](losing)
    notes = {row[0].text: row[5].text for row in table.rows}
    assert notes["DWI"] == notes["both"] == "Not used: DWI not acquired, or lesion not visible on it"
    assert notes["T2"] == ""
    for model in losing.documents["model/models.json"].values():
        model["not_used"] = 0
    table = TABLES["rows_per_model"](losing)
    assert [cell.text for cell in table.header[0]][-1] == "Needs" and {len(row) for row in table.rows} == {5}


def test_reproducibility_is_said_not_to_be_tested_where_one_reader_drew(whole):
    assert TEXTS["reader_agreement"](whole) == []
    cohort = whole.protocol.cohort.model_copy(update={"readers": ("contour",)})
    object.__setattr__(whole, "protocol", whole.protocol.model_copy(update={"cohort": cohort}))
    whole.documents["agree/provenance.json"] = {}
    (said,) = TEXTS["reader_agreement"](whole)
    assert (
        said.text == "One reader drew the lesions, so it was not tested whether another reader gets the same features."
    )
