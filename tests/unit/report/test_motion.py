"""The report's paragraph on motion: each patient's figure, and nothing where the study does not ask for it."""

from dataclasses import replace

import pandas as pd

from radstudy.protocol.cohort import ClinicalVariable
from radstudy.report.text.motion import motion


def with_motion(facts, rows):
    cohort = facts.protocol.cohort
    moved = ClinicalVariable(column="motion_mm", unit="mm", table="imaging", model=False)
    cohort = cohort.model_copy(update={"clinical": {**cohort.clinical, "moved": moved}})
    protocol = facts.protocol.model_copy(update={"cohort": cohort})
    return replace(facts, protocol=protocol, frames={**facts.frames, "cohort/rows.csv": rows})


def test_each_patients_displacement_is_there_the_largest_first(facts):
    rows = pd.DataFrame({"patient": ["007", "A", "A", "B"], "lesion": ["1", "1", "2", "1"]})
    (paragraph,) = motion(with_motion(facts, rows.assign(moved=[0.3, 4.3, 1.0, None])))
    assert "median of 1.0 mm (0.3 to 4.3). It is not known for 1 lesion." in paragraph.text
    assert "In mm: A 4.3, A lesion 2 1.0, 007 0.3." in paragraph.text


def test_many_are_cut_and_the_table_named(facts):
    moved = [number / 10 for number in range(45)]
    many = pd.DataFrame({"patient": [f"P{number:02d}" for number in range(45)], "lesion": "1", "moved": moved})
    (paragraph,) = motion(with_motion(facts, many))
    assert "the largest 40 of 45; cohort/rows.csv has all" in paragraph.text
    assert "P44 4.4" in paragraph.text and "P04 " not in paragraph.text


def test_nothing_where_the_study_file_names_no_motion(facts):
    assert motion(facts) == []
