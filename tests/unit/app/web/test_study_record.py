"""The record that closing a case leaves: masks, answers and agreement, from the real database of two readers."""

import dataclasses
import datetime

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from radstudy.app.reading import record
from radstudy.app.reading.audit import utc_now
from radstudy.app.web.needs import CaseAddress, ConflictError, SentAnswers, SentStroke
from radstudy.app.web.of_study import behind_of
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi
from radstudy.protocol.load import parse_protocol
from radstudy.store import read_json
from unit.app.web.test_study_room import AFFINE, SEEN, SHAPE, STUDY, index, write_study


@pytest.fixture
def room(tmp_path):
    folder = write_study(tmp_path)
    protocol = parse_protocol(STUDY.replace("PRACTICE", "0").replace("GROW", "false"))
    room = behind_of(protocol, folder, run=folder / "run", database=folder / "db").room
    room.data = folder
    yield room
    room.shut()


def next_case(room, reader, task):
    return CaseAddress(reader, task, room.worklist(reader, task)["next"])


def lesion_of(room, case):
    (own,) = [one for one in room.storage.assignments() if one.id == case.id]
    return own.patient


def draw(room, reader, length):
    """Draw a run of voxels in each of three slices of both sequences, and close; which patient, and what was told."""
    case = next_case(room, reader, "masks")
    room.open_case(case, tab="t", take=False)
    runs = [[index(3, 4, k), length, CODE] for k in (2, 3, 4)]
    for sequence in ("T2", "DCE3"):
        room.stroke(case, "t", SentStroke(sequence, 0, "brush", np.array(runs, np.int64), {"image": "acquired"}))
    room.save_answers(case, "t", SentAnswers(0, {}, SEEN))
    return lesion_of(room, case), room.close_case(case, "t")


CODE = 3


def describe(room, reader, margin, size):
    case = next_case(room, reader, "characteristics")
    room.open_case(case, tab="t", take=False)
    values = {"margin": margin, "size": size, "likelihood": 40}
    room.save_answers(case, "t", SentAnswers(0, values))
    shown = room.lock_answers(case, "t")
    room.close_case(case, "t")
    return lesion_of(room, case), shown


def test_closing_writes_the_mask_where_the_study_looks_and_the_room_tells_its_volume(room):
    patient, told = draw(room, "ann", 4)
    (t2, dce) = told["measures"]["masks"]
    assert (t2["sequence"], t2["voxels"], t2["volume_mm3"]) == ("T2", 12, pytest.approx(36.0))
    assert dce["sequence"] == "DCE3"
    roi = Roi.read(room.data / patient / "T2_ann.nii.gz")
    expected = np.zeros(SHAPE, bool)
    expected[3:7, 4, 2:5] = True
    np.testing.assert_array_equal(roi.mask, expected)
    np.testing.assert_allclose(roi.affine, AFFINE)
    tools = pd.read_csv(room.data / "reading" / "tools.csv")
    assert tools["brush"].tolist() == [12, 12] and tools["patient"].tolist() == [patient] * 2
    audit = pd.read_csv(room.data / "reading" / "audit.csv")
    assert {"opened", "closed"} <= set(audit["event"]) and set(audit["patient"]) == {patient}


def test_a_reader_hears_no_name_of_a_file_that_stands_in_the_way(room, caplog):
    case = next_case(room, "ann", "masks")
    patient = lesion_of(room, case)
    foreign = room.data / patient / "T2_ann.nii.gz"
    foreign.write_bytes(b"drawn elsewhere")
    _, told = draw(room, "ann", 4)
    assert told["closed"] and "tell the study lead" in told["note"]
    assert patient not in str(told) and "nii" not in str(told)
    assert foreign.read_bytes() == b"drawn elsewhere" and str(foreign) in caplog.text
    (problem,) = room.export()["problems"]  # the lead is told which
    assert "T2_ann" in problem and patient in problem
    foreign.unlink()
    assert room.export() | {"kept": []} == {"cases": 1, "files": 7, "kept": [], "problems": []} and foreign.exists()


def gone(room, file):
    file.rename(file.with_suffix(".away"))
    return "the file does not exist"


def replaced(room, file):
    image = nib.load(file)
    voxels = np.asanyarray(image.dataobj).copy()
    voxels[0, 0, 0] += 1
    nib.save(nib.Nifti1Image(voxels, image.affine), file)
    return "is not the one that the lesion was drawn on"


@pytest.mark.parametrize("change", [gone, replaced])
def test_an_image_that_is_gone_or_another_stops_no_other_case_and_takes_away_no_mask(room, change, caplog):
    first, _ = draw(room, "ann", 4)
    mask = room.data / first / "T2_ann.nii.gz"
    before = mask.read_bytes()
    image = room.data / first / "T2.nii.gz"
    kept = image.read_bytes()
    words = change(room, image)
    second, told = draw(room, "ann", 4)
    assert second != first and "note" not in told and (room.data / second / "T2_ann.nii.gz").exists()
    tools = pd.read_csv(room.data / "reading" / "tools.csv")
    assert len(tools) == 4 and (tools["brush"] == 12).all()  # what was drawn is known without the image
    result = room.export()
    (problem,) = result["problems"]
    assert problem.startswith(f"Patient {first}, lesion 1, T2, reader ann, file {image}") and words in problem
    assert mask.read_bytes() == before
    assert room.lead_agreement()["masks"] == []
    image.write_bytes(kept)
    assert room.export()["problems"] == []


def test_a_case_on_a_replaced_image_opens_only_when_it_is_drawn_anew(room):
    case = next_case(room, "ann", "masks")
    room.open_case(case, tab="t", take=False)
    run = np.array([[index(3, 4, 2), 4, CODE]], np.int64)
    room.stroke(case, "t", SentStroke("T2", 0, "brush", run, {"image": "acquired"}))
    patient = lesion_of(room, case)
    replaced(room, room.data / patient / "T2.nii.gz")
    with pytest.raises(ConflictError, match="the image of T2 is not the one on which this case was drawn"):
        room.open_case(case, tab="t", take=False)
    room.begin_anew(reader="ann", patient=patient, lesion="1", sequence="T2", reason="wrong series")
    document = room.open_case(case, tab="t", take=False)
    assert document["masks"]["T2"] == {"revision": 2, "runs": []}
    for sequence, revision in (("T2", 2), ("DCE3", 0)):
        room.stroke(case, "t", SentStroke(sequence, revision, "brush", run, {"image": "acquired"}))
    room.save_answers(case, "t", SentAnswers(0, {}, SEEN))
    told = room.close_case(case, "t")
    assert "note" not in told and told["measures"]["masks"][0]["voxels"] == 4
    assert (room.data / patient / "T2_ann.nii.gz").exists()


def test_a_dicom_series_that_does_not_fit_costs_the_seg_alone(room, caplog):
    reading = room.protocol.reading.model_copy(update={"dicom": "{patient}"})
    record = dataclasses.replace(room.record, protocol=room.protocol.model_copy(update={"reading": reading}))
    room.record = record
    patient, told = draw(room, "ann", 4)
    assert "tell the study lead" in told["note"] and "dcm" not in str(told)
    assert (room.data / patient / "T2_ann.nii.gz").exists() and not list(room.data.rglob("*.dcm"))
    (problem, *_) = room.export()["problems"]
    assert f"Patient {patient}" in problem and "the folder holds 0 series with images" in problem


def test_a_record_that_was_cut_off_is_written_when_the_room_opens(tmp_path, monkeypatch):
    folder = write_study(tmp_path)
    protocol = parse_protocol(STUDY.replace("PRACTICE", "0").replace("GROW", "false"))
    room = behind_of(protocol, folder, run=folder / "run", database=folder / "db").room
    with monkeypatch.context() as cut:
        cut.setattr(room.record.__class__, "closed", lambda *_: {})  # the server ended before the files were written
        patient, _ = draw(room, "ann", 4)
    room.shut()
    assert not (folder / patient / "T2_ann.nii.gz").exists()
    room = behind_of(protocol, folder, run=folder / "run", database=folder / "db").room
    assert (folder / patient / "T2_ann.nii.gz").exists() and room.storage.to_export() == ()
    room.shut()


def test_a_table_that_somebody_has_changed_is_no_readers_affair(room, caplog):
    draw(room, "ann", 4)
    (room.data / "reading" / "tools.csv").write_text("changed")
    _, told = draw(room, "ann", 4)
    assert set(told) == {"closed", "measures"} and set(told["measures"]) == {"masks"}
    assert "tools" in caplog.text


def test_images_are_read_once_for_a_closing_and_not_at_every_later_one(room, monkeypatch):
    read = []
    real = record.Volume.read
    monkeypatch.setattr(record.Volume, "read", lambda file: read.append(file.parent.name) or real(file))
    first, _ = draw(room, "ann", 4)
    assert set(read) == {first}
    read.clear()
    second, _ = draw(room, "ann", 4)
    assert set(read) == {second}
    where = {"reader": "ann", "task": "masks", "patient": first, "lesion": "1"}
    room.reopen(**where, reason="too small")
    case = CaseAddress("ann", "masks", next(one.id for one in room.storage.assignments() if (
        one.reader, one.task, one.patient) == ("ann", "masks", first)))  # fmt: skip
    room.open_case(case, tab="t", take=False)
    room.stroke(case, "t", SentStroke("T2", 1, "brush", np.array([[index(3, 5, 2), 2, CODE]]), {}))
    read.clear()
    told = room.close_case(case, "t")
    assert set(read) == {first} and told["measures"]["masks"][0]["voxels"] == 14


def test_answers_of_two_readers_and_their_mean_are_recorded(room):
    for reader, size in (("ann", 2.0), ("bea", 2.4)):
        for _ in range(3):
            draw(room, reader, 4)
        for _ in range(3):
            _, shown = describe(room, reader, "smooth", size)
    assert shown["hidden"]["volume_cm3"] == pytest.approx(0.036)
    answers = pd.read_csv(room.data / "reading" / "answers.csv").set_index("patient")
    assert len(answers) == 3
    assert (answers["margin_r1"] == "smooth").all() and (answers["margin_final"] == "smooth").all()
    assert answers["size_final"].tolist() == pytest.approx([2.2] * 3)
    assert (answers["likelihood_r2"] == 40).all()


def test_the_lead_sees_agreement_and_what_differs_but_no_outcome(room):
    for reader, length in (("ann", 4), ("bea", 2)):
        for _ in range(3):
            draw(room, reader, length)
        for number in range(3):
            describe(room, reader, "rough" if (reader, number) == ("bea", 0) else "smooth", 2.0)
    agreement = room.lead_agreement()
    t2 = next(one for one in agreement["masks"] if one["sequence"] == "T2")
    assert t2["n"] == 3 and t2["dice"]["median"] == pytest.approx(2 * 6 / (12 + 6))
    assert t2["volumes_mm3"] == pytest.approx([36.0, 18.0])
    margin = next(one for one in agreement["items"] if one["item"] == "margin")
    assert margin["n"] == 3 and margin["readers"] == ["ann", "bea"]
    differing = room.lead_disagreements()
    (one,) = [item for item in differing["items"] if item["item"] == "margin"]
    assert sorted(one["values"]) == ["rough", "smooth"] and one["source"] == "unresolved"
    assert differing["masks"][0]["dice"] == pytest.approx(2 / 3)
    assert "outcome" not in str(agreement) + str(differing)


def test_a_mask_from_another_program_becomes_a_readers(room, tmp_path):
    case = next_case(room, "ann", "masks")
    patient = lesion_of(room, case)
    mask = np.zeros(SHAPE, bool)
    mask[2:5, 3:6, 1:4] = True
    write_rois(tmp_path / "slicer.seg.nrrd", [Roi(mask, AFFINE, label="tumour")])
    taken = room.take_in(reader="ann", patient=patient, lesion="1", sequence="T2", file=tmp_path / "slicer.seg.nrrd")
    assert taken["voxels"] == 27
    document = room.open_case(case, tab="t", take=False)
    assert sum(length for _, length, _ in document["masks"]["T2"]["runs"]) == 27
    assert {code for _, _, code in document["masks"]["T2"]["runs"]} == {11}


def test_a_reader_counts_as_unblinded_for_what_he_closed_after_learning_outcomes(room, monkeypatch):
    def unblinded():
        summary = read_json(room.data / "reading" / "summary.json")
        return {one["reader"]: one["opened_outcomes"] for one in summary["readers"]}

    draw(room, "ann", 4)
    draw(room, "bea", 4)
    monkeypatch.setattr(room.storage, "_clock", lambda: utc_now() + datetime.timedelta(hours=1))
    room.note_outcomes_opened(reader="bea", detail="pathology report")
    monkeypatch.setattr(room.storage, "_clock", lambda: utc_now() + datetime.timedelta(hours=2))
    draw(room, "ann", 4)
    assert unblinded() == {"ann": False, "bea": False}
    draw(room, "bea", 4)
    assert unblinded() == {"ann": False, "bea": True}
    audit = pd.read_csv(room.data / "reading" / "audit.csv")
    assert audit.set_index("event").loc["opened outcomes", ["reader", "detail"]].tolist() == ["bea", "pathology report"]
