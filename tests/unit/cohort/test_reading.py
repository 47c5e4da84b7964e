"""The reading room's record in a cohort: answers fill what the table lacks, and every contradiction is named."""

import json

import pytest

from radstudy.cohort.manifest import read_cohort
from radstudy.cohort.reading import read_summary
from radstudy.errors import CohortError
from radstudy.protocol.load import parse_protocol

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii"
  masks: "{patient}/{sequence}_{reader}.nii"
  readers: [ana, ben, cai]
  clinical: {age: {}, margin: {levels: [smooth, rough], table: imaging}, size: {column: size_cm, table: imaging}}
sequences: [T2, DWI]
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
TABLE = "id,y,set,age\np1,0,train,50\np2,1,train,51\np3,0,test,52\np4,1,test,53\n"
ANSWERS = """patient,lesion,margin_r1,margin_r2,margin_final,size_r1,size_r2,size_final
p1,1,smooth,rough,rough,1.0,1.2,1.1
p2,1,smooth,smooth,smooth,2.5,2.5,2.5
p3,1,rough,rough,rough,not assessable,1,not assessable
"""
SEEN = "patient,lesion,sequence,reader,visible,evaluable,reason,quality,task\n"


@pytest.fixture
def study(tmp_path):
    for patient in ("p1", "p2", "p3", "p4"):
        for name in ("T2.nii", "T2_ana.nii", "DWI.nii", "DWI_ana.nii"):
            file = tmp_path / patient / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"x")
    (tmp_path / "reading").mkdir()

    def read(table=TABLE, answers=ANSWERS, visibility=None, change=()):
        text = STUDY
        for old, new in change:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "cohort.csv").write_text(table)
        for name, content in (("answers.csv", answers), ("visibility.csv", visibility)):
            if content is not None:
                (tmp_path / "reading" / name).write_text(content)
        return read_cohort(parse_protocol(text), tmp_path)

    read.folder = tmp_path
    return read


def with_columns(table, **columns):
    lines = table.splitlines()
    return "\n".join(",".join([line, *(cells[number] for cells in columns.values())]) if number else
                     ",".join([line, *columns]) for number, line in enumerate(lines)) + "\n"  # fmt: skip


def test_final_values_fill_the_columns_that_the_table_lacks(study):
    rows = study().rows
    assert rows["margin"].astype(object).where(rows["margin"].notna(), None).tolist() == [
        "rough", "smooth", "rough", None]  # fmt: skip
    assert rows["size"].tolist()[:2] == [1.1, 2.5]
    assert rows["size"].isna().tolist() == [False, False, True, True]  # not assessable is no observation
    notes = study().notes
    assert "margin of 3 of 4 lesion(s) is the reading room's final value." in notes


def test_a_table_that_has_the_columns_and_agrees_is_used_and_its_empty_cells_are_filled(study):
    table = with_columns(TABLE, margin=("", "rough", "", "rough", "smooth"), size_cm=("", "1.10", "2.5", "", "4"))
    cohort = study(table)
    assert cohort.rows["margin"].astype(str).tolist() == ["rough", "smooth", "rough", "smooth"]
    assert cohort.rows["size"].tolist()[:2] == [1.1, 2.5]
    assert "margin of 1 of 4 lesion(s) is the reading room's final value." in cohort.notes


def test_a_cell_that_differs_is_an_error_with_patient_column_and_both_values(study):
    table = with_columns(TABLE, margin=("", "rough", "rough", "rough", ""), size_cm=("", "1.1", "2.4", "", ""))
    with pytest.raises(CohortError) as error:
        study(table)
    said = str(error.value)
    assert "Patient p2: 'margin' is 'rough' in cohort.csv, but the readers' final value of margin is 'smooth'" in said
    assert "Patient p2: 'size_cm' is '2.4' in cohort.csv, but the readers' final value of size is '2.5'" in said
    assert "p1" not in said


def test_without_the_file_a_missing_column_is_an_error_as_before(study):
    with pytest.raises(CohortError, match=r"cohort\.clinical\.margin names the column 'margin'"):
        study(answers=None)
    with pytest.raises(CohortError, match=r"cohort\.clinical\.size names the column 'size_cm'"):
        study(answers="patient,lesion,margin_final\np1,1,smooth\n")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ("who,margin_final\np1,smooth\n", "'patient'"),
        (ANSWERS + "p1,1,rough,rough,rough,1,1,1\n", "Patient p1"),
        (ANSWERS.replace("p1,1,smooth,rough,rough", "p1,1,smooth,rough,bumpy"), "margin is 'bumpy'"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_rooms_is_named(study, answers, says):
    with pytest.raises(CohortError, match=says):
        study(answers=answers)


def test_lesions_that_the_table_lacks_are_said(study):
    notes = study(answers=ANSWERS + "p9,2,rough,rough,rough,1,1,1\n").notes
    assert "The reading room has answers on lesions that cohort.csv lacks: Patient p9, lesion 2." in notes


def test_a_lesion_that_is_not_visible_lacks_the_sequence_and_keeps_the_others(study):
    cohort = study(visibility=SEEN + "p1,1,DWI,ana,False,True,,3,masks\np1,1,T2,ana,True,True,,4,masks\n")
    assert cohort.absent == (("p1", "1", "DWI"),)
    assert [(case.patient, case.sequence) for case in cohort.cases][:2] == [("p1", "T2"), ("p2", "T2")]
    assert len(cohort.cases) == 7


def test_what_cannot_be_evaluated_is_excluded_with_the_reason_unless_the_sequence_is_optional(study):
    seen = SEEN + "p1,1,DWI,ana,,False,patient moved,1,masks\n"
    more = "p5,1,test,53\n"
    cohort = study(TABLE + more + more.replace("p5,1", "p6,0").replace("test", "train"), visibility=seen)
    assert cohort.excluded.to_dict("records") == [
        {"patient": "p1", "lesion": "1", "reason": "DWI not evaluable: patient moved"}]  # fmt: skip
    cohort = study(visibility=seen, change=[("  readers:", "  optional_sequences: [DWI]\n  readers:")])
    assert not len(cohort.excluded)
    assert cohort.absent == (("p1", "1", "DWI"),)
    assert "Patient p1: DWI is left out, because it cannot be evaluated: patient moved." in cohort.notes


def test_the_tables_own_reason_for_exclusion_counts(study):
    table = with_columns(TABLE + "p6,0,train,3\n", why=("", "withdrew", "", "", "", ""))
    cohort = study(table, visibility=SEEN + "p1,1,DWI,ana,,False,moved,1,masks\n",
                   change=[("  readers:", "  exclude: why\n  readers:")])  # fmt: skip
    assert cohort.excluded["reason"].tolist() == ["withdrew"]


@pytest.mark.parametrize(
    ("rows", "absent", "note"),
    [
        ([("ana", "True"), ("ben", "False"), ("cai", "False")], False, "ana yes, ben no, cai no); 'yes' is used"),
        ([("ana", "False"), ("ben", "True"), ("cai", "True")], True, "ana no, ben yes, cai yes); 'no' is used"),
        ([("ana", ""), ("ben", "False"), ("cai", "False")], True, ""),
        ([("ben", "False"), ("cai", "True")], False, "ben no, cai yes); nothing is changed"),
        ([("ben", "FALSE")], True, ""),
    ],
)  # fmt: skip
def test_the_first_reader_decides_then_the_majority_and_conflicts_are_named(study, rows, absent, note):
    cohort = study(visibility=SEEN + "".join(f"p1,1,DWI,{who},{word},True,,3,masks\n" for who, word in rows))
    assert cohort.absent == ((("p1", "1", "DWI"),) if absent else ())
    said = [one for one in cohort.notes if "disagree" in one]
    assert said == ([f"Patient p1, DWI: readers disagree on visible ({note}."] if note else [])


def test_of_one_readers_two_judgements_the_one_given_while_drawing_counts(study):
    seen = SEEN + "p1,1,DWI,ana,False,True,,3,masks\np1,1,DWI,ana,True,True,,3,characteristics\n"
    assert study(visibility=seen).absent == (("p1", "1", "DWI"),)


def test_table_and_readers_that_contradict_each_other_on_visibility_are_an_error(study):
    table = with_columns(TABLE, shows=("", "T2;DWI", "T2", "", ""))
    seen = SEEN + "p1,1,DWI,ana,False,True,,3,m\np2,1,DWI,ana,True,True,,3,m\np3,1,DWI,ana,False,True,,3,m\n"
    with pytest.raises(CohortError) as error:
        study(table, visibility=seen, change=[("  readers:", "  visible: shows\n  readers:")])
    said = str(error.value)
    assert (
        "Patient p1, DWI: the lesion is visible according to 'shows' in cohort.csv, but not visible according" in said
    )
    assert "Patient p2, DWI: the lesion is not visible according to 'shows' in cohort.csv, but visible" in said
    assert "p3" not in said


def test_a_cell_of_visibility_that_cannot_be_understood_is_named(study):
    with pytest.raises(CohortError, match="Patient p1, DWI: 'perhaps'"):
        study(visibility=SEEN + "p1,1,DWI,ana,perhaps,True,,3,masks\n")


def test_a_summary_of_another_version_is_refused(study):
    (study.folder / "reading" / "summary.json").write_text(json.dumps({"masks": 3}))
    with pytest.raises(CohortError, match="not the summary that this version"):
        read_summary(parse_protocol(STUDY), study.folder)
