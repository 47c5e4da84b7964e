"""b-values and phases as the vendors write them: right, or for review; never guessed wrong."""

from dataclasses import replace

import numpy as np
import pytest

from radstudy import Volume as Image

SIEMENS_B = (0x0019100C, "IS")
PHILIPS_B, PHILIPS_DIRECTION = (0x20011003, "FL"), (0x20011004, "CS")
GE_B = (0x00431039, "IS")
GE_GRADIENT = [(0x001910BB, "DS"), (0x001910BC, "DS"), (0x001910BD, "DS")]


def siemens(b, number):
    return {SIEMENS_B: b, "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "ND"] if b else
            ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE", "ND"], "AcquisitionNumber": number}  # fmt: skip


def philips(b, direction="I"):
    return {PHILIPS_B: float(b), PHILIPS_DIRECTION: direction, "Manufacturer": "Philips Medical Systems"}


def ge(b, gradient=None):
    tags = {GE_B: [b, 8, 0, 0], "Manufacturer": "GE MEDICAL SYSTEMS"}
    return tags | (dict(zip(GE_GRADIENT, gradient, strict=True)) if gradient else {})


def check_values(outcome, out, expected):
    """Each role's first voxel: the volume's own value, so no b-value or phase is mixed up."""
    for role, value in expected.items():
        voxels = Image.read(out / outcome.plans[0].name / f"{role}.nii.gz").voxels
        np.testing.assert_array_equal(voxels[0, 0, :], value + np.arange(voxels.shape[2]))


CASES = {
    "siemens, private b, several in one series": (
        [siemens(0, 1), siemens(400, 2), siemens(1000, 3)], ["DWI_b0", "DWI_b400", "DWI_b1000"]),
    "the standard's tag": (
        [{"DiffusionBValue": 50.0, "DiffusionDirectionality": "ISOTROPIC"}, {"DiffusionBValue": 800.0,
          "DiffusionDirectionality": "ISOTROPIC"}], ["DWI_b50", "DWI_b800"]),
    "philips, trace beside its directions": (
        [philips(0), philips(800), philips(800, "R") | {"DiffusionGradientOrientation": [1, 0, 0]},
         philips(800, "F") | {"DiffusionGradientOrientation": [0, 1, 0]}], ["DWI_b0", "DWI_b800"]),
    "ge, b with the offset of newer systems": (
        [ge(0), ge(1_000_000_800)], ["DWI_b0", "DWI_b800"]),
    "ge, combined images beside none": (
        [ge(1_000_000_000, (0, 0, 0)), ge(1_000_000_600, (0, 0, 0))], ["DWI_b0", "DWI_b600"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_b_values(synthetic, imported, roles, tmp_path, name):
    tags, wanted = CASES[name]
    volumes = tuple(synthetic.Volume(1000 * (number + 1), tag) for number, tag in enumerate(tags))
    synthetic.write(tmp_path / "in", synthetic.Scan(synthetic.DWI, volumes=volumes, number=5))
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == sorted(wanted)
    check_values(outcome, tmp_path / "out", {role: 1000 * (n + 1) for n, role in enumerate(wanted)})


def test_b_values_in_several_series(synthetic, imported, roles, tmp_path):
    scans = [
        synthetic.Scan(synthetic.DWI, volumes=(synthetic.Volume(b, siemens(b, 1)),), number=number)
        for number, b in ((5, 50), (6, 400), (7, 800))
    ]
    synthetic.write(tmp_path / "in", *scans)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DWI_b400", "DWI_b50", "DWI_b800"]
    check_values(outcome, tmp_path / "out", {"DWI_b50": 50, "DWI_b400": 400, "DWI_b800": 800})


REVIEWED = {
    "three directions, no trace": [ge(0)] + [ge(800, g) for g in ((1, 0, 0), (0, 1, 0), (0, 0, 1))],
    "one direction": [siemens(0, 1), {SIEMENS_B: 800, "DiffusionGradientOrientation": [0.0, 0.0, 1.0]}],
    "two tags that disagree": [{SIEMENS_B: 0}, {SIEMENS_B: 800, "DiffusionBValue": 1000.0}],
    "no b-value at all": [{"AcquisitionNumber": 1}],
    "one b-value twice, nothing tells them apart": [{SIEMENS_B: 800, "ImageComments": "1"},
                                                    {SIEMENS_B: 800, "ImageComments": "2"}],
}  # fmt: skip


@pytest.mark.parametrize("name", REVIEWED)
def test_doubtful_diffusion_goes_to_review(synthetic, imported, tmp_path, name):
    volumes = tuple(synthetic.Volume(1000 * (number + 1), tag) for number, tag in enumerate(REVIEWED[name]))
    synthetic.write(tmp_path / "in", synthetic.Scan(synthetic.DWI, volumes=volumes, number=5))
    outcome = imported(tmp_path / "in")
    given = {item.decision.role for item in outcome.plans[0].with_status("role")}
    assert given <= {"DWI_b0"}
    assert outcome.plans[0].with_status("review", "refused")


def test_single_directions_are_left_out_where_another_series_holds_their_trace(synthetic, imported, roles, tmp_path):
    directions = tuple(
        synthetic.Volume(10 * n, {SIEMENS_B: 800, "DiffusionGradientOrientation": [float(n == k) for k in range(3)]})
        for n in range(3)
    )
    raw = synthetic.Scan(synthetic.DWI, volumes=directions, number=5)
    trace = synthetic.Scan(synthetic.DWI, volumes=(synthetic.Volume(800, siemens(800, 1)),), number=6)
    synthetic.write(tmp_path / "in", raw, trace)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DWI_b800", "left out 5"]
    assert outcome.failures == ()
    check_values(outcome, tmp_path / "out", {"DWI_b800": 800})


def test_a_b_value_of_zero_does_not_make_a_diffusion_series(synthetic, imported, roles, tmp_path):
    # GE writes a b-value into series without diffusion
    volume = synthetic.Volume(100, {GE_B: [1_000_000_000, 8, 0, 0], "Manufacturer": "GE MEDICAL SYSTEMS"})
    synthetic.write(tmp_path / "in", synthetic.t2(volumes=(volume,)))
    assert list(roles(imported(tmp_path / "in"))) == ["T2WI"]


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC", "ND"], "DiffusionBValue": 500.0},
        {"SeriesDescription": "ep2d_diff_ADC", "DiffusionBValue": 500.0},
        {"ImageType": ["DERIVED", "SECONDARY", "OTHER"], "SeriesDescription": "T2 sub"},
    ],
)
def test_derived_series_are_not_written(synthetic, imported, tmp_path, tags):
    synthetic.write(tmp_path / "in", synthetic.Scan({**synthetic.DWI, **tags}, number=8))
    outcome = imported(tmp_path / "in")
    assert [item.decision.status for item in outcome.plans[0].items] == ["left out"]
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def dynamic_tags(kind, number):
    match kind:
        case "TemporalPositionIdentifier":
            return {kind: number + 1, "AcquisitionTime": "103000"}
        case "TriggerTime":
            return {kind: 60_000.0 * number, "AcquisitionTime": "103000"}
        case _:
            return {kind: f"10{30 + number}00.00"}


@pytest.mark.parametrize("kind", ["TemporalPositionIdentifier", "TriggerTime", "AcquisitionTime", "ContentTime"])
@pytest.mark.parametrize("one_series", [True, False])
def test_phases_by_each_tag_in_one_series_or_in_several(synthetic, imported, roles, tmp_path, kind, one_series):
    volumes = [synthetic.Volume(1000 * (n + 1), dynamic_tags(kind, n)) for n in range(4)]
    scan = synthetic.dynamic()
    if one_series:
        scans = [replace(scan, volumes=tuple(volumes))]
    else:  # series numbers against the order of time: only time counts
        scans = [replace(scan, volumes=(v,), number=20 - n, uid=f"s{n}") for n, v in enumerate(volumes)]
    synthetic.write(tmp_path / "in", *scans)
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3", "DCE4"]
    check_values(outcome, tmp_path / "out", {f"DCE{n}": 1000 * n for n in range(1, 5)})


def test_phases_of_which_every_slice_has_its_own_time(synthetic, imported, roles, tmp_path):
    scan = synthetic.dynamic()
    folder = tmp_path / "in"
    folder.mkdir()
    for phase in range(3):
        for number in range(scan.slices):
            slice_time = 80 * phase + (7 * number % scan.slices) * 12
            volume = synthetic.Volume(1000 * (phase + 1), {"AcquisitionTime": synthetic.time_of(slice_time)})
            synthetic.instance(scan, volume, number).save_as(folder / f"{phase}-{number}.dcm")
    outcome = imported(folder)
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3"]
    check_values(outcome, tmp_path / "out", {f"DCE{n}": 1000 * n for n in range(1, 4)})


def contrary(synthetic):
    return tuple(
        synthetic.Volume(1000 * (n + 1), {"TemporalPositionIdentifier": n + 1, "AcquisitionTime": f"10{40 - n}00"})
        for n in range(3)
    )


def test_tags_that_disagree_on_the_order_send_the_scan_to_review(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(volumes=contrary(synthetic)))
    (plan,) = imported(tmp_path / "in").plans
    assert [item.decision.status for item in plan.items] == ["review"] * 3
    assert "disagree on the order" in plan.items[0].decision.reason


def test_phases_of_the_other_breast_are_not_mixed_in(synthetic, imported, tmp_path):
    scan = synthetic.dynamic(2)
    left, right = (replace(scan, tags={**scan.tags, "Laterality": side}) for side in "LR")
    late = replace(right, volumes=tuple(replace(v, tags={"AcquisitionTime": f"11{n}000"})
                                        for n, v in enumerate(scan.volumes)), number=8, uid="right")  # fmt: skip
    synthetic.write(tmp_path / "in", left, late)
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "2 sets of volumes" in plan.items[0].decision.reason


def test_a_phase_before_contrast_with_another_protocol_is_not_forgotten(synthetic, imported, tmp_path):
    scan = synthetic.dynamic(3)
    before = replace(scan, tags={**scan.tags, "SeriesDescription": "t1_fl3d pre", "FlipAngle": 15}, number=6,
                     volumes=(synthetic.Volume(1, {"AcquisitionTime": "102000"}),))  # fmt: skip
    synthetic.write(tmp_path / "in", before, scan)
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}


def test_series_named_after_contrast_alone_go_to_review(synthetic, imported, tmp_path):
    tags = {**synthetic.GRE, "SeriesDescription": "t1_fl3d_tra POST"}
    scans = [synthetic.Scan(tags, volumes=(v,), number=10 + n) for n, v in enumerate(synthetic.phases(3))]
    synthetic.write(tmp_path / "in", *scans)
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "the phase before contrast" in plan.items[0].decision.reason


def test_enhanced_multi_frame_phases(synthetic, imported, roles, tmp_path):
    scan = synthetic.dynamic(3)
    frames = [(volume, number) for number in range(scan.slices) for volume in scan.volumes]

    def group(item, volume, number):
        phase = scan.volumes.index(volume)
        item.FrameContentSequence = synthetic.item(
            TemporalPositionIndex=phase + 1, FrameAcquisitionDateTime=f"202403051030{10 * phase:02d}.0"
        )

    (tmp_path / "in").mkdir()
    synthetic.enhanced(scan, frames, group).save_as(tmp_path / "in" / "one.dcm")
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3"]
    for n in range(1, 4):
        voxels = Image.read(tmp_path / "out" / outcome.plans[0].name / f"DCE{n}.nii.gz").voxels
        np.testing.assert_array_equal(voxels[0, 0, :], 2 * (1000 * n + np.arange(scan.slices)) - 5)


def test_enhanced_multi_frame_diffusion(synthetic, imported, roles, tmp_path):
    volumes = {0: synthetic.Volume(10), 800: synthetic.Volume(800)}
    scan = synthetic.Scan(synthetic.DWI, number=5)
    frames = [(volume, number) for volume in volumes.values() for number in range(scan.slices)]

    def group(item, volume, number):
        b = next(b for b, other in volumes.items() if other is volume)
        kind = "ISOTROPIC" if b else "NONE"
        item.MRDiffusionSequence = synthetic.item(DiffusionBValue=float(b), DiffusionDirectionality=kind)

    (tmp_path / "in").mkdir()
    synthetic.enhanced(scan, frames, group).save_as(tmp_path / "in" / "one.dcm")
    assert sorted(roles(imported(tmp_path / "in"))) == ["DWI_b0", "DWI_b800"]


def test_a_mosaic_is_refused_by_name(synthetic, imported, tmp_path):
    tags = {**synthetic.DWI, "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE", "MOSAIC"]}
    synthetic.write(tmp_path / "in", synthetic.Scan(tags, slices=3))
    outcome = imported(tmp_path / "in")
    assert "Siemens MOSAIC" in outcome.failures[0]
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION", "VFRAME"], "Manufacturer": "UIH"},
        {
            "Manufacturer": "United Imaging Healthcare",
            (0x00650010, "LO"): "Image Private Header",
            (0x00651050, "DS"): "27",
        },
    ],
)
def test_a_grid_of_united_imaging_is_refused_by_its_name(synthetic, imported, tmp_path, tags):
    synthetic.write(tmp_path / "in", synthetic.Scan({**synthetic.DWI, **tags}, slices=1))
    outcome = imported(tmp_path / "in")
    assert "United Imaging GRID" in outcome.failures[0]
    assert not list((tmp_path / "out").rglob("*.nii.gz"))
