"""The pages' server is killed again and again while a page writes: every file is whole afterwards, and a new server
shows every page and takes the same request.

What the lead answers, types and chooses on the pages Import, Patients and Protocol has such a test of its own, beside
the tests of these pages. ``RADSTUDY_PAGE_KILLS`` says how many kills of each write (50), ``RADSTUDY_KILL_SEED`` which
moments.
"""

import contextlib
import csv
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from radstudy.app.lead.codebook_page import study_version
from radstudy.app.lead.flow import protocol_of
from radstudy.app.lead.jobs import jobs_of
from radstudy.app.lead.projects import Project
from radstudy.app.pages.study_pages import STUDY_PAGES
from radstudy.working import is_locked
from unit.app.lead.test_study_of_import import PATIENTS, write_import, write_outcomes
from unit.app.pages.conftest import serving_pages, write_study
from unit.app.web.conftest import Browser
from unit.steps import test_sealing as feature_table

pytestmark = pytest.mark.long

KILLS = int(os.environ.get("RADSTUDY_PAGE_KILLS", "50"))
SEED = int(os.environ.get("RADSTUDY_KILL_SEED", "19"))


@dataclass
class Place:
    """A folder of studies with a small one, and another study elsewhere."""

    folder: Path
    write: "Write"

    def __post_init__(self):
        write_study(self.studies / "small")
        write_study(self.folder / "elsewhere")
        if self.write.before:
            self.write.before(self)

    @property
    def studies(self):
        return self.folder / "studies"

    @property
    def project(self):
        return Project(self.studies / "small" / "study.yaml")

    @property
    def version(self):
        return study_version(self.project)

    def import_instead(self):
        """An import's tables in place of the small study."""
        for name in ("study.yaml", "cohort.csv"):
            self.without(name)
        write_import(self.project)
        write_outcomes(self.folder / "outcomes.xlsx", PATIENTS)

    def run_sealed(self):
        """A finished run with sealed testing results in place of the small study's."""
        shutil.rmtree(self.project.folder)
        if not (finished := self.folder.parent / "sealed").exists():
            feature_table.made(finished)
            (finished / "study.yaml").write_text(feature_table.STUDY)
            subprocess.run([sys.executable, "-m", "radstudy", "run", finished / "study.yaml"], check=False)
        shutil.copytree(finished, self.project.folder)

    def without(self, name):
        """The small study, known to the pages, without one of its files."""
        self.project.note_setup(**{"from": "files"})
        (self.project.folder / name).unlink()


@dataclass
class Write:
    """A request that writes, of the small study ({id}) or of the list of studies."""

    path: str
    body: object = None
    before: object = None
    was_done: str = "exists already"

    def __call__(self, lead, place):
        body = self.body(place) if callable(self.body) else self.body
        return lead.ask("POST", self.path.format(id=place.project.id), body or {})


WRITES = {
    "a new study from files": Write("/api/begin", {"name": "new", "begin": "files"}),
    "a new study from DICOM": Write("/api/begin", {"name": "new", "begin": "dicom"}),
    "a study of another folder": Write("/api/open", lambda place: {"path": str(place.folder / "elsewhere")}),
    "the study of an import": Write(
        "/api/study/{id}/import/make",
        lambda place: {"file": str(place.folder / "outcomes.xlsx"), "outcome": "HER2", "positive": "pos"},
        Place.import_instead,
    ),
    "a table to fill in": Write("/api/study/{id}/cohort/begin", None, lambda place: place.without("cohort.csv")),
    "a clinical variable": Write(
        "/api/study/{id}/cohort/variable", lambda place: {"version": place.version, "column": "age", "unit": "years"}
    ),
    "the column of exclusions": Write(
        "/api/study/{id}/cohort/exclusions", lambda place: {"version": place.version, "column": "left_out"}
    ),
    "the template of a protocol": Write(
        "/api/study/{id}/protocol/begin", None, lambda place: place.without("study.yaml")
    ),
    "a run": Write("/api/study/{id}/run/start", {"until": "cohort", "jobs": 1}),
    "the reading room": Write("/api/study/{id}/reading/enter"),
    "an unsealing": Write("/api/study/{id}/results/unseal", None, Place.run_sealed, "nothing to unseal"),
}


class Server:
    """`radstudy app` on a folder, in a process of its own, and a lead who has entered."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "radstudy", "app", str(folder), "--no-browser"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
        )
        address, _, token = self.process.stdout.readline().strip().partition("/#")
        self.lead = Browser(int(address.rpartition(":")[2]))
        assert self.lead.enter(token).status == 200

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait(30)
        self.process.stdout.close()


def whole(folder):
    """Fail if a file is half written."""
    for file in folder.rglob("*"):
        if not file.is_file() or file.name.startswith(".working"):
            continue
        text = file.read_text("utf-8") if file.suffix in (".json", ".yaml", ".csv") else None
        if file.suffix == ".json":
            json.loads(text)
        elif file.suffix == ".yaml":
            assert {"study", "cohort"} <= yaml.safe_load(text).keys(), file
        elif file.suffix == ".csv":
            rows = list(csv.reader(text.splitlines()))
            assert rows and text.endswith("\n") and {len(row) for row in rows} == {len(rows[0])}, file


def every_page_is_shown(lead, place):
    for path in ("/home", *(f"/study/{place.project.id}/{page.word}" for page in STUDY_PAGES)):
        answer = lead.ask("GET", path)
        assert answer.status == 200 and b"</html>" in answer.body, path


def jobs_end(place):
    """Wait until no command works for the small study; servers of reading rooms are ended."""
    until = time.monotonic() + 120
    while True:
        jobs = [job for job in jobs_of(place.project) if job.state in ("running", "stopping")]
        for job in jobs:
            if job.asked.kind != "run":
                job.end()
        if not jobs and not is_locked(place.project.run):
            return
        assert time.monotonic() < until
        time.sleep(0.1)


def killed_in(write, place, after):
    """Send a request, and kill the server some time later."""
    with Server(place.studies) as server:

        def send():
            with contextlib.suppress(OSError, http.client.HTTPException):
                write(server.lead, place)

        sending = threading.Thread(target=send)
        sending.start()
        time.sleep(after)
    sending.join(60)


@pytest.mark.parametrize("name", WRITES)
def test_a_server_that_is_killed_while_it_writes_leaves_whole_files(name, tmp_path):
    write, moments = WRITES[name], random.Random(f"{SEED} {name}")
    quiet = Place(tmp_path / "quiet", write)
    with Server(quiet.studies) as server:
        begun = time.monotonic()
        answer = write(server.lead, quiet)
        took = time.monotonic() - begun
        assert answer.status == 200, answer.body
        whole(quiet.studies)
        jobs_end(quiet)
    again = 0
    for number in range(KILLS):
        place = Place(tmp_path / str(number), write)
        killed_in(write, place, moments.uniform(0, 1.1 * took))
        whole(place.studies)
        with serving_pages(place.studies, place.project) as pages:
            lead = pages.browser()
            every_page_is_shown(lead, place)
            assert protocol_of(place.project) is not None or not place.project.has_study
            jobs_end(place)
            answer = write(lead, place)
            assert answer.status == 200 or write.was_done in answer.json["error"], answer.body
            again += answer.status == 200
            whole(place.studies)
            every_page_is_shown(lead, place)
            jobs_end(place)
    print(
        f"{name}: {KILLS} kills within {took:.2f} s; {again} times the request was taken again, else it had been done"
    )
