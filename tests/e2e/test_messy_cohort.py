"""Two readers, three vendors, three languages: from the PACS's files to the report, and nothing in silence."""

import csv
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from ruamel.yaml import YAML

from e2e import messy
from radstudy import Roi, Volume

PATIENTS = 42
DCE = {f"DCE{number + 1}": value for number, value in enumerate((1000, 1600, 1900))}
IMAGES = {"T2WI": 200, "DWI_b0": 900, "DWI_b800": 300, **DCE}


@pytest.fixture(scope="module")
def cohort():
    return messy.women(PATIENTS)


@pytest.fixture(scope="module")
def imported(cohort, command, tmp_path_factory):
    """The folder of the import, what it said, and PatientID to pseudonym."""
    folder = tmp_path_factory.mktemp("messy")
    messy.write_cohort(folder / "in", cohort)
    shutil.rmtree(folder / "in" / ".alone")
    done = command("import", folder / "in", "--out", folder / "images", "--readers", "drawings/{reader}/")
    with (folder / "images.private" / "pseudonyms.csv").open(encoding="utf-8") as opened:
        names = {row["patient_id"]: row["pseudonym"] for row in csv.DictReader(opened)}
    return folder, done, names


@pytest.fixture(scope="module")
def ran(imported, cohort, command):
    """The study of that import: `init --from`, outcomes by PatientID, a few quick settings, and the whole run."""
    folder, _, _ = imported
    table = openpyxl.Workbook()
    table.active.append(["PatientID", "HER2"])
    for woman in cohort:
        table.active.append([woman.identifier, "positive" if woman.positive else "negative"])
    table.save(folder / "outcomes.xlsx")
    command("init", folder / "study", "--from", folder / "images", "--outcomes", folder / "outcomes.xlsx",
            "--outcome", "HER2", "--positive", "positive", check=0)  # fmt: skip
    study = folder / "study" / "study.yaml"
    yaml = YAML()
    written = yaml.load(study)
    quicken(written)
    yaml.dump(written, study)
    return folder, command("run", study)


def quicken(study):
    """Fewer images and repeats: what is asked here is who read what, not how well it predicts."""
    study["prepare"] = []  # a bias field of 6 x 5 x 2 voxels says nothing
    study["extract"] = {"images": {"original": True}}
    study["evaluate"] = {**study.get("evaluate", {}), "chance": {"permutations": 20}, "resampling": None}


def test_every_volume_is_what_was_written_and_phases_are_in_the_order_of_time(imported, cohort):
    folder, done, names = imported
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    for woman in cohort:
        own = folder / "images" / names[woman.identifier]
        for role, value in IMAGES.items():
            found = Volume.read(own / f"{role}.nii.gz").voxels
            written = messy.voxels(woman, value).astype(np.float64)
            if woman.vendor.maker.startswith("Philips"):
                written = 2 * written - 5  # its RescaleSlope and RescaleIntercept
            np.testing.assert_array_equal(found, written, err_msg=f"{woman.number} {role}")
        assert sorted(path.name for path in own.glob("*.nii.gz")) == sorted(f"{role}.nii.gz" for role in IMAGES)


def test_subtractions_in_any_language_are_left_out_or_asked_about(imported):
    folder, _, _ = imported
    series = pd.read_csv(folder / "images" / "series.csv", dtype=str, keep_default_na=False)
    named = series[series["description"].isin([vendor.names[3] for vendor in messy.VENDORS])]
    assert len(named) == PATIENTS
    assert set(named["status"]) == {"left out"}


def test_each_mask_is_its_readers_on_every_sequence(imported, cohort):
    folder, _, names = imported
    table = pd.read_csv(folder / "images" / "masks.csv", dtype=str, keep_default_na=False)
    for woman in cohort:
        own = table[table["patient"] == names[woman.identifier]]
        assert sorted(zip(own["role"], own["reader"], strict=True)) == sorted(
            (role, reader) for role in ("T2WI", *DCE) for reader in messy.READERS
        )
        for row in own.itertuples():
            image = Volume.read(folder / "images" / row.patient / f"{row.role}.nii.gz")
            mask = Roi.read(folder / "images" / row.file, None, image).mask
            np.testing.assert_array_equal(mask, woman.masks[row.reader], err_msg=f"{woman.number} {row.file}")
            assert row.reader in Path(row.file).name


def test_the_study_reads_the_import_and_reports_both_readers(ran, cohort):
    folder, done = ran
    assert done.returncode == 0, done.stderr
    run = folder / "study" / "runs" / "study"
    outcome = pd.read_csv(run / "cohort" / "rows.csv", dtype=str)
    assert len(outcome) == PATIENTS
    masks = pd.read_csv(run / "agree" / "masks.csv")
    expected = [dice(woman) for woman in cohort]
    first = next(iter(dict.fromkeys(masks["sequence"])))
    assert sorted(masks[masks["sequence"] == first]["dice"]) == pytest.approx(sorted(expected), abs=1e-6)
    report = (run / "report.html").read_text("utf-8")
    for reader in messy.READERS:
        assert reader in report
    assert "HER2 positive" in report and "FISH" not in report  # the preset's outcome is not this study's


def test_no_patient_is_named_outside_the_private_folder(ran, cohort):
    folder, _ = ran
    texts = [path.read_text("utf-8") for part in ("images", "study") for path in (folder / part).rglob("*")
             if path.suffix in (".csv", ".json", ".html", ".yaml")]  # fmt: skip
    assert len(texts) > 20
    for woman in cohort[:6]:
        for secret in (woman.identifier, "URSULA", "LEFÈVRE", "Xiaoping", "小平"):
            assert not any(secret in text for text in texts), secret


def dice(woman):
    """Of the two readers' voxels."""
    one, other = (woman.masks[reader] for reader in messy.READERS)
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))
