"""The reading room of a study, from its files to what a page receives."""

import datetime
import itertools
import json

import numpy as np
import pandas as pd
import pytest

from radstudy.app.reading.cases import read_reading_cohort
from radstudy.app.reading.links import PersonalLink
from radstudy.app.reading.roster import roster_of
from radstudy.app.reading.storage import open_storage
from radstudy.app.reading.stored_cases import ReaderCase
from radstudy.app.reading.strokes import CODES
from radstudy.app.web.needs import (
    CaseAddress,
    ComputeRequest,
    ConflictError,
    IncompleteError,
    SentAnswers,
    SentStroke,
    UnknownError,
)
from radstudy.app.web.of_study import behind_of
from radstudy.app.web.practice import practice_images, practice_side
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.app.web.study_room import StudyRoom
from radstudy.app.web.volumes import ServedImages, curve
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol

STUDY = """
study: reading
cohort:
  table: cohort.csv
  patient: id
  side: side
  outcome: {column: y, positive: "1"}
  split: {column: set}
  exclude: out
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [ann, bea]
  clinical:
    margin: {levels: [smooth, rough], table: imaging}
    size: {unit: cm, table: imaging}
sequences: [T2, DCE3]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
reading:
  practice: PRACTICE
  wash_out_days: 0
  tools: {grow: GROW}
  characteristics: {arbiter: cem, differs_above: {size: 0.5}}
"""
SHAPE = (14, 12, 7)
AFFINE = np.diag([-1.0, 1.0, 3.0, 1.0])


def write_study(folder, outcomes=(0, 1, 0), out=("", "", ""), sets=("training", "training", "testing")):
    """Three patients with two sequences, and a phase beside them."""
    for number in range(3):
        rng = np.random.default_rng(number)
        for name in ("T2", "DCE1", "DCE3"):
            write_raster(folder / f"P{number}" / f"{name}.nii.gz", rng.integers(0, 500, SHAPE).astype(np.int16), AFFINE)
        (folder / f"P{number}" / "DCE1.json").write_text(json.dumps({"seconds_since_first_phase": 0}))
        (folder / f"P{number}" / "DCE3.json").write_text(json.dumps({"seconds_since_first_phase": 120}))
    table = {"id": ["P0", "P1", "P2"], "side": ["left", "right", "left"], "y": outcomes, "set": sets, "out": out}
    pd.DataFrame({**table, "margin": "", "size": ""}).to_csv(folder / "cohort.csv", index=False)
    return folder


def opened(folder, *, practice=0, grow=False, start=datetime.datetime(2026, 1, 5, 8, tzinfo=datetime.UTC)):
    """The room of a study, with a clock that moves a minute at each look."""
    protocol = parse_protocol(STUDY.replace("PRACTICE", str(practice)).replace("GROW", str(grow).lower()))
    cohort, minutes = read_reading_cohort(protocol, folder), itertools.count()
    storage = open_storage(
        folder / "room.sqlite", protocol.reading, clock=lambda: start + datetime.timedelta(minutes=next(minutes)),
        check_place=lambda place: None,
    )  # fmt: skip
    lesions = [lesion.key for lesion in cohort.lesions]
    storage.sync(roster_of(lesions, readers=protocol.cohort.readers, reading=protocol.reading, seed=protocol.seed,
                           kept=storage.assignments()))  # fmt: skip
    images = ServedImages(Steps((), None, folder / "cache"), RunRecords(folder / "none", protocol))
    return StudyRoom(protocol=protocol, storage=storage, cohort=cohort, viewed=images, cache=folder / "practice")


@pytest.fixture
def room(tmp_path):
    room = opened(write_study(tmp_path))
    yield room
    room.shut()


def address(room, reader, task):
    """The next case of a reader."""
    return CaseAddress(reader, task, room.worklist(reader, task)["next"])


def brush(*runs, revision=0, sequence="T2", tool="brush", code=3):
    return SentStroke(sequence, revision, tool, np.array([[*run, code] for run in runs], np.int64), {"zoom": 1})


def index(i, j, k):
    return i + SHAPE[0] * (j + SHAPE[1] * k)


SEEN = {name: {"visible": True, "evaluable": True, "reason": "", "quality": 4} for name in ("T2", "DCE3")}


def draw_and_close(room, reader):
    """Draw something on both sequences of the next case, and close it."""
    case = address(room, reader, "masks")
    room.open_case(case, tab="t", take=False)
    for sequence in ("T2", "DCE3"):
        room.stroke(case, "t", brush((index(3, 4, 2), 4), sequence=sequence))
    room.save_answers(case, "t", SentAnswers(0, {}, SEEN))
    assert room.close_case(case, "t") == {"closed": True, "measures": {}}
    return case


def describe(room, reader, task="characteristics", **values):
    """Open the next case, fill in the form, lock; what was shown after that."""
    case = address(room, reader, task)
    room.open_case(case, tab="t", take=False)
    room.save_answers(case, "t", SentAnswers(0, values))
    return case, room.lock_answers(case, "t")


def test_who_has_what(room):
    assert room.readers() == ("ann", "bea", "cem")
    assert room.tasks_of("ann") == ("masks", "characteristics") and room.tasks_of("cem") == ("arbitration",)
    assert room.tasks_of("stranger") == ()
    assert room.progress_of("ann")[0] == {"task": "masks", "closed": 0, "total": 3}
    assert room.progress_of("cem") == [{"task": "arbitration", "closed": 0, "total": 0}]
    assert room.still_reads("ann") and not room.still_reads("cem")


def test_a_case_is_drawn_and_closed(room):
    case = address(room, "ann", "masks")
    document = room.open_case(case, tab="t", take=False)
    assert document["id"] == case.id and document["target"]["side"] in ("left", "right")
    assert document["masks"] == {} and document["answers"] == {"revision": 0, "values": {}}
    assert document["tools"] == {"grow": False, "carry": False} and document["status"] == "open"
    assert room.stroke(case, "t", brush((5, 2), (20, 1))) == 1
    with pytest.raises(ConflictError) as behind:
        room.stroke(case, "t", brush((5, 2)))
    assert behind.value.more == {"revision": 1, "runs": [[5, 2, 3], [20, 1, 3]]}
    with pytest.raises(ConflictError) as held:
        room.open_case(case, tab="other", take=False)
    assert held.value.more == {"held": True}
    with pytest.raises(IncompleteError) as missing:
        room.close_case(case, "t")
    assert {one["sequence"] for one in missing.value.more["missing"]} == {"T2", "DCE3"}
    with pytest.raises(IncompleteError, match="lies outside"):
        room.stroke(case, "t", brush((10_000, 2), revision=1))
    with pytest.raises(UnknownError):
        room.stroke(case, "t", brush((5, 2), sequence="DCE1"))  # a phase is looked at, not drawn on
    room.pause_case(case, "t")
    closed = draw_and_close_again(room, case)
    with pytest.raises(ConflictError, match="closed"):
        room.open_case(closed, tab="t", take=False)
    assert room.progress_of("ann")[0]["closed"] == 1


def draw_and_close_again(room, case):
    room.open_case(case, tab="t", take=False)
    room.stroke(case, "t", brush((5, 2), sequence="DCE3"))
    assert room.save_answers(case, "t", SentAnswers(0, {"comment": "small"}, SEEN)) == 1
    room.close_case(case, "t")
    return case


def test_another_readers_case_is_unknown(room):
    case = address(room, "ann", "masks")
    for stranger in (CaseAddress("bea", "masks", case.id), CaseAddress("ann", "characteristics", case.id)):
        for action in (
            lambda one=stranger: room.open_case(one, tab="t", take=False), lambda one=stranger: room.images(one),
            lambda one=stranger: room.stroke(one, "t", brush((5, 2))), lambda one=stranger: room.lesion(one),
        ):  # fmt: skip
            with pytest.raises(UnknownError, match="there is no such case"):
                action()


def test_operations_are_previews_that_only_change_what_they_say(room):
    case = address(room, "ann", "masks")
    room.open_case(case, tab="t", take=False)
    slices = [(index(3, j, k), 5) for k in (1, 4) for j in range(3, 8)]
    room.stroke(case, "t", brush(*slices, tool="contour", code=1))
    runs = room.compute(case, ComputeRequest("T2", "interpolate", {"axis": 2}, 1))
    assert runs == [[index(3, j, k), 5, CODES["interpolation"]] for k in (2, 3) for j in range(3, 8)]
    assert room.storage.case(case_of(case)).masks["T2"].revision == 1
    room.stroke(case, "t", brush((index(5, 5, 1), 1), revision=1, tool="eraser", code=0))
    room.stroke(case, "t", brush((index(12, 10, 6), 1), revision=2))
    hole = room.compute(case, ComputeRequest("T2", "holes", {"axis": 2}, 3))
    assert hole == [[index(5, 5, 1), 1, CODES["islands_holes"]]]
    island = room.compute(case, ComputeRequest("T2", "islands", {"fewest": 3}, 3))
    assert island == [[index(12, 10, 6), 1, 0]]
    smooth = room.compute(case, ComputeRequest("T2", "smooth", {"axis": 2}, 3))
    assert {code for _, _, code in smooth} <= {0, CODES["smoothing"]} and smooth
    with pytest.raises(ConflictError) as behind:
        room.compute(case, ComputeRequest("T2", "holes", {"axis": 2}, 1))
    assert behind.value.more["revision"] == 3
    for options in ({}, {"axis": 3}, {"axis": True}, {"axis": "2"}):
        with pytest.raises(IncompleteError, match="axis"):
            room.compute(case, ComputeRequest("T2", "holes", options, 3))
    with pytest.raises(IncompleteError, match="switched off"):
        room.compute(case, ComputeRequest("T2", "grow", {"seed": [1, 1, 1]}, 3))


def case_of(case):
    return ReaderCase(case.reader, case.task, case.id)


def test_growing_where_the_study_allows_it(tmp_path):
    room = opened(write_study(tmp_path), grow=True)
    case = address(room, "ann", "masks")
    room.open_case(case, tab="t", take=False)
    voxels = room.viewed.image(room.images(case), "T2", "acquired").voxels
    options = {"seed": [4, 4, 3], "low": 0, "high": 500, "box": [[3, 3, 3], [6, 5, 3]], "image": "acquired"}
    runs = room.compute(case, ComputeRequest("T2", "grow", options, 0))
    assert runs == [[index(3, j, 3), 4, CODES["growing"]] for j in (3, 4, 5)]
    with pytest.raises(IncompleteError, match="not between"):
        room.compute(case, ComputeRequest("T2", "grow", {**options, "low": float(voxels[4, 4, 3]) + 1}, 0))
    for wrong in ({"seed": None}, {"box": [[1, 2]]}, {"low": "0"}, {"box": 3}):
        with pytest.raises(IncompleteError):
            room.compute(case, ComputeRequest("T2", "grow", {**options, **wrong}, 0))
    room.shut()


def test_a_third_reader_meets_what_two_see_differently_and_first_answers_alone(room):
    shown = [describe(room, "ann", margin="smooth", size=2.0, likelihood=30) for _ in range(1)]
    first, after = shown[0]
    first_values = {"margin": "smooth", "size": 2.0, "likelihood": 30}
    assert after == {"locked": True, "frozen": True, "first": {"values": first_values}, "hidden": {}, "others": []}
    lesion = room.storage.assignment(case_of(first))
    room.close_case(first, "t")
    assert room.worklist("cem", "arbitration")["cases"] == []
    while True:  # bea comes to the same lesion in an order of her own
        case, _ = describe(room, "bea", margin="rough", size=2.4, likelihood=60)
        one = room.storage.assignment(case_of(case))
        room.close_case(case, "t")
        if (one.patient, one.lesion) == (lesion.patient, lesion.lesion):
            break
    (listed,) = room.worklist("cem", "arbitration")["cases"]
    case = CaseAddress("cem", "arbitration", listed["id"])
    document = room.open_case(case, tab="t", take=False)
    assert [item["name"] for item in document["form"]] == ["margin", "comment"]  # the sizes are averaged
    assert document["others"] == [] and document["first"] is None and not document["locked"]
    assert "smooth" not in json.dumps(document["answers"])
    with pytest.raises(IncompleteError):
        room.lock_answers(case, "t")
    room.save_answers(case, "t", SentAnswers(0, {"margin": "rough"}))
    locked = room.lock_answers(case, "t")
    others = locked["others"]
    assert not locked["frozen"] and locked["first"] == {"values": {"margin": "rough"}}  # the arbiter may go on
    assert sorted(one["values"]["margin"] for one in others) == ["rough", "smooth"]
    assert all(set(one["values"]) == {"margin"} for one in others)
    assert room.open_case(case, tab="t", take=False)["others"] == others
    room.save_answers(case, "t", SentAnswers(1, {"margin": "smooth"}))
    assert room.close_case(case, "t")["closed"]


def test_a_case_that_the_lead_opens_again_keeps_its_first_answers_and_can_be_changed(room):
    case, _ = describe(room, "ann", margin="smooth", size=2.0, likelihood=30)
    assert room.open_case(case, tab="t", take=False)["frozen"]
    room.close_case(case, "t")
    one = room.storage.assignment(case_of(case))
    room.reopen(reader="ann", task="characteristics", patient=one.patient, lesion=one.lesion, reason="wrong breast")
    document = room.open_case(case, tab="t", take=False)
    assert document["locked"] and not document["frozen"]
    room.save_answers(case, "t", SentAnswers(1, {"margin": "rough", "size": 2.0, "likelihood": 30}))
    again = room.open_case(case, tab="t", take=False)
    assert again["first"]["values"]["margin"] == "smooth" and again["answers"]["values"]["margin"] == "rough"


def test_locked_answers_stay(room):
    case, _ = describe(room, "ann", margin="smooth", size=2.0, likelihood=30)
    with pytest.raises(ConflictError, match="locked"):
        room.save_answers(case, "t", SentAnswers(1, {"margin": "rough", "size": 2.0, "likelihood": 30}))
    with pytest.raises(IncompleteError, match="not asked"):
        room.save_answers(case, "t", SentAnswers(1, {"outcome": "1"}))
    with pytest.raises(ConflictError) as behind:
        room.save_answers(case, "t", SentAnswers(0, {}))
    assert behind.value.more["values"]["margin"] == "smooth"


def test_the_curve_of_the_lesion_is_of_the_readers_own_drawing(room):
    drawn = draw_and_close(room, "ann")
    lesion = room.storage.assignment(case_of(drawn))
    own = next(one for one in room.storage.assignments() if one.task == "characteristics" and one.reader == "ann"
               and one.patient == lesion.patient)  # fmt: skip
    sequence, mask = room.lesion(CaseAddress("ann", "characteristics", own.id))
    assert sequence == "DCE3" and np.argwhere(mask).tolist() == [[i, 4, 2] for i in range(3, 7)]
    images = room.images(CaseAddress("ann", "characteristics", own.id))
    answer = curve(room.viewed, images, sequence, mask)
    assert answer["phases"] == ["DCE1", "DCE3"] and answer["times_s"] == [0, 120]
    other = next(one for one in room.storage.assignments() if one.task == "characteristics" and one.reader == "bea"
                 and one.patient == lesion.patient)  # fmt: skip
    with pytest.raises(UnknownError):
        room.lesion(CaseAddress("bea", "characteristics", other.id))


def test_links_are_kept_in_the_storage(room):
    link = PersonalLink("l1", "aa", "reader", "ann", "masks", "2026-01-01")
    room.links.add_link(link)
    room.links.add_link(PersonalLink("l2", "bb", "lead", "", "", "2026-01-01"))
    room.links.revoke_link("l1", "2026-02-01")
    first, second = room.links.links()
    assert first == PersonalLink(**{**vars(link), "revoked_at": "2026-02-01"}) and second.role == "lead"


def test_the_lead(room):
    case = draw_and_close(room, "ann")
    lesion = room.storage.assignment(case_of(case))
    told = room.lead_progress()
    assert {(one["reader"], one["task"], one["closed"]) for one in told["readers"]} >= {("ann", "masks", 1)}
    where = {"reader": "ann", "task": "masks", "patient": lesion.patient, "lesion": lesion.lesion}
    (own,) = told["cases"]
    assert own == {**where, "repeat": False, "status": "closed", "closed_at": own["closed_at"]} and own["closed_at"]
    (of_ann,) = [one for one in told["readers"] if (one["reader"], one["task"]) == ("ann", "masks")]
    assert ("cem", "arbitration", 0) in {(one["reader"], one["task"], one["total"]) for one in told["readers"]}
    assert of_ann["last"] == own["closed_at"] and (of_ann["later"], of_ann["open"]) == (0, 0)
    assert told["lesions"][1] == {"patient": "P1", "lesion": "1", "arrow": None, "sequences": ["T2", "DCE3"]}
    assert room.reopen(**where, reason="wrong side") == {}
    with pytest.raises(IncompleteError, match="not closed"):
        room.reopen(**where, reason="again")
    room.place_arrow(patient=lesion.patient, lesion=lesion.lesion, ras=(1.0, 2.0, 3.0))
    assert room.open_case(case, tab="t", take=False)["arrow"] == (1.0, 2.0, 3.0)
    document, images = room.lesion_of_study(patient=lesion.patient, lesion=lesion.lesion)
    assert document["arrow"] == (1.0, 2.0, 3.0) and document["target"]["side"] in ("left", "right")
    assert [image.sequence for image in images.images] == ["T2", "DCE3", "DCE1"]
    with pytest.raises(UnknownError):
        room.place_arrow(patient="P9", lesion="1", ras=None)
    with pytest.raises(UnknownError):
        room.lesion_of_study(patient="P9", lesion="1")


def test_practice_comes_first_and_shows_a_synthetic_patient(tmp_path):
    room = opened(write_study(tmp_path), practice=1)
    case = address(room, "ann", "masks")
    document = room.open_case(case, tab="t", take=False)
    assert document["practice"] and document["target"] == {"side": practice_side(1)}
    images = room.images(case)
    assert [image.sequence for image in images.images] == ["T2", "DCE3"]
    assert len(room.viewed.document(images)) == 2
    assert practice_images(1, ("T2", "DCE3"), tmp_path / "practice") == images
    room.shut()


def test_what_a_reader_receives_does_not_depend_on_outcome_exclusion_or_set(tmp_path):
    def everything(folder, **table):
        room = opened(write_study(folder, **table))
        told = [room.worklist("ann", task) for task in ("masks", "characteristics")]
        told += [room.progress_of("ann")]
        case = address(room, "ann", "masks")
        told += [room.open_case(case, tab="t", take=False), room.viewed.document(room.images(case))]
        draw = draw_and_close
        room.pause_case(case, "t")
        told += [draw(room, "ann").id, room.worklist("ann", "masks")]
        room.shut()
        return json.dumps(told)

    one = everything(tmp_path / "one")
    other = everything(
        tmp_path / "other", outcomes=(1, 0, 1), out=("", "died", ""), sets=("testing", "training", "training")
    )
    assert one == other


def test_a_study_is_opened_with_its_roster_and_closed_again(tmp_path):
    folder = write_study(tmp_path)
    protocol = parse_protocol(STUDY.replace("PRACTICE", "0").replace("GROW", "false"))
    behind = behind_of(protocol, folder, run=folder / "run", database=folder / "db")
    ids = [one["id"] for one in behind.room.worklist("ann", "masks")["cases"]]
    assert len(ids) == 3 and (folder / "db" / "room.sqlite").exists()
    behind.room.shut()
    again = behind_of(protocol, folder, run=folder / "run", database=folder / "db")
    assert [one["id"] for one in again.room.worklist("ann", "masks")["cases"]] == ids
    again.room.shut()
