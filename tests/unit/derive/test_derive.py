"""`radstudy derive` on a small cohort: maps, figures, failures, what is not made twice, a study that uses them."""

import errno
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from radstudy.derive import patient as derive_patient
from radstudy.derive.run import derive
from radstudy.errors import CohortError, StudyFileError
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.study import run

DCE, DWI = np.diag([0.8, 0.8, 1.6, 1]), np.diag([1.8, 1.8, 4, 1])
RECIPE = """
patient: id
lesion: lesion
mask: mask
label: lesion
adc:
  images: {0: "{patient}/b0.nii.gz", 400: "{patient}/b400.nii.gz", 800: b800}
  noise_floor: 5
dce:
  phases: ["{patient}/DCE1.nii.gz", "{patient}/DCE2.nii.gz", "{patient}/DCE3.nii.gz"]
  times_s: [0, 90, late_s]
  least_signal: 20
  maps: [early, wash_out, ser]
  motion: MOTION
"""


def write_patient(folder, name, lesions):
    """Lesions are (rise at 90 s, rise at the end), boxes one beside the other; outside is quiet tissue, and air."""
    folder.mkdir()
    rng = np.random.default_rng(len(name) + len(lesions))
    shape = (36, 30, 16)
    base = (150 + 400 * (ndimage.gaussian_filter(rng.random(shape), 2) - 0.5)).astype(np.float32)
    base[:, :4] = 3
    phases, rois = [base.copy() for _ in range(3)], []
    for number, rises in enumerate(lesions):
        mask = np.zeros(shape, bool)
        mask[6 + 14 * number : 16 + 14 * number, 10:22, 4:11] = True
        rois.append(Roi(mask, DCE, f"lesion{number + 1}"))
        for phase, rise in zip(phases[1:], rises, strict=True):
            phase[mask] *= 1 + rise * (1 + 0.2 * rng.uniform(-1, 1, mask.sum()))
    for number, phase in enumerate(phases, 1):
        Volume(phase, DCE).write(folder / f"DCE{number}.nii.gz")
    for b in (0, 400, 800):
        Volume(np.full((16, 14, 8), 900 * np.exp(-b * 1.1e-3), np.float32), DWI).write(folder / f"b{b}.nii.gz")
    write_rois(folder / "mask.seg.nrrd", rois)


def phase_of(folder, name, number):
    return Volume.read(folder / name / f"DCE{number}.nii.gz").voxels


@pytest.fixture
def cohort(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_patient(folder / "A", "A", [(0.8, 1.2), (1.2, 0.7)])
    write_patient(folder / "B", "B", [(1.0, 1.05)])
    write_patient(folder / "C", "C", [(0.02, 0.03)])
    rows = [("A", "1"), ("A", "2"), ("B", "1"), ("C", "1")]
    table = pd.DataFrame(rows, columns=["id", "lesion"])
    table["mask"], table["b800"] = [[f"{name}/{file}" for name, _ in rows] for file in ("mask.seg.nrrd", "b800.nii.gz")]
    table["late_s"], table["grade"] = "400", ["2", "3", "1", "2"]
    table.to_csv(folder / "cohort.csv", index=False)
    (folder / "derive.yaml").write_text(RECIPE.replace("MOTION", "false"), encoding="utf-8")
    return folder


def derived(folder, out, **settings):
    said = []
    file, lost = derive(folder / "cohort.csv", folder / "derive.yaml", out, jobs=1, say=said.append, **settings)
    return pd.read_csv(file, dtype=str, keep_default_na=False), lost, said


def test_maps_figures_and_histories_of_a_cohort(cohort, tmp_path):
    out = tmp_path / "out"
    table, lost, _ = derived(cohort, out)
    assert lost == 0 and set(table["derive_failed"]) == {""}
    assert table["curve_type"].tolist() == ["I", "III", "II", "none"]
    assert table["initial_rise"].tolist()[:2] == ["medium", "fast"] and table["initial_rise"][3] == "slow"
    assert table["grade"].tolist() == ["2", "3", "1", "2"]
    diameter = np.linalg.norm(np.array([10, 12, 7]) * [0.8, 0.8, 1.6])
    assert (table["diameter_mm"].astype(float) - diameter).abs().max() < 1.0
    adc = Volume.read(out / table["ADC"][0])
    np.testing.assert_allclose(adc.voxels, 1100, rtol=1e-4)
    early = Volume.read(out / table["DCE_early"][2])
    inside = Roi.read(out / table["mask"][2]).mask
    percent = 100 * (phase_of(cohort, "B", 2) / phase_of(cohort, "B", 1) - 1)
    np.testing.assert_allclose(early.voxels[inside], percent[inside], rtol=1e-4)
    assert early.voxels[inside].mean() == pytest.approx(100, abs=3)
    assert (early.voxels[:, :4] == 0).all()
    beside = json.loads((out / "B" / "DCE_early.json").read_text(encoding="utf-8"))
    assert beside["unit"] == "%" and beside["voxels_without_a_value"] == 36 * 4 * 16
    assert "injection at 0 s" in beside["history"][0] and len(beside["made_of"]) == 3


def test_one_bad_case_costs_nothing_else_and_is_named(cohort, tmp_path):
    (cohort / "B" / "DCE2.nii.gz").unlink()
    (cohort / "C" / "b400.nii.gz").write_bytes(b"no image")
    table, lost, said = derived(cohort, tmp_path / "out")
    assert lost == 2
    assert table["curve_type"].tolist() == ["I", "III", "", "none"]
    assert table["ADC"].tolist() == ["A/ADC.nii.gz", "A/ADC.nii.gz", "B/ADC.nii.gz", ""]
    assert table["diameter_mm"][2] != ""
    assert any("Patient B" in line and "DCE2.nii.gz" in line and "does not exist" in line for line in said)
    failures = pd.read_csv(tmp_path / "out" / "derive_failures.csv", dtype=str)
    assert failures["patient"].tolist() == ["B", "C"]


def test_a_second_run_makes_only_what_has_changed(cohort, tmp_path, monkeypatch):
    made = []
    real = derive_patient.adc_map
    monkeypatch.setattr(derive_patient, "adc_map", lambda *a, **k: made.append(1) or real(*a, **k))
    first, _, _ = derived(cohort, tmp_path / "out")
    again, _, _ = derived(cohort, tmp_path / "out")
    assert len(made) == 3
    pd.testing.assert_frame_equal(first, again)
    Volume(np.full((16, 14, 8), 100, np.float32), DWI).write(cohort / "B" / "b0.nii.gz")
    (tmp_path / "out" / "C" / "ADC.nii.gz").unlink()
    derived(cohort, tmp_path / "out")
    assert len(made) == 5


def test_times_beside_the_images_and_motion(cohort, tmp_path):
    text = RECIPE.replace("MOTION", "true").replace("times_s: [0, 90, late_s]", "times_s: sidecar")
    (cohort / "derive.yaml").write_text(text, encoding="utf-8")
    for number, seconds in ((1, 0.0), (2, 90.0), (3, 400.0)):
        (cohort / "B" / f"DCE{number}.json").write_text(json.dumps({"seconds_since_first_phase": seconds}))
    table = pd.read_csv(cohort / "cohort.csv", dtype=str).iloc[2:3]
    table.to_csv(cohort / "cohort.csv", index=False)
    found, lost, _ = derived(cohort, tmp_path / "out")
    assert lost == 0
    assert found["curve_times_s"][0] == "0; 90; 400"
    assert float(found["motion_mm"][0]) < 0.3
    (cohort / "B" / "DCE3.json").unlink()
    _, lost, said = derived(cohort, tmp_path / "out")
    assert lost == 1 and any("the phase's time is not known" in line for line in said)


def test_rows_of_one_patient_with_different_images_are_refused(cohort, tmp_path):
    table = pd.read_csv(cohort / "cohort.csv", dtype=str)
    table.loc[1, "b800"] = "B/b800.nii.gz"
    table.to_csv(cohort / "cohort.csv", index=False)
    _, lost, said = derived(cohort, tmp_path / "out")
    assert lost == 2 and any("Patient A: the patient's rows name different images for 'b800'" in line for line in said)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("noise_floor", "noise_flor"), r"line 8.*no setting 'noise_flor' here; did you mean 'noise_floor'"),
        (("[0, 90, late_s]", "[0, 90]"), "one time for each phase"),
        (("maps: [early,", "maps: [earl,"), "earl"),
        (("b800}", "'{patient:d}.nii'}"), "not a plain name"),
    ],
)
def test_mistakes_in_the_recipe_have_a_line(cohort, tmp_path, change, says):
    (cohort / "derive.yaml").write_text(RECIPE.replace("MOTION", "false").replace(*change), encoding="utf-8")
    with pytest.raises(StudyFileError, match=says):
        derived(cohort, tmp_path / "out")


def test_columns_that_are_missing_are_listed(cohort, tmp_path):
    (cohort / "derive.yaml").write_text(RECIPE.replace("MOTION", "false").replace("b800}", "b900}"), encoding="utf-8")
    with pytest.raises(CohortError, match="the recipe names the column 'b900'"):
        derived(cohort, tmp_path / "out")


def test_nothing_of_the_users_own_is_written_over(cohort):
    before = (cohort / "B" / "DCE1.nii.gz").read_bytes()
    recipe = RECIPE.replace("MOTION", "false").replace("  noise_floor: 5", "  name: DCE1")
    (cohort / "derive.yaml").write_text(recipe, encoding="utf-8")
    table, lost, said = derived(cohort, cohort)
    assert lost == 4 and any(
        "Patient B, file" in line and "DCE1.nii.gz: a file with the map's name" in line for line in said
    )
    assert (cohort / "B" / "DCE1.nii.gz").read_bytes() == before
    assert table["DCE_ser"][2] == "B/DCE_ser.nii.gz"
    table = pd.read_csv(cohort / "cohort.csv", dtype=str).assign(curve_type="II")
    table.to_csv(cohort / "cohort.csv", index=False)
    with pytest.raises(CohortError, match="'curve_type' already exists"):
        derived(cohort, cohort)


def test_a_table_that_derive_has_written_can_be_derived_from_again(cohort, tmp_path):
    first, _, _ = derived(cohort, tmp_path / "out")
    earlier, again = tmp_path / "out", tmp_path / "again"
    file, lost = derive(earlier / "cohort.csv", cohort / "derive.yaml", again, data=earlier, jobs=1)
    assert lost == 4  # the images lie beside the first table, not beside the second
    second = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert second["diameter_mm"].tolist() == first["diameter_mm"].tolist()
    assert list(second.columns).count("derive_failed") == 1


STUDY = """
study: functional maps as sequences
cohort:
  table: cohort_derived.csv
  patient: id
  lesion: lesion
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{mask}"
  readers: [a]
  label: lesion
  clinical:
    curve_type: {levels: [none, I, II, III], table: imaging}
    diameter_mm: {unit: mm, table: imaging}
    late_change_percent: {unit: "%", table: imaging, model: false}
sequences: [DCE2, DCE_early, DCE_ser]
prepare: []
extract: {spacing_mm: null, bin_width: null, bin_count: 16, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {DCE2: [DCE2]}}
"""


def test_a_study_takes_maps_as_sequences_and_figures_as_characteristics(cohort):
    table = pd.read_csv(cohort / "cohort.csv", dtype=str)
    table["y"], table["set"] = ["0", "1", "0", "1"], ["training", "training", "testing", "testing"]
    table.to_csv(cohort / "cohort.csv", index=False)
    derived(cohort, cohort)  # beside the images
    assert run(parse_protocol(STUDY), data=cohort, out=cohort / "run", until="extract", jobs=1) == 0
    features = pd.read_parquet(cohort / "run" / "extract" / "features.parquet").reset_index()
    assert features.groupby("sequence").size().to_dict() == {"DCE2": 4, "DCE_early": 4, "DCE_ser": 4}
    early = features[features["sequence"] == "DCE_early"].set_index(["patient", "lesion"])
    assert early.loc[("A", "2"), "original_firstorder_Mean"] == pytest.approx(120, abs=3)
    rows = pd.read_csv(cohort / "run" / "cohort" / "rows.csv")
    assert rows["curve_type"].tolist() == ["I", "III", "II", "none"]


@pytest.mark.parametrize("how", [lambda raw: raw[: len(raw) // 2], lambda raw: bytes(len(raw)), lambda raw: b""])
@pytest.mark.parametrize("name", ["derived.json", "ADC.nii.gz"])
def test_a_damaged_record_or_map_is_made_again(cohort, tmp_path, name, how):
    out = tmp_path / "out"
    first, _, _ = derived(cohort, out)
    adc = Volume.read(out / "B" / "ADC.nii.gz").voxels
    (out / "B" / name).write_bytes(how((out / "B" / name).read_bytes()))
    again, lost, _ = derived(cohort, out)
    assert lost == 0
    pd.testing.assert_frame_equal(first, again)
    np.testing.assert_array_equal(Volume.read(out / "B" / "ADC.nii.gz").voxels, adc)


def test_a_map_that_somebody_has_changed_is_left_and_named_until_it_is_moved_away(cohort, tmp_path):
    out = tmp_path / "out"
    derived(cohort, out)
    adc = Volume.read(out / "B" / "ADC.nii.gz").voxels
    mine = adc + 1
    Volume(mine, DWI).write(out / "B" / "ADC.nii.gz")
    (out / "B" / "DCE_early.nii.gz").unlink()
    table, lost, said = derived(cohort, out)
    assert lost == 1 and table["ADC"][2] == "" and table["DCE_early"][2] != ""
    assert any("was changed after `radstudy derive` wrote it" in line for line in said)
    np.testing.assert_array_equal(Volume.read(out / "B" / "ADC.nii.gz").voxels, mine)
    (out / "B" / "ADC.nii.gz").unlink()
    table, lost, _ = derived(cohort, out)
    assert lost == 0 and table["ADC"][2] == "B/ADC.nii.gz"
    np.testing.assert_array_equal(Volume.read(out / "B" / "ADC.nii.gz").voxels, adc)


def test_an_image_that_cannot_be_read_for_a_moment_is_tried_again(cohort, tmp_path, monkeypatch):
    out, real_read, real_open, inside = tmp_path / "out", Volume.read.__func__, Path.open, []

    def read(cls, path):
        inside.append(path)
        try:
            return real_read(cls, path)
        finally:
            inside.pop()

    def opened(self, *rest, **more):
        if inside and self.parent.name == "B" and self.name == "b0.nii.gz":
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real_open(self, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        patch.setattr(Path, "open", opened)
        assert derived(cohort, out)[1] == 1
    table, lost, _ = derived(cohort, out)
    assert lost == 0 and table["ADC"][2] == "B/ADC.nii.gz"


def test_a_map_is_of_the_images_that_its_record_is_kept_by(cohort, tmp_path, monkeypatch):
    """b0 of B is another image while it is read, and itself before and after that."""
    out, real, times, file = tmp_path / "out", Volume.read.__func__, [], cohort / "B" / "b0.nii.gz"

    def read(cls, path):
        if Path(path) != file or times:
            return real(cls, path)
        times.append(path)
        own = file.with_name("own")
        file.rename(own)
        Volume(np.full((16, 14, 8), 100, np.float32), DWI).write(file)
        try:
            return real(cls, path)
        finally:
            own.replace(file)

    with monkeypatch.context() as patch:
        patch.setattr(Volume, "read", classmethod(read))
        derived(cohort, out)
    assert times
    derived(cohort, out)
    np.testing.assert_allclose(Volume.read(out / "B" / "ADC.nii.gz").voxels, 1100, rtol=1e-4)
