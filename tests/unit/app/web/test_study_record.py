"""The record that closing a case leaves: masks, answers and agreement, from the real database of two readers."""

import numpy as np
import pandas as pd
import pytest

from radstudy.app.reading import record
from radstudy.app.web.needs import CaseAddress, IncompleteError, SentAnswers, SentStroke
from radstudy.app.web.of_study import behind_of
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi
from radstudy.protocol.load import parse_protocol
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
    with pytest.raises(IncompleteError, match="T2_ann"):  # the lead is told which
        room.export()
    foreign.unlink()
    assert room.export()["masks"] == 1 and foreign.exists()


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
