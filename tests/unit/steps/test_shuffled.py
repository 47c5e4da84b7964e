"""The features of shuffled lesions: what they keep, what they lose, and when they are made."""

import numpy as np
import pandas as pd
import pytest

from radstudy.features.extract import extract_lesions
from radstudy.formats.raster import write_raster
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.steps.cohort import do_cohort
from radstudy.steps.extract import do_extract, read_features
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run
from radstudy.steps.shuffled import generator, read_shuffled, shuffled
from radstudy.store import read_json

STUDY = """
study: shuffled
seed: 11
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2]
prepare: []
extract:
  spacing_mm: null
  images: {original: true, log_sigma_mm: [], wavelet: null}
  features: {shape: [MeshVolume], firstorder: [Mean, Entropy, Range], glcm: [Contrast]}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
evaluate: {baselines: {shuffled: SHUFFLED}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four patients whose lesions are smooth ramps, read twice."""
    made = tmp_path_factory.mktemp("shuffled")
    rows = []
    for number in range(4):
        mask = np.zeros((16, 14, 10), dtype=np.uint8)
        mask[4:12, 3:11, 2:8] = 1
        ramp = np.add.outer(np.add.outer(10 * np.arange(16), 7 * np.arange(14)), 3 * np.arange(10)) + number
        affine = np.diag([-1.0, -1.0, 1.0, 1.0])
        write_raster(made / f"P{number}.nii.gz", ramp.astype(np.int16), affine)
        for reader in "ab":
            mask[4, 3, 2] = reader == "a"
            write_raster(made / f"P{number}_{reader}.nii.gz", mask, affine)
        rows.append((f"P{number}", number % 2, "training" if number < 2 else "testing"))
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(made / "cohort.csv", index=False)
    return made


def extracted(folder, wanted, out="run"):
    said = []
    protocol = parse_protocol(STUDY.replace("SHUFFLED", "true" if wanted else "false"))
    run = Run(protocol, folder, folder / out, 1, said.append, lambda i, _n, _w: i)
    for step in (do_cohort, do_prepare, do_extract):
        step(run)
    return run, said


def test_the_voxels_inside_are_the_same_ones_in_another_order():
    rng = np.random.default_rng(0)
    voxels, mask = rng.normal(size=(6, 5, 4)), rng.random((6, 5, 4)) < 0.5
    changed = shuffled(voxels, mask, generator(1, "P1", "1", "T2"))
    assert np.array_equal(np.sort(changed[mask]), np.sort(voxels[mask]))
    assert not np.array_equal(changed[mask], voxels[mask])
    assert np.array_equal(changed[~mask], voxels[~mask])
    assert np.array_equal(changed, shuffled(voxels, mask, generator(1, "P1", "1", "T2")))
    for other in (("P2", "1", "T2"), ("P1", "2", "T2"), ("P1", "1", "DWI")):
        assert not np.array_equal(changed, shuffled(voxels, mask, generator(1, *other)))


def test_outline_and_histogram_stay_and_texture_goes(folder):
    run, _ = extracted(folder, wanted=True)
    before, after = read_features(run).of("T2", "a"), read_shuffled(run).of("T2", "a")
    assert list(after.index) == list(before.index)
    assert set(read_shuffled(run).frame.index.get_level_values("reader")) == {"a"}
    same = ["original_shape_MeshVolume", "original_firstorder_Mean", "original_firstorder_Entropy",
            "original_firstorder_Range"]  # fmt: skip
    assert np.allclose(after[same], before[same], rtol=1e-12)
    assert (after["original_glcm_Contrast"] > 3 * before["original_glcm_Contrast"]).all()


def test_the_values_are_those_of_the_shuffled_image(folder):
    run, _ = extracted(folder, wanted=True)
    volume, roi = Volume.read(folder / "P2.nii.gz"), Roi.read(folder / "P2_a.nii.gz", None, reader="a")
    mixed = shuffled(volume.voxels, roi.mask, generator(11, "P2", "1", "T2"))
    settings = read_json(run.path("extract", "summary.json"))["settings"]
    (lesion,) = extract_lesions(Volume(mixed, volume.affine, stored_dtype=np.int16), [roi], settings)
    found = read_shuffled(run).of("T2", "a").loc[("P2", "1")]
    assert found["original_glcm_Contrast"] == pytest.approx(lesion.values["original_glcm_Contrast"], rel=1e-12)


def test_they_are_made_when_asked_for_and_then_once(folder):
    run, said = extracted(folder, wanted=False, out="plain")
    assert not run.path("extract/shuffled").exists()
    _, said = extracted(folder, wanted=True, out="plain")
    assert "extract: already done" in said
    assert any(line.startswith("extract/shuffled: done") for line in said)
    _, said = extracted(folder, wanted=True, out="plain")
    assert "extract/shuffled: already done" in said
