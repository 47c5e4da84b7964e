"""Many lesions at once: the values of single calls, in order, and a bad case is a result."""

import itertools

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

import radstudy
from radstudy import Roi, Volume
from radstudy.errors import CaseError, StudyFileError, UsageError
from unit.batch.lesions import NAMES, SETTINGS, write_lesions


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_lesions(tmp_path_factory.mktemp("lesions"))


def single(row):
    return radstudy.extract(row["image"], row["mask"], SETTINGS, label=row["label"])


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_form_of_rows_gives_the_values_of_single_calls(table, jobs):
    rows = table.to_dict("records")
    expected = [single(row) for row in rows]
    volumes = [
        (v := Volume.read(row["image"]), Roi.read(row["mask"], row["label"], v)) for row in rows
    ]  # fmt: skip
    forms = {
        "DataFrame": table,
        "PyRadiomics' columns": table.set_axis(["Image", "Mask", "Label"], axis=1),
        "dictionaries": rows,
        "tuples": [tuple(row.values()) for row in rows],
        "a generator of objects": iter(volumes),
        "SimpleITK": [(sitk.ReadImage(r["image"]), sitk.ReadImage(r["mask"]), r["label"]) for r in rows],
        "labels as floats": table.assign(label=table["label"].astype(float)),
    }
    for name, cases in forms.items():
        results = list(radstudy.extract_many(cases, SETTINGS, jobs=jobs))
        assert [dict(result) for result in results] == expected, name
        assert [result.number for result in results] == list(range(len(rows)))
        assert all(result.ok and list(result) == NAMES for result in results)


def test_a_bad_case_is_a_result_with_what_to_do(table, tmp_path):
    good = table.iloc[0].to_dict()
    damaged = tmp_path / "damaged.nii.gz"
    damaged.write_bytes(b"no image")
    bad = {
        "does not exist": {**good, "image": "nowhere.nii.gz"},
        "the row has no mask": {**good, "mask": None},
        "label 7 is not in the mask": {**good, "label": 7},
        "the label is 0": {**good, "label": 0},
        "cannot be read": {**good, "image": damaged},
        "must be a path, a radstudy.Volume": {**good, "image": np.zeros((3, 3, 3))},
        "not a dictionary with image and mask": "image.nii.gz",
        "label channel 1": {**good, "Label_channel": 1},
        "2 labels": {**good, "label": float("nan")},
    }
    results = list(radstudy.extract_many([good, *bad.values(), good], SETTINGS, jobs=2))
    assert dict(results[0]) == dict(results[-1]) == single(good)
    for message, given, result in zip(bad, bad.values(), results[1:-1], strict=True):
        assert message in result.failure.message, result.failure.message
        assert result.case is given and not result.ok and not result
        assert result.failure.remedy and result.failure.error_type in ("CaseError", "TransientError")
        with pytest.raises(CaseError):
            result[NAMES[0]]


def test_an_error_that_nobody_foresaw_is_a_result_too(table):
    class Broken(Volume):
        def __getstate__(self):
            return {}  # arrives without voxels

    volume = Volume.read(table["image"][0])
    broken = Broken(volume.voxels, volume.affine)
    del broken.__dict__["stored_dtype"], broken.__dict__["voxels"]
    rows = [(broken, table["mask"][0], 1), (table["image"][0], table["mask"][0], 1)]
    first, second = radstudy.extract_many(rows, SETTINGS, jobs=1)
    assert first.failure.error_type == "AttributeError"
    assert second.ok


def test_an_endless_generator_is_drawn_as_results_are_taken(table):
    drawn = []

    def endless():
        for number in itertools.count():
            drawn.append(number)
            yield table.iloc[number % len(table)].to_dict()

    results = radstudy.extract_many(endless(), SETTINGS, jobs=2)
    for number in range(50):
        assert next(results).number == number
    assert len(drawn) < 50 + 20
    results.close()


def test_a_process_that_dies_costs_one_case(table, tmp_path):
    class Deadly(Volume):
        """Ends its process when it arrives there, always or once."""

        def __reduce__(self):
            return _die, (str(tmp_path / "tried"), self.source == "once", self.voxels, self.affine)

    volume = Volume.read(table["image"][0])
    always, once = (Deadly(volume.voxels, volume.affine, source=kind) for kind in ("always", "once"))
    rows = [(image, table["mask"][0], 1) for image in (volume, always, volume, once, volume)]
    results = list(radstudy.extract_many(rows, SETTINGS, jobs=2))
    assert [result.ok for result in results] == [True, False, True, True, True]
    assert "process that worked on it was ended by the system (signal 9)" in results[1].failure.message
    assert dict(results[3]) == dict(results[0])


def _die(mark, once, voxels, affine):
    import os
    import signal
    from pathlib import Path

    if not once or not Path(mark).exists():
        if once:
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Volume(voxels, affine)


def test_a_wrong_call_is_told_before_any_case_is_read(table):
    for cases, message in (
        (table.drop(columns="mask"), "no column Mask: their columns are image, label"),
        (table.assign(Mask="x"), "two columns for the mask: 'mask' and 'Mask'"),
        ("cases.csv", "radstudy extract --batch"),
    ):
        with pytest.raises(UsageError, match=message):
            radstudy.extract_many(cases, SETTINGS)
    with pytest.raises(UsageError, match="jobs is 0"):
        radstudy.extract_many(table, SETTINGS, jobs=0)
    with pytest.raises(StudyFileError, match="binWidht"):
        radstudy.extract_many(table, {"setting": {"binWidht": 5}})


def test_a_table_has_the_columns_given_first_and_nan_with_a_reason_where_a_case_failed(table):
    cases = table.assign(patient=[f"P{n}" for n in range(4)]).set_index(pd.Index([7, 5, 3, 1]))
    cases.loc[5, "image"] = "nowhere.nii.gz"
    with pytest.warns(UserWarning, match="1 of 4 cases have no features:\n  row 1.*does not exist"):
        frame = radstudy.extract_table(cases, SETTINGS, jobs=1)
    assert list(frame.columns) == ["image", "mask", "label", "patient", "failure", *NAMES]
    assert list(frame.index) == [7, 5, 3, 1]
    assert frame[NAMES].isna().any(axis=1).tolist() == frame["failure"].notna().tolist() == [False, True, False, False]
    assert frame.loc[3, NAMES].to_dict() == single(table.iloc[2])
    with pytest.raises(CaseError, match="does not exist"):
        radstudy.extract_table(cases, SETTINGS, jobs=1, on_failure="raise")
    with pytest.raises(UsageError, match="choose from nan, raise"):
        radstudy.extract_table(cases, SETTINGS, on_failure="drop")
    with pytest.raises(UsageError, match="already have columns called failure"):
        radstudy.extract_table(table.assign(failure=""), SETTINGS, jobs=1)


def test_a_table_of_no_cases_has_its_columns(table):
    assert list(radstudy.extract_table(table.iloc[:0], SETTINGS).columns[3:]) == ["failure", *NAMES]
