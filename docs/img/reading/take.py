"""Takes the pictures of docs/reading.md: `radstudy read` on a synthetic study, in a browser of two sizes.

    python -m docs.img.reading.take [--chromium /usr/bin/chromium]

The study is the demo's, with four sequences and real strokes in the reading room's own database. What stands on the
pictures is what the server sends. Needs playwright, Pillow and a chromium.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from docs.img.camera import Camera, served
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from radstudy.app.reading.strokes import CODES, codes_of, runs_of
from radstudy.app.web.needs import CaseAddress, SentAnswers, SentStroke
from radstudy.app.web.of_study import behind_of
from radstudy.app.web.study_room import StudyRoom
from radstudy.demo.cohort import plan, simulate, study_text
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import load_protocol

HERE = Path(__file__).parent
SIZES = ((1366, 768), (1920, 1080))
SEED, PATIENTS = 3, 9
SETTINGS = """
reading:
  practice: 0
  wash_out_days: 0
  second: null
  repeats: null
  target: [side]
  characteristics:
    arbiter: reader3
    differs_above: {max_diameter_cm: 0.5}
    definitions:
      margin: "Circumscribed: the whole margin is sharp. Not circumscribed: any part is not."
      shape: "Oval or round, or irregular, on the slice with the largest diameter."
"""
Masks = dict[tuple[str, str], NDArray[np.bool_]]  # (patient, sequence)


@dataclass(frozen=True)
class Prepared:
    """A study with some of its cases read.

    Parameters
    ----------
    file : study.yaml.
    masks : of the first reader, as the demo draws them.
    """

    file: Path
    masks: Masks


def prepare(folder: Path) -> Prepared:
    """A study whose second reader has finished, and whose first reader has begun."""
    table, _, plans = plan(patients=20, seed=SEED, null=False)
    chosen = plans[:PATIENTS]
    masks: Masks = {}
    for patient in chosen:
        for sequence, image, drawn, affine in simulate(patient):
            write_raster(folder / "images" / patient.identifier / f"{sequence}.nii.gz", image, affine)
            masks[patient.identifier, sequence] = drawn["reader1"]
    table[table["patient_id"].isin([one.identifier for one in chosen])].to_csv(folder / "cohort.csv", index=False)
    file = folder / "study.yaml"
    file.write_text(study_text(SEED, null=False) + SETTINGS, encoding="utf-8")
    behind = behind_of(load_protocol(file), folder, run=folder / "run")
    room = behind.room
    assert isinstance(room, StudyRoom)
    for reader, left in (("reader2", 0), ("reader1", 2)):
        for task in ("masks", "characteristics"):
            _read(room, CaseAddress(reader, task, ""), masks, left=left)
    room.storage.close()
    return Prepared(file, masks)


def _read(room: StudyRoom, reader: CaseAddress, masks: Masks, *, left: int) -> None:
    """Read all cases of a task but the last ones; the next is begun."""
    cases = [one["id"] for one in room.worklist(reader.reader, reader.task)["cases"]]
    for number, name in enumerate(cases[: len(cases) - left + bool(left)]):
        case = CaseAddress(reader.reader, reader.task, name)
        document = room.open_case(case, tab="pictures", take=True)
        names = [image.sequence for image in room.images(case).images if image.of_study]
        last = bool(left) and number == len(cases) - left
        if case.task == "masks":
            _draw(room, case, names, masks)
        said = {one: {"visible": True, "evaluable": True, "reason": "", "quality": 4 + (number % 2)} for one in names}
        values = _answers(document["form"], number + (reader.reader == "reader2" and number % 4 == 0))
        if last:
            values = dict(list(values.items())[:5])
        room.save_answers(case, "pictures", SentAnswers(0, values, said))
        if last:
            room.pause_case(case, "pictures")
            return
        if case.task == "characteristics":
            room.lock_answers(case, "pictures")
        room.close_case(case, "pictures")


def _draw(room: StudyRoom, case: CaseAddress, names: list[str], masks: Masks) -> None:
    """The demo's mask on each sequence; the second reader's is a voxel larger to one side."""
    patient = next(one.patient for one in room.storage.assignments() if one.id == case.id)
    for name in names:
        mask = masks[patient, name]
        if case.reader == "reader2":
            mask = mask | np.roll(mask, 1, axis=0)
        room.stroke(case, "pictures", SentStroke(name, 0, "contour", runs_of(codes_of(mask, CODES["contour"])), {}))


def _answers(form: Any, number: int) -> dict[str, Any]:
    """Some answer to each item."""
    values: dict[str, Any] = {}
    for item in form:
        if item["kind"] == "level":
            values[item["name"]] = item["levels"][number % len(item["levels"])]
        elif item["kind"] == "number":
            values[item["name"]] = 1.5 + 0.3 * (number % 5)
        elif item["kind"] == "likelihood":
            values[item["name"]] = 20 + 15 * (number % 5)
    return values


def photograph(camera: Camera, link: str) -> None:
    """Go through the pages of a reader and of the lead."""
    page = camera.page
    page.goto(link)
    page.wait_for_selector(".entries")
    camera.take("worklist")
    _open_next(camera)
    page.keyboard.press("l")
    page.keyboard.press("PageUp")
    wait_for_viewer(camera)
    camera.take("viewer")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".entries")
    page.get_by_role("link", name="Characteristics").click()
    page.wait_for_function("() => location.hash.endsWith('characteristics')")
    page.get_by_role("heading", name="Characteristics").wait_for()
    _open_next(camera)
    page.keyboard.press("l")
    wait_for_viewer(camera)
    camera.take("form")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".entries")


def photograph_lead(camera: Camera, link: str) -> None:
    """The page of a lead who reads nothing, and so sees agreement while others still read."""
    camera.page.goto(link)
    camera.page.wait_for_selector(".lead .tables")
    time.sleep(1)
    camera.take("lead")


def wait_for_viewer(camera: Camera) -> None:
    """Wait until the case is shown with all its images."""
    camera.page.wait_for_selector(".view canvas")
    end = time.monotonic() + 60
    while not camera.page.evaluate("() => Boolean(window.radstudyRoom?.ready)") or time.monotonic() < end - 57:
        time.sleep(0.1)
        assert time.monotonic() < end, "the viewer did not come"


def _open_next(camera: Camera) -> None:
    camera.page.locator(".card.next button").first.click()
    again = camera.page.get_by_role("button", name="Take over")
    camera.page.locator(".view canvas").first.or_(again).first.wait_for()
    if again.is_visible():  # the server was stopped with this case open
        again.click()
    wait_for_viewer(camera)


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--study", type=Path, help="folder of a study that was prepared before")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        study = given.study / "study.yaml" if given.study else prepare(Path(folder)).file
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        with served("read", study, "--reader", "reader1") as link, served("read", study, "--lead") as lead:
            for size in SIZES:
                page = browser.new_page(viewport={"width": size[0], "height": size[1]})
                page.on("console", lambda message: print("console:", message.text) if message.type == "error" else None)
                page.on("pageerror", lambda error: print("error:", error))
                photograph(Camera(page, size, given.out), link)
                page.context.clear_cookies()
                page.goto("about:blank")
                photograph_lead(Camera(page, size, given.out), lead)
                page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
