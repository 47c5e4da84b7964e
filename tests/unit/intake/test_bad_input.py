"""Bad input: a clear named error for the series, and the others come in."""

import resource
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from radstudy import Volume
from radstudy.errors import DataError
from radstudy.formats.dicom_header import Sharing, frames_of
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import load_rules
from radstudy.intake.series import sort_series


def test_a_missing_slice_is_named_and_nothing_is_interpolated(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), without=(2,))
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    outcome = imported(tmp_path / "in")
    assert "1 slice(s) are missing (after slice 2" in outcome.failures[0]
    assert "T2WI (series 3)" in outcome.failures[0]
    assert not list((tmp_path / "out").rglob("T2WI*"))
    assert len(list((tmp_path / "out").rglob("DCE*.nii.gz"))) == 3


def test_a_phase_that_lacks_a_slice_keeps_its_number(synthetic, imported, tmp_path):
    scan = synthetic.dynamic(3)
    for file in synthetic.write(tmp_path / "in", scan):
        dataset = synthetic.read(file)
        if dataset.AcquisitionTime == scan.volumes[1].tags["AcquisitionTime"] and dataset.InstanceNumber == 9:
            file.unlink()
    outcome = imported(tmp_path / "in")
    assert len(outcome.failures) == 1
    assert "DCE2" in outcome.failures[0]
    written = sorted(file.name for file in (tmp_path / "out").rglob("*.nii.gz"))
    assert written == ["DCE1.nii.gz", "DCE3.nii.gz"]


def test_uneven_spacing_and_double_slices_are_named(synthetic, imported, tmp_path):
    for number, shift in ((3, 1.1), (4, -3.0)):
        scan = synthetic.t2(number=number, tags={**synthetic.T2, "SeriesDescription": f"T2 {number}"})
        for file in synthetic.write(tmp_path / str(number), scan):
            dataset = synthetic.read(file)
            if dataset.InstanceNumber == 4:
                dataset.ImagePositionPatient[2] += shift
                dataset.save_as(file)
    assert "unevenly spaced" in imported(tmp_path / "3").failures[0]
    outcome = imported(tmp_path / "4", out=tmp_path / "b")
    assert "occurs up to 2 times" in outcome.failures[0]


def test_truncated_files_are_found_by_their_headers(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    files[3].write_bytes(files[3].read_bytes()[:-60])
    outcome = imported(tmp_path / "in", dry_run=True)
    assert "1 file(s) are cut off (instance 4 lacks" in outcome.failures[0]
    files[1].write_bytes(files[1].read_bytes()[:300])  # cut off in the header
    outcome = imported(tmp_path / "in")
    assert any("1 file(s) are damaged" in failure for failure in outcome.failures)


def test_other_files_among_them_are_counted_and_listed_apart(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    (tmp_path / "in" / "Mustermann_Erika.pdf").write_bytes(b"%PDF-1.4" + bytes(500))
    (tmp_path / "in" / "empty").touch()
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    assert any("2 not DICOM" in line for line in imported.said)
    assert "Mustermann_Erika.pdf,not DICOM" in (tmp_path / "out.private" / "skipped.csv").read_text("utf-8")


def test_two_patients_in_one_folder_come_apart(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(patient="OTHER-1", name="DOE^JANE", birth="19700101"))
    outcome = imported(tmp_path / "in")
    assert len({plan.name for plan in outcome.plans}) == 2
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 2


@pytest.mark.parametrize("change", [{"birth": "19700101"}, {"name": "DOE^JANE", "birth": ""}])
def test_two_people_under_one_patient_id_are_not_mixed(synthetic, imported, tmp_path, change):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(3, **change))
    outcome = imported(tmp_path / "in")
    assert "under one PatientID" in outcome.failures[0]
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_patients_without_an_id_are_told_apart_by_their_examination(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(patient="", study="a"), synthetic.t2(patient="", study="b", number=4))
    assert len(imported(tmp_path / "in").plans) == 2


def test_the_same_files_twice_are_used_once(synthetic, imported, roles, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    shutil.copytree(tmp_path / "in", tmp_path / "in" / "copy")
    outcome = imported(tmp_path / "in")
    assert list(roles(outcome)) == ["T2WI"]
    assert outcome.failures == ()
    assert any("6 exact copies" in line for line in imported.said)


def test_two_different_files_of_one_instance_make_the_series_unusable(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    changed = synthetic.read(files[0])
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(tmp_path / "in" / "zz.dcm")
    outcome = imported(tmp_path / "in")
    assert any("two different files claim" in failure for failure in outcome.failures)
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def test_the_same_dynamic_scan_sent_twice_under_new_uids_goes_to_review(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), synthetic.dynamic(3, number=8, uid="again"))
    (plan,) = imported(tmp_path / "in").plans
    assert {item.decision.status for item in plan.items} == {"review"}
    assert "the same series twice?" in plan.items[0].decision.reason


def test_several_examinations_go_to_review_until_one_is_chosen(synthetic, imported, roles, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(study="two", number=4, tags={**synthetic.T2}))
    for file in (tmp_path / "in").iterdir():
        dataset = synthetic.read(file)
        if dataset.SeriesNumber == 4:
            dataset.StudyDate = "20250101"
            dataset.save_as(file)
    assert list(roles(imported(tmp_path / "in"))) == ["review 3", "review 4"]
    (last,) = roles(imported(tmp_path / "in", examination="last")).values()
    assert last.decision.series.facts.series_number == 4


def test_two_hundred_series_named_alike(synthetic):
    share = Sharing()
    series = []
    for number in range(1, 201):
        scan = synthetic.t2(number=number, slices=2, size=(2, 2))
        images = [synthetic.instance(scan, scan.volumes[0], k) for k in range(2)]
        series.append(sort_series([frame for image in images for frame in frames_of(image, "", share)]))
    decisions = decide_study(series, load_rules())
    assert len(decisions) == 200
    assert {decision.status for decision in decisions} == {"review"}
    assert "200 volumes fit T2WI" in decisions[0].reason


def test_colour_screenshots_and_burned_in_text(synthetic, imported, tmp_path):
    tags = {**synthetic.T2, "BurnedInAnnotation": "YES"}
    synthetic.write(tmp_path / "in", synthetic.t2(tags=tags))
    (plan,) = imported(tmp_path / "in").plans
    assert "burned into the pixels" in plan.items[0].decision.reason
    assert "burned into the pixels" in (tmp_path / "out" / "review.html").read_text("utf-8")


@pytest.mark.parametrize("syntax", ["JPEGLSLossless", "JPEG2000Lossless", "RLELossless"])
def test_compressed_pixels_are_decoded(synthetic, imported, tmp_path, syntax):
    from pydicom import uid

    scan = synthetic.t2(size=(64, 48))
    files = synthetic.write(tmp_path / "in", scan)
    plain = imported(tmp_path / "in")
    name = plain.plans[0].name
    before = (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes()
    for file in files:
        dataset = synthetic.read(file)
        dataset.compress(getattr(uid, syntax), generate_instance_uid=False)
        dataset.save_as(file)
    shutil.rmtree(tmp_path / "out")
    imported(tmp_path / "in")
    assert (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes() == before


@pytest.mark.skipif(shutil.which("dcmcjpeg") is None, reason="dcmtk's dcmcjpeg is not installed")
@pytest.mark.parametrize("process", ["+e1", "+el"])  # JPEG lossless: selection value 1 (most archives'), process 14
def test_jpeg_lossless_is_decoded(synthetic, imported, tmp_path, process):
    files = synthetic.write(tmp_path / "in", synthetic.t2(size=(64, 48)))
    name = imported(tmp_path / "in").plans[0].name
    before = (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes()
    for file in files:
        subprocess.run(["dcmcjpeg", process, str(file), str(file)], check=True)
    assert synthetic.read(files[0]).file_meta.TransferSyntaxUID.is_compressed
    shutil.rmtree(tmp_path / "out")
    imported(tmp_path / "in")
    assert (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes() == before


def test_compressed_frames_of_an_enhanced_object_are_decoded_one_by_one(synthetic, imported, tmp_path):
    from pydicom.uid import JPEGLSLossless

    scan = synthetic.dynamic(3, size=(32, 40))
    frames = [(volume, number) for number in range(scan.slices) for volume in scan.volumes]

    def group(item, volume, number):
        item.FrameContentSequence = synthetic.item(TemporalPositionIndex=scan.volumes.index(volume) + 1)

    (tmp_path / "in").mkdir()
    dataset = synthetic.enhanced(scan, frames, group)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.save_as(tmp_path / "in" / "one.dcm")
    imported(tmp_path / "in")
    for number in (1, 2, 3):
        voxels = Volume.read(next((tmp_path / "out").rglob(f"DCE{number}.nii.gz"))).voxels
        for k in range(scan.slices):
            stored = scan.pixels(scan.volumes[number - 1], k)
            np.testing.assert_array_equal(voxels[:, :, k], 2 * stored.T.astype(float) - 5)


def test_a_compression_that_nothing_decodes_is_refused_by_name(synthetic, imported, tmp_path):
    from pydicom.encaps import encapsulate

    for file in synthetic.write(tmp_path / "in", synthetic.t2()):
        dataset = synthetic.read(file)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"  # MPEG-4
        dataset.PixelData = encapsulate([b"\x00\x00\x01\xb3" * 8])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(file)
    outcome = imported(tmp_path / "in")
    assert "compressed as MPEG-4" in outcome.failures[0]
    assert "T2WI" in outcome.failures[0]


def test_a_damaged_zip_and_a_false_dicomdir_are_named(imported, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(DataError, match="not a ZIP file"):
        imported(tmp_path / "a.zip")
    (tmp_path / "DICOMDIR").write_bytes(b"nothing")
    with pytest.raises(DataError, match="not a DICOMDIR"):
        imported(tmp_path / "DICOMDIR")


def test_a_large_folder_is_streamed(synthetic, imported, tmp_path):
    """Memory stays that of one volume, however many there are: 12 phases of 3 MB, imported, add less than 4 of them."""
    scan = synthetic.dynamic(12, size=(384, 384), slices=10)
    synthetic.write(tmp_path / "in", replace(scan, volumes=scan.volumes[:2]))
    imported(tmp_path / "in", out=tmp_path / "warm", private=tmp_path / "warm.private")
    synthetic.write(tmp_path / "in", scan)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = imported(tmp_path / "in")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert outcome.written == 12
    assert grown_mb < 12, grown_mb
    assert np.ptp(Volume.read(next((tmp_path / "out").rglob("DCE12.nii.gz"))).voxels) > 0
