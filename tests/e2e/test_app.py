"""The whole study by clicks, from a folder of DICOM to the report; then the commands that the pages showed, by hand."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from compat.same_run import differences
from e2e import messy
from radstudy.differences import compare_runs
from unit.app.static.pages import CHROMIUM, browser_or_skip

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

WOMEN = 42
PATIENCE_MS = 900_000
REAL = Path("breast_dce") / "UCSF-BR-06"  # no outcome, and phases alone: excluded by a reason that is typed


class Clicks:
    """A page on which every click is counted."""

    def __init__(self, page):
        self.page, self.count = page, 0

    def __call__(self, target):
        (self.page.locator(target).first if isinstance(target, str) else target).click()
        self.count += 1


@pytest.fixture
def source(tmp_path, real_data):
    """The messy cohort of two readers, the real examination, and a table of outcomes by PatientID."""
    cohort = messy.women(WOMEN)
    messy.write_cohort(tmp_path / "in", cohort)
    shutil.rmtree(tmp_path / "in" / ".alone")
    shutil.copytree(real_data / REAL, tmp_path / "in" / REAL.name)
    table = openpyxl.Workbook()
    table.active.append(["PatientID", "HER2"])
    for woman in cohort:
        table.active.append([woman.identifier, "positive" if woman.positive else "negative"])
    table.save(tmp_path / "outcomes.xlsx")
    return tmp_path


@pytest.fixture
def entered(tmp_path):
    """A browser on the pages of an empty folder."""
    browser_or_skip()
    folder = tmp_path / "studies"
    folder.mkdir()
    command = [sys.executable, "-m", "radstudy", "app", str(folder), "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        link = server.stdout.readline().strip()
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(link)
            page.wait_for_url("**/home")
            yield folder, page
            browser.close()
    finally:
        server.terminate()
        assert server.wait(60) == 0
        server.stdout.close()


def images_become_a_study(click, source):
    """Import, one question, the study file."""
    page = click.page
    click("[data-begin=dicom]")
    page.fill("dialog input", "mystudy")
    click("dialog button.primary")
    page.wait_for_url("**/import")
    page.fill("#source", str(source / "in"))
    page.fill("#readers", "drawings/{reader}/")
    click("#source-form button[type=submit]")
    page.wait_for_selector("#cards .question")
    click(page.get_by_role("button", name="leave out").first)
    page.wait_for_selector("#apply:enabled")
    click("#apply")
    page.get_by_text("0 open, 0 answered and waiting", exact=False).wait_for()
    page.fill("#outcomes", str(source / "outcomes.xlsx"))
    page.keyboard.press("Tab")
    page.wait_for_selector("#preview p")
    click("#make button[type=submit]")
    page.wait_for_url("**/protocol")


def the_patient_without_an_outcome_is_excluded(click, study):
    page = click.page
    click(f'a.stage[href="/study/{study}/cohort"]')
    page.wait_for_selector(".cells tbody td")
    click(page.get_by_label("Problems only"))
    row = page.locator(".cells tbody tr:visible").first
    click(row.locator("td").nth(3))
    page.keyboard.type("no outcome known")
    page.keyboard.press("Enter")
    page.get_by_text("1: no outcome known").wait_for()


def run_to_the_report(click, study):
    page = click.page
    click(f'a.stage[href="/study/{study}/run"]')
    click("#start button")
    page.wait_for_selector(".job-done, .job-failed, .job-lost")
    click(f'a.stage[href="/study/{study}/results"]')
    with page.context.expect_page() as opened:
        click("#report")
    opened.value.wait_for_load_state()
    return opened.value.locator("h1").first.inner_text()


@pytest.mark.long
def test_dicom_becomes_a_report_by_clicks_and_the_commands_do_the_same(source, entered):
    folder, page = entered
    click = Clicks(page)
    images_become_a_study(click, source)
    study = page.url.split("/")[4]
    the_patient_without_an_outcome_is_excluded(click, study)
    assert run_to_the_report(click, study) == "My study"
    print(f"{click.count} clicks from the list of studies to the report")
    assert click.count <= 60
    page.goto(page.url.partition("/study/")[0] + f"/study/{study}/overview")
    shown = page.locator(".commands code").all_inner_texts()[::-1]
    assert [shlex.split(line)[1] for line in shown] == ["import", "import", "run"]

    first, again = folder / "mystudy", source / "by hand"
    (again / "images.private").mkdir(parents=True)
    for key in (first / "images.private").glob("pseudonyms*"):  # the same names for the same patients
        shutil.copy(key, again / "images.private")
    command = [sys.executable, "-m", "radstudy"]
    by_hand = [[word.replace(str(first), str(again)) for word in shlex.split(line)[1:]] for line in shown]
    subprocess.run([*command, *by_hand[0]], check=False)
    for table in ("review.csv", "review.xlsx"):  # the answer, which the page wrote there
        shutil.copy(first / "images" / table, again / "images" / table)
    subprocess.run([*command, *by_hand[1]], check=False)
    made = ["init", str(again), "--from", str(again / "images"), "--outcomes", str(source / "outcomes.xlsx"),
            "--outcome", "HER2", "--positive", "positive"]  # fmt: skip
    subprocess.run([*command, *made], check=True)
    assert (again / "study.yaml").read_text() == (first / "study.yaml").read_text()
    table = "cohort_with_outcomes.csv"
    assert len(set((again / table).read_text().splitlines()) ^ set((first / table).read_text().splitlines())) == 2
    shutil.copy(first / table, again / table)  # one cell differs: the reason that was typed
    subprocess.run([*command, *by_hand[2]], check=False)
    runs = [folder / "runs" / "study" for folder in (first, again)]
    compared = compare_runs(*runs)
    assert not compared.results_differ, "\n".join(compared.lines())
    assert [
        said for said in differences(*runs, (first, again)) if said[1]
    ] == []  # but for what is declared to change with the time
    assert [said for said in differences(first / "images", again / "images", (first, again)) if said[1]] == []
