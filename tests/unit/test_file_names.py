"""Names that every system takes, and that differ on every system."""

import unicodedata

import pytest

from radstudy.file_names import is_reserved, stems, usual


@pytest.mark.parametrize("name", ["con", "Aux.nii.gz", "NUL.", "com9", "LPT\u00b2.csv", "prn .txt", "P1 ", "P1."])
def test_windows_reserves_a_name_with_any_ending(name):
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["", "CONTROL_1_T2.json", "com", "com10", "aux_1", "P.1", "01"])
def test_what_only_looks_like_it_is_free(name):
    assert not is_reserved(name)


def test_two_names_that_are_one_file_elsewhere_are_told_as_the_same():
    assert usual("STRASSE") == usual("stra\u00dfe")
    assert usual("M\u00fcller") == usual(unicodedata.normalize("NFD", "m\u00fcller"))
    assert usual("a1") != usual("a2")


def test_every_stem_is_another_one_also_where_a_number_is_taken():
    given = stems(["M 1", "m-1", "M-1-2", "M/1", "aux", "AUX"])
    assert given["M 1"] == "M-1" and given["M-1-2"] == "M-1-2"
    assert len({usual(stem) for stem in given.values()}) == len(given)
    assert not any(is_reserved(stem) for stem in given.values())


def test_the_stems_of_a_usual_study_are_as_they_always_were():
    assert stems(["DCE7", "clinical", "DCE7 + T2, clinical", "all_4.1"]) == {
        "DCE7": "DCE7", "clinical": "clinical", "DCE7 + T2, clinical": "DCE7-+-T2--clinical", "all_4.1": "all_4.1",
    }  # fmt: skip
