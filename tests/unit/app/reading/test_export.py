"""The record of a reading: masks exactly on their images, tables whole from the state, nothing of the user's lost."""

import dataclasses
import hashlib
import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radstudy.app.reading.closed_case import DrawnSequence
from radstudy.app.reading.export import write_record
from radstudy.app.reading.forms import SequenceAnswer
from radstudy.app.reading.strokes import codes_of, runs_of
from radstudy.imaging.masks.mask_format import DicomSeries
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from unit.app.reading.recorded import SHAPE, STUDY, block
from unit.imaging.masks.conftest import Series


def hashes(folder):
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}  # fmt: skip


def changed(room, old, new):
    assert old in STUDY
    room.protocol = parse_protocol(STUDY.replace(old, new))
    return room


def refused(room, cases, words):
    """Write the record; one or all of its masks are refused in these words, and the tables are there."""
    record = write_record(room.state(cases))
    assert record.unwritten and all(re.search(words, str(one.error)) for one in record.unwritten), record.unwritten
    assert record.incomplete <= set(cases) and not [file for file in record.files if ".nii" in file.name]
    assert pd.read_csv(room.data / "reading" / "tools.csv")["patient"].tolist() == ["P1"] * len(cases)


def test_a_mask_has_the_images_own_position_to_the_last_bit_and_nothing_else_of_its_header(room):
    mask = block(2, 1, 1)
    record = write_record(room.state([room.masks("ana", "P1", {"T2": mask})]))
    file = room.data / "masks" / "P1" / "T2_ana.nii.gz"
    assert file in record.files
    ours, image = nib.load(file), nib.load(room.file("P1", "T2"))
    for field in ("pixdim", "qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_x", "srow_y", "srow_z"):
        np.testing.assert_array_equal(ours.header[field], image.header[field], err_msg=field)
    np.testing.assert_array_equal(ours.affine, image.affine)
    assert ours.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asanyarray(ours.dataobj), mask.astype(np.uint8))  # slope 1, not the image's 2
    assert b"MUSTERMANN" not in bytes(ours.header.binaryblock)
    one, other = sitk.ReadImage(str(file)), sitk.ReadImage(str(room.file("P1", "T2")))
    assert (one.GetOrigin(), one.GetSpacing(), one.GetDirection()) == (
        other.GetOrigin(), other.GetSpacing(), other.GetDirection())  # fmt: skip
    np.testing.assert_array_equal(Roi.read(file, None, Volume.read(room.file("P1", "T2"))).mask, mask)


def test_the_same_state_gives_the_same_bytes_and_a_changed_one_replaces_them(room):
    cases = [room.masks("ana", "P1", {"T2": block(2, 1, 1)}), room.masks("ben", "P1", {"T2": block(2, 2, 1)})]
    write_record(room.state(cases))
    before = hashes(room.data)
    write_record(room.state(list(reversed(cases))))
    assert hashes(room.data) == before
    write_record(room.state([room.masks("ana", "P1", {"T2": block(1, 1, 1)}), cases[1]]))
    after = hashes(room.data)
    assert {name for name in after if after[name] != before[name] and "/.radstudy/" not in name} == {
        "masks/P1/T2_ana.nii.gz"}  # fmt: skip


@pytest.mark.parametrize("edit", [False, True], ids=["never the room's", "changed since"])
def test_a_mask_file_of_somebody_else_stays_and_is_named_and_the_others_are_written(room, edit):
    file = room.data / "masks" / "P2" / "DWI_ben.nii.gz"
    cases = [room.masks("ana", "P1", {"T2": block(1, 1, 1)}), room.masks("ben", "P2", {"DWI": block(1, 1, 1)})]
    if edit:
        write_record(room.state(cases[1:]))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"mine")
    record = write_record(room.state(cases))
    words = r"Patient P2, DWI, reader ben, file .*DWI_ben\.nii\.gz: the reader's mask belongs here"
    (one,) = record.unwritten
    assert re.match(words, str(one.error)) and record.incomplete == {cases[1]}
    assert file.read_bytes() == b"mine" and file not in record.files
    assert (room.data / "masks" / "P1" / "T2_ana.nii.gz") in record.files
    assert pd.read_csv(room.data / "reading" / "tools.csv")["patient"].tolist() == ["P1", "P2"]


def test_a_record_that_was_cut_off_before_its_file_was_noted_is_finished_by_the_next_writing(room):
    state = room.state([room.masks("ana", "P1", {"T2": block(1, 1, 1)})])
    write_record(state)
    before = hashes(room.data)
    (room.data / "masks" / "P1" / ".radstudy" / "T2_ana.nii.gz").unlink()
    (room.data / "reading" / "tools.csv").unlink()
    write_record(state)
    assert hashes(room.data) == before


def test_a_table_that_was_changed_by_hand_is_kept_under_another_name(room):
    state = room.state([room.masks("ana", "P1", {"T2": block(1, 1, 1)})])
    write_record(state)
    (room.data / "reading" / "audit.csv").write_text("mine")
    record = write_record(state)
    assert [file.name for file in record.kept] == ["audit.kept-1.csv"]
    assert record.kept[0].read_text() == "mine"
    assert (room.data / "reading" / "audit.csv").read_text().startswith("at,reader,")


def test_a_lesion_that_is_not_drawn_any_more_has_no_mask_and_repeats_and_practice_lie_apart(room):
    first = room.masks("ana", "P1", {"T2": block(1, 1, 1), "DWI": block(1, 1, 1)})
    again = room.masks("ana", "P1", {"T2": block(2, 1, 1)}, repeat=True)
    practice = room.masks("ana", "practice 1", {}, practice=True)
    write_record(room.state([first, again, practice]))
    folder = room.data / "masks" / "P1"
    repeat = room.data / "reading" / "repeats" / "P1" / "1" / "T2_ana.nii.gz"
    np.testing.assert_array_equal(nib.load(repeat).get_fdata() > 0, block(2, 1, 1))
    np.testing.assert_array_equal(nib.load(folder / "T2_ana.nii.gz").get_fdata() > 0, block(1, 1, 1))
    assert sorted(file.name for file in (room.data / "masks").glob("*/*.nii.gz")) == ["DWI_ana.nii.gz", "T2_ana.nii.gz"]
    write_record(room.state([room.masks("ana", "P1", {"T2": block(1, 1, 1)}), again, practice]))
    assert sorted(file.name for file in (room.data / "masks").glob("*/*.nii.gz")) == ["T2_ana.nii.gz"]
    assert "practice" not in (room.data / "reading" / "tools.csv").read_text()


def test_only_the_masks_of_the_closed_case_are_written_but_the_tables_are_whole(room):
    one, other = room.masks("ana", "P1", {"T2": block(1, 1, 1)}), room.masks("ana", "P2", {"T2": block(1, 1, 1)})
    record = write_record(room.state([one, other]), closed=[other])
    assert [file.name for file in record.files if file.suffix == ".gz"] == ["T2_ana.nii.gz"]
    assert not (room.data / "masks" / "P1").exists()
    assert pd.read_csv(room.data / "reading" / "tools.csv")["patient"].tolist() == ["P1", "P2"]


def test_lesions_share_a_file_by_their_labels_or_are_refused(room):
    cases = [room.masks("ana", "P1", {"T2": block(0, 0, 0)}), room.masks("ana", "P1", {"T2": block(4, 3, 2)}, "2")]
    refused(room, cases, r"2 lesions of the patient would be one mask file.*\{lesion\} in cohort.masks")
    changed(room, "  readers:", "  label: lesion\n  readers:")
    write_record(room.state(cases))
    labels = nib.load(room.data / "masks" / "P1" / "T2_ana.nii.gz").get_fdata()
    np.testing.assert_array_equal(labels, block(0, 0, 0) + 2 * block(4, 3, 2))
    overlapping = [cases[0], room.masks("ana", "P1", {"T2": block(1, 0, 0)}, "2")]
    refused(room, overlapping, r"Patient P1.*lesion 2 overlaps")
    np.testing.assert_array_equal(nib.load(room.data / "masks" / "P1" / "T2_ana.nii.gz").get_fdata(), labels)


@pytest.mark.parametrize("suffix", ["nrrd", "seg.nrrd", "mha"])
def test_other_formats_of_mask_files_read_back_as_the_same_voxels(room, suffix):
    changed(room, "{reader}.nii.gz", "{reader}." + suffix)
    write_record(room.state([room.masks("ana", "P1", {"T2": block(2, 1, 1)})]))
    file = room.data / "masks" / "P1" / f"T2_ana.{suffix}"
    roi = Roi.read(file, None, Volume.read(room.file("P1", "T2")))
    np.testing.assert_array_equal(roi.mask, block(2, 1, 1))


def test_a_pattern_that_names_no_file_and_a_label_that_a_file_cannot_hold_are_refused(room):
    case = room.masks("ana", "P1", {"T2": block(2, 1, 1)})
    changed(room, "{sequence}_{reader}.nii.gz", "{sequence}_{reader}*.nii.gz")
    refused(room, [case], r"Patient P1, lesion 1, (T2|DWI), reader ana.*has a '\*'")
    changed(room, "  readers:", "  label: tumour\n  readers:")
    refused(room, [case], "cannot hold the lesion under the label 'tumour'")


def test_a_dicom_seg_lies_beside_the_mask_of_a_dicom_series(room, tmp_path):
    series = Series(tmp_path / "series")
    image = room.data / "images" / "P1" / "T2.nii.gz"
    nib.save(nib.Nifti1Image(series.volume.voxels, series.volume.affine), image)
    grid = Volume.read(image).grid
    mask = series.roi().mask
    drawn = DrawnSequence(
        sequence="T2", runs=runs_of(codes_of(mask, 1)), image=image, grid=grid, dicom=DicomSeries(series.folder)
    )
    case = dataclasses.replace(room.masks("ana", "P1", {}), drawn=(drawn,))
    write_record(room.state([case]))
    seg = room.data / "masks" / "P1" / "T2_ana.dcm"
    np.testing.assert_array_equal(Roi.read(seg, None, series.volume).mask, mask)
    before = seg.read_bytes()
    write_record(room.state([case]))
    assert seg.read_bytes() == before  # its identifiers are random: it is not written again without a reason


def test_answers_have_a_column_for_each_reader_the_arbiter_and_the_final_value(room):
    cases = [
        room.form("ana", "P2", answers={"margin": "smooth", "size": 2.1, "likelihood": 30}, computed={"size": 2.34}),
        room.form("ben", "P2", answers={"margin": "rough", "size": 2.4, "likelihood": 70}, computed={"size": 9.0}),
        room.form("cai", "P2", task="arbitration", answers={"margin": "smooth"}, decided={"margin": "rough"}),
        room.form("ana", "P1", answers={"margin": "not assessable"}),
        room.form("ana", "P1", answers={"margin": "rough"}, repeat=True),
    ]
    finals = {("P2", "1"): {"margin": room.final("rough", "arbitrated"), "size": room.final(2.25, "averaged")}}
    write_record(room.state(cases, finals=finals))
    text = (room.data / "reading" / "answers.csv").read_text()
    assert text.splitlines() == [
        "patient,lesion,margin_r1,margin_r2,margin_arbiter,margin_final,size_r1,size_r2,size_final,size_computed,"
        "likelihood_r1,likelihood_r2",
        "P1,1,not assessable,,,,,,,,,",
        "P2,1,smooth,rough,rough,rough,2.1,2.4,2.25,2.34,30,70",
    ]
    summary = json.loads((room.data / "reading" / "summary.json").read_text())
    assert summary["final_values"] == {"arbitrated": 1, "averaged": 1}


def test_visibility_tools_and_audit_say_what_was_done(room):
    said = {"T2": SequenceAnswer(True, True, "", 5), "DWI": SequenceAnswer(None, False, "moved", 1)}
    shown = (('{"image": "acquired", "zoom": 2}', 3), ('{"image": "prepared"}', 4))
    drawn = room.drawn("P1", "T2", block(1, 1, 1), displays=shown)
    runs = np.array([[0, 4, 1], [10, 2, 7], [20, 1, 11]])
    case = dataclasses.replace(
        room.masks("ana", "P1", {}), drawn=(dataclasses.replace(drawn, runs=runs),), per_sequence=said
    )
    write_record(room.state([case]))
    folder = room.data / "reading"
    assert (folder / "visibility.csv").read_text().splitlines() == [
        "patient,lesion,sequence,reader,visible,evaluable,reason,quality,task",
        "P1,1,DWI,ana,,False,moved,1,masks", "P1,1,T2,ana,True,True,,5,masks",
    ]  # fmt: skip
    tools = pd.read_csv(folder / "tools.csv")
    assert tools[["voxels", "contour", "interpolation", "taken_in", "brush"]].iloc[0].tolist() == [7, 4, 2, 1, 0]
    assert json.loads(tools["display"][0])[0] == {"settings": {"image": "acquired", "zoom": 2}, "strokes": 3}
    assert "'=1+1" in (folder / "audit.csv").read_text()  # no formula for a spreadsheet
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["tools"] == {"contour": 4, "interpolation": 2, "taken_in": 1}
    assert (summary["masks"], summary["masks_taken_in"], summary["shown"]) == (1, 1, {"acquired": 3, "prepared": 4})


def test_the_summary_counts_repeats_and_the_days_between_two_meetings(room):
    begun, ended, later = (f"2026-{when}:00:00+00:00" for when in ("01-01T09", "01-01T10", "02-01T10"))
    first = room.masks("ana", "P1", {"T2": block(1, 1, 1)}, opened_at=begun, closed_at=ended)
    again = room.masks("ana", "P1", {"T2": block(2, 1, 1)}, repeat=True, opened_at=later, closed_at=later)
    forms = [room.form("ben", patient, answers={"margin": margin, "size": size}, repeat=repeat, opened_outcomes=True)
             for patient, margin, sizes in (("P1", "smooth", (1, 1.5)), ("P2", "rough", (2, 2)),
                                            ("P3", "rough", (5, 4)))
             for repeat, size in zip((False, True), sizes, strict=True)]  # fmt: skip
    write_record(room.state([first, again, *forms]))
    summary = json.loads((room.data / "reading" / "summary.json").read_text())
    assert (summary["met_again"], summary["shortest_wash_out_days"]) == (4, 31.0)
    dice = 2 * 8 / 24  # blocks of 3 x 2 x 2, moved by one of three voxels
    assert summary["repeated_masks"] == [
        {"reader": "ana", "masks": 1, "dice_median": dice, "dice_low": dice, "dice_high": dice}]  # fmt: skip
    kappa, size = summary["repeated_items"]
    assert (kappa["item"], kappa["value"], kappa["lesions"]) == ("margin", 1.0, 3)
    assert size["measure"] == "ICC(2,1)"
    assert size["value"] == pytest.approx(icc_by_hand([[1, 1.5], [2, 2], [5, 4]]))
    opened = {one["reader"]: one["opened_outcomes"] for one in summary["readers"]}
    assert opened == {"ana": False, "ben": True}


def icc_by_hand(ratings):
    """ICC(2,1) by Shrout and Fleiss's formula, from the sums of squares."""
    values = np.array(ratings, float)
    n, k = values.shape
    rows, columns, total = values.mean(axis=1), values.mean(axis=0), values.mean()
    between = k * ((rows - total) ** 2).sum() / (n - 1)
    readers = n * ((columns - total) ** 2).sum() / (k - 1)
    error = ((values - rows[:, None] - columns + total) ** 2).sum() / ((n - 1) * (k - 1))
    return (between - error) / (between + (k - 1) * error + k * (readers - error) / n)


@pytest.mark.parametrize("suffix", ["nii.gz", "seg.nrrd"])
def test_an_image_that_was_replaced_since_is_named(room, suffix):
    changed(room, "{reader}.nii.gz", "{reader}." + suffix)
    case = room.masks("ana", "P1", {"T2": block(1, 1, 1)})
    moved = nib.load(room.file("P1", "T2")).affine
    moved[2, 3] += 4
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, np.int16), moved), room.file("P1", "T2"))
    refused(room, [case], r"Patient P1.*T2\.nii\.gz is not the one that .* drawn on: its origin")
    assert not (room.data / "masks").exists()


def test_a_stored_mask_that_does_not_fit_its_image_is_named(room):
    case = room.masks("ana", "P1", {"T2": block(1, 1, 1)})
    runs = np.array([[int(np.prod(SHAPE)) - 1, 2, 1]])
    broken = dataclasses.replace(case, drawn=(dataclasses.replace(case.drawn[0], runs=runs),))
    refused(room, [broken], "reaches beyond the image's 210 voxels")
