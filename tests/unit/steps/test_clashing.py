"""Lesions whose files in the run's folder would have one name are told, not mixed."""

from pathlib import Path

from radstudy.cohort.case_files import Case
from radstudy.steps.volumes import clashing


def case(patient, lesion, sequence="T2"):
    return Case(patient, lesion, sequence, Path(f"{patient}-{lesion}.nii.gz"), (("A", Path("mask.nii.gz")),))


def test_an_underscore_that_moves_is_told_everywhere():
    [said] = clashing([case("a", "1_2"), case("b", "1"), case("a_1", "2")], ignoring_case=False)
    assert said.startswith(
        "patient a, lesion 1_2 and patient a_1, lesion 2: their files in the run would have the same name"
    )
    assert "(a_1_2_T2)" in said


def test_capitals_are_told_where_they_do_not_count():
    cases = [case("a1", "1"), case("A1", "1"), case("A1", "1", "DWI")]
    assert not clashing(cases, ignoring_case=False)
    [said] = clashing(cases, ignoring_case=True)
    assert (
        "patient a1, lesion 1 and patient A1, lesion 1: where capitals make no difference, as on the run's disk" in said
    )


def test_usual_cohorts_have_no_such_lesions():
    assert not clashing(
        [case(f"P{number:03d}", lesion) for number in range(40) for lesion in ("1", "2")], ignoring_case=True
    )
