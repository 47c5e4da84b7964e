"""Images are shown as the study's run prepares them, fitted once."""

import stat

import numpy as np
import pandas as pd
import pytest

from radstudy.app.web import preparations as module
from radstudy.app.web.needs import CaseImages, ImageFile
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.app.web.volumes import ServedImages
from radstudy.errors import CaseError
from radstudy.formats.raster import write_raster
from radstudy.imaging.preparation import prepare_volume
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.steps.cohort import do_cohort
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run

STUDY = """
study: prepared images
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_mask.nii.gz"
  readers: [a]
sequences: [T2]
prepare: [{n4: {shrink: 2, iterations: [5]}}, {rescale: {to: [0, 1000]}}]
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


@pytest.fixture
def study(tmp_path):
    """Four patients with one image and one mask each."""
    for number in range(4):
        rng = np.random.default_rng(number)
        mask = np.zeros((20, 18, 12), np.uint8)
        mask[5:12, 4:11, 3:9] = 1
        image = (rng.gamma(4.0, 60.0, mask.shape) * np.linspace(0.7, 1.3, 20)[:, None, None]).astype(np.int16)
        write_raster(tmp_path / f"P{number}.nii.gz", image, np.eye(4))
        write_raster(tmp_path / f"P{number}_mask.nii.gz", mask, np.eye(4))
    sets = ["training", "training", "testing", "testing"]
    table = pd.DataFrame({"id": [f"P{n}" for n in range(4)], "y": [0, 1, 0, 1], "set": sets})
    table.to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def _ran(folder, text=STUDY):
    run = Run(parse_protocol(text), folder, folder / "run", 1, lambda _: None, lambda items, _n, _w: items)
    do_cohort(run)
    do_prepare(run)


def _images(folder, text=STUDY):
    protocol = parse_protocol(text)
    steps = Steps.of_study(protocol, folder / "cache")
    return ServedImages(steps, RunRecords(folder / "run", protocol))


def _expected(folder, name="P0", text=STUDY):
    return prepare_volume(Volume.read(folder / f"{name}.nii.gz"), parse_protocol(text).prepare)[0].voxels


def _case(folder, name="P0"):
    return CaseImages((ImageFile("T2", folder / f"{name}.nii.gz"),))


@pytest.fixture
def no_fit(monkeypatch):
    """Nothing is fitted any more."""

    def refuse(*_args, **_options):
        raise AssertionError("fitted again")

    return lambda: monkeypatch.setattr(module, "prepare_volume", refuse)


def test_an_image_is_prepared_as_the_study_says_and_fitted_once(study, no_fit):
    stored = _images(study).image(_case(study), "T2", "prepared")
    assert stored.dtype == "float32" and np.array_equal(stored.voxels, _expected(study))
    (record,) = (study / "cache").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600 and "P0" not in record.name
    no_fit()
    again = _images(study).image(_case(study), "T2", "prepared")  # of another server
    assert np.array_equal(again.voxels, stored.voxels)


def test_the_record_is_of_the_content_and_not_of_the_name(study, no_fit):
    _images(study).image(_case(study), "T2", "prepared")
    (study / "copy.nii.gz").write_bytes((study / "P0.nii.gz").read_bytes())
    no_fit()
    stored = _images(study).image(_case(study, "copy"), "T2", "prepared")
    assert np.array_equal(stored.voxels, _expected(study))
    with pytest.raises(AssertionError, match="fitted again"):
        _images(study).image(_case(study, "P1"), "T2", "prepared")
    with pytest.raises(AssertionError, match="fitted again"):
        _images(study, STUDY.replace("[5]", "[6]")).image(_case(study), "T2", "prepared")


def test_a_damaged_record_is_made_again(study):
    _images(study).image(_case(study), "T2", "prepared")
    (record,) = (study / "cache").iterdir()
    text = record.read_text()
    record.write_text(text.replace("0.", "1.", 1) if "0." in text else text[:-9])
    assert np.array_equal(_images(study).image(_case(study), "T2", "prepared").voxels, _expected(study))


def test_the_runs_own_record_is_used(study, no_fit):
    _ran(study)
    no_fit()
    for name in ("P0", "P3"):
        stored = _images(study).image(_case(study, name), "T2", "prepared")
        assert np.array_equal(stored.voxels, _expected(study, name))
    assert not (study / "cache").exists()


def test_the_runs_record_of_another_image_or_of_other_steps_is_not_used(study):
    _ran(study)
    other = STUDY.replace("[0, 1000]", "[0, 500]")
    stored = _images(study, other).image(_case(study), "T2", "prepared")
    assert np.array_equal(stored.voxels, _expected(study, text=other))
    write_raster(
        study / "P0.nii.gz", np.random.default_rng(9).integers(0, 400, (20, 18, 12)).astype(np.int16), np.eye(4)
    )
    stored = _images(study).image(_case(study), "T2", "prepared")
    assert np.array_equal(stored.voxels, _expected(study))
    provenance = study / "run" / "prepare" / "provenance.json"
    for damaged in ("", "{}", '{"key": "x"}', '{"key": "x", "settings": {}, "inputs": {}}', "[1]"):
        provenance.write_text(damaged)
        assert RunRecords(study / "run", parse_protocol(STUDY)).of(_case(study).images[0]) is None


def test_what_is_shown_first_and_what_there_is(study):
    (document,) = _images(study).document(_case(study))
    assert document["images"] == ["prepared", "acquired"] and document["dtype"] == "float32"
    assert document["dtypes"] == {"prepared": "float32", "acquired": "int16"}
    assert document["windows"] == document["windows_of"]["prepared"] != document["windows_of"]["acquired"]


def test_a_step_that_cannot_be_applied_is_told(study):
    write_raster(study / "P0.nii.gz", np.full((20, 18, 12), 7, np.int16), np.eye(4))
    with pytest.raises(CaseError, match="T2"):
        _images(study).image(_case(study), "T2", "prepared")
