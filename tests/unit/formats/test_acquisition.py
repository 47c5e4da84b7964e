"""The acquisition of an image, from the JSON that the import writes beside it."""

import json

import pytest

from radstudy.formats.acquisition import acquisition_of

SIDECAR = {
    "made_by": "radstudy import 1.0",
    "b_value": 800,
    "spacing_mm": [1.25, 1.3, 5.5],
    "plane": "axial, 3.0 degrees oblique",
    "seconds_since_first_phase": None,
    "tags": {
        "Manufacturer": "SIEMENS ",
        "ManufacturerModelName": "Skyra",
        "MagneticFieldStrength_T": 3,
        "EchoTime_ms": 80.5,
        "RepetitionTime_ms": float("nan"),
        "SliceThickness_mm": 5,
        "FlipAngle_deg": None,
        "EchoTrainLength": True,
    },
}


def read(tmp_path, content):
    image = tmp_path / "DWI.nii.gz"
    (tmp_path / "DWI.json").write_text(content, encoding="utf-8")
    return acquisition_of(image, patient="P1", sequence="DWI")


def test_the_tags_become_a_row(tmp_path):
    row = read(tmp_path, json.dumps(SIDECAR))
    assert (row.patient, row.sequence, row.manufacturer, row.model) == ("P1", "DWI", "SIEMENS", "Skyra")
    assert (row.field_strength_t, row.echo_time_ms, row.b_value) == (3.0, 80.5, 800.0)
    assert (row.in_plane_mm, row.slice_thickness_mm, row.slice_step_mm, row.plane) == (1.25, 5.0, 5.5, "axial")


def test_what_is_no_number_is_not_recorded(tmp_path):
    row = read(tmp_path, json.dumps(SIDECAR))
    assert row.repetition_time_ms is row.flip_angle_deg is row.echo_train_length is None
    assert row.contrast_agent == ""


@pytest.mark.parametrize(
    "content",
    ["not JSON", "[1]", "{}", '{"made_by": "dcm2niix"}', '{"made_by": "radstudy import 1", "tags": null}'],
)
def test_a_json_that_no_import_has_written_is_none(tmp_path, content):
    assert read(tmp_path, content) is None


def test_an_image_without_one_is_none(tmp_path):
    assert acquisition_of(tmp_path / "T2.nii.gz", patient="P1", sequence="T2") is None
