"""From a folder of DICOM to study.yaml in a browser, by keyboard alone, and no patient's name on the way.

The cohort is the messy one of two readers; each woman of one vendor has a second T2-weighted series.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import resources

import openpyxl
import pytest
from ruamel.yaml import YAML

from e2e import messy
from unit.app.static.pages import CHROMIUM, browser_or_skip

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WOMEN = 4
SECRETS = ("URSULA", "LEFÈVRE", "LEFEVRE", "HÉLÈNE", "Xiaoping", "小平", "47110003", "19500704")
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The DICOM files, and a table of outcomes by PatientID."""
    folder = tmp_path_factory.mktemp("source")
    cohort = messy.women(WOMEN)
    messy.write_cohort(folder / "in", cohort)
    shutil.rmtree(folder / "in" / ".alone")
    table = openpyxl.Workbook()
    table.active.append(["Name", "PatientID", "HER2"])
    for woman in cohort:
        outcome = ("neg", "pos")[woman.number % 2]
        table.active.append([woman.vendor.person.format(woman.number), woman.identifier, outcome])
        if woman.vendor.maker == "SIEMENS":
            scan = messy._scans(woman)["T2"]
            twin = replace(scan, tags={**scan.tags, "SeriesDescription": "T2 TSE sagittal"}, number=4, uid="twin")
            messy._classic(folder / "in" / f"case{woman.number:02d}" / "images", woman, twin)
    table.save(folder / "outcomes.xlsx")
    return folder


@pytest.fixture
def pages(tmp_path):
    """The link of `radstudy app` on an empty folder."""
    folder = tmp_path / "studies"
    folder.mkdir()
    with (tmp_path / "app.log").open("w") as log:
        command = [sys.executable, "-m", "radstudy", "app", str(folder), "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ)
    try:
        yield folder, server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


@pytest.fixture(scope="module")
def browser():
    browser_or_skip()
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Keyboard:
    """A page whose mouse is broken."""

    def __init__(self, page):
        self.page = page

    def to(self, selector):
        """Press Tab until the focus is on an element."""
        for _ in range(400):
            if self.page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached with Tab")

    def type(self, selector, text):
        self.to(selector)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def press(self, selector, key="Enter"):
        self.to(selector)
        self.page.keyboard.press(key)

    def choose(self, selector, text):
        """Choose an entry of a list by its first letters."""
        self.to(selector)
        self.page.keyboard.type(text)
        self.page.keyboard.press("Tab")

    def wait_for_counts(self, open_, waiting, settled=0):
        """Wait until so many questions are open, waiting and settled."""
        words = f"{open_} open, {waiting} answered and waiting, {settled} carried out"
        self.page.get_by_text(words, exact=True).wait_for(timeout=PATIENCE_MS)


def serious(page):
    """What axe-core calls serious or critical."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    listed = page.evaluate("axe.run()")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in listed if one["impact"] in ("serious", "critical")]


def listened(browser, link):
    """A page that has entered, what was sent to it, and what went wrong in it."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    problems, told = [], []

    def pass_on(route):
        answer = route.fetch()
        told.append(answer.body().decode("utf-8", "replace"))
        route.fulfill(response=answer)

    context.route(lambda address: not address.endswith("/events"), pass_on)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(link)
    page.wait_for_url("**/home")
    return page, told, problems


def import_by_keyboard(keys, source, study):
    page = keys.page
    keys.press("[data-begin=dicom]")
    keys.type("dialog input", study.name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/import")
    keys.type("#source", str(source / "in"))
    keys.type("#readers", "drawings/{reader}/")
    page.get_by_text("tells apart 2 names (8, 8 files)").wait_for()
    assert serious(page) == []
    keys.press("#dry")
    page.wait_for_selector(".job-done", timeout=PATIENCE_MS)
    assert "4 for review" in page.locator(".job-output pre").inner_text()
    assert not (study / "images").exists()
    keys.press("#source-form button[type=submit]")
    page.wait_for_selector("#cards .question img", timeout=PATIENCE_MS)
    keys.wait_for_counts(open_=4, waiting=0)
    assert serious(page) == []
    assert page.locator(".holes .cell-several").count() == 2


def review_by_keyboard(keys):
    page = keys.page
    keys.to("#cards .question button")
    page.keyboard.press("1")  # the first of the twins is the T2WI ...
    page.wait_for_selector(".alike button:focus")
    page.keyboard.press("a")  # ... in the other woman, too
    keys.wait_for_counts(open_=2, waiting=2)
    page.wait_for_selector("#cards .question.is-open:focus")
    page.keyboard.press("-")
    page.wait_for_selector(".alike button:focus")
    page.keyboard.press("a")
    keys.wait_for_counts(open_=0, waiting=4)
    page.keyboard.press("Control+z")
    keys.wait_for_counts(open_=1, waiting=3)
    page.wait_for_selector("#cards .question:focus")
    page.keyboard.press("1")  # a second T2WI of one woman
    page.wait_for_selector("#cards .question.is-clash")
    assert "Two volumes of this patient would be T2WI" in page.locator(".is-clash").first.inner_text()
    page.keyboard.press("Control+z")
    keys.wait_for_counts(open_=1, waiting=3)
    keys.type("#cards .question.is-open .typed input", "t2wi")
    page.keyboard.press("Enter")
    page.get_by_text("Did you mean T2WI?").wait_for()
    page.keyboard.press("-")
    keys.wait_for_counts(open_=0, waiting=4)
    keys.press("#apply")
    keys.wait_for_counts(open_=0, waiting=0, settled=4)
    assert page.locator(".holes .cell-several, .holes .cell-hole").count() == 0
    assert page.locator(".holes tbody tr").first.locator("td").nth(0).inner_text() == "✓ anna, ben"
    keys.press(".holes button.link")
    page.wait_for_selector("dialog[open] table")
    assert serious(page) == []
    page.keyboard.press("Escape")


def make_study_by_keyboard(keys, source, study):
    page = keys.page
    keys.type("#outcomes", str(source / "outcomes.xlsx"))
    page.keyboard.press("Tab")
    page.wait_for_selector("#preview p")
    assert "4 of 4 imported patients have an outcome" in page.locator("#preview").inner_text()
    assert page.locator("#outcome-positive").input_value() == "pos"
    assert serious(page) == []
    command = page.locator("#make-command code").inner_text()
    assert command.endswith("--id-column PatientID --outcome HER2 --positive pos")
    keys.press("#make button[type=submit]")
    page.wait_for_url("**/protocol")
    protocol = YAML().load(study / "study.yaml")
    assert protocol["cohort"]["table"] == "cohort_with_outcomes.csv"
    assert "T2WI" in protocol["sequences"]


@pytest.mark.long
def test_dicom_becomes_a_study_by_keyboard_and_nobody_is_named(source, pages, browser):
    folder, link = pages
    study = folder / "messy"
    page, told, problems = listened(browser, link)
    keys = Keyboard(page)
    import_by_keyboard(keys, source, study)
    review_by_keyboard(keys)
    make_study_by_keyboard(keys, source, study)
    assert problems == []
    assert len(told) > 20
    files = [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()
             and "images.private" not in path.parts and not path.name.endswith(".nii.gz")]  # fmt: skip
    log = (folder.parent / "app.log").read_text()
    for secret in SECRETS:
        assert not [text for text in (*told, *files, log) if secret in text], secret
