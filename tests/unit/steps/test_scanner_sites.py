"""A study whose sites are the scanners that its import recorded: the same models as with a column of these names."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from radstudy import study
from radstudy.differences import compare_runs
from radstudy.errors import CohortError
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import read_facts
from radstudy.report.text.cohort import COHORT
from radstudy.report.text.sentence import said

STUDY = """
study: scanners
cohort:
  patient: id
  site: {scanner: [manufacturer, field_strength_t]}
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a]
sequences: [T2]
extract:
  spacing_mm: null
  images: {original: true, log_sigma_mm: [], wavelet: null}
  features: {firstorder: [Mean, Variance, Skewness, Minimum]}
agree: {icc: null}
model:
  select: [{harmonise: {method: combat, reference: SIEMENS 3 T}}, {impute: median}, {standardise: zscore}]
  models: {T2: [T2]}
evaluate: {chance: null, resampling: null, baselines: null}
"""


def write_sidecar(folder, patient, maker, strength):
    tags = {"Manufacturer": maker, "MagneticFieldStrength_T": strength}
    (folder / f"{patient}.json").write_text(json.dumps({"made_by": "radstudy import 1", "tags": tags}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty-four patients, a half on each of two scanners, whose values differ."""
    folder, rows = tmp_path_factory.mktemp("scanners"), []
    for number in range(24):
        scanner, outcome = number % 2, number // 2 % 2
        rng = np.random.default_rng(number)
        mask = np.zeros((8, 8, 6), dtype=np.uint8)
        mask[2:6, 2:6, 1:5] = 1
        voxels = rng.normal(100 + 60 * scanner + 8 * outcome, 10 + 5 * scanner, mask.shape)
        write_raster(folder / f"P{number:02d}.nii.gz", voxels.astype(np.int16), np.eye(4))
        write_raster(folder / f"P{number:02d}_a.nii.gz", mask, np.eye(4))
        write_sidecar(folder, f"P{number:02d}", ("SIEMENS", "GE")[scanner], (2.8936, 1.494)[scanner])
        rows.append(
            (f"P{number:02d}", outcome, "training" if number < 16 else "testing", ("SIEMENS 3 T", "GE 1.5 T")[scanner])
        )
    pd.DataFrame(rows, columns=["id", "y", "set", "scanner"]).to_csv(folder / "cohort.csv", index=False)
    return folder


def run(folder, out, text=STUDY, until="model"):
    lines = []
    study.run(parse_protocol(text), data=folder, out=out, until=until, jobs=1, say=lines.append)
    return [line for line in lines if line.endswith("already done")]


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "scanner"
    run(folder, out)
    return out


def models(out):
    return json.loads((out / "model" / "models.json").read_text()), pd.read_csv(out / "model" / "predictions.csv")


def test_scanners_are_the_sites_as_if_a_column_named_them(folder, finished, tmp_path):
    rows = pd.read_csv(finished / "cohort" / "rows.csv")
    assert rows["scan_site"].tolist() == ["SIEMENS 3 T", "GE 1.5 T"] * 12
    column = STUDY.replace("{scanner: [manufacturer, field_strength_t]}", "scanner")
    run(folder, tmp_path / "column", column)
    (ours, predicted), (theirs, same) = models(finished), models(tmp_path / "column")
    assert ours == theirs and ours["T2"]["fitted"]
    pd.testing.assert_frame_equal(predicted, same)


def test_the_report_counts_them(finished):
    text = said(read_facts(parse_protocol(STUDY), finished), COHORT)
    assert "Sites were scanners by manufacturer and field strength, as the images' headers name them: GE 1.5 T" in text


def test_a_changed_sidecar_is_another_site_and_its_steps_run_again(folder, finished, tmp_path):
    shutil.copytree(folder, tmp_path / "data")
    shutil.copytree(finished, tmp_path / "run")
    run(tmp_path / "data", tmp_path / "run")
    write_sidecar(tmp_path / "data", "P00", "siemens", 3)  # the same scanner
    assert len(run(tmp_path / "data", tmp_path / "run")) == 5
    write_sidecar(tmp_path / "data", "P00", "GE", 1.5)
    assert run(tmp_path / "data", tmp_path / "run")[2:] == ["agree: already done"]  # the model is not
    rows = pd.read_csv(tmp_path / "run" / "cohort" / "rows.csv")
    assert rows["scan_site"].tolist()[:2] == ["GE 1.5 T"] * 2
    assert not models(tmp_path / "run")[1].equals(models(finished)[1])
    difference = compare_runs(finished, tmp_path / "run")
    assert [change.changed for change in difference.inputs] == [("sites",)]
    assert difference.rows.variables == {"scan_site": 1}
    (tmp_path / "data" / "P00.json").unlink()
    with pytest.raises(CohortError, match=r"Patient P00, T2, file .*P00\.json: .*does not exist"):
        run(tmp_path / "data", tmp_path / "run")
