"""A small study with images on two sequences, up to its signatures."""

import numpy as np
import pytest

from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.signature.document import read_signature
from radstudy.study import run

STUDY = """
study: small
seed: 2
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a]
  clinical: {age: {unit: years}, margin: {levels: [smooth, rough]}, height: {model: false}}
sequences: [T2, DWI, DCE]
prepare: []
extract:
  spacing_mm: null
  images: {original: true, log_sigma_mm: [], wavelet: null}
  features: {firstorder: [Mean, Median, Variance]}
agree: {icc: null}
model:
  select: [{standardise: zscore}, {boosted_trees: {keep: 1, trees: 5}}]
  models:
    clinical: {clinical: {univariate_below: 1}}
    T2: [T2]
    DWI: [DWI]
    both: {add: [T2, DWI, clinical]}
evaluate: {chance: null, resampling: null, baselines: null}
"""
GRIDS = {
    "T2": ((24, 22, 10), (1.0, 1.0, 3.0)),
    "DWI": ((16, 15, 10), (1.5, 1.5, 3.0)),
    "DCE": ((24, 22, 10), (1.0, 1.0, 3.0)),
}
PATIENTS = 24


def write_patient(folder, number):
    """Images with a bright ball where the patient's lesion is, drawn on each; the positives' lesions are brighter."""
    rng = np.random.default_rng(number)
    corner = np.array([40.0 * (number % 5), -30.0 * (number % 3), 10.0 * number])  # where the scanner has put it
    centre, radius = np.array([11.0, 10.0, 14.0]), 5.0 + 0.1 * (number % 7)
    level = {"T2": 300, "DWI": 900, "DCE": 500}
    for name, (shape, spacing) in GRIDS.items():
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = corner
        points = np.moveaxis(np.indices(shape), 0, -1) * np.array(spacing)
        inside = np.linalg.norm(points - centre, axis=-1) < radius
        bright = level[name] * (1 + 0.3 * (number % 2) + 0.1 * rng.normal())
        voxels = np.where(inside, bright, level[name] / 3) + rng.normal(0, 0.05 * level[name], shape)
        write_raster(folder / f"{name}.nii.gz", voxels.astype(np.float32), affine)
        write_raster(folder / f"{name}_a.nii.gz", inside.astype(np.uint8), affine)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The folder of the study; its run is in run/."""
    folder = tmp_path_factory.mktemp("small")
    rows = ["id,y,set,age,margin,height"]
    for number in range(PATIENTS):
        (folder / f"p{number}").mkdir()
        write_patient(folder / f"p{number}", number)
        age, margin = 40 + (7 * number) % 30, ("smooth", "rough")[(number // 2 + number) % 2]
        rows.append(f"p{number},{number % 2},{'test' if number % 8 > 5 else 'train'},{age},{margin},170")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    run(parse_protocol(STUDY), data=folder, out=folder / "run", until="model", jobs=1)
    return folder


@pytest.fixture(scope="session")
def signature(small):
    """Of the model that needs T2, DWI and clinical variables."""
    return read_signature(small / "run" / "signature.json")


@pytest.fixture
def patient(small):
    """Number of a patient to the arguments of `predict_patient`."""

    def arguments(number, **changed):
        place = small / f"p{number}"
        given = {
            "images": {name: place / f"{name}.nii.gz" for name in ("T2", "DWI")},
            "masks": {name: place / f"{name}_a.nii.gz" for name in ("T2", "DWI")},
            "clinical": {"age": str(40 + (7 * number) % 30), "margin": "smooth"},
        }
        return {**given, **changed}

    return arguments
