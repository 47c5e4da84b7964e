import json

import pytest

from radstudy.doctor import checks, examined, is_fit
from radstudy.doctor.phantom import phantom, reference


def verdicts(folder):
    return {check.name: check for check in examined(folder)}


def test_a_computer_that_passes_the_tests_is_fit(tmp_path):
    found = verdicts(tmp_path)
    assert {name: check.verdict for name, check in found.items() if check.verdict == "problem"} == {}
    assert is_fit(found.values())
    assert "272 features compared with PyRadiomics 3.0.1" in found["features"].seen
    assert json.dumps([check.as_json() for check in found.values()])


def test_a_wrong_feature_is_a_problem(tmp_path, monkeypatch):
    wrong = dict(reference())
    wrong["original_firstorder_Mean"] *= 1 + 3e-6
    monkeypatch.setattr(checks, "reference", lambda: wrong)
    found = verdicts(tmp_path)["features"]
    assert found.verdict == "problem" and "original_firstorder_Mean" in found.seen


def test_a_folder_that_cannot_be_written_to_is_a_problem(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("no")

    monkeypatch.setattr(checks, "write_bytes", refuse)
    assert checks._writing(tmp_path).verdict == "problem"


def test_versions_are_compared_as_numbers():
    assert checks._numbers("2.10.1") > checks._numbers("2.9")
    assert checks._requirement("scikit-learn>=1.9") == ("scikit-learn", "1.9")
    assert checks._requirement("isal>=1.6.1; platform_machine in 'x86_64'") == ("isal", "1.6.1")


def test_the_phantom_is_one_lesion_of_whole_numbers():
    voxels, lesion = phantom()
    assert voxels.dtype.kind == "i" and 500 < lesion.sum() < 2_000
    assert pytest.approx(len(reference())) == 272
