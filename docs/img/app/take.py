"""Takes the pictures of docs/app.md: `radstudy app` on two synthetic studies, in a browser.

    PYTHONPATH=tests python -m docs.img.app.take [--chromium /usr/bin/chromium]

One study is a finished demo; the other begins as DICOM, in which a series of each patient does not say what it is. What
stands on the pictures is what the server sends. Needs playwright, Pillow and a chromium.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from docs.img.camera import Camera, served
from playwright.sync_api import Page, sync_playwright

from e2e.test_dicom_copies import copy_of
from unit.intake import synthetic

HERE = Path(__file__).parent
SIZE = (1366, 768)
PATIENTS, OF_DEMO = 6, 24
FIRST = 4711  # hospital number
NAME = "Equivocal HER2"
UNCLEAR = {"SeriesDescription": "AX 3MM FS", "EchoTime": 30, "RepetitionTime": 2100, "ScanningSequence": "RM"}
TAGS: dict[str, dict[str, Any]] = {
    "T2WI": synthetic.T2,
    "DWI": {**synthetic.DWI, "DiffusionBValue": 1000.0, "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"]},
    "DCE3": UNCLEAR,
}


def dicom(folder: Path, images: Path) -> None:
    """Write the examinations of some patients, as a scanner names them."""
    for number, patient in enumerate(sorted(images.iterdir())[:PATIENTS], FIRST):
        for series, (sequence, tags) in enumerate(TAGS.items(), 2):
            scan = copy_of(patient / f"{sequence}.nii.gz", tags)
            named = replace(scan, number=series, patient=str(number), name=f"EXAMPLE^{number}")
            synthetic.write(folder / str(number) / sequence, named)


def prepare(folder: Path, demo: Path | None) -> tuple[Path, Path]:
    """A folder of studies with a finished demo, and a folder of DICOM beside it."""
    studies = folder / "studies"
    command = [sys.executable, "-m", "radstudy", "demo", "--patients", str(OF_DEMO), "--out", str(studies / NAME)]
    if demo is None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    else:
        shutil.copytree(demo, studies / NAME)
    dicom(folder / "dicom", studies / NAME / "data" / "images")
    return studies, folder / "dicom"


def photograph_import(camera: Camera, base: str, source: Path) -> None:
    """A study from DICOM, as far as its first question."""
    page = camera.page
    page.click("[data-begin=dicom]")
    page.fill("dialog input", "Second reading")
    page.click("dialog button.primary")
    page.wait_for_url("**/import")
    page.fill("#source", str(source))
    page.click("#source-form button[type=submit]")
    page.wait_for_selector("#cards .question img", timeout=120_000)
    page.locator("#cards .question").first.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    camera.take("import")
    page.goto(f"{base}/home")


def photograph_study(camera: Camera, page: Page) -> None:
    """Every page of the finished study."""
    page.locator("main a[href$='/overview']", has_text=NAME).first.click()
    page.wait_for_url("**/overview")
    base = page.url.rpartition("/")[0]
    for word in ("overview", "protocol", "cohort", "reading", "run", "results"):
        page.goto(f"{base}/{word}")
        page.wait_for_load_state("networkidle")
        camera.take(word)


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--demo", type=Path, help="a finished demo, which is not made again then")
    parser.add_argument("--work", type=Path, help="an empty folder for the studies: the pages show its name")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        studies, source = prepare(given.work or Path(temporary), given.demo)
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        with served("app", studies) as link:
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
            page.on("pageerror", lambda error: print("error:", error))
            page.goto(link)
            page.wait_for_url("**/home")
            camera = Camera(page, SIZE, given.out)
            photograph_import(camera, link.partition("/#")[0], source)
            page.wait_for_load_state("networkidle")
            camera.take("home")
            photograph_study(camera, page)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
