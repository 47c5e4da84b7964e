import datetime
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from radstudy.app.reading import schema
from radstudy.app.reading.database import Database
from radstudy.app.reading.drawing_storage import Stroke
from radstudy.app.reading.forms import FormProblem, SequenceAnswer
from radstudy.app.reading.links import PersonalLink
from radstudy.app.reading.refusals import (
    BehindError,
    ClosedCaseError,
    HeldElsewhereError,
    LockedAnswersError,
    NotNextError,
    OtherImageError,
    ReadingError,
    UnfinishedError,
    UnknownCaseError,
)
from radstudy.app.reading.roster import roster_of
from radstudy.app.reading.storage import database_file, open_storage
from radstudy.app.reading.stored_cases import ReaderCase
from radstudy.app.reading.strokes import CODES, DrawingGrid, StrokeError, codes_of, difference, fold
from radstudy.errors import DataError, StorageError, UsageError
from radstudy.protocol.reading import ReadingSection

READING = ReadingSection.model_validate({"practice": 0, "wash_out_days": 10, "characteristics": {"arbiter": "cleo"}})
LESIONS = [("P1", "1"), ("P2", "1"), ("P3", "1")]
GRID = DrawingGrid((4, 5, 6), "grid of T2WI")
START = datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC)
TAB = "tab-1"


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        self.now += datetime.timedelta(seconds=1)
        return self.now

    def days(self, number):
        self.now += datetime.timedelta(days=number)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "reading" / "room.sqlite"


def filled(file, clock=None, reading=READING, lesions=LESIONS):
    options = {} if clock is None else {"clock": clock}
    storage = open_storage(file, reading, **options)
    storage.sync(roster_of(lesions, readers=("anna", "ben"), reading=reading, seed=1, kept=storage.assignments()))
    return storage


@pytest.fixture
def storage(file, clock):
    with filled(file, clock) as storage:
        yield storage


def next_of(storage, reader="anna", task="masks"):
    return ReaderCase(reader, task, storage.worklist(reader, task).next)


@pytest.fixture
def case(storage):
    case = next_of(storage)
    storage.open_case(case, TAB)
    return case


def stroke(revision, runs, tool="brush", sequence="T2WI", **view):
    return Stroke(sequence, revision, tool, np.array(runs, np.int64).reshape(-1, 3), view)


def draw(storage, case, revision, runs=((7, 2, 3),), tab=TAB, **how):
    return storage.append_stroke(case, tab, stroke(revision, runs, **how), GRID)


def fine(content):
    return ()


def close(storage, case, tab=TAB):
    if case.task != "masks":
        storage.lock_first(case, tab, fine)
    return storage.close_case(case, tab, fine)


# --- tabs and order ------------------------------------------------------------------------------------------------


def test_the_next_case_is_opened_and_no_other(storage):
    first, second, _ = (entry.id for entry in storage.worklist("anna", "masks").entries)
    with pytest.raises(NotNextError, match=f"{first} comes before {second}"):
        storage.open_case(ReaderCase("anna", "masks", second), TAB)
    opened = storage.open_case(ReaderCase("anna", "masks", first), TAB)
    assert opened.state.status == "open"
    assert storage.worklist("anna", "masks").next == first
    storage.open_case(ReaderCase("anna", "masks", second), TAB)  # now it comes next; the first stays open


@pytest.mark.parametrize(
    ("reader", "task", "id_"),
    [("ben", "masks", None), ("anna", "characteristics", None), ("anna", "masks", "M-0000"), ("zoe", "masks", None),
     ("anna", "masks", "'; DROP TABLE strokes")],
)  # fmt: skip
def test_another_readers_case_is_as_unknown_as_none(storage, case, reader, task, id_):
    strange = ReaderCase(reader, task, id_ or case.id)
    for attempt in (
        lambda: storage.open_case(strange, TAB),
        lambda: storage.case(strange),
        lambda: draw(storage, strange, 0),
        lambda: storage.save_answers(strange, TAB, 0, {}, {}),
        lambda: storage.lock_first(strange, TAB, fine),
        lambda: storage.close_case(strange, TAB, fine),
        lambda: storage.skip(strange, TAB),
        lambda: storage.pause(strange, TAB),
    ):
        with pytest.raises(UnknownCaseError, match=r"^there is no such case$"):
            attempt()


def test_two_tabs_never_overwrite_each_other(storage, case):
    draw(storage, case, 0)
    with pytest.raises(HeldElsewhereError):
        storage.open_case(case, "tab-2")
    assert storage.open_case(case, "tab-2", take=True).masks["T2WI"].revision == 1
    for attempt in (
        lambda: draw(storage, case, 1),
        lambda: storage.save_answers(case, TAB, 0, {}, {}),
        lambda: storage.close_case(case, TAB, fine),
        lambda: storage.skip(case, TAB),
        lambda: storage.pause(case, TAB),
    ):
        with pytest.raises(HeldElsewhereError, match="not open in this tab any more"):
            attempt()
    assert draw(storage, case, 1, tab="tab-2") == 2
    assert [line.event for line in storage.audit()] == ["opened", "taken over by another tab"]


def test_a_paused_case_comes_next_and_a_skipped_one_last(storage, case):
    storage.pause(case, TAB)
    assert storage.worklist("anna", "masks").next == case.id
    storage.open_case(case, "tab-2")
    storage.skip(case, "tab-2")
    entries = storage.worklist("anna", "masks").entries
    assert (entries[-1].id, entries[-1].status) == (case.id, "skipped")
    assert storage.worklist("anna", "masks").next == entries[0].id
    assert storage.open_case(case, TAB).state.status == "open"


def test_a_patient_waits_in_the_other_task_from_the_opening_to_the_end_of_the_wash_out(storage, clock, case):
    patient = storage.assignment(case).patient
    others = {
        one.id: one.patient for one in storage.assignments() if (one.reader, one.task) == ("anna", "characteristics")
    }

    def patients():
        listed = storage.worklist("anna", "characteristics")
        return {others[entry.id] for entry in listed.entries}, listed.later

    assert patients() == ({"P1", "P2", "P3"} - {patient}, ((None, 1),))
    waiting = next(id_ for id_, name in others.items() if name == patient)
    with pytest.raises(NotNextError, match="not due yet"):
        storage.open_case(ReaderCase("anna", "characteristics", waiting), TAB)
    close(storage, case)
    assert patients()[1] == ((datetime.date(2026, 3, 11), 1),)
    clock.days(9)
    assert patient not in patients()[0]
    clock.days(1)
    assert patients() == ({"P1", "P2", "P3"}, ())


# --- strokes -------------------------------------------------------------------------------------------------------


def test_a_mask_is_what_its_strokes_give_at_every_revision(storage, case, rng):
    states = [np.zeros(GRID.size, np.uint8)]
    for number in range(200):
        after = states[-1].copy()
        start = int(rng.integers(0, GRID.size - 8))
        after[start : start + int(rng.integers(1, 8))] = rng.choice([0, 3])
        assert draw(storage, case, number, difference(states[-1], after)) == number + 1
        states.append(after)
    for revision in (0, 1, 63, 64, 65, 127, 128, 199, 200):
        assert storage.codes(case.id, "T2WI", revision=revision).tolist() == states[revision].tolist()
    mask = storage.case(case).masks["T2WI"]
    assert (mask.revision, mask.grid) == (200, GRID)
    assert fold(GRID.size, [mask.runs]).tolist() == states[-1].tolist()


def test_a_snapshot_is_made_every_64_strokes_and_used(storage, case, file):
    for number in range(130):
        draw(storage, case, number, [[number % 100, 1, 3]])
    storage.close()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT revision FROM snapshots ORDER BY 1").fetchall() == [(64,), (128,)]
        database.execute(
            "UPDATE snapshots SET runs = (SELECT runs FROM strokes WHERE revision = 0) WHERE revision = 128"
        )
    database.close()
    with filled(file) as again:
        assert int((again.codes(case.id, "T2WI") != 0).sum()) == 3  # of the snapshot that was changed, and two strokes


def test_a_sender_that_is_behind_gets_what_is_stored(storage, case):
    draw(storage, case, 0, [[3, 2, 3]])
    draw(storage, case, 1, [[9, 1, 1]], tool="contour")
    for revision in (0, 1, 3, -1):
        with pytest.raises(BehindError) as behind:
            draw(storage, case, revision)
        assert behind.value.revision == 2
        assert behind.value.runs.tolist() == [[3, 2, 3], [9, 1, 1]]
    assert storage.case(case).masks["T2WI"].revision == 2


def test_sequences_have_revisions_of_their_own(storage, case):
    draw(storage, case, 0)
    assert draw(storage, case, 0, sequence="DWI") == 1
    assert set(storage.case(case).masks) == {"T2WI", "DWI"}


@pytest.mark.parametrize(
    ("runs", "tool"),
    [([[119, 2, 3]], "brush"), ([[0, 1, 12]], "brush"), ([[0, 1, 3]], "contour"), ([[0, 1, 3]], "pen")],
)
def test_a_stroke_that_cannot_be_leaves_nothing(storage, case, runs, tool):
    with pytest.raises(StrokeError):
        draw(storage, case, 0, runs, tool=tool)
    assert storage.case(case).masks == {}
    assert storage.codes(case.id, "T2WI") is None


def test_a_tool_that_the_study_switches_off_is_refused(storage, case):
    with pytest.raises(StrokeError, match="'growing' is switched off"):
        storage.append_stroke(case, TAB, stroke(0, [[0, 1, 6]], tool="grow"), GRID, off=("growing",))


def test_a_drawing_never_moves_to_another_image(storage, case):
    draw(storage, case, 0)
    for other in (DrawingGrid((4, 5, 7), GRID.identity), DrawingGrid(GRID.shape, "another")):
        with pytest.raises(OtherImageError, match="T2WI: the image is not the one"):
            storage.append_stroke(case, TAB, stroke(1, [[0, 1, 3]]), other)
    assert storage.grid(case.id, "T2WI") == GRID


def test_a_lesion_is_drawn_anew_on_a_replaced_image_and_what_was_closed_stays_on_its_own(storage, case):
    one = storage.assignment(case)
    address = {"reader": "anna", "patient": one.patient, "lesion": one.lesion, "sequence": "T2WI"}
    other = DrawingGrid((2, 2, 3), "another image")
    with pytest.raises(UsageError, match="nothing is drawn yet"):
        storage.begin_anew(**address, grid=other, reason="wrong series")
    for number in range(70):  # beyond a snapshot
        draw(storage, case, number, [[number % 20, 1, 3]])
    close(storage, case)
    former = storage.codes(case.id, "T2WI", stage="final")
    with pytest.raises(UsageError, match="the one that the lesion is drawn on"):
        storage.begin_anew(**address, grid=GRID, reason="wrong series")
    storage.begin_anew(**address, grid=other, reason="wrong series")
    assert storage.grid(case.id, "T2WI") == other and storage.grid(case.id, "T2WI", stage="final") == GRID
    np.testing.assert_array_equal(storage.codes(case.id, "T2WI", stage="final"), former)
    assert not storage.codes(case.id, "T2WI").any() and len(storage.codes(case.id, "T2WI")) == 12
    storage.open_case(case, TAB)
    with pytest.raises(OtherImageError):
        draw(storage, case, 71, [[3, 2, 3]])
    new = Stroke("T2WI", 71, "brush", np.array([[3, 2, 3]]), {"image": "acquired"})
    storage.append_stroke(case, TAB, new, other)
    assert storage.codes(case.id, "T2WI").tolist() == [0, 0, 0, 3, 3, *[0] * 7]
    assert [use.strokes for use in storage.displays(case.id, "T2WI")] == [1]
    assert sum(use.strokes for use in storage.displays(case.id, "T2WI", stage="final")) == 70
    close(storage, case)
    assert storage.grid(case.id, "T2WI", stage="final") == other
    np.testing.assert_array_equal(storage.codes(case.id, "T2WI", stage="first"), former)
    assert "drawing begun anew by the lead" in [line.event for line in storage.audit()]


def test_the_display_is_kept_with_each_mask(storage, case):
    draw(storage, case, 0, image="prepared", window=[0, 900])
    draw(storage, case, 1, image="prepared", window=[0, 900])
    draw(storage, case, 2, window=[0, 500], image="acquired")
    assert [(use.settings, use.strokes) for use in storage.displays(case.id, "T2WI")] == [
        ('{"image": "prepared", "window": [0, 900]}', 2), ('{"image": "acquired", "window": [0, 500]}', 1),
    ]  # fmt: skip
    with pytest.raises(ReadingError, match="longer than 10000"):
        draw(storage, case, 3, view="x" * 10_001)


def test_lesions_are_drawn_in_the_task_of_drawing_alone(storage):
    case = next_of(storage, "ben", "characteristics")
    storage.open_case(case, TAB)
    with pytest.raises(ReadingError, match="in the task 'masks'"):
        draw(storage, case, 0)


def test_a_mask_from_elsewhere_takes_the_place_of_the_drawing_and_is_said(storage, case):
    draw(storage, case, 0)
    mask = np.zeros(GRID.shape, bool)
    mask[1, 2, 3] = True
    codes = codes_of(mask, CODES["taken_in"])
    with pytest.raises(HeldElsewhereError):
        storage.take_in(case.id, "T2WI", codes, GRID, "3D Slicer")
    storage.pause(case, TAB)
    assert storage.take_in(case.id, "T2WI", codes, GRID, "3D Slicer, tumour.seg.nrrd") == 2
    assert storage.codes(case.id, "T2WI").tolist() == codes.tolist()
    line = storage.audit()[-1]
    assert (line.event, line.sequence, line.detail) == ("mask taken in", "T2WI", "3D Slicer, tumour.seg.nrrd")
    with pytest.raises(OtherImageError):
        storage.take_in(case.id, "T2WI", codes[:-1], GRID, "")


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def form_case(storage):
    case = next_of(storage, "ben", "characteristics")
    storage.open_case(case, TAB)
    return case


def test_every_version_of_the_answers_is_kept_and_none_overwritten(storage, form_case):
    said = SequenceAnswer(visible=False, evaluable=True, reason="ü", quality=3)
    assert storage.save_answers(form_case, TAB, 0, {"margin": "rough", "width_cm": 2.1}, {"T2WI": said}) == 1
    assert storage.save_answers(form_case, TAB, 1, {"margin": "smooth"}, {}) == 2
    with pytest.raises(BehindError) as behind:
        storage.save_answers(form_case, TAB, 1, {"margin": "rough"}, {})
    assert (behind.value.revision, behind.value.values) == (2, {"margin": "smooth"})
    assert storage.case(form_case).answers.values == {"margin": "smooth"}
    storage.save_answers(form_case, TAB, 2, {}, {"T2WI": said, "DWI": SequenceAnswer()})
    assert storage.case(form_case).answers.per_sequence == {"T2WI": said, "DWI": SequenceAnswer()}


def test_the_first_answers_are_locked_and_stay(storage, form_case):
    storage.save_answers(form_case, TAB, 0, {"margin": "rough"}, {})
    with pytest.raises(UnfinishedError) as unfinished:
        storage.close_case(form_case, TAB, fine)
    assert "lock your answers" in unfinished.value.problems[0].text
    with pytest.raises(UnfinishedError, match="width is missing"):
        storage.lock_first(form_case, TAB, lambda content: [FormProblem("missing", "width is missing", "width_cm")])
    assert storage.case(form_case).first is None
    assert storage.lock_first(form_case, TAB, fine).values == {"margin": "rough"}
    with pytest.raises(LockedAnswersError):
        storage.save_answers(form_case, TAB, 1, {"margin": "smooth"}, {})
    assert storage.save_answers(form_case, TAB, 1, {"margin": "rough", "comment": "after"}, {}) == 2
    assert storage.lock_first(form_case, TAB, fine).values == {"margin": "rough"}
    assert storage.first_answers("characteristics") == {}  # not closed yet
    storage.close_case(form_case, TAB, fine)
    ((_, readers),) = storage.first_answers("characteristics").items()
    assert readers["ben"].values == {"margin": "rough"}


def test_agreement_is_of_the_first_answers_whatever_the_lead_reopens(storage, form_case):
    one = storage.assignment(form_case)
    storage.save_answers(form_case, TAB, 0, {"margin": "rough"}, {})
    close(storage, form_case)
    first = storage.first_answers("characteristics")
    address = {"reader": "ben", "task": "characteristics", "patient": one.patient, "lesion": one.lesion}
    assert storage.reopen(**address, reason="slip of the mouse") == form_case.id
    assert storage.final_answers("characteristics") == {}
    assert storage.first_answers("characteristics") == first
    storage.open_case(form_case, TAB)
    storage.save_answers(form_case, TAB, 1, {"margin": "smooth"}, {})
    storage.close_case(form_case, TAB, fine)
    assert storage.first_answers("characteristics") == first
    (final,) = storage.final_answers("characteristics").values()
    assert final["ben"].values == {"margin": "smooth"}
    lines = [(line.reader, line.event, line.detail) for line in storage.audit()]
    assert ("lead", "reopened by the lead", "case of ben; slip of the mouse") in lines
    assert lines[-1][1] == "closed again (2)"


def test_an_arbiter_decides_after_his_first_answers_are_locked(storage):
    case = next_of(storage, "cleo", "arbitration")
    storage.open_case(case, TAB)
    storage.save_answers(case, TAB, 0, {"margin": "rough"}, {})
    storage.lock_first(case, TAB, fine)
    storage.save_answers(case, TAB, 1, {"margin": "smooth"}, {})
    storage.close_case(case, TAB, fine)
    assert next(iter(storage.first_answers("arbitration").values()))["cleo"].values == {"margin": "rough"}
    assert next(iter(storage.final_answers("arbitration").values()))["cleo"].values == {"margin": "smooth"}


# --- closing -------------------------------------------------------------------------------------------------------


def test_closing_asks_what_is_stored_and_refuses_what_is_unfinished(storage, case):
    draw(storage, case, 0, [[7, 3, 3]])
    seen = []
    with pytest.raises(UnfinishedError):
        storage.close_case(case, TAB, lambda content: seen.append(content) or [FormProblem("missing", "x")])
    assert seen[0].voxels == {"T2WI": 3}
    assert storage.case(case).state.status == "open"
    assert draw(storage, case, 1) == 2


def test_a_closed_case_takes_nothing_and_its_first_mask_stays(storage, case):
    one = storage.assignment(case)
    draw(storage, case, 0, [[7, 3, 3]])
    assert close(storage, case).state.status == "closed"
    for attempt in (
        lambda: draw(storage, case, 1),
        lambda: storage.open_case(case, TAB, take=True),
        lambda: storage.save_answers(case, TAB, 0, {}, {}),
        lambda: storage.take_in(case.id, "T2WI", np.zeros(GRID.size, np.uint8), GRID, ""),
    ):
        with pytest.raises(ClosedCaseError):
            attempt()
    storage.reopen(reader="anna", task="masks", patient=one.patient, lesion=one.lesion, reason="too small")
    storage.open_case(case, TAB)
    draw(storage, case, 1, [[10, 5, 3]])
    assert int((storage.codes(case.id, "T2WI", stage="final") != 0).sum()) == 3
    close(storage, case)
    assert int((storage.codes(case.id, "T2WI", stage="first") != 0).sum()) == 3
    assert int((storage.codes(case.id, "T2WI", stage="final") != 0).sum()) == 8
    assert storage.codes(case.id, "DWI", stage="first") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [({"reason": " "}, "for a reason only"), ({"reader": "zoe"}, "does not have this case"), ({}, "is not closed")],
)
def test_only_a_closed_case_is_reopened_and_for_a_reason(storage, case, change, says):
    one = storage.assignment(case)
    address = {"reader": "anna", "task": "masks", "patient": one.patient, "lesion": one.lesion, "reason": "x"}
    with pytest.raises(UsageError, match=f"Patient {one.patient}.*{says}"):
        storage.reopen(**{**address, **change})


def test_what_was_closed_before_a_crash_of_the_export_is_exported_later(storage, case):
    assert storage.to_export() == ()
    close(storage, case)
    assert [one.id for one in storage.to_export()] == [case.id]
    storage.mark_exported(case.id)
    assert storage.to_export() == ()
    assert [one.id for one in storage.to_export(all_closed=True)] == [case.id]
    assert storage.audit()[-1].event == "record written"


def test_progress_counts_cases_of_every_reader_and_task(storage, case):
    close(storage, case)
    progress = {(one.reader, one.task): one for one in storage.progress()}
    assert (progress["anna", "masks"].total, progress["anna", "masks"].closed) == (3, 1)
    assert progress["ben", "characteristics"].closed == 0
    assert progress["cleo", "arbitration"].total == 3
    left = {(one.reader, one.task): one for one in storage.progress(left_out=LESIONS[:2])}
    assert left["cleo", "arbitration"].total == 1


# --- the lead ------------------------------------------------------------------------------------------------------


def test_an_arrow_is_the_same_for_all_readers(storage, case):
    one = storage.assignment(case)
    storage.place_arrow(one.patient, one.lesion, (1.5, -2, 3))
    other = next(a for a in storage.assignments() if (a.reader, a.task, a.patient) == ("ben", "masks", one.patient))
    assert storage.case(ReaderCase("ben", "masks", other.id)).arrow == (1.5, -2.0, 3.0) == storage.case(case).arrow
    storage.place_arrow(one.patient, one.lesion, None)
    assert storage.case(case).arrow is None


def test_links_are_kept_in_order_and_revoked_once(storage):
    made = [PersonalLink(f"L{number}", f"hash{number}", "reader", "anna", "masks", "2026-03-01") for number in (9, 1)]
    for link in made:
        storage.add_link(link)
    storage.revoke_link("L9", "2026-03-02")
    storage.revoke_link("L9", "2026-03-03")
    storage.revoke_link("L7", "2026-03-03")
    assert [(link.id, link.revoked_at) for link in storage.links()] == [("L9", "2026-03-02"), ("L1", "")]
    assert [line.event for line in storage.audit()] == ["link made", "link made", "link revoked"]
    assert not any("hash" in line.detail for line in storage.audit())


def test_who_opened_outcomes_is_kept_with_the_first_time(storage):
    storage.note_outcomes_opened("ben")
    first = storage.outcomes_opened()
    storage.note_outcomes_opened("ben")
    assert storage.outcomes_opened() == first == {"ben": first["ben"]}


def test_the_audit_cannot_be_changed_even_by_sql(storage, case, file):
    storage.note("server started", "1")
    draw(storage, case, 0)
    storage.close()
    with sqlite3.connect(file) as database:
        for statement in ("UPDATE audit SET event = 'x'", "DELETE FROM audit", "DELETE FROM strokes",
                          "UPDATE strokes SET runs = x'00'"):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError, match="are never changed"):
                database.execute(statement)
    database.close()


# --- a cohort that grows -------------------------------------------------------------------------------------------


def test_a_cohort_that_grows_keeps_pseudonyms_and_what_was_done(storage, case, file, clock):
    draw(storage, case, 0)
    before = {one.key: one.id for one in storage.assignments()}
    storage.close()
    with filled(file, clock, lesions=[*LESIONS, ("P4", "1")]) as grown:
        after = {one.key: one.id for one in grown.assignments()}
        assert before.items() <= after.items()
        assert len(after) == len(before) + 5
        assert grown.case(case).masks["T2WI"].revision == 1


def test_a_patient_who_leaves_is_not_offered_but_what_was_done_stays(storage, case, file, clock):
    done = storage.assignment(case).patient
    others = [lesion for lesion in LESIONS if lesion[0] != done]
    storage.close()
    with filled(file, clock, lesions=others[:1]) as smaller:
        patients = [one.patient for one in smaller.assignments()]
        assert patients.count(done) == 1
        assert others[1][0] not in patients


def test_a_roster_of_other_pseudonyms_is_refused(storage):
    with pytest.raises(ReadingError, match="another pseudonym"):
        storage.sync(roster_of(LESIONS, readers=("anna", "ben"), reading=READING, seed=2))


# --- the file ------------------------------------------------------------------------------------------------------


def test_the_database_is_its_owners_alone_and_written_ahead(storage, case, file):
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        assert (file.parent / "room.sqlite-wal").stat().st_mode & 0o077 == 0
    with storage._database.reading() as connection:
        for pragma, value in {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 10000,
        }.items():
            assert connection.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_one_process_owns_it(storage, file):
    with pytest.raises(UsageError, match=r"room\.sqlite is open in another radstudy"):
        open_storage(file, READING)
    closing = threading.Thread(target=storage.close)  # a server ends in another thread than it began in
    closing.start()
    closing.join()
    open_storage(file, READING).close()


def test_a_share_is_refused_before_anything_is_written(file):
    def refuse(folder):
        raise UsageError(f"{folder} lies on a share")

    with pytest.raises(UsageError, match="lies on a share"):
        open_storage(file, READING, check_place=refuse)
    assert not file.parent.exists()


def test_a_damaged_database_is_told_and_left_as_it_is(storage, case, file):
    for number in range(70):
        draw(storage, case, number)
    storage.close()
    content = bytearray(file.read_bytes())
    content[4096 : 4096 * 4] = bytes(4096 * 3)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"room\.sqlite is damaged"):
        open_storage(file, READING)
    file.write_bytes(b"no database at all" * 500)
    with pytest.raises(DataError, match=r"room\.sqlite is damaged"):
        open_storage(file, READING)


def test_a_full_disk_loses_nothing_that_was_stored(storage, case):
    draw(storage, case, 0)
    with storage._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    runs = [[2 * number, 1, 3] for number in range(60)]
    with pytest.raises(StorageError, match="full"):
        for number in count(1):
            draw(storage, case, number, runs, view="x" * 9000 + str(number))
    assert storage.case(case).masks["T2WI"].revision == number
    with storage._database.reading() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert draw(storage, case, number, runs) == number + 1


def test_the_database_lies_beside_the_study_unless_told_otherwise(tmp_path):
    assert database_file(tmp_path, READING) == tmp_path / "reading" / "room.sqlite"
    assert database_file(tmp_path, READING, Path("/local")) == Path("/local/room.sqlite")


# --- versions ------------------------------------------------------------------------------------------------------

VERSION_1 = Path(__file__).parent / "samples" / "version_1.sql"


def restored(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(file) as database:
        database.executescript(VERSION_1.read_text(encoding="utf-8"))
    database.close()


def test_a_database_of_version_1_is_read_by_todays_program(file):
    """The sample was written by the first version, by `samples/make_version_1.py`."""
    restored(file)
    with open_storage(file, READING) as storage:
        (case,) = [one for one in storage.assignments() if storage.displays(one.id, "T2WI")]
        address = ReaderCase(case.reader, case.task, case.id)
        assert storage.case(address).masks["T2WI"].revision == 66
        assert int((storage.codes(case.id, "T2WI") != 0).sum()) == 66
        assert storage.case(address).answers.values == {"comment": "first"}
        assert storage.case(address).state.status == "closed"
        assert next(iter(storage.first_answers("masks").values()))["anna"].per_sequence["T2WI"].quality == 4


def test_an_older_database_is_copied_and_migrated(file):
    restored(file)
    second = (*schema.MIGRATIONS, ("ALTER TABLE readers ADD COLUMN note TEXT", "UPDATE readers SET note = name"))
    database = Database(file, migrations=second)
    try:
        assert database.copy == file.with_name("room.version-1.sqlite")
        with database.reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
            assert connection.execute("SELECT note FROM readers WHERE name = 'anna'").fetchone() == ("anna",)
    finally:
        database.close()
    with pytest.raises(DataError, match=r"later version of radstudy.*version 2"):
        open_storage(file, READING)
    open_storage(database.copy, READING).close()


def test_a_migration_that_fails_changes_nothing(file):
    restored(file)
    broken = (*schema.MIGRATIONS, ("ALTER TABLE readers ADD COLUMN note TEXT", "UPDATE nowhere SET x = 1"))
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        Database(file, migrations=broken)
    with open_storage(file, READING) as storage, storage._database.reading() as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(readers)")] == ["name", "outcomes_opened_at"]


def test_another_programs_database_is_refused(file):
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE patients (name)")
    database.close()
    with pytest.raises(DataError, match="another program"):
        open_storage(file, READING)


# --- several at once, and a killed server --------------------------------------------------------------------------


def test_several_readers_draw_at_once(storage):
    cases = [next_of(storage, reader, task) for reader in ("anna", "ben") for task in ("masks", "characteristics")]
    for case in cases[::2]:
        storage.open_case(case, case.id)
    faults = []

    def work(case):
        try:
            for number in range(60):
                draw(storage, case, number, [[number, 1, 3]], tab=case.id)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(case,)) for case in cases[::2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [storage.case(case).masks["T2WI"].revision for case in cases[::2]] == [60, 60]


def test_one_of_two_equal_strokes_is_refused(storage, case):
    results = []

    def work():
        try:
            results.append(draw(storage, case, 0))
        except BehindError as behind:
            results.append(behind)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, BehindError) for one in results) == [False] + [True] * 7


WRITER = textwrap.dedent("""
    import sys
    from unit.app.reading.test_storage import filled, next_of, draw, TAB
    from pathlib import Path
    storage = filled(Path(sys.argv[1]))
    case = next_of(storage)
    opened = storage.open_case(case, TAB)
    revision = opened.masks["T2WI"].revision if opened.masks else 0
    print("ready", revision, flush=True)
    while True:
        revision = draw(storage, case, revision, [[revision % 120, 1, 3 if revision < 120 else 0]])
        print(revision, flush=True)
""")


def test_a_killed_server_loses_no_stroke_that_it_had_answered(file, tmp_path, rng):
    script = tmp_path / "writer.py"
    script.write_text(WRITER, encoding="utf-8")
    known = 0
    for _ in range(5):
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, str(script), str(file)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths})
        try:
            word, revision = server.stdout.readline().split()
            assert word == "ready"
            assert known <= int(revision) <= known + 1  # what was answered is there, and at most the one under way
            time.sleep(float(rng.uniform(0.05, 0.4)))
        finally:
            server.kill()
            answered = [int(line) for line in server.stdout.read().split("\n")[:-1]]
            server.wait()
            server.stdout.close()
        known = answered[-1] if answered else int(revision)
    with filled(file) as storage:
        case = next_of(storage)
        mask = storage.case(case).masks["T2WI"]
        assert known <= mask.revision <= known + 1
        assert known > 10
        expected = np.zeros(GRID.size, np.uint8)
        for number in range(mask.revision):
            expected[number % 120] = 3 if number < 120 else 0
        assert storage.codes(case.id, "T2WI").tolist() == expected.tolist()


def test_pickled_refusals_arrive_whole():
    import pickle

    for error in (UnknownCaseError(), BehindError("x", 3), UnfinishedError([FormProblem("missing", "y")])):
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
