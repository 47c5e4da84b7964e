"""A small study whose table says much that no reader may learn."""

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from unit.app.reading.recorded import room  # noqa: F401  # the fixture of the record's tests

STUDY = """study: test
seed: 5
cohort:
  patient: id
  lesion: lesion
  side: side
  exclude: out
  visible: seen
  outcome: {column: fish, positive: "1"}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [anna, ben]
  clinical:
    age: {}
    width_cm: {table: imaging, unit: cm, label: Width}
    margin: {levels: [smooth, rough], table: imaging}
    tic_type: {levels: [I, II, III], table: imaging}
sequences: [T2WI, DCE2]
model: {select: [{impute: median}], models: {T2WI: [T2WI]}}
reading:
  characteristics: {arbiter: cleo, differs_above: {width_cm: 0.5}, definitions: {margin: its outline}}
"""
ROWS = [
    ("P2", "1", "left", "", "T2WI", "1", "training", "50"),
    ("P1", "1", "right", "bad images", "", "", "", "61"),
    ("P1", "2", "left", "", "", "0", "testing", "61"),
    ("P3", "1", "", "", "", "0", "training", "40"),
]


@pytest.fixture
def protocol():
    return parse_protocol(STUDY)


def write_table(folder, rows=ROWS):
    names = ["id", "lesion", "side", "out", "seen", "fish", "set", "age"]
    frame = pd.DataFrame(rows, columns=names).assign(width_cm="1", margin="smooth", tic_type="II")
    frame.to_csv(folder / "cohort.csv", index=False)


@pytest.fixture
def folder(tmp_path):
    write_table(tmp_path)
    for patient, names in {"P1": ("T2WI", "DCE1", "DCE2", "DCE10"), "P2": ("DCE2",)}.items():
        for name in names:
            file = tmp_path / "images" / patient / f"{name}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"not opened")
    (tmp_path / "images/P1/DCE10.json").write_text('{"seconds_since_first_phase": 540.5}')
    (tmp_path / "images/P1/DCE1.json").write_text("{}")
    return tmp_path


@pytest.fixture
def rng():
    return np.random.default_rng(0)
