"""Readers that are scripts: they talk HTTP to `radstudy read`, make planned errors, and keep a record of their own.

Nothing of the room's code is used to know what was read: a case is recognised by the voxels that the server sends, and
masks are turned into runs here.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np

from unit.app.web.conftest import Browser

LATER = """
import datetime, functools, sys
from radstudy.app.reading import storage
from radstudy.app.web import of_study
days = datetime.timedelta(days=int(sys.argv.pop(1)))
of_study.open_storage = functools.partial(storage.open_storage, clock=lambda: storage.utc_now() + days)
from radstudy.cli import main
main()
"""
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#(\S+)")
CONTOUR, BRUSH = 1, 3
NONE = "not assessable"


@dataclass
class Record:
    """What the scripts did.

    Parameters
    ----------
    masks : (reader, patient, sequence) to the mask as last closed, bool (I, J, K).
    again : the same, of repeats.
    judged : (reader, patient, sequence) to the judgement given while drawing.
    first, final : (reader, patient) to answers, as locked first and as closed last.
    repeated : (reader, patient) to the first answers of the repeat.
    arbitrated : patient to the arbiter's last decisions.
    shown : patient to what the arbiter was shown of the others.
    """

    masks: dict = field(default_factory=dict)
    again: dict = field(default_factory=dict)
    judged: dict = field(default_factory=dict)
    first: dict = field(default_factory=dict)
    final: dict = field(default_factory=dict)
    repeated: dict = field(default_factory=dict)
    arbitrated: dict = field(default_factory=dict)
    shown: dict = field(default_factory=dict)


@contextlib.contextmanager
def serving(study, *, days=0):
    """The study's server some days from now; gives a function from a token's query to a page of reader or lead."""
    process = subprocess.Popen(
        [sys.executable, "-c", LATER, str(days), "read", str(study), "--lead", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        if not LINK.match(line):
            raise AssertionError(process.communicate()[1])
        port, token = LINK.match(line).groups()
        lead = Browser(int(port))
        assert lead.enter(token).status == 200

        def page_of(reader):
            page = Browser(int(port))
            url = asked(lead, "POST", "/api/lead/links", {"reader": reader})["url"]
            assert page.enter(LINK.match(url)[2]).status == 200
            return page

        yield lead, page_of
    finally:
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said, said


def asked(page, method, path, body=None):
    """The answer in JSON; refuses anything but 200."""
    answer = page.ask(method, path, body)
    assert answer.status == 200, (path, answer.status, answer.body[:2000])
    return answer.json


def runs_of(mask, code):
    """Runs [start, length, code] of a mask in Fortran order, voxel by voxel."""
    runs = []
    for index in np.flatnonzero(mask.ravel(order="F")).tolist():
        if runs and runs[-1][0] + runs[-1][1] == index:
            runs[-1][1] += 1
        else:
            runs.append([index, 1, code])
    return runs


class Room:
    """One server as the scripted readers use it.

    Parameters
    ----------
    plan : decides what is drawn and answered; see the methods called below.
    record : of what was done.
    images : octets of each patient's first sequence, hashed, to the patient.
    """

    def __init__(self, plan, record, images):
        self.plan, self.record, self.images = plan, record, images

    def read(self, page, reader):
        """Read everything that is due for a reader; the number of cases closed."""
        closed = 0
        for task in ("masks", "characteristics", "arbitration"):
            if task not in [one["task"] for one in asked(page, "GET", "/api/me")["tasks"]]:
                continue
            while case := asked(page, "GET", f"/api/worklist/{task}")["next"]:
                getattr(self, f"_{task}")(page, reader, f"/api/case/{task}/{case}")
                closed += 1
        return closed

    def left(self, page):
        """Number of cases that are due later, over all tasks."""
        tasks = [one["task"] for one in asked(page, "GET", "/api/me")["tasks"]]
        return sum(one["count"] for task in tasks for one in asked(page, "GET", f"/api/worklist/{task}")["later"])

    def _patient(self, page, path, document):
        answer = page.ask("GET", f"{path}/volume/{document['sequences'][0]['name']}/acquired")
        assert answer.status == 200
        return self.images[hashlib.sha256(answer.body).hexdigest()]

    def _masks(self, page, reader, path):
        document = asked(page, "POST", f"{path}/open", {"tab": "t"})
        patient, record = self._patient(page, path, document), self.record
        again = (reader, patient) in {key[:2] for key in record.judged} and not document["masks"]
        said = {}
        for sequence in (one["name"] for one in document["sequences"]):
            mask, judgement = self.plan.drawn(reader, patient, sequence, again=again)
            self._draw(page, path, document, sequence, mask)
            said[sequence] = judgement
            if mask.any():
                (record.again if again else record.masks)[reader, patient, sequence] = mask
            if not again:
                record.judged[reader, patient, sequence] = judgement
        revision = document["answers"]["revision"]
        asked(page, "POST", f"{path}/answers", {"tab": "t", "revision": revision, "values": {}, "per_sequence": said})
        closed = asked(page, "POST", f"{path}/close", {"tab": "t"})
        drawn = {one["sequence"]: one["voxels"] for one in closed["measures"]["masks"]}
        expected = record.again if again else record.masks
        assert drawn == {key[2]: int(mask.sum()) for key, mask in expected.items() if key[:2] == (reader, patient)}

    def _draw(self, page, path, document, sequence, mask):
        """A contour with too much in it, and an eraser's stroke that takes that away."""
        shape = next(one["shape"] for one in document["sequences"] if one["name"] == sequence)
        assert tuple(shape) == mask.shape
        stored = document["masks"].get(sequence, {"revision": 0, "runs": []})
        revision, before = stored["revision"], np.zeros(mask.size, bool)
        for start, length, _ in stored["runs"]:
            before[start : start + length] = True
        before = before.reshape(mask.shape, order="F")
        for runs, tool in ((runs_of(mask & ~before, CONTOUR), "contour"), (runs_of(before & ~mask, 0), "brush")):
            if runs:
                stroke = {"tab": "t", "sequence": sequence, "revision": revision, "tool": tool, "runs": runs,
                          "view": {"image": "acquired"}}  # fmt: skip
                revision = asked(page, "POST", f"{path}/stroke", stroke)["revision"]

    def _characteristics(self, page, reader, path):
        document = asked(page, "POST", f"{path}/open", {"tab": "t"})
        patient, record = self._patient(page, path, document), self.record
        reopened = document["locked"]
        again = not reopened and (reader, patient) in record.first
        values = self.plan.answers(reader, patient, again=again, reopened=reopened)
        body = {"tab": "t", "revision": document["answers"]["revision"], "values": values, "per_sequence": {}}
        asked(page, "POST", f"{path}/answers", body)
        if not reopened:
            early = page.ask("POST", f"{path}/close", {"tab": "t"})
            assert early.status == 422, "closed without locked answers"
            asked(page, "POST", f"{path}/lock", {"tab": "t"})
            late = page.ask("POST", f"{path}/answers", {**body, "revision": body["revision"] + 1,
                                                        "values": {**values, "likelihood": 99}})  # fmt: skip
            assert late.status == 409, "locked answers were changed"
        asked(page, "POST", f"{path}/close", {"tab": "t"})
        if again:
            record.repeated[reader, patient] = values
        else:
            record.first.setdefault((reader, patient), values)
            record.final[reader, patient] = values

    def _arbitration(self, page, reader, path):
        document = asked(page, "POST", f"{path}/open", {"tab": "t"})
        assert document["others"] == []
        patient, record = self._patient(page, path, document), self.record
        items = [item["name"] for item in document["form"] if item["name"] != "comment"]
        alone, decided = self.plan.decisions(patient, items)
        body = {"tab": "t", "revision": document["answers"]["revision"], "per_sequence": {}}
        asked(page, "POST", f"{path}/answers", {**body, "values": alone})
        record.shown[patient] = asked(page, "POST", f"{path}/lock", {"tab": "t"})["others"]
        asked(page, "POST", f"{path}/answers", {**body, "revision": body["revision"] + 1, "values": decided})
        asked(page, "POST", f"{path}/close", {"tab": "t"})
        record.arbitrated[patient] = decided


@dataclass
class PlantedErrors:
    """What two readers and an arbiter do: the truth, but for planned errors.

    Parameters
    ----------
    lesions : (patient, sequence) to the true mask.
    truth : patient to the true answers.
    levels : item to its levels; None for a number.
    readers : the two.
    """

    lesions: dict
    truth: dict
    levels: dict
    readers: tuple = ("reader1", "reader2")
    reopened_masks: set = field(default_factory=set)

    def __post_init__(self):
        self.patients = sorted(self.truth)
        self.sequences = list(dict.fromkeys(sequence for _, sequence in self.lesions))
        self.given = {(reader, patient): self._first(reader, patient) for reader in self.readers
                      for patient in self.patients}  # fmt: skip

    def unseen(self):
        """(patient, sequence) that the first reader, whose word counts, calls not visible."""
        return {(self.patients[1], self.sequences[1])}

    def not_evaluable(self):
        """(patient, sequence) that the first reader calls so."""
        return {(self.patients[2], self.sequences[1])}

    def drawn(self, reader, patient, sequence, *, again):
        """A mask, and what is said of the sequence."""
        number, first = self.patients.index(patient), reader == self.readers[0]
        said = {"visible": True, "evaluable": True, "reason": "", "quality": 1 if number == 4 else 4}
        mask = self.lesions[patient, sequence]
        if first and (patient, sequence) in self.unseen():
            said["visible"], mask = False, np.zeros_like(mask)
        elif first and (patient, sequence) in self.not_evaluable():
            said.update(visible=None, evaluable=False, reason="motion, very strong", quality=1)
            mask = np.zeros_like(mask)
        elif not first and (number, sequence) == (3, self.sequences[0]):
            said["visible"], mask = False, np.zeros_like(mask)
        elif again:
            mask = np.roll(mask, 1, axis=0)
        elif first and number % 5 == 0:
            mask = np.roll(mask, 1, axis=1)
        elif not first:
            mask = self._of_second(mask, number)
        if (reader, patient, sequence) in self.reopened_masks:
            mask = np.roll(mask, 1, axis=2)
        return mask, said

    def _of_second(self, mask, number):
        """Dilated within the slice, shifted, or wider on one side."""
        if number % 3 == 0:
            return mask | np.roll(mask, 1, axis=0) | np.roll(mask, -1, axis=0)
        return np.roll(mask, 2, axis=1) if number % 3 == 1 else mask | np.roll(mask, 1, axis=0)

    def _first(self, reader, patient):
        number, second = self.patients.index(patient), reader == self.readers[1]
        rng = np.random.default_rng([number, second])
        values = {}
        for item, words in self.levels.items():
            true = self.truth[patient].get(item)
            if item == "likelihood":
                values[item] = int(rng.integers(0, 101))
            elif words is None:
                values[item] = round(true + (float(rng.choice([0, 0.1, 0.3, 0.5, 0.6, 1.0])) if second else 0), 2)
            else:
                values[item] = str(rng.choice(words)) if rng.random() < (0.4 if second else 0.1) else true
        item = next(name for name, words in self.levels.items() if words)
        numeric = next(name for name, words in self.levels.items() if not words)
        if (number, second) == (6, True):
            values[item] = NONE
        if (number, second) == (5, False):
            values[numeric] = NONE
        return values

    def answers(self, reader, patient, *, again, reopened):
        """First answers; of a repeat and after reopening others."""
        values = dict(self.given[reader, patient])
        item = next(name for name, words in self.levels.items() if words)
        if again:
            values["likelihood"] = 100 - values["likelihood"]
            values[item] = self.truth[patient][item]
        if reopened:  # after a talk, as it must not be: the first answers count for kappa all the same
            other = self.given[self.readers[reader == self.readers[0]], patient]
            values |= {name: other[name] for name in self.levels if name != "likelihood"}
        return values

    def decisions(self, patient, items):
        """The arbiter's answers, alone and after the others' were shown."""
        alone = {item: self.truth[patient][item] for item in items}
        decided = dict(alone)
        if self.patients.index(patient) % 2:
            decided = {item: self.given[self.readers[0], patient][item] for item in items}
        return alone, decided


def images_of(folder, patients, sequence, load):
    """Octets of each patient's first sequence, hashed, to the patient."""
    return {hashlib.sha256(load(folder / patient / f"{sequence}.nii.gz").tobytes(order="F")).hexdigest(): patient
            for patient in patients}  # fmt: skip


def read_whole(study, plan, record, images, reopen, *, readers, arbiter, most_days=400):
    """Read the study to its end, a wash-out after the other; then reopen, and read what was reopened.

    Parameters
    ----------
    reopen : (reader, task, patient) to open again, before the arbiter is asked again.
    """
    days = 0
    while True:
        with serving(study, days=days) as (lead, page_of):
            room = Room(plan, record, images)
            pages = {reader: page_of(reader) for reader in readers}
            while sum(room.read(page, reader) for reader, page in pages.items()):
                pass
            if not sum(room.left(page) for page in pages.values()):
                room.read(page_of(arbiter), arbiter)
                for reader, task, patient in reopen:
                    body = {"reader": reader, "task": task, "patient": patient, "reason": "planned by the script"}
                    asked(lead, "POST", "/api/lead/reopen", body)
                    assert room.read(pages[reader], reader) == 1
                room.read(page_of(arbiter), arbiter)
                return asked(lead, "GET", "/api/lead/agreement"), asked(lead, "GET", "/api/lead/disagreements")
        days += 29
        assert days < most_days, "the reading does not end"
