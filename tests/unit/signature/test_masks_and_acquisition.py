"""Masks that nobody draws on purpose and acquisitions unlike those of training are refused."""

import json
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from radstudy.errors import RefusedError
from radstudy.formats.raster import write_raster
from radstudy.signature.mask_shape import mask_shape
from radstudy.signature.predict import predict_patient

SPACING = np.array([1.0, 1.0, 3.0])


def ball(shape=(9, 9, 9)):
    return np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - 4, axis=-1) < 3


def test_a_lesion_within_the_image_has_neither_gap_nor_border():
    assert mask_shape(ball(), SPACING).borders == () and mask_shape(ball(), SPACING).empty_slices == 0


def test_empty_slices_are_counted_along_the_thickest_voxels():
    mask = ball()
    mask[:, :, 4:6] = False
    assert mask_shape(mask, SPACING).empty_slices == 2
    assert mask_shape(mask, np.array([3.0, 1.0, 1.0])).empty_slices == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_each_face_that_is_touched_is_named(axis):
    mask = np.moveaxis(ball()[2:, :, :], 0, axis)
    assert mask_shape(mask, SPACING).borders == (f"first slice of the {('first', 'second', 'third')[axis]} axis",)
    single = mask_shape(mask[:, :, 4:5], SPACING).borders
    assert not any("third" in border for border in single)  # an axis of one slice has no border


def refused(signature, given):
    with pytest.raises(RefusedError) as caught:
        predict_patient(signature, **given)
    return str(caught.value)


def redrawn(given, name, folder, change):
    mask = nibabel.load(given["masks"][name])
    voxels = np.asarray(mask.dataobj).copy()
    change(voxels)
    write_raster(folder / f"{name}_a.nii.gz", voxels, mask.affine)
    given["masks"][name] = folder / f"{name}_a.nii.gz"


def test_a_forgotten_slice_and_a_cut_lesion_are_refused(signature, patient, tmp_path):
    given = patient(0)
    redrawn(given, "T2", tmp_path, lambda voxels: voxels.__setitem__((slice(None), slice(None), 5), 0))
    assert "the mask on T2 has 1 empty slice(s) between drawn ones, of 3" in refused(signature, given)
    given = patient(0)
    redrawn(given, "DWI", tmp_path, lambda voxels: voxels.__setitem__((slice(6, 9), slice(0, 8), 4), 1))
    assert "DWI touches the border of the image (first slice of the second axis)" in refused(signature, given)


ACQUIRED = {
    "T2": {
        "images": 18,
        "ranges": {name: {"count": 18, "low": low, "high": high} for name, low, high in (
            ("field_strength_t", 1.5, 1.5), ("echo_time_ms", 80.0, 100.0), ("b_value", 800.0, 1000.0),
            ("seconds_since_first_phase", 360.0, 420.0),
        )},
        "values": {"manufacturer": ["SIEMENS"]},
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"MagneticFieldStrength_T": 3.0}, "T2 has a field strength of 3 T; training had 1.5 to 1.5"),
        (
            {"EchoTime_ms": 130.0},
            "T2 has an echo time of 130 ms; training had 80 to 100, and less than 64 or more",
        ),
        ({"b_value": 400}, "T2 has a b-value of 400 s/mm2; training had 800 to 1000"),
        ({"seconds_since_first_phase": 120.0}, "T2 has a time of 120 s after the first phase; training had 360 to 420"),
    ],
)
def test_an_acquisition_unlike_training_is_refused(signature, patient, tmp_path, changed, says):
    given, model = patient(0), replace(signature, about={**signature.about, "acquisition": ACQUIRED})
    like = {"MagneticFieldStrength_T": 1.494, "EchoTime_ms": 90.0, "Manufacturer": "SIEMENS"}
    place(given, tmp_path, like, {"b_value": 1000, "seconds_since_first_phase": 400.0})
    assert predict_patient(model, **given).findings == ()
    tags = {name: value for name, value in changed.items() if name.endswith(("_T", "_ms"))}
    place(given, tmp_path, {**like, **tags}, {name: value for name, value in changed.items() if name not in tags})
    assert says in refused(model, given)


def place(given, folder, tags, more):
    """Write the image of T2 into the folder with the record of an import beside it."""
    (folder / "T2.nii.gz").write_bytes(given["images"]["T2"].read_bytes())
    given["images"]["T2"] = folder / "T2.nii.gz"
    record = {"made_by": "radstudy import 0", "role": "T2", "tags": tags, **more}
    (folder / "T2.json").write_text(json.dumps(record), encoding="utf-8")


def test_another_manufacturer_and_an_unknown_acquisition_are_said(signature, patient, tmp_path):
    given, model = patient(0), replace(signature, about={**signature.about, "acquisition": ACQUIRED})
    (finding,) = predict_patient(model, **given).findings
    assert not finding.refuses and "the acquisition of T2 was not checked" in finding.message
    place(given, tmp_path, {"Manufacturer": "GE"}, {})
    (finding,) = predict_patient(model, **given).findings
    assert not finding.refuses and "T2 has the manufacturer GE; training had SIEMENS" in finding.message
