import errno
import pickle
import re
from pathlib import Path

from radstudy.errors import CaseError, CohortError


def test_case_error_says_place_problem_and_remedy():
    error = CaseError("the mask is empty.", "draw the lesion", patient="017", sequence="DWI", reader="B", file="m.nii")
    assert str(error) == "Patient 017, DWI, reader B, file m.nii: the mask is empty. To do: draw the lesion."
    assert error.exit_code == 4


def test_located_fills_only_what_is_not_known():
    error = CaseError("p", "r", file="a.nii").located(patient="1", file="b.nii")
    assert (error.patient, error.file) == ("1", "a.nii")


def test_errors_survive_pickling_between_processes():
    error = CaseError("p", "r", patient="1", reader="x")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    many = CohortError("h", ["a", "b"])
    assert pickle.loads(pickle.dumps(many)).problems == ("a", "b")


def test_problems_of_one_kind_are_one_with_the_places_of_the_others():
    problems = [f"Patient P{number:02d}: the outcome ('fish') is empty. To do: fill it" for number in range(34)]
    text = str(CohortError("cohort.csv has 35 problem(s):", [*problems, "Patient P99: age is 'x'"]))
    assert text.count("the outcome") == 1
    assert "and 33 more like this: Patient P01; Patient P02" in text and "and 25 more" in text
    assert "2. Patient P99: age is 'x'" in text


def test_the_documented_errors_are_those_of_the_lists():
    """Which the next run tries again, and which it does not: docs/kept.md and the program say the same."""
    from radstudy import errors

    text = (Path(__file__).resolve().parents[2] / "docs" / "kept.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| E")]
    said = {getattr(errno, name): "tries again" in row[3] for row in rows for name in re.findall(r"E[A-Z0-9]+", row[1])}
    lists = dict.fromkeys(errors.TRANSIENT, True) | dict.fromkeys(errors.FINAL, False)
    assert said == lists
