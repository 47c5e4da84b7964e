"""The cohort table: every mistake a user can make is named with its patient and its remedy."""

import openpyxl
import pandas as pd
import pytest

from radstudy.cohort.manifest import read_cohort
from radstudy.errors import CohortError, DataError
from radstudy.protocol.load import parse_protocol

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  exclude: why
  images: "{patient}/{sequence}.nii"
  masks: "{patient}/{sequence}_{reader}.nii"
  readers: [a, b]
  clinical: {age: {}, margin: {levels: [smooth, rough]}}
sequences: [T2, DWI]
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
HEADER = "id,y,set,why,age,margin\n"
GOOD = "p1,0,train,,50,smooth\np2,1,train,,51,rough\np3,0,test,,52,\np4,1,test,,,rough\n"


@pytest.fixture
def study(tmp_path):
    for patient in ("p1", "p2", "p3", "p4"):
        for sequence in ("T2", "DWI"):
            for name in (f"{sequence}.nii", f"{sequence}_a.nii"):
                file = tmp_path / patient / name
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(b"x")

    def read(rows=GOOD, header=HEADER, change=None, name="cohort.csv"):
        (tmp_path / name).write_text(header + rows, encoding="utf-8")
        text = STUDY
        for old, new in (change or {}).items():
            assert old in text
            text = text.replace(old, new)
        return read_cohort(parse_protocol(text), tmp_path)

    read.folder = tmp_path
    return read


def test_a_sound_table(study):
    cohort = study("p0,0,train,moved,1,smooth\n" + GOOD)
    assert cohort.rows["outcome"].tolist() == [0, 1, 0, 1]
    assert cohort.rows["set"].tolist() == ["training", "training", "testing", "testing"]
    assert cohort.rows["margin"].astype(object).where(cohort.rows["margin"].notna(), None).tolist() == [
        "smooth", "rough", None, "rough"]  # fmt: skip
    assert len(cohort.cases) == 8
    flow = cohort.flow()
    assert (flow["screened"], flow["kept"], flow["negative"], flow["positive"]) == (5, 4, 2, 2)
    assert flow["excluded"] == [{"reason": "moved", "patients": 1}]
    assert flow["testing"] == {"patients": 2, "negative": 1, "positive": 1}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (GOOD + "p1,0,train,,5,smooth\n", ["Patient p1", "lines 2, 6"]),
        (GOOD + "p5,2,train,,5,smooth\n", ["it must have two"]),
        (GOOD + "p5,,train,,5,smooth\n", ["Patient p5", "outcome ('y') is empty"]),
        (GOOD + "p5,1,train,,5,ruogh\n", ["Patient p5", "margin is 'ruogh'", "did you mean 'rough'?"]),
        (GOOD + "p5,1,train,,5 5,rough\n", ["Patient p5", "age is '5 5', which is not a number"]),
        (GOOD + ",1,train,,5,rough\n", ["line 6", "identifier is empty"]),
        (GOOD + "a/b,1,train,,5,rough\n", ["'a/b' cannot be part of a file's name"]),
        (GOOD + "p5,1,maybe,,5,rough\n", ["Patient p5", "'set' is 'maybe'"]),
        (GOOD.replace(",1,", ",0,"), ["never '1'"]),
        pytest.param(
            GOOD.replace("p4,1", "p4,0"),
            ["testing set (2 rows) has no patient with outcome '1'"],
            id="a set without one class",
        ),
    ],
)
def test_mistakes_in_the_table_are_named(study, rows, says):
    with pytest.raises(CohortError) as caught:
        study(rows)
    for part in [*says, "cohort.csv"]:
        assert part in str(caught.value)


def test_all_problems_are_listed_at_once(study):
    with pytest.raises(CohortError) as caught:
        study(GOOD + "p1,0,train,,x,smooth\np6,,train,,5,flat\n")
    assert len(caught.value.problems) == 4


def test_a_column_that_is_not_there(study):
    with pytest.raises(CohortError, match=r"cohort\.outcome\.column names the column 'z'"):
        study(change={"column: y": "column: z"})


def test_a_negative_outcome_can_be_named(study):
    rows = GOOD + "p5,borderline,train,,5,smooth\n"
    with pytest.raises(CohortError, match="'borderline' is neither '1' nor '0'"):
        study(rows, change={'positive: "1"': 'positive: "1", negative: "0"'})


def test_missing_files_lose_a_case_not_the_patient(study):
    (study.folder / "p1" / "DWI.nii").unlink()
    (study.folder / "p2" / "T2_a.nii").unlink()
    cohort = study()
    assert len(cohort.cases) == 6
    assert [(f.patient, f.sequence, f.reader) for f in cohort.failures] == [("p1", "DWI", ""), ("p2", "T2", "a")]
    assert "To do: " in str(cohort.failures[0])


def test_an_optional_sequence_may_be_absent_but_not_half_absent(study):
    for name in ("DWI.nii", "DWI_a.nii"):
        (study.folder / "p1" / name).unlink()
    (study.folder / "p2" / "DWI.nii").unlink()
    cohort = study(change={"readers: [a, b]": "readers: [a, b]\n  optional_sequences: [DWI]"})
    assert cohort.absent == (("p1", "1", "DWI"),)
    assert [failure.patient for failure in cohort.failures] == ["p2"]


def test_visible_on_some_sequences_only(study):
    rows = "".join(f"{row},{seen}\n" for row, seen in zip(GOOD.split(), ("T2", "T2; DWI", "", "DWI"), strict=True))
    cohort = study(rows, HEADER.strip() + ",seen\n", {"exclude: why": "exclude: why\n  visible: seen"})
    assert cohort.absent == (("p1", "1", "DWI"), ("p4", "1", "T2"))


def test_second_reader_is_found_where_drawn(study):
    (study.folder / "p3" / "T2_b.nii").write_bytes(b"x")
    doubly = [case for case in study().cases if len(case.masks) == 2]
    assert [(case.patient, case.sequence) for case in doubly] == [("p3", "T2")]


def test_several_lesions_stay_in_one_set(study):
    header = HEADER.replace("id,", "id,les,")
    rows = GOOD.replace("p1,", "p1,L,").replace("p2,", "p2,L,").replace("p3,", "p3,L,").replace("p4,", "p4,L,")
    change = {"patient: id": "patient: id\n  lesion: les"}
    assert len(study(rows + "p1,R,1,train,,5,smooth\n", header, change).rows) == 5
    with pytest.raises(CohortError, match="Patient p1 is in both sets"):
        study(rows + "p1,R,1,test,,5,smooth\n", header, change)


def test_patterns_with_a_star_and_with_columns(study):
    (study.folder / "p1" / "T2.nii").rename(study.folder / "p1" / "series7_T2.nii")
    change = {'"{patient}/{sequence}.nii"': '"{patient}/*{sequence}.nii"'}
    assert len(study(change=change).cases) == 8
    (study.folder / "p1" / "series8_T2.nii").write_bytes(b"x")
    (failure,) = study(change=change).failures
    assert "2 files match the pattern" in failure.problem
    with pytest.raises(CohortError, match=r"'\{nosuch\}' is not patient"):
        study(change={"{patient}/{sequence}.nii": "{nosuch}/{sequence}.nii"})


def test_excel_as_the_continent_writes_it(study):
    rows = GOOD.replace(",", ";").replace(";50;", ";50,5;")
    cohort = study(rows, HEADER.replace(",", ";"))
    assert cohort.rows["age"].iloc[0] == 50.5
    assert "decimal comma" in cohort.notes[0]


def test_xlsx(study):
    study()
    frame = pd.read_csv(study.folder / "cohort.csv", dtype=str)
    frame["y"] = frame["y"].astype(int)
    frame.to_excel(study.folder / "cohort.xlsx", index=False)
    cohort = study(change={"patient: id": "table: cohort.xlsx\n  patient: id"})
    assert cohort.rows["outcome"].tolist() == [0, 1, 0, 1]


def test_no_table(study):
    with pytest.raises(DataError, match="does not exist"):
        study(change={"patient: id": "table: nothing.csv\n  patient: id"})


def test_the_reference_tissues_mask_is_found_or_its_absence_named(study):
    change = {"sequences: [T2, DWI]": "sequences: [T2, DWI]\nprepare: [{reference: "
              "{mask: '{patient}/{sequence}_fat.nii', tissue: fat}}]"}  # fmt: skip
    for patient in ("p1", "p2", "p3", "p4"):
        for sequence in ("T2", "DWI"):
            (study.folder / patient / f"{sequence}_fat.nii").write_bytes(b"x")
    (study.folder / "p2" / "DWI_fat.nii").unlink()
    cohort = study(change=change)
    assert {case.reference.name for case in cohort.cases} == {"T2_fat.nii", "DWI_fat.nii"}
    (failure,) = cohort.failures
    assert (failure.patient, failure.sequence) == ("p2", "DWI")
    assert failure.file.endswith("DWI_fat.nii")
    assert "the mask of the fat" in str(failure)
    assert "draw some fat" in failure.remedy
    assert all(case.reference is None for case in study().cases)


@pytest.mark.parametrize(("folder", "written"), [("007", "7"), ("P7", "p7"), ("Mu\u0308ller", "M\u00fcller")])
def test_a_missing_file_names_the_one_that_is_there_instead(study, folder, written):
    """Excel drops leading zeros, and a Mac writes u with a diaeresis as two characters."""
    (study.folder / "p1").rename(study.folder / folder)
    cohort = study(GOOD.replace("p1,", f"{written},"))
    assert {failure.patient for failure in cohort.failures} == {written}
    assert all(f"'{folder}' exists" in failure.remedy for failure in cohort.failures)


def test_readers_and_sequences_that_nobody_has_are_noted(study):
    cohort = study(
        change={"readers: [a, b]": "readers: [a, b]\n  optional_sequences: [ADC]", "[T2, DWI]": "[T2, DWI, ADC]"}
    )
    assert [note for note in cohort.notes if "ADC" in note] == ["No lesion can be used on ADC."]
    assert any("by b" in note and "{reader}" in note for note in cohort.notes)
    (study.folder / "p1" / "T2_b.nii").write_bytes(b"x")
    assert not study().notes


def test_one_line_for_all_patients_of_one_mistake(study):
    rows = "".join(f"q{number},{number % 2},train,,50,smoth\n" for number in range(34))
    with pytest.raises(CohortError) as caught:
        study(GOOD + rows + "p5,1,train,,x,rough\np6,1,train,,x,rough\n")
    assert len(caught.value.problems) == 2
    assert "34 patients (q0, q1, q2, q3, q4, q5, q6, q7 and 26 more): margin is 'smoth'" in str(caught.value)
    assert "2 patients (p5, p6): age is 'x'" in str(caught.value)


def test_an_outcome_and_levels_that_a_program_wrote_as_numbers(study):
    rows = GOOD.replace(",0,", ",0.0,").replace(",1,", ",1.0,").replace("smooth", "1.0").replace("rough", "2.0")
    cohort = study(rows, change={'positive: "1"': "positive: 1", "levels: [smooth, rough]": "levels: [1, 2]"})
    assert cohort.rows["outcome"].tolist() == [0, 1, 0, 1]
    assert cohort.rows["margin"].astype(object).tolist()[:2] == ["1", "2"]


def test_a_level_that_looks_like_a_missing_value_is_a_level_where_the_codebook_says_so(study):
    rows = GOOD.replace("51,rough", "51,N/A")
    assert study(rows).rows["margin"].isna().tolist() == [False, True, True, False]
    coded = study(rows, change={"[smooth, rough]": "[smooth, rough, N/A]"}).rows["margin"]
    assert coded.astype(object).tolist()[1] == "N/A"
    assert coded.isna().tolist() == [False, False, True, False]


@pytest.mark.parametrize("age", ["430", "590", "-3"])
def test_an_impossible_age_is_refused_by_its_unit_or_range(study, age):
    rows = GOOD + f"p5,1,train,,{age},rough\n"
    for variable in ("age: {unit: years}", "age: {range: [18, 110]}"):
        with pytest.raises(CohortError, match=f"Patient p5: age is {age}.*, outside (0 to 120 years|18 to 110)"):
            study(rows, change={"age: {}": variable})
    assert study(rows, change={"age: {}": "age: {range: [-10, 1000]}"}).rows["age"].iloc[4] == float(age)


def test_numbers_that_tables_write_for_a_missing_value_are_named_and_kept(study):
    cohort = study(GOOD + "p5,1,train,,999,rough\np6,0,train,,-9,rough\np7,0,train,,999,rough\n")
    assert cohort.rows["age"].iloc[4] == 999
    notes = " ".join(cohort.notes)
    assert "2 patients (p5, p7): age is 999, a common code for a missing value, and is used" in notes
    assert "Patient p6: age is -9" in notes


def test_an_outlier_by_orders_of_magnitude_is_named(study):
    ages = (50, 61, 45, 70, 55, 48, 66, 5900)
    rows = "".join(f"q{age},1,train,,{age},rough\n" for age in ages)
    assert any("Patient q5900: age is 5900, the median is 52" in note for note in study(GOOD + rows).notes)
    assert not any("median" in note for note in study(GOOD + rows.replace("5900", "59")).notes)


def test_a_variable_without_any_value_is_a_problem(study):
    rows = GOOD.replace("smooth", "").replace("rough", "")
    with pytest.raises(CohortError, match="margin has no value at all: the column 'margin' is empty"):
        study(rows)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("column", ["age", "margin", "why", "y"])
def test_an_error_of_excel_is_named_alike_in_csv_and_xlsx(study, kind, column):
    study()
    frame = pd.read_csv(study.folder / "cohort.csv", dtype=str, keep_default_na=False)
    frame.loc[1, column] = "#DIV/0!"
    frame.to_csv(study.folder / "cohort.csv", index=False)
    if kind == "xlsx":
        frame.to_excel(study.folder / "cohort.xlsx", index=False)
        book = openpyxl.load_workbook(study.folder / "cohort.xlsx")
        book.active.cell(3, list(frame).index(column) + 1).data_type = "e"
        book.save(study.folder / "cohort.xlsx")
    text = STUDY.replace("patient: id", f"table: cohort.{kind}\n  patient: id")
    with pytest.raises(CohortError, match=rf"line 3, column '{column}': the formula returns #DIV/0!"):
        read_cohort(parse_protocol(text), study.folder)


def test_formulas_without_a_stored_result_are_refused_with_their_cells(study):
    study()
    frame = pd.read_csv(study.folder / "cohort.csv", dtype=str)
    frame["age"] = [f"=25+{number}" for number in range(4)]
    frame.to_excel(study.folder / "cohort.xlsx", index=False)
    with pytest.raises(CohortError, match=r"formulas without a stored result[\s\S]*cell E2: '=25\+0'"):
        study(change={"patient: id": "table: cohort.xlsx\n  patient: id"})


@pytest.mark.parametrize(("unit", "value"), [("cm", 172), ("mm", 1720), ("kg", 140)])
def test_what_a_whole_person_measures_is_plausible(study, unit, value):
    rows = GOOD.replace("50", str(value)).replace("51", str(value - 9)).replace("52", str(value + 8))
    cohort = study(rows, change={"age: {}": f"age: {{unit: {unit}}}"})
    assert cohort.rows["age"].dropna().tolist() == [value, value - 9, value + 8]
