"""Drawings that come with the images: on which volumes they lie, what is refused, and that a reader's work is kept."""

import gzip
import json

import numpy as np
import pandas as pd
import pydicom
import pytest
from typer.testing import CliRunner

from radstudy import Roi, Volume
from radstudy.cli import app
from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
BOX = np.zeros((10, 8, 6), bool)
BOX[2:6, 3:5, 1:4] = True


def segment(synthetic, tmp_path, scan, *, file="seg.dcm", names=("Tumour",), phase=None, change=None):
    """A DICOM SEG of the box, drawn on a scan, among the files of the import."""
    alone = tmp_path / f"alone-{file}"
    synthetic.write(alone, scan)
    (tmp_path / "in").mkdir(exist_ok=True)
    out = tmp_path / "in" / file
    write_dicom_seg(out, [(name, BOX) for name in names], read_source_series(alone, phase))
    if change is not None:
        dataset = pydicom.dcmread(out)
        change(dataset)
        dataset.save_as(out)
    return out


def structures(synthetic, scan, out, *, name="GTV", series="", frame=None, slices=(1, 2, 3)):
    """A structure set: one square of 4 x 2 voxels of the scan's grid on each of these slices."""
    dataset = synthetic._base(scan, RTSTRUCT, synthetic.uid("rt", out.name))
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", synthetic.uid("rt series", out.name)
    own = dataset.FrameOfReferenceUID if frame is None else frame
    del dataset.FrameOfReferenceUID
    studies = synthetic.item(RTReferencedSeriesSequence=synthetic.item(SeriesInstanceUID=series)) if series else []
    dataset.ReferencedFrameOfReferenceSequence = synthetic.item(
        FrameOfReferenceUID=own, RTReferencedStudySequence=studies
    )
    dataset.StructureSetROISequence = synthetic.item(ROINumber=1, ROIName=name)
    corners = np.array([[1.5, 2.5], [5.5, 2.5], [5.5, 4.5], [1.5, 4.5]]) * scan.spacing[::-1]
    contours = pydicom.sequence.Sequence()
    for number in slices:
        points = scan.position(number) + np.column_stack([corners, np.zeros(4)])  # axial scans
        data = [f"{value:.3f}" for value in points.ravel()]
        contours += synthetic.item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=data)
    dataset.ROIContourSequence = synthetic.item(ReferencedROINumber=1, ContourSequence=contours)
    dataset.save_as(out, enforce_file_format=True)
    return out


def table(tmp_path):
    return pd.read_csv(tmp_path / "out" / "masks.csv", dtype=str, keep_default_na=False)


def drawn_on(tmp_path, row):
    """The mask of a row, read with the image that the study would read it with."""
    image = Volume.read(tmp_path / "out" / row.patient / f"{row.role}.nii.gz")
    return Roi.read(tmp_path / "out" / row.file, None, image).mask


def test_a_segmentation_of_one_phase_lies_on_all_phases_and_on_nothing_else(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), synthetic.t2())  # T2WI has the same grid
    segment(synthetic, tmp_path, synthetic.dynamic(3), phase=2)
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    rows = table(tmp_path)
    assert rows["role"].tolist() == ["DCE1", "DCE2", "DCE3"]
    assert rows["file"].tolist() == [f"{outcome.plans[0].name}/masks/DCE{n}_Tumour.nii.gz" for n in (1, 2, 3)]
    assert set(rows["voxels"]) == {str(BOX.sum())} == {"24"}
    assert set(rows["slices"]) == {"3"}
    assert rows["volume_mm3"].astype(float).tolist() == pytest.approx([24 * 0.7 * 0.8 * 3] * 3, abs=0.06)
    assert set(rows["placed"]) == {"by its series"}
    assert rows["note"].str.contains("any of DCE1, DCE2, DCE3, which share one grid").all()
    for row in rows.itertuples():
        np.testing.assert_array_equal(drawn_on(tmp_path, row), BOX)
    cohort = pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)
    assert cohort["masks"].tolist() == ["DCE1_Tumour;DCE2_Tumour;DCE3_Tumour"]


def test_without_a_series_its_positions_find_the_grid(synthetic, imported, tmp_path):
    def unnamed(dataset):
        del dataset.ReferencedSeriesSequence

    synthetic.write(tmp_path / "in", synthetic.dynamic(2), synthetic.t2(spacing=(0.8, 0.75)))
    segment(synthetic, tmp_path, synthetic.t2(spacing=(0.8, 0.75)), change=unnamed)
    assert imported(tmp_path / "in").failures == ()
    (row,) = table(tmp_path).itertuples()
    assert (row.role, row.placed, row.note) == ("T2WI", "by position", "")
    np.testing.assert_array_equal(drawn_on(tmp_path, row), BOX)


def test_two_sequences_of_one_grid_are_a_question_too(synthetic, imported, tmp_path):
    def unnamed(dataset):
        del dataset.ReferencedSeriesSequence

    synthetic.write(tmp_path / "in", synthetic.dynamic(2), synthetic.t2())
    segment(synthetic, tmp_path, synthetic.t2(), change=unnamed)
    assert imported(tmp_path / "in").failures == ()
    (row,) = table(tmp_path).itertuples()
    assert row.file == ""
    assert "names no series and fits volumes of 2 kinds or grids (DCE1, DCE2 and T2WI): put it onto" in row.reason


def test_a_series_that_was_left_out_lends_its_drawing_to_the_volumes_of_its_grid(synthetic, imported, tmp_path):
    tags = {**synthetic.GRE, "SeriesDescription": "sub", "ImageType": ["DERIVED", "PRIMARY", "SUBTRACTION"]}
    subtraction = synthetic.Scan(tags, number=9)
    synthetic.write(tmp_path / "in", synthetic.dynamic(2), subtraction)
    segment(synthetic, tmp_path, subtraction)
    imported(tmp_path / "in")
    rows = table(tmp_path)
    assert rows["role"].tolist() == ["DCE1", "DCE2"]
    assert rows["note"].str.contains("the series that it names was not imported").all()


def test_contours_that_fit_two_grids_are_a_question_unless_they_name_their_series(synthetic, imported, tmp_path):
    t2 = synthetic.t2(spacing=(0.4, 0.35), size=(16, 20))  # the slices of the dynamic scan, finer pixels
    synthetic.write(tmp_path / "in", synthetic.dynamic(2), t2)
    dynamic = synthetic.dynamic(2)
    structures(synthetic, dynamic, tmp_path / "in" / "a.dcm")
    structures(synthetic, dynamic, tmp_path / "in" / "b.dcm", name="named", series=dynamic.series_uid)
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()  # a question, not a fault
    rows = table(tmp_path)
    (open_,) = rows[rows["name"] == "GTV"].itertuples()
    assert "names no series and fits volumes of 2 kinds or grids (DCE1, DCE2 and T2WI)" in open_.reason
    assert (open_.file, open_.role, open_.voxels) == ("", "", "")
    named = rows[rows["name"] == "named"]
    assert named["role"].tolist() == ["DCE1", "DCE2"]
    for row in named.itertuples():
        np.testing.assert_array_equal(drawn_on(tmp_path, row), BOX)
    assert "fits volumes of 2 kinds or grids" in (tmp_path / "out" / "review.html").read_text("utf-8")
    assert not list((tmp_path / "out").rglob("*_GTV*"))


def test_another_frame_of_reference_is_another_place(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    structures(synthetic, synthetic.t2(), tmp_path / "in" / "a.dcm", frame="1.2.3.4.5.6.7")
    assert imported(tmp_path / "in").failures == ()
    (row,) = table(tmp_path).itertuples()
    assert row.reason == "no volume of its examination or frame of reference was imported"


def test_a_drawing_waits_for_the_role_of_its_series(synthetic, imported, tmp_path):
    twin = synthetic.t2(number=4, uid="twin", spacing=(0.8, 0.75))
    synthetic.write(tmp_path / "in", synthetic.t2(), twin)
    segment(synthetic, tmp_path, twin)
    assert imported(tmp_path / "in").failures == ()
    (row,) = table(tmp_path).itertuples()
    assert "it belongs to unsure/2.nii.gz, which has no role yet" in row.reason
    review = pd.read_csv(tmp_path / "out" / "review.csv", dtype=str, keep_default_na=False)
    review["role"] = ["-", "T2WI"]
    review.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    (row,) = table(tmp_path).itertuples()
    np.testing.assert_array_equal(drawn_on(tmp_path, row), BOX)


def test_faults_are_named_and_cost_no_other_mask(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    segment(synthetic, tmp_path, scan, file="good.dcm")
    bad = segment(synthetic, tmp_path, scan, file="bad.dcm", names=("Broken",))
    bad.write_bytes(bad.read_bytes()[:-60])
    far = tmp_path / "in" / "far.dcm"
    structures(synthetic, scan, far, name="MUSTERMANN node", series=scan.series_uid, slices=(1, 40))
    outcome = imported(tmp_path / "in")
    name, private = outcome.plans[0].name, tmp_path / "out.private"
    assert len(outcome.failures) == 2
    assert all(f"Patient {name}" in failure for failure in outcome.failures)
    assert all(str(private / "drawings" / name) in failure for failure in outcome.failures)
    assert any("SEG" in failure and "cannot be decoded" in failure for failure in outcome.failures)
    assert any(
        "RTSTRUCT, region [removed] node" in failure
        and "T2WI: a contour lies on slice 41, but the image has 6 slices" in failure
        for failure in outcome.failures
    )
    assert table(tmp_path).query("file != ''")["name"].tolist() == ["Tumour"]


def test_a_file_keeps_its_name_and_later_drawings_of_its_region_are_asked_about(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    segment(synthetic, tmp_path, scan, file="first.dcm")
    imported(tmp_path / "in")
    (first,) = table(tmp_path).itertuples()
    for number in range(2):
        segment(synthetic, tmp_path, scan, file=f"{number}.dcm", names=("tumour", "Other/one"))
    outcome = imported(tmp_path / "in")
    rows = table(tmp_path)
    (kept,) = rows[rows["file"] != ""].itertuples()
    assert (kept.drawing, kept.file, kept.reader) == (first.drawing, first.file, "")
    held = rows[rows["file"] == ""]
    assert held["name"].str.lower().tolist() == ["tumour", "other/one"] * 2
    assert (
        held["reason"]
        .str.contains("3 drawings of 'Tumour' on T2WI|2 drawings of 'Other-one' on T2WI", case=False)
        .all()
    )
    assert "3 drawings of 'tumour'" in kept.note.lower()
    assert outcome.to_review == 3
    assert [file.name for file in (tmp_path / "out").rglob("masks/*")] == ["T2WI_Tumour.nii.gz"]
    imported(tmp_path / "in")
    pd.testing.assert_frame_equal(table(tmp_path), rows)


def test_regions_of_one_name_in_one_drawing_are_numbered_as_the_drawing_numbers_them(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    segment(synthetic, tmp_path, scan, names=("node", "Node"))
    imported(tmp_path / "in")
    files = table(tmp_path).set_index("label")["file"].str.rpartition("/")[2]
    assert files.to_dict() == {"1": "T2WI_node.nii.gz", "2": "T2WI_Node-2.nii.gz"}


def test_a_mask_that_a_reader_has_changed_is_never_overwritten_or_removed(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    segment(synthetic, tmp_path, scan, names=("a", "b"))
    outcome = imported(tmp_path / "in")
    masks = tmp_path / "out" / outcome.plans[0].name / "masks"
    image = Volume.read(masks.parent / "T2WI.nii.gz")
    Roi(np.roll(BOX, 1, axis=0), image.affine).write(masks / "T2WI_a.nii.gz")
    changed = (masks / "T2WI_a.nii.gz").read_bytes()
    for _ in range(2):
        imported(tmp_path / "in")
        assert (masks / "T2WI_a.nii.gz").read_bytes() == changed
        assert table(tmp_path)["note"].str.contains("was changed after the import").tolist() == [True, False]
    synthetic.write(tmp_path / "in", synthetic.t2(number=4, uid="twin"))  # now two volumes fit: neither has a role
    imported(tmp_path / "in")
    assert (masks / "T2WI_a.nii.gz").read_bytes() == changed
    assert not (masks / "T2WI_b.nii.gz").exists()
    assert any("removed" in said and "T2WI_b" in said for said in imported.said)


def test_drawings_may_come_later_from_a_source_of_their_own(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "images", scan)
    imported(tmp_path / "images")
    segment(synthetic, tmp_path, scan)
    assert imported(tmp_path / "in").failures == ()
    (row,) = table(tmp_path).itertuples()
    assert (row.role, row.placed) == ("T2WI", "by its series")
    np.testing.assert_array_equal(drawn_on(tmp_path, row), BOX)
    assert pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)["sequences"].tolist() == ["T2WI"]


def test_one_damaged_volume_costs_no_other_patients_masks(synthetic, imported, tmp_path):
    scans = [synthetic.t2(patient=who, name=f"{who}^A", study=who) for who in ("ONE", "TWO")]
    synthetic.write(tmp_path / "images", *scans)
    plans = {plan.patient.identifier[0]: plan.name for plan in imported(tmp_path / "images").plans}
    for scan in scans:
        segment(synthetic, tmp_path, scan, file=f"{scan.patient}.dcm")
    (tmp_path / "out" / plans["ONE"] / "T2WI.nii.gz").write_bytes(b"no image")
    (failure,) = imported(tmp_path / "in").failures
    assert f"Patient {plans['ONE']}" in failure and "cannot be read as" in failure
    assert table(tmp_path)["patient"].tolist() == [plans["TWO"]]


def test_a_drawing_whose_images_could_not_be_written_is_listed(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan, without=(3,))
    segment(synthetic, tmp_path, scan)
    (failure,) = imported(tmp_path / "in").failures
    assert "slice(s) are missing" in failure
    (row,) = table(tmp_path).itertuples()
    assert (row.file, row.reason) == ("", "no volume of its examination or frame of reference was imported")


def everything_in(folder):
    """Every file's name and content; compressed volumes as they are and unpacked."""
    for path in folder.rglob("*"):
        yield str(path.relative_to(folder)).encode()
        if path.is_file():
            yield path.read_bytes()
            if path.suffix == ".gz":
                yield gzip.decompress(path.read_bytes())


RECIPE = """
mask: "{patient}/masks/DCE1_Tumour-removed.nii.gz"
dce:
  phases: ["{patient}/DCE1.nii.gz", "{patient}/DCE2.nii.gz", "{patient}/DCE3.nii.gz"]
  motion: false
"""


def test_no_file_and_no_message_of_import_and_derive_identifies_the_patient(synthetic, tmp_path, capfd, caplog):
    """Volumes, sidecars, tables, masks, page, pictures, maps, all that is printed: an odd name, date, number, UIDs."""
    who = {"patient": "ZX-88231/Q", "name": "QVORNZYK^ÅSE-XENIA^^DR", "birth": "19310228"}
    t2 = {**synthetic.T2, "SeriesDescription": "T2 ax Qvornzyk 28.02.1931", "ProtocolName": "ZX-88231/Q t2"}
    dynamic = synthetic.dynamic(3, **who)
    source, out = tmp_path / "in", tmp_path / "out"
    synthetic.write(source, dynamic, synthetic.t2(tags=t2, **who), synthetic.t2(tags=t2, number=5, uid="twin", **who))
    names = ("Tumour QVORNZYK", f"node {dynamic.series_uid}", "ÅSE-XENIA 1931-02-28")
    segment(synthetic, tmp_path, dynamic, names=names, phase=1)
    structures(synthetic, synthetic.t2(**who), source / "rt.dcm", name="xenia/qvornzyk", slices=(1, 99))
    (source / "QVORNZYK.txt").write_text("no DICOM")
    (tmp_path / "derive.yaml").write_text(RECIPE)
    steps = [
        (["import", source, "--out", out, "--dry-run"], ""),
        (["import", source, "--out", out], "not everything could be imported"),  # the structure set's second contour
        (["derive", out / "cohort.csv", "--recipe", tmp_path / "derive.yaml", "--out", out, "--jobs", "1"], ""),
    ]
    printed = ""
    for arguments, fault in steps:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert (fault or "None") in str(done.exception)
        printed += done.output + str(done.exception)
    printed += "".join(capfd.readouterr()) + caplog.text
    assert "region [removed]/[removed]" in printed
    contents = [content.lower() for content in everything_in(out)]
    assert len(table(tmp_path).query("file != ''")) == 9
    assert len(list(out.rglob("DCE_*.nii.gz"))) == 7
    assert "data:image/png" in (out / "review.html").read_text("utf-8")
    assert len(contents) > 100
    secrets = ["qvornzyk", "xenia", "åse", "Åse", "zx-88231", "19310228", "1931-02-28", "28.02.1931", "1.2.826",
               "20240305", "acc-990017", "house", dynamic.series_uid]  # fmt: skip
    for secret in secrets:
        assert not any(secret.encode() in content for content in contents), secret
        assert secret not in printed.lower(), secret
    known = json.loads((tmp_path / "out.private" / "drawings.json").read_text("utf-8"))
    assert sum(dynamic.series_uid in entry["series"] for entry in known) == 1  # what is kept apart still knows
