"""Questions of an import: likely answers, those that are alike, answers that collide, and the holes that are left."""

import pytest

from radstudy.app.lead.reviewing import answer, counts_of, patient_table, picture, questions_of, role_order, series_of
from radstudy.errors import UsageError
from radstudy.intake.answering import AnswerChange
from radstudy.intake.csv_rows import read_rows
from unit.app.lead.imported_study import add_drawings, copy_of, import_again, import_study, pseudonyms


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    return import_study(tmp_path_factory.mktemp("imported"))


@pytest.fixture
def project(imported, tmp_path):
    return copy_of(imported, tmp_path)


def asked(project, **wanted):
    """The questions with these texts in their rows."""
    return [one for one in questions_of(project) if all(one.row[name] == text for name, text in wanted.items())]


def give(project, *answers):
    return answer(project, [AnswerChange(question.key, to, question.answer) for question, to in answers])


def test_each_volume_in_question_has_likely_roles_and_its_twin_in_the_other_patient_is_alike(project):
    first, repeated = asked(project, description="T2 TSE AX"), asked(project, description="T2 TSE REPEATED")
    assert len(repeated) == 2
    assert {one.choices[0] for one in repeated} == {"T2WI"}
    assert len({one.alike for one in repeated}) == 1
    assert {one.alike for one in first if one.kind == "volume"}.isdisjoint({one.alike for one in repeated})


def test_an_answer_waits_until_the_import_is_repeated_and_then_is_settled(project):
    before = counts_of(questions_of(project))
    mine = [one for one in questions_of(project) if one.kind == "volume" and one.row["examination"] == "1"]
    twins = [one for one in mine if one.patient == pseudonyms(project)["HOSP-4711"]]
    assert [one.row["description"] for one in twins] == ["T2 TSE AX", "T2 TSE REPEATED"]
    give(project, (twins[0], "T2WI"), (twins[1], "-"))
    waiting = counts_of(questions_of(project))
    assert (waiting.open, waiting.waiting) == (before.open - 2, 2)
    import_again(project)
    after = counts_of(questions_of(project))
    assert (after.open, after.waiting, after.settled) == (before.open - 2, 0, before.settled + 2)
    assert (project.images / twins[0].patient / "T2WI.nii.gz").is_file()


def test_two_volumes_of_one_role_are_called_a_clash_before_the_import_is_repeated(project):
    patient = pseudonyms(project)["HOSP-4711"]
    twins = [one for one in questions_of(project) if one.patient == patient]
    give(project, *((one, "T2WI") for one in twins))
    states = [(one.state, one.is_open) for one in questions_of(project) if one.patient == patient]
    assert states == [("clash", True), ("clash", True)]


def test_a_whole_series_left_out_answers_for_its_other_volumes(project):
    patient = pseudonyms(project)["HOSP-4711"]
    (one, _) = [one for one in questions_of(project) if one.patient == patient]
    given = give(project, (one, "--"))
    assert given.changed == {one.key: ""}
    assert next(other for other in questions_of(project) if other.key == one.key).state == "answered"


def test_an_examination_that_the_patient_does_not_have_is_refused_since_it_would_stop_the_import(project):
    (one,) = asked(project, kind="examination")
    assert one.choices == ("1", "2", "first", "last")
    given = give(project, (one, "3"))
    assert "no examination 3" in given.refused[one.key]
    assert not next(other for other in questions_of(project) if other.key == one.key).answer
    give(project, (one, "2"))
    import_again(project)
    (one,) = asked(project, kind="examination")
    assert (one.state, one.answer) == ("settled", "2")


def test_drawings_from_one_folder_are_alike_and_its_name_is_the_likely_reader(project):
    women = list(pseudonyms(project).values())[:2]
    add_drawings(project, [(patient, f"{n}{k}" + "0" * 14, f"case{n}/drawings/{reader}", "SEG 'Tumor' on T2WI")
                           for n, patient in enumerate(women) for k, reader in enumerate(("anna", "ben"))])  # fmt: skip
    drawings = [one for one in questions_of(project) if one.kind == "mask"]
    assert [one.choices[0] for one in drawings] == ["anna", "ben", "anna", "ben"]
    assert [one.choices[1] for one in drawings] == ["ben", "anna", "ben", "anna"]
    assert "case0" not in str([one.choices for one in drawings])
    assert drawings[0].alike == drawings[2].alike != drawings[1].alike == drawings[3].alike
    give(project, (drawings[0], "anna"), (drawings[1], "anna"))
    assert [one.state for one in questions_of(project) if one.kind == "mask"] == ["clash", "clash", "open", "open"]


def test_the_table_has_problems_first_and_says_what_each_patient_lacks(project):
    names = pseudonyms(project)
    table = patient_table(project, questions_of(project))
    states = {row.patient: row.cells["T2WI"].state for row in table.rows}
    assert states[names["HOSP-4711"]] == states[names["HOSP-4712"]] == "several"
    assert [row.problems for row in table.rows] == sorted((row.problems for row in table.rows), reverse=True)
    twins = [one for one in questions_of(project) if one.patient == names["HOSP-4711"]]
    give(project, *((one, "-") for one in twins))
    import_again(project)
    table = patient_table(project, questions_of(project))
    assert {row.patient: row.cells["T2WI"].state for row in table.rows}[names["HOSP-4711"]] == "hole"


def test_a_volume_that_was_left_out_can_be_given_a_role_from_its_patients_series(project):
    patient = pseudonyms(project)["HOSP-4711"]
    twins = [one for one in questions_of(project) if one.patient == patient]
    give(project, (twins[0], "-"), (twins[1], "-"))
    import_again(project)
    (row,) = [row for row in series_of(project, patient)["series"] if row["description"] == "T2 TSE REPEATED"]
    assert (row["status"], row["answer"]) == ("left out", "-")
    phase = next(row for row in series_of(project, patient)["series"] if row["role"] == "DCE3")
    assert phase["volume"] not in {row["volume"] for row in read_rows(project.images / "review.csv")}
    given = answer(project, [AnswerChange(row["volume"], "T2WI", "-"), AnswerChange(phase["volume"], "-", "")])
    assert set(given.changed) == {row["volume"], phase["volume"]}
    import_again(project)
    assert (project.images / patient / "T2WI.nii.gz").is_file()
    assert not (project.images / patient / "DCE3.nii.gz").exists()


def test_a_picture_is_of_a_volume_of_the_import_and_of_nothing_else(project):
    one = next(one for one in questions_of(project) if one.has_picture)
    png, caption = picture(project, one.key)
    assert png.startswith(b"\x89PNG")
    assert caption == "slice 2, 4, 5 of 6"
    for key in ("../../etc/passwd", "v0123456789abcdef", ""):
        with pytest.raises(UsageError, match="no such volume"):
            picture(project, key)


def test_roles_are_in_the_order_of_a_report(project):
    roles = ["DCE10", "ADC", "DWI_b800", "T1WI", "DCE2", "DWI_b50", "T2WI"]
    assert sorted(roles, key=role_order) == ["T2WI", "T1WI", "DWI_b50", "DWI_b800", "DCE2", "DCE10", "ADC"]
