"""Leaks, baselines and another reader in the report."""

import pandas as pd
import pytest

from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import style
from radstudy.report.outline import number_of
from radstudy.report.tables import TABLES
from radstudy.report.text.methods import methods

LEAK = {"severity": "error", "check": "scaling", "what": "scaled", "evidence": "mean 0", "where": "T2", "remedy": "do"}


def methods_text(facts):
    return " ".join(paragraph.text for paragraph in methods(facts))


@pytest.fixture
def told(facts):
    """The facts with findings, baselines and a second reader."""
    table3 = facts.frames["evaluate/table3.csv"]
    facts.frames["evaluate/leaks/leaks.csv"] = pd.DataFrame([LEAK])
    rows = table3[table3["model"] == "T2"].assign(model="volume, T2", kind="volume")
    facts.frames["evaluate/baselines/table3.csv"] = rows
    facts.frames["evaluate/baselines/beside_volume.csv"] = pd.DataFrame([
        {"model": "T2", "set": which, "sequence": "T2", "rows": 22, "auc": 0.8, "volume_auc": 0.7, "difference": 0.1,
         "low": -0.1, "high": 0.3, "p_value": 0.32, "rho": 0.55, "note": ""} for which in ("training", "testing")
    ])  # fmt: skip
    moved = {"model": "T2", "reader": "b", "positives": 2, "auc_first": 0.9, "auc_first_low": 0.7,
             "auc_first_high": 1.0, "auc_other": 0.8, "auc_other_low": 0.6, "auc_other_high": 0.95,
             "mean_absolute_difference": 0.051, "bias": 0.02, "lower": -0.11, "upper": 0.15, "note": ""}  # fmt: skip
    facts.frames["evaluate/other_reader/moved.csv"] = pd.DataFrame(
        [{**moved, "set": which, "rows": rows, "changed": changed} for which, rows, changed in
         (("training", 3, 0), ("testing", 2, 1), ("all", 5, 1))])  # fmt: skip
    facts.frames["evaluate/other_reader/probabilities.csv"] = pd.DataFrame([
        {"patient": f"p{i}", "lesion": "1", "set": "training" if i < 3 else "testing", "outcome": i % 2, "model": "T2",
         "reader": "b", "first": 0.2 * i, "other": 0.2 * i + (0.3 if i == 3 else 0.01), "cutoff": 0.7}
        for i in range(5)
    ])  # fmt: skip
    return facts


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_findings_are_listed_with_what_to_do(told):
    assert texts(TABLES["leaks"](told)) == [["error", "scaled", "mean 0", "T2", "do"]]


def test_no_finding_is_no_proof(told):
    told.frames["evaluate/leaks/leaks.csv"] = pd.DataFrame(columns=list(LEAK))
    told.documents["evaluate/leaks/checked.json"] = {"looked_for": ["scaling before the split (3 features of T2)"]}
    with pytest.raises(AbsentError) as nothing:
        TABLES["leaks"](told)
    said = str(nothing.value)
    assert "no sign of scaling before the split (3 features of T2)" in said
    assert "That is not proof" in said
    assert "no patient under two identifiers" not in said
    assert "duplicate" not in said and "site" not in said  # which it did not look for
    del told.documents["evaluate/leaks/checked.json"]
    with pytest.raises(AbsentError, match="what it looked for is not recorded"):
        TABLES["leaks"](told)


def test_no_sign_of_following_the_volume_is_not_said_where_the_check_beside_it_finds_some(told):
    told.frames["evaluate/leaks/leaks.csv"] = pd.DataFrame(columns=list(LEAK))
    signs = ["a column", "a model that only follows the lesion's volume (volumes on T2)"]
    told.documents["evaluate/leaks/checked.json"] = {"looked_for": signs}
    with pytest.raises(AbsentError, match="no sign of a model that only follows the lesion's volume"):
        TABLES["leaks"](told)
    frame = told.frames["evaluate/baselines/beside_volume.csv"]
    told.frames["evaluate/baselines/beside_volume.csv"] = frame.assign(rho=0.9, volume_auc=0.9)
    with pytest.raises(AbsentError) as nothing:
        TABLES["leaks"](told)
    assert "no sign of a model" not in str(nothing.value) and "no sign of a column" in str(nothing.value)
    assert f"follow the lesion's volume, see {number_of('table', 'beside_volume')}." in str(nothing.value)


def test_baselines_stand_below_the_models_of_table_3(told):
    table = TABLES["performance"](told)
    rows = texts(table)
    heading = next(i for i, row in enumerate(rows) if row[0].startswith("Baselines"))
    assert heading == len(rows) - 3
    assert [row[0] for row in rows[heading + 1 :]] == ["volume, T2", ""]
    assert any(note.startswith("Baselines: the logarithm of the lesion's volume") for note in table.footnotes)
    assert table.frame["kind"].value_counts().to_dict() == {"model": 10, "volume": 2}


def test_baselines_stand_beside_their_chance(told):
    told.frames["evaluate/baselines/chance.csv"] = pd.DataFrame([
        {"kind": "outcome", "model": "volume, T2", "measure": which, "permutations": 200, "observed": 0.7,
         "p_value": 0.03, "chance_median": median, "chance_low": 0.41, "chance_high": 0.63, "excess": 0.1,
         "empty_percent": 0.0, "note": ""} for which, median in (("training", 0.523), ("testing", 0.487))
    ])  # fmt: skip
    table = TABLES["performance"](told)
    chance = [cell.text for cell in table.header[0]].index("Chance")
    rows = table.rows[-2:]
    assert [row[chance].text for row in rows] == ["0.523, p 0.030", "0.487, p 0.030"]
    assert rows[0][chance].below == "0.410 to 0.630"


def test_without_baselines_table_3_is_the_models(facts):
    table = TABLES["performance"](facts)
    assert not any(row[0].startswith("Baselines") for row in texts(table))
    assert "kind" not in table.frame
    assert not any("Baselines" in note for note in table.footnotes)


def test_a_model_beside_the_volume(told):
    rows = texts(TABLES["beside_volume"](told))
    assert rows[0] == ["Testing set"]
    assert rows[1] == ["T2", "T2", "22", "0.800", "0.700", "0.100 (−0.100 to 0.300)", "0.320", "0.55"]


def test_another_readers_masks(told):
    rows = texts(TABLES["other_reader"](told))
    assert rows[1] == ["T2", "2 (2)", "0.90 (0.70 to 1.00)", "0.80 (0.60 to 0.95)", "0.051", "0.02 (−0.11 to 0.15)",
                       "50.0 [1/2]"]  # fmt: skip
    with style():
        drawing = FIGURES["other_reader"](told)
    assert "T2: bias 0.020, limits −0.110 to 0.150, 1 of 5 change sides" in drawing.alt
    (axes,) = drawing.figure.axes
    ringed = next(line for line in axes.lines if line.get_markersize() == 7)
    assert ringed.get_xdata().tolist() == pytest.approx([0.75])  # 0.6 and 0.9 on the two sides of 0.7


def test_one_reader_has_no_other(told):
    told.frames["evaluate/other_reader/moved.csv"] = told.frames["evaluate/other_reader/moved.csv"][:0]
    with pytest.raises(AbsentError, match="another reader"):
        TABLES["other_reader"](told)


def test_the_methods_name_what_was_done_and_nothing_else(told):
    text = methods_text(told)
    assert "regressions on a single variable were fitted on the training set: the logarithm of the lesion's" in text
    assert "applied unchanged to features from the masks of b" in text
    for name in ("evaluate/baselines/table3.csv", "evaluate/other_reader/moved.csv"):
        del told.frames[name]
    text = methods_text(told)
    assert "baselines" not in text
    assert "applied unchanged to features" not in text
    assert "  " not in text
