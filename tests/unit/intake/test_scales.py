"""Philips scales each series to its own range: values that are compared lie on one scale, or a reader decides."""

import json
from dataclasses import replace

import numpy as np
import pytest

from radstudy import Volume
from radstudy.imaging.parametric.adc import adc_map

PHILIPS = {"Manufacturer": "Philips Medical Systems", (0x20050010, "LO"): "Philips MR Imaging DD 001"}
SCALE = (0x2005100E, "FL")
ADC = 1145.0  # 1e-6 mm2/s
B = 800


def rescale(slope, scale=None):
    tags = {**PHILIPS, "RescaleSlope": slope, "RescaleIntercept": 0}
    return tags if scale is None else {**tags, SCALE: scale}


def stored_alike(synthetic, low, high):
    """b = 0 and b = 800 of which the stored values are the same: only their scales tell them apart."""
    tags = synthetic.DWI
    volumes = [(0, low), (B, high)]
    return [
        synthetic.Scan(
            {**tags, **more, "DiffusionBValue": float(b), "DiffusionDirectionality": "ISOTROPIC" if b else "NONE"},
            volumes=(synthetic.Volume(1000),),
            number=10 + n,
            uid=f"b{b}",
        )
        for n, (b, more) in enumerate(volumes)
    ]


def adc_of(out, outcome):
    volumes = [Volume.read(out / outcome.plans[0].name / f"DWI_b{b}.nii.gz") for b in (0, B)]
    return adc_map(volumes, [0.0, float(B)]).adc.voxels


FALL = float(np.exp(-B * ADC * 1e-6))
SCALES = {
    "one rescale slope, two scale slopes": (rescale(1.5, 0.004), rescale(1.5, 0.004 / FALL)),
    "two of each": (rescale(1.5, 0.004), rescale(3.7, 0.004 / FALL)),
}


@pytest.mark.parametrize("which", SCALES)
def test_the_adc_of_volumes_on_two_scales_is_right(synthetic, imported, tmp_path, which):
    # (SV * RS) / (RS * SS) = SV / SS: the signal at b = 800 is 0.4 of that at b = 0
    synthetic.write(tmp_path / "in", *stored_alike(synthetic, *SCALES[which]))
    outcome = imported(tmp_path / "in")
    np.testing.assert_allclose(adc_of(tmp_path / "out", outcome), ADC, rtol=1e-4)
    folder = tmp_path / "out" / outcome.plans[0].name
    first = Volume.read(folder / "DWI_b0.nii.gz").voxels
    assert first[0, 0, 0] == 1500  # the first volume keeps its values: SV * RS
    sidecar = json.loads((folder / "DWI_b800.json").read_text("utf-8"))
    assert sidecar["scale"]["on_the_scale_of"] == "DWI_b0"
    assert "converted to the scale of DWI_b0" in (tmp_path / "out" / "series.csv").read_text("utf-8")


def test_phases_of_several_series_on_two_scales(synthetic, imported, roles, tmp_path):
    scan = synthetic.dynamic()
    scans = [
        replace(
            scan,
            tags={**scan.tags, **rescale(2.0, 0.01 * (n + 1))},
            volumes=(replace(v, value=1000 * (n + 1)),),
            number=20 + n,
            uid=f"s{n}",
        )
        for n, v in enumerate(scan.volumes)
    ]
    synthetic.write(tmp_path / "in", *scans)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3", "DCE4"]
    for number in range(1, 5):  # SV / SS is the same in the first voxel of all phases
        voxels = Volume.read(tmp_path / "out" / outcome.plans[0].name / f"DCE{number}.nii.gz").voxels
        np.testing.assert_allclose(voxels[0, 0, 0], 2000, rtol=1e-6)


def test_one_scale_changes_nothing(synthetic, imported, tmp_path):
    same = (rescale(1.5, 0.004), rescale(1.5, 0.004))
    synthetic.write(tmp_path / "in", *stored_alike(synthetic, *same))
    outcome = imported(tmp_path / "in")
    folder = tmp_path / "out" / outcome.plans[0].name
    assert Volume.read(folder / "DWI_b800.nii.gz").voxels[0, 0, 0] == 1500
    assert json.loads((folder / "DWI_b800.json").read_text("utf-8")).get("scale") is None


UNKNOWN = {
    "the private tag is gone and the rescale slopes differ": (rescale(1.5), rescale(3.7)),
    "one of the two has the tag": (rescale(1.5, 0.004), rescale(1.5)),
}


@pytest.mark.parametrize("which", UNKNOWN)
def test_scales_that_the_headers_do_not_tell_go_to_review(synthetic, imported, tmp_path, which):
    synthetic.write(tmp_path / "in", *stored_alike(synthetic, *UNKNOWN[which]))
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "scale slope" in plan.items[0].decision.reason


def test_a_real_world_value_mapping_takes_the_place_of_the_private_tag(synthetic, imported, tmp_path):
    def mapped(slope):
        item = synthetic.item(RealWorldValueSlope=slope, RealWorldValueIntercept=0.0)
        return {**rescale(1.5), "RealWorldValueMappingSequence": item}

    synthetic.write(tmp_path / "in", *stored_alike(synthetic, mapped(250.0), mapped(250.0 * FALL)))
    outcome = imported(tmp_path / "in")
    np.testing.assert_allclose(adc_of(tmp_path / "out", outcome), ADC, rtol=1e-4)


def test_slices_of_one_volume_on_two_scales(synthetic, imported, tmp_path):
    scan = synthetic.t2(tags={**synthetic.T2, **rescale(2.0, 0.01)})
    for file in synthetic.write(tmp_path / "in", scan):
        dataset = synthetic.read(file)
        if dataset.InstanceNumber > 3:
            dataset[0x2005100E].value = 0.02
            dataset.save_as(file)
    outcome = imported(tmp_path / "in")
    voxels = Volume.read(tmp_path / "out" / outcome.plans[0].name / "T2WI.nii.gz").voxels
    np.testing.assert_allclose(voxels[0, 0, :], [200, 202, 204, 103, 104, 105], rtol=1e-6)


def test_the_scale_slope_of_an_enhanced_object_is_found_in_its_frames(synthetic, imported, tmp_path):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    volumes = {0: synthetic.Volume(1000), B: synthetic.Volume(1001)}
    scan = synthetic.Scan({**synthetic.DWI, **PHILIPS}, number=5)
    frames = [(volume, number) for volume in volumes.values() for number in range(scan.slices)]

    def group(item, volume, number):
        b = next(b for b, other in volumes.items() if other is volume)
        item.MRDiffusionSequence = synthetic.item(
            DiffusionBValue=float(b), DiffusionDirectionality="ISOTROPIC" if b else "NONE"
        )
        private = Dataset()
        private.add_new(0x20050010, "LO", "Philips MR Imaging DD 001")
        private.add_new(0x2005100E, "FL", 0.004 if b == 0 else 0.004 / FALL)
        item.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
        item.add_new(0x2005140F, "SQ", Sequence([private]))

    (tmp_path / "in").mkdir()
    synthetic.enhanced(scan, frames, group).save_as(tmp_path / "in" / "one.dcm")
    outcome = imported(tmp_path / "in")
    np.testing.assert_allclose(adc_of(tmp_path / "out", outcome), ADC, rtol=2e-3)  # stored 1001 for 1000 at b = 800
