"""Images that are not magnitudes, subtractions in any language, and pixels outside the image."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from radstudy import Volume
from radstudy.store import read_json

PADDING, LIMIT = (0x00280120, "SS"), (0x00280121, "SS")
COMPONENTS = {
    "Siemens phase": {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]},
    "Siemens real part": {"ImageType": ["ORIGINAL", "PRIMARY", "R", "ND"]},
    "Siemens imaginary part": {"ImageType": ["ORIGINAL", "PRIMARY", "I", "ND"]},
    "Philips phase": {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"], "Manufacturer": "Philips"},
    "Philips real part": {"ImageType": ["ORIGINAL", "PRIMARY", "R_SE", "R", "SE"], "Manufacturer": "Philips"},
    "PHASE in words": {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE"]},
    "the standard's tag": {"ComplexImageComponent": "PHASE"},
    "GE phase": {"Manufacturer": "GE MEDICAL SYSTEMS", (0x0043102F, "SS"): 1, "ImageType": ["ORIGINAL", "PRIMARY",
                                                                                           "OTHER"]},
    "GE real part": {"Manufacturer": "GE MEDICAL SYSTEMS", (0x0043102F, "SS"): 2},
}  # fmt: skip


@pytest.mark.parametrize("which", COMPONENTS)
def test_a_phase_or_real_part_alone_goes_to_review(synthetic, imported, tmp_path, which):
    synthetic.write(tmp_path / "in", synthetic.t2(tags={**synthetic.T2, **COMPONENTS[which]}))
    (plan,) = imported(tmp_path / "in").plans
    (item,) = plan.items
    assert item.decision.status == "review"
    assert "not a magnitude" in item.decision.reason


def test_a_phase_image_beside_its_magnitude_costs_that_no_role(synthetic, imported, roles, tmp_path):
    phase = {**synthetic.T2, **COMPONENTS["Siemens phase"]}
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(tags=phase, number=4, uid="phase"))
    assert sorted(roles(imported(tmp_path / "in"))) == ["T2WI", "review 4"]


@pytest.mark.parametrize("which", ["GE phase", "GE real part"])
def test_a_ge_series_that_holds_both_parts_gives_the_magnitude(synthetic, imported, roles, tmp_path, which):
    other = COMPONENTS[which]
    magnitude = {**other, (0x0043102F, "SS"): 0}
    volumes = (synthetic.Volume(100, magnitude), synthetic.Volume(900, other))
    synthetic.write(tmp_path / "in", synthetic.t2(volumes=volumes))
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["T2WI", "review 3"]
    assert Volume.read(tmp_path / "out" / outcome.plans[0].name / "T2WI.nii.gz").voxels[0, 0, 0] == 100


def padded(scan, folder, synthetic, value, first=None, last=None):
    """The corner of each slice is outside the image: it holds the padding value."""
    for file in synthetic.write(folder, scan):
        dataset = synthetic.read(file)
        pixels = dataset.pixel_array.copy()
        pixels[:3, :3] = value
        dataset.PixelData = pixels.tobytes()
        synthetic.put(dataset, {PADDING: first or value})
        synthetic.put(dataset, {LIMIT: last} if last is not None else {})
        dataset.save_as(file)


@pytest.mark.parametrize(
    ("value", "slope", "tags"),
    [
        (-32768, None, {}),
        (32767, None, {}),
        (-2000, 2.0, {}),
        (-2000, 2.0, {"first": -1990, "last": -2010}),
    ],
)
def test_pixels_outside_the_image_are_background(synthetic, imported, tmp_path, value, slope, tags):
    rescale = {} if slope is None else {"RescaleSlope": slope, "RescaleIntercept": -7}
    scan = synthetic.t2(tags={**synthetic.T2, **rescale})
    padded(scan, tmp_path / "in", synthetic, value, **tags)
    outcome = imported(tmp_path / "in")
    folder = tmp_path / "out" / outcome.plans[0].name
    voxels = Volume.read(folder / "T2WI.nii.gz").voxels
    expected = np.stack([scan.pixels(scan.volumes[0], k).T for k in range(scan.slices)], axis=2).astype(float)
    expected = expected if slope is None else expected * slope - 7
    expected[:3, :3] = 0
    np.testing.assert_array_equal(voxels, expected)
    assert read_json(folder / "T2WI.json")["padding"]["voxels_set_to_0"] == 9 * scan.slices
    assert "padding value" in (tmp_path / "out" / "series.csv").read_text("utf-8")


def test_a_padding_value_written_with_a_sign_marks_unsigned_pixels(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    for file in synthetic.write(tmp_path / "in", scan):
        dataset = synthetic.read(file)
        pixels = dataset.pixel_array.astype(np.uint16)
        pixels[:3, :3] = 2**16 - 2000
        dataset.PixelData, dataset.PixelRepresentation = pixels.tobytes(), 0
        dataset.add_new("PixelPaddingValue", "SS", -2000)
        dataset.save_as(file)
    outcome = imported(tmp_path / "in")
    voxels = Volume.read(tmp_path / "out" / outcome.plans[0].name / "T2WI.nii.gz").voxels
    assert not voxels[:3, :3].any() and voxels[3:, 3:].all()


NAMES = [
    "Subtraktion", "T1 dyn Subtr. 2-1", "Differenzbild", "soustraction", "SOUSTR_3", "sottrazione", "Sottr 1",
    "sustracción", "SUSTRACCION", "substracción", "subtração", "resta 2", "减影", "T1 减影 3", "減影", "10-7SUB",
    unicodedata.normalize("NFD", "différence"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_subtraction_is_known_by_its_name_in_the_users_languages(synthetic, imported, roles, tmp_path, name):
    scan = synthetic.dynamic(3)
    later = synthetic.Volume(50, {"AcquisitionTime": synthetic.time_of(500)})
    sub = replace(scan, tags={**scan.tags, "SeriesDescription": name}, volumes=(later,), number=9, uid="sub")
    synthetic.write(tmp_path / "in", scan, sub)
    found = roles(imported(tmp_path / "in"))
    assert sorted(found) == ["DCE1", "DCE2", "DCE3", "left out 9"]
    assert found["left out 9"].decision.kind == "subtraction"


def breast(rng, enhancement, slices=6, size=(48, 40)):
    """(slices, rows, columns) of air with noise, tissue and a lesion that enhances."""
    tissue = np.zeros(size)
    tissue[12:40, 8:32] = 300
    tissue[20:26, 14:20] += enhancement
    noise = rng.normal(0, 12, (2, slices, *size))
    return np.hypot(tissue + noise[0], noise[1])


def write_phases(synthetic, folder, images):
    scan = synthetic.dynamic(len(images), size=images[0].shape[1:], slices=len(images[0]))
    for number, (volume, image) in enumerate(zip(scan.volumes, images, strict=True)):
        one = replace(scan, volumes=(volume,), number=20 + number, uid=f"s{number}")
        for file, slice_ in zip(synthetic.write(folder, one), image, strict=True):
            dataset = synthetic.read(file)
            dataset.PixelData = np.rint(slice_).astype(np.int16).tobytes()
            dataset.save_as(file)


@pytest.mark.parametrize("kind", ["signed", "cut at zero"])
def test_a_subtraction_that_no_name_gives_away_is_known_by_its_pixels(synthetic, imported, tmp_path, kind):
    rng = np.random.default_rng(7)
    phases = [breast(rng, enhancement) for enhancement in (0, 150, 250, 240)]
    differences = [phases[2] - phases[0], phases[3] - phases[0]]
    differences = [np.clip(d, 0, None) for d in differences] if kind == "cut at zero" else differences
    write_phases(synthetic, tmp_path / "in", [*phases, *differences])
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "DCE5, DCE6 (series 24, 25) may be subtractions" in plan.items[0].decision.reason


def test_phases_alone_are_not_taken_for_subtractions(synthetic, imported, roles, tmp_path):
    rng = np.random.default_rng(7)
    images = [breast(rng, enhancement) for enhancement in (0, 150, 250, 240)]
    write_phases(synthetic, tmp_path / "in", images)
    assert sorted(roles(imported(tmp_path / "in"))) == ["DCE1", "DCE2", "DCE3", "DCE4"]
