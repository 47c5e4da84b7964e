"""Real DICOM: the dynamic examination of one patient, real vendors' headers, real listings of series."""

import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pydicom
import pytest

from radstudy import Volume
from radstudy.formats.dicom_classes import IMAGE_STORAGES
from radstudy.formats.dicom_header import Sharing, frames_of, read_header
from radstudy.intake.listing import Listed, decide_listing
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import load_rules
from radstudy.intake.series import sort_series

TRUTH = Path(__file__).with_name("series_names_truth.csv")


def test_three_phases_of_sixty_slices_in_order_with_their_times(patient):
    assert sorted(p.name for p in patient.glob("*.nii.gz")) == ["DCE1.nii.gz", "DCE2.nii.gz", "DCE3.nii.gz"]
    sidecars = [json.loads((patient / f"DCE{n}.json").read_text("utf-8")) for n in (1, 2, 3)]
    assert [s["seconds_since_first_phase"] for s in sidecars] == [
        0,
        407,
        761,
    ]  # ContentTime 10:25:51, 10:32:38, 10:38:32
    for n, sidecar in enumerate(sidecars, 1):
        volume = Volume.read(patient / f"DCE{n}.nii.gz")
        assert volume.voxels.shape == (256, 256, 60)
        np.testing.assert_allclose(volume.spacing_mm, [0.703125, 0.703125, 2.0], rtol=1e-5)
        assert volume.stored_dtype == np.int16
        assert sidecar["plane"] == "sagittal"
        assert sidecar["tags"]["MagneticFieldStrength_T"] == 1.5  # the header says 15000, in gauss


def test_the_patients_own_enhancement_map_confirms_phases_and_slices(patient, real_data):
    """PE1 is 100 (post1 - pre) / pre, cut to an integer: made by another program, read here slice by slice."""
    pre, post = (Volume.read(patient / f"DCE{n}.nii.gz").voxels.astype(np.int64) for n in (1, 2))
    affine = Volume.read(patient / "DCE1.nii.gz").affine
    checked = 0
    for file in (real_data / "breast_dce" / "UCSF-BR-06" / "image_dce_pe1").iterdir():
        slice_ = pydicom.dcmread(file)
        ras = np.asarray(slice_.ImagePositionPatient, dtype=float) * [-1, -1, 1]
        i, j, k = np.linalg.solve(affine, [*ras, 1])[:3]
        assert max(abs(i), abs(j), abs(k - round(k))) < 1e-3
        theirs = slice_.pixel_array.T.astype(np.int64)
        before, after = pre[:, :, round(k)], post[:, :, round(k)]
        shown = theirs != 0
        with np.errstate(divide="ignore", invalid="ignore"):
            ours = np.trunc(100.0 * (after - before) / before)
        assert (np.abs(ours[shown] - theirs[shown]) <= 1).mean() > 0.999
        checked += int(shown.sum())
    assert checked > 50_000


def test_what_was_derived_is_recognised_and_the_segmentation_is_kept_aside(patient):
    table = pd.read_csv(patient.parent / "series.csv", keep_default_na=False)
    derived = table[table["status"] == "left out"]
    assert derived["description"].tolist() == ["Sagittal-IR_3DFGRE: SER", "Sagittal-IR_3DFGRE: PE1"]
    assert derived["evidence"].str.contains("ImageType says DERIVED").all()
    private = patient.parent.with_name("private")
    (entry,) = json.loads((private / "drawings.json").read_text("utf-8"))
    assert entry["kind"] == "SEG"
    assert (private / entry["file"]).is_file()


def test_nothing_of_the_real_patients_identity_is_in_the_output(patient):
    for file in patient.parent.rglob("*"):
        if file.suffix in (".json", ".csv", ".html"):
            text = file.read_text("utf-8")
            assert "1.3.6.1.4.1.14519" not in text
            assert "UCSF" not in text
            assert "1991" not in text


def test_dcm2niix_agrees_voxel_by_voxel(patient, real_data, tmp_path):
    program = shutil.which("dcm2niix") or shutil.which("dcm2niix", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("dcm2niix is not installed")
    source = real_data / "breast_dce" / "UCSF-BR-06" / "image_dce_3dfgre_orig"
    subprocess.run([program, "-o", str(tmp_path), "-f", "%s_%t", str(source)], check=True, capture_output=True)
    theirs = [nib.as_closest_canonical(nib.load(file)) for file in sorted(tmp_path.glob("*.nii*"))]
    volumes = [np.asarray(image.dataobj) for image in theirs]
    phases = [v for volume in volumes for v in (np.moveaxis(volume, 3, 0) if volume.ndim == 4 else [volume])]
    assert len(phases) == 3
    for n in (1, 2, 3):
        ours = nib.as_closest_canonical(nib.load(patient / f"DCE{n}.nii.gz"))
        np.testing.assert_allclose(ours.affine, theirs[0].affine, atol=1e-3)
        assert sum(np.array_equal(np.asarray(ours.dataobj), other) for other in phases) == 1


def b_of_manifest(row):
    """The b-value that the manifest's columns give, each extracted without our program."""
    if row["DiffusionBValue"]:
        return float(row["DiffusionBValue"])
    for column in ("siemens_0019_100c", "philips_2001_1003"):
        if row[column]:
            return float(row[column])
    return float(json.loads(row["ge_0043_1039"])[0] % 1_000_000_000) if row["ge_0043_1039"] else None


def test_b_values_of_real_headers(real_data):
    folder, checked = real_data / "dicom_headers", 0
    with (folder / "manifest.csv").open(encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest))
    for row in rows:
        if row["modality"] != "MR" or (row["frames"] or "1") != "1":
            continue
        with (folder / row["file"]).open("rb") as file:
            (frame,) = frames_of(read_header(file), "", Sharing())
        assert frame.diffusion.b_value == b_of_manifest(row), row["file"]
        assert not frame.diffusion.conflict
        checked += 1
    assert checked > 60


# What the series are, looked at by hand. The folders hold a few instances each, so many cannot be written: then it is
# the role that they would have. "": for review, refused without a role, or left out.
HEADERS = {
    "ge_signa_dwi/01_Ax_DWI_TENSOR_R2": {0: "DWI_b0", 1000: ""},
    "ge_signa_dwi/02_Ax_DWI_TENSOR_R3": {0: "DWI_b0", 1000: ""},
    "ge_signa_dwi/03_Ax_DWI_TENSOR_R1p5": {0: "DWI_b0", 1000: ""},
    "ge_signa_dwi/04_Ax_DWI_TENSOR_R2MB2": {0: "DWI_b0", 1000: ""},
    "ge_signa_dwi/05_3D_Ax_T1_MP_RAGE_R22": {0: "T1WI"},  # carries a b-value of 0
    "mirp_adc_t2_toshiba_titan/SCAN_001_adc_image": {500: ""},  # an ADC map with a b-value
    "mirp_adc_t2_toshiba_titan/SCAN_002_adc_image": {500: ""},
    "mirp_adc_t2_toshiba_titan/SCAN_001_t2_image": {None: "T2WI"},
    "mirp_adc_t2_toshiba_titan/SCAN_002_t2_image": {None: "T2WI"},
    "mirp_sts_t1_t2_siemens_avanto/MR_T1_image": {None: "T1WI"},
    "mirp_sts_t1_t2_siemens_avanto/MR_T2_image": {None: "T2WI"},
    "nih_siemens_ge/20180918GE_mr_0004": {0: ""},  # functional, with a b-value of 0
    "nih_siemens_ge/20180918GE_mr_0005": {0: ""},
    "nih_siemens_ge/20180918GE_mr_0006": {0: ""},
    "nih_siemens_ge/20180918GE_mr_0007": {0: ""},
    "nih_siemens_ge/20180918Si_mr_0003": {None: ""},  # mosaics
    "nih_siemens_ge/20180918Si_mr_0004": {None: ""},
    "nih_siemens_ge/20180918Si_mr_0005": {None: ""},
    "nih_siemens_ge/20180918Si_mr_0006": {None: ""},
    "philips_classic/Bangalore_2008_dwi_no-phi": {0: "DWI_b0", 1000: "DWI_b1000"},
    "philips_classic/Magdeburg_2014_fmri": {0: ""},
    "philips_classic/Vanderbilt_2018_601_WIP_dti_ax": {0: "DWI_b0", 2000: "DWI_b2000"},
    "siemens_classic_dwi_csa": {None: "", 0: "", 1000: ""},  # mosaics, a projection, an MPRAGE without a known name
    "siemens_xa10_philips_enhanced/In_Philips": {None: ""},
    "siemens_xa10_philips_enhanced/In_Siemens_XA10": {None: ""},
    "siemens_xa30_enhanced/In_10_DWI_dir80_PA": {0: "DWI_b0", 2500: ""},
    "siemens_xa30_enhanced/In_11_DWI_dir80_PA": {None: ""},  # ADC
    "siemens_xa30_enhanced/In_12_DWI_dir80_PA": {2500: "DWI_b2500"},  # TRACEW
    "siemens_xa30_enhanced/In_13_DWI_dir80_PA": {None: ""},  # FA
    "siemens_xa30_enhanced/In_16_DWI_dir80_PA": {0: ""},  # computed b0
    "siemens_xa30_enhanced/In_5_anat-T1w_acq-tfl": {None: "T1WI"},
    "siemens_xa30_enhanced/In_9_gre_field_mapping": {None: ""},
}


@pytest.mark.parametrize("folder", HEADERS)
def test_roles_of_real_headers(real_data, folder):
    share, by_series = Sharing(), defaultdict(list)
    for path in sorted((real_data / "dicom_headers" / folder).glob("*.dcm")):
        with path.open("rb") as file:
            dataset = read_header(file)
        if dataset.get("SOPClassUID") in IMAGE_STORAGES:
            for frame in frames_of(dataset, path.name, share):
                by_series[frame.identity.series_uid].append(frame)
    decisions = decide_study([sort_series(frames) for frames in by_series.values()], load_rules())
    assert decisions
    for decision in decisions:
        b_value = decision.stack.frames[0].diffusion.b_value
        assert decision.role == HEADERS[folder][b_value], (decision.stack.facts.description, b_value, decision.reason)


@pytest.fixture(scope="module")
def listings(real_data):
    """Decisions on the 200 real study listings: (study number, series number, images, description, decision)."""
    table = pd.read_csv(real_data / "breast_mri_series_names" / "idc_breast_mri_study_listings.csv.gz")
    found = []
    for number, (_, study) in enumerate(table.groupby("StudyInstanceUID", sort=False)):
        rows = study[study["Modality"] == "MR"]
        listed = [
            Listed(str(r.SeriesDescription) if r.SeriesDescription == r.SeriesDescription else "", int(r.SeriesNumber),
                   int(r.instanceCount))
            for r in rows.itertuples()
        ]  # fmt: skip
        found += [(number, decision) for decision in decide_listing(listed, load_rules())]
    return found


def test_the_counts_in_the_docs_are_those_of_the_listings(listings):
    """docs/import.md prints these."""
    by_study = defaultdict(list)
    for number, decision in listings:
        by_study[number].append(decision.status)
    counts = {status: sum(d.status == status for _, d in listings) for status in ("role", "left out", "review")}
    without_review = sum("review" not in statuses for statuses in by_study.values())
    text = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text("utf-8")
    text = " ".join(text.split())
    assert len(by_study) == 200
    assert f"{without_review} of the 200 studies have nothing to review" in text
    assert (
        f"{counts['role']} series get a role, {counts['left out']} are left out, {counts['review']} go to review"
        in text
    )


def test_none_of_thirty_studies_looked_at_by_eye_is_guessed_wrong(listings):
    truth = pd.read_csv(TRUTH, comment="#", keep_default_na=False, dtype={"series": int, "study": int})
    assert len(truth) == len(truth.drop_duplicates(["study", "series", "images"]))
    known = {(row.study, row.series, row.images): row.truth for row in truth.itertuples()}
    assert truth["study"].nunique() == 30
    given = 0
    for number, decision in listings:
        key = (number, decision.series.facts.series_number, decision.series.images)
        if key not in known:
            continue
        if decision.status == "role":
            assert known[key] == decision.role, (key, decision.series.facts.description, decision.evidence)
            given += 1
        if decision.status == "left out":
            assert known[key] == "out", (key, decision.series.facts.description, decision.evidence)
    assert given > 100
