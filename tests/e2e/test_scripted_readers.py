"""Two scripted readers and an arbiter read a small study over HTTP, and a run says of it what their own record says.

The same on the demo's cohort: tests/long/test_scripted_readers.py. In a browser: test_reading_room.py.
"""

import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from e2e.reading_checks import check_run
from e2e.scripted_readers import PlantedErrors, Record, images_of, read_whole

STUDY = """
study: read by scripts
seed: 4
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [reader1, reader2]
  clinical:
    margin: {levels: [smooth, rough], table: imaging}
    shape: {levels: [round, oval, irregular], table: imaging}
    size: {unit: cm, table: imaging}
sequences: [T2, DWI]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: {above: 0.5}}
model: {select: [{impute: median}, {standardise: zscore}, {boosted_trees: {keep: 2, trees: 5}}],
        models: {T2: [T2], DWI: [DWI]}}
evaluate: {chance: null, resampling: null, baselines: null}
reading:
  image: acquired
  practice: 0
  repeats: {share: 0.3, after_days: 28}
  characteristics: {arbiter: reader3, differs_above: {size: 0.5}}
"""
LEVELS = {"margin": ("smooth", "rough"), "shape": ("round", "oval", "irregular"), "size": None, "likelihood": None}
PATIENTS, SHAPE = 10, (20, 18, 8)


def write_study(folder):
    """A study of small images with a bright lesion in each; true masks and answers."""
    lesions, truth = {}, {}
    for number in range(PATIENTS):
        patient, rng = f"P{number:02d}", np.random.default_rng(number)
        for sequence in ("T2", "DWI"):
            radii = rng.uniform(3, 5), rng.uniform(3, 4.5), rng.uniform(1.5, 2.8)
            away = [(np.arange(size) - size / 2) / radius for size, radius in zip(SHAPE, radii, strict=True)]
            mask = sum(one**2 for one in np.meshgrid(*away, indexing="ij")) < 1
            voxels = (rng.integers(0, 200, SHAPE) + 400 * mask).astype(np.int16)
            turn = np.deg2rad(3 * number)
            affine = np.diag([-1.06, -1.06, 4.0, 1.0])
            affine[:2, :2] = 1.06 * np.array([[-np.cos(turn), np.sin(turn)], [-np.sin(turn), -np.cos(turn)]])
            file = folder / "images" / patient / f"{sequence}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(voxels, affine), file)
            lesions[patient, sequence] = mask
        truth[patient] = {"margin": str(rng.choice(LEVELS["margin"])), "shape": str(rng.choice(LEVELS["shape"])),
                          "size": round(float(rng.uniform(1, 4)), 1)}  # fmt: skip
    table = {"id": list(truth), "y": [number % 2 for number in range(PATIENTS)],
             "set": ["training" if number < 6 else "testing" for number in range(PATIENTS)]}  # fmt: skip
    pd.DataFrame(table).to_csv(folder / "cohort.csv", index=False)
    (folder / "study.yaml").write_text(STUDY)
    return lesions, truth


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The study's folder, the plan, the scripts' record, and what the lead was shown."""
    folder = tmp_path_factory.mktemp("read")
    lesions, truth = write_study(folder)
    plan, record = PlantedErrors(lesions, truth, LEVELS), Record()
    patients = plan.patients
    plan.reopened_masks.add(("reader2", patients[7], "T2"))
    images = images_of(folder / "images", patients, "T2", lambda file: np.asarray(nib.load(file).dataobj))
    reopen = [("reader1", "characteristics", patients[0]), ("reader2", "masks", patients[7])]
    lead = read_whole(folder / "study.yaml", plan, record, images, reopen, readers=plan.readers, arbiter="reader3")
    return folder, plan, record, lead


@pytest.mark.long
def test_the_run_says_of_the_reading_what_the_readers_own_record_says(read):
    folder, plan, record, lead = read
    done = subprocess.run([sys.executable, "-m", "radstudy", "run", folder / "study.yaml", "--out", folder / "out",
                           "--jobs", "1", "--step", "agree"], capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    check_run(folder, folder / "out", plan, record, lead, {"size": 0.5}, report=False)
