"""Records come back from JSON as they went, under the keys that they have always had on disk."""

from __future__ import annotations

import json

import pytest

from radstudy.artefacts.common import FAILURE
from radstudy.artefacts.records.case import CaseRecord, DrawnElsewhere
from radstudy.artefacts.records.failure import Failure
from radstudy.artefacts.records.fields import fields_of
from radstudy.artefacts.records.lesion import ExtractedLesion
from radstudy.artefacts.records.model import FittedModel
from radstudy.artefacts.records.opened import OpenedFiles
from radstudy.artefacts.records.volume import CheckedLesion, MaskPair, PreparedVolume, TransferRecord, VolumeFacts
from radstudy.errors import CaseError, TransientError

PLACE = {"patient": "007", "lesion": "1", "sequence": "T2", "reader": "a"}
FAILED = Failure("007", "", "T2", "a", "m.nii.gz", "the mask is empty", "draw the lesion")
MASK = TransferRecord(**PLACE, drawn_on="DWI", shift_r_mm=0.1, shift_a_mm=0.2, shift_s_mm=0.3, rotation_degrees=1.0,
                       overlap=0.9, volume_change_percent=-1.0, voxels=9, warnings="", file="transferred/x.nii.gz",
                       mask="m1", confirmed="", confirmed_by="")  # fmt: skip
LESION = CheckedLesion(**PLACE, native_voxels=9, volume_mm3=9.0, resampled_voxels=9, volume_change_percent=0.0,
                       bins=None, centre_right_mm=1.0, centre_anterior_mm=2.0, centre_superior_mm=3.0,
                       transferred_from="", warnings="")  # fmt: skip
FACTS = VolumeFacts("007", "T2", "007_1_T2", "i.nii.gz", "3 x 3 x 3", "1 x 1 x 1", "", None, None, None, 0.0, 1.0, "",
                    None, "read")  # fmt: skip
PAIR = MaskPair("007", "1", "T2", "a", "b", 0.9, 0.8, 1.0, 1.0, 0.5, 2.0, "")
PREPARED = PreparedVolume(FACTS, {"steps": [], "warnings": [], "quality": []}, (LESION,), (PAIR,), (MASK,), (FAILED,),
                          (FAILED,), {"pictures/x.npz": "0"})  # fmt: skip
EXTRACTED = ExtractedLesion(**PLACE, values={"f": 1.0, "g": None}, missing={"g": "undefined"}, diagnostics={"bins": 3})
MODEL = FittedModel(("T2",), (), 17, 7, 0, "logistic", None, True, 0.1, False, 1.0)


@pytest.mark.parametrize("record", [
    FAILED, MASK, EXTRACTED, MODEL,
    ExtractedLesion.of_error(TransientError("no memory", "try again"), PLACE, "m.nii.gz"),
    CaseRecord("007", "1", "T2", "i.nii.gz", {"a": "m.nii.gz"}),
    CaseRecord("007", "1", "T2", "i.nii.gz", {}, "r.nii.gz", DrawnElsewhere("DWI", "j.nii.gz", "n.nii.gz")),
    OpenedFiles("mark", ("one", None), (FAILED,)), OpenedFiles(None, (None,), ()),
    FittedModel(("T2",), ("age",), 17, 7, 0, "svm", "T2", note="not fitted: why"),
], ids=lambda record: type(record).__name__)  # fmt: skip
def test_a_record_comes_back_as_it_went(record):
    assert type(record).from_json(json.loads(json.dumps(record.as_json()))) == record


def test_a_prepared_volume_comes_back_with_its_key():
    again = PreparedVolume.from_json(json.loads(json.dumps({"key": "k", **PREPARED.as_json()})))
    assert again == PREPARED.under("k") and again.passed == {("007", "1", "a")}


def test_the_keys_on_disk_are_those_of_earlier_versions():
    assert list(PREPARED.as_json()) == [
        "volume", "preparation", "lesions", "readers", "transferred", "failures", "passing", "made",
    ]  # fmt: skip
    assert list(MASK.as_json()) == [
        "patient", "lesion", "sequence", "reader", "from", "shift_r_mm", "shift_a_mm", "shift_s_mm",
        "rotation_degrees", "overlap", "volume_change_percent", "voxels", "warnings", "file", "mask", "confirmed",
        "confirmed_by",
    ]  # fmt: skip
    assert list(EXTRACTED.as_json()) == [*PLACE, "values", "missing", "diagnostics"]
    failed = ExtractedLesion.of_error(CaseError("bad", "redraw"), PLACE, "m")
    assert failed.as_json() == {**PLACE, "problem": "bad", "remedy": "redraw", "file": "m"}
    assert list(MODEL.as_json()) == [
        "sequences", "clinical", "training_rows", "testing_rows", "not_used", "classifier", "like", "fitted",
        "intercept", "empty", "C", "settings", "sizes", "note",
    ]  # fmt: skip
    assert list(FittedModel(("T2",), (), 1, 1, 0, "svm", None, note="no").as_json()) == [
        "sequences", "clinical", "training_rows", "testing_rows", "not_used", "classifier", "like", "fitted", "note",
    ]  # fmt: skip


@pytest.mark.parametrize(("record", "kind"), [(PREPARED, PreparedVolume), (MASK, TransferRecord), (MODEL, FittedModel),
                                              (EXTRACTED, ExtractedLesion), (FAILED, Failure)])  # fmt: skip
def test_what_is_declared_of_a_record_is_what_it_writes(record, kind):
    declared = {field.name: field.optional for field in fields_of(kind)}
    written = set(record.as_json())
    assert written <= set(declared)
    assert {name for name, optional in declared.items() if not optional} - written <= {"key"}


def test_a_failure_is_the_error_that_it_was():
    error = CaseError("the mask is empty", "draw the lesion", patient="007", sequence="T2", file="m.nii.gz")
    assert str(Failure.of_error(error).error()) == str(error)
    assert type(Failure.of_error(error).error(TransientError)) is TransientError
    assert [field.name for field in fields_of(Failure)] == [column.name for column in FAILURE]
    of_lesion = CaseError(error.problem, error.remedy, **PLACE, file="m")
    assert str(ExtractedLesion.of_error(error, PLACE, "m").error) == str(of_lesion)
    assert EXTRACTED.error is None
