"""How long the lead's pages take on a large study: 300 patients, with a finished run.

    python benchmarks/pages.py [--patients 300] [--until report] [--work FOLDER] [--json F.json]

The study has the images of 24 synthetic patients, each under several identifiers. Each page is opened in Chromium: the
first time after the server has begun, and again. A time goes from the click to the last byte of the page, its
modules and the data that they ask for, as the browser measures it. A study in FOLDER is not made or run again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from playwright.sync_api import Page, sync_playwright

from radstudy.app.lead.projects import Project
from radstudy.app.pages.study_pages import STUDY_PAGES
from radstudy.demo.cohort import make

DIFFERENT = 24  # patients whose images differ
_SPENT = """() => {
  const asked = performance.getEntriesByType("resource").filter((one) => !one.name.includes("/events"));
  const [page] = performance.getEntriesByType("navigation");
  return Math.max(page.loadEventEnd, ...asked.map((one) => one.responseEnd));
}"""


def made(folder: Path, patients: int) -> Project:
    """Make the study, if it is not there."""
    project = Project(folder / "studies" / "large" / "study.yaml")
    if project.has_study:
        return project
    source = folder / "few"
    make(source, patients=DIFFERENT, seed=11, null=False, jobs=2)
    table = pd.read_csv(source / "cohort.csv", dtype=str, keep_default_na=False)
    rows = []
    for number in range(patients):
        row = table.iloc[number % len(table)].copy()
        patient, row["patient_id"] = row["patient_id"], f"LARGE-{number:04d}"
        rows.append(row)
        for kind in ("images", "masks"):
            into = project.folder / kind / row["patient_id"]
            into.mkdir(parents=True)
            for file in (source / kind / patient).glob("*"):
                os.link(file, into / file.name)
    pd.DataFrame(rows).to_csv(project.folder / "cohort.csv", index=False)
    shutil.copy(source / "study.yaml", project.study)
    return project


def measured(page: Page, address: str) -> float:
    """Seconds from asking for a page to the last byte of what it asks for."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return float(page.evaluate(_SPENT)) / 1000


def times(project: Project, chromium: str) -> dict[str, list[float]]:
    """Of each page, the first time and three more."""
    command = [sys.executable, "-m", "radstudy", "app", str(project.folder.parent), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        try:
            link = server.stdout.readline().strip()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.goto(link)
            page.wait_for_url("**/home")
            base = link.partition("/#")[0]
            paths = {"home": "/home"} | {one.word: f"/study/{project.id}/{one.word}" for one in STUDY_PAGES}
            first = {word: measured(page, base + path) for word, path in paths.items()}
            again = {word: [measured(page, base + path) for _ in range(3)] for word, path in paths.items()}
            browser.close()
        finally:
            server.terminate()
    return {word: [first[word], *again[word]] for word in paths}


def main() -> int:
    """Make, run, open, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--until", default="report", help="last step of the run")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project = made(asked.work or Path(temporary), asked.patients)
        command = [sys.executable, "-m", "radstudy", "run", str(project.study), "--step", asked.until]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        spent = times(project, asked.chromium)
    for word, seconds in spent.items():
        print(f"{word:10s} first {seconds[0]:.2f} s, then {', '.join(f'{one:.2f}' for one in seconds[1:])} s")
    slowest = max(max(seconds) for seconds in spent.values())
    print(f"{asked.patients} patients: the slowest page took {slowest:.2f} s")
    if asked.json:
        result = {"patients": asked.patients, "until": asked.until, "pages_s": spent, "slowest_s": slowest}
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
