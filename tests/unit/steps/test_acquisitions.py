"""The acquisitions that the step report collects: each image once, and none without an import."""

import json
from types import SimpleNamespace

import pytest

from radstudy.artefacts.cohort import CASES
from radstudy.artefacts.report import ACQUISITION
from radstudy.steps.acquisitions import acquisitions
from radstudy.steps.report import _write_acquisitions


@pytest.fixture
def run(tmp_path):
    cases = []
    for patient, lesion, sequence in (("P2", "1", "T2"), ("P1", "1", "T2"), ("P1", "2", "T2"), ("P1", "1", "DWI")):
        image = tmp_path / patient / f"{sequence}.nii.gz"
        image.parent.mkdir(exist_ok=True)
        cases.append({"patient": patient, "lesion": lesion, "sequence": sequence, "image": str(image), "masks": {},
                      "reference": None, "transfer": None})  # fmt: skip
    for name in ("P1/T2", "P2/T2"):
        sidecar = {"made_by": "radstudy import 1", "spacing_mm": [1, 1, 4], "tags": {"Manufacturer": "GE"}}
        (tmp_path / f"{name}.json").write_text(json.dumps(sidecar), encoding="utf-8")
    CASES.write(tmp_path, cases)
    return SimpleNamespace(out=tmp_path, protocol=SimpleNamespace(features=None))


def test_each_image_that_an_import_has_written_is_a_row(run):
    rows = acquisitions(run)
    assert [(row["patient"], row["sequence"], row["manufacturer"]) for row in rows] == [
        ("P1", "T2", "GE"), ("P2", "T2", "GE")
    ]  # fmt: skip
    _write_acquisitions(run, rows)
    assert ACQUISITION.read(run.out)["slice_step_mm"].tolist() == [4.0, 4.0]


def test_a_table_of_an_earlier_import_does_not_stay(run):
    _write_acquisitions(run, acquisitions(run))
    _write_acquisitions(run, [])
    assert not ACQUISITION.file(run.out).exists()


def test_a_table_of_features_has_no_images(run):
    run.protocol.features = object()
    assert acquisitions(run) == []
