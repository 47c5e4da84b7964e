"""The lead's pages on a real loopback socket, in a thread, on a folder with a small study."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from radstudy.app.lead.projects import Project, Projects
from radstudy.app.pages.jobs import JobRoutes
from radstudy.app.pages.server import _require_lead, application
from radstudy.app.web.listening import Listening, PageServer, bound
from radstudy.app.web.running import LaunchRoute
from radstudy.app.web.security import served_at
from radstudy.app.web.sessions import Doorkeeper, NoLinks
from unit.app.web.conftest import Browser

STUDY = """
study: a small study
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [anna]
sequences: [T2]
agree: {icc: null}
model: {select: [{impute: median}], models: {T2: [T2]}}
"""


def write_study(folder: Path) -> Project:
    """Four patients with an image and a mask each."""
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY)
    sets = ("training", "testing")
    (folder / "cohort.csv").write_text(
        "id,y,set\n" + "".join(f"P{n},{n % 2},{sets[n // 2]}\n" for n in range(4)), encoding="utf-8"
    )
    voxels = np.random.default_rng(9).integers(1, 500, (16, 16, 8)).astype(np.int16)
    mask = np.zeros(voxels.shape, np.uint8)
    mask[4:11, 4:11, 2:6] = 1
    for n in range(4):
        nib.save(nib.Nifti1Image(voxels + np.int16(n), np.eye(4)), folder / f"P{n}.nii.gz")
        nib.save(nib.Nifti1Image(np.roll(mask, n, 0), np.eye(4)), folder / f"P{n}_anna.nii.gz")
    return Project(folder / "study.yaml")


@dataclass
class Pages:
    """A server that runs in a thread."""

    port: int
    projects: Projects
    project: Project
    doorkeeper: Doorkeeper

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        return self.doorkeeper.launch(role="lead", reader="")

    def browser(self) -> Browser:
        """One that has entered."""
        browser = Browser(self.port)
        assert browser.enter(self.token()).status == 200
        return browser


@contextmanager
def serving_pages(folder: Path, project: Project, texts=None):
    """Serve the pages on a folder."""
    sock = bound(Listening())
    port = sock.getsockname()[1]
    served, doorkeeper, projects = served_at("127.0.0.1", port), Doorkeeper(NoLinks()), Projects(folder)
    jobs = JobRoutes(projects)
    launch = LaunchRoute(_require_lead, doorkeeper, served.url)
    app = application(projects, served, doorkeeper, launch, jobs, texts)
    server = PageServer(app, started=lambda: None, stopping=jobs.close)
    thread = threading.Thread(target=lambda: server.run(sockets=[sock]), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield Pages(port, projects, project, doorkeeper)
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages on a folder with one small study, for tests that do not change it."""
    folder = tmp_path_factory.mktemp("studies")
    with serving_pages(folder, write_study(folder / "small")) as running:
        yield running


@pytest.fixture
def own_pages(tmp_path):
    """The pages on a folder of the test's own."""
    with serving_pages(tmp_path, write_study(tmp_path / "small")) as running:
        yield running
