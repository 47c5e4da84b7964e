"""The reading room as a whole: two readers, an arbiter and the lead in a browser, and a run of what they left.

The server is `radstudy read` in a process of its own; the patients are the demo's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from e2e.reading_pages import PhantomLesion, Visitor, reading_server, wait_for
from radstudy.demo.cohort import plan, simulate
from radstudy.formats.raster import write_raster

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
STUDY = """
study: SYNTHETIC reading
cohort:
  table: cohort.csv
  patient: patient
  side: side
  outcome: {column: her2, positive: "1", labels: [HER2-zero, HER2-low]}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [ann, bea]
  clinical:
    margin: {levels: [circumscribed, irregular], label: Margin, table: imaging}
    max_diameter_cm: {unit: cm, label: Largest diameter, table: imaging}
sequences: [T2WI, DCE3]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {DCE3: [DCE3]}}
reading:
  practice: 0
  wash_out_days: 0
  characteristics: {arbiter: cem, differs_above: {max_diameter_cm: 0.5}}
"""
# reader -> side of the patient -> answers: they differ on one margin, and on diameters by less than is arbitrated
ANSWERS = {
    "ann": {
        "left": {"margin": "circumscribed", "max_diameter_cm": 2.0, "likelihood": 30},
        "right": {"margin": "irregular", "max_diameter_cm": 3.0, "likelihood": 60},
    },
    "bea": {
        "left": {"margin": "irregular", "max_diameter_cm": 2.4, "likelihood": 20},
        "right": {"margin": "irregular", "max_diameter_cm": 3.0, "likelihood": 80},
    },
}
RADIUS_MM = {"ann": 9.0, "bea": 7.5}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("RADSTUDY_REQUIRE_BROWSER"):
            pytest.fail(f"no browser at {CHROMIUM}, and here there must be one")
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def shots() -> Path | None:
    """Where pictures of the pages go, for looking at them; None: none are taken."""
    place = os.environ.get("RADSTUDY_SHOTS")
    return Path(place) if place else None


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, dict[str, dict[str, PhantomLesion]]]:
    """A study of two patients, and side to sequence to lesion: no reader sees the patients' names."""
    _, _, patients = plan(patients=20, seed=7, null=False)
    chosen = [next(one for one in patients if one.side == side) for side in ("left", "right")]
    lesions: dict[str, dict[str, PhantomLesion]] = {}
    for patient in chosen:
        for name, voxels, masks, affine in simulate(patient):
            if name != "DWI":  # DCE7 is a phase beside the study's sequences, for cine and curves
                write_raster(tmp_path / "images" / patient.identifier / f"{name}.nii.gz", voxels, affine)
                lesions.setdefault(patient.side, {})[name] = PhantomLesion(masks["reader1"], affine)
    rows = {"patient": [one.identifier for one in chosen], "side": [one.side for one in chosen]}
    pd.DataFrame({**rows, "her2": [0, 1], "set": "training"}).to_csv(tmp_path / "cohort.csv", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml", lesions


def side_of(visitor: Visitor) -> str:
    return visitor.page.locator(".bar .target").inner_text().removeprefix("side: ")


def points_at(lead: Visitor, patient: str, lesion: PhantomLesion) -> list[float]:
    """The lead puts the arrow on a lesion; its patient coordinates, mm."""
    section = lead.page.locator("section.card", has=lead.page.get_by_role("button", name="Place the arrow"))
    section.locator("select").select_option(label=f"{patient} · 1")
    section.get_by_role("button", name="Place the arrow").click()
    lead.viewer()
    lead.press("n")
    lead.viewer()
    lead.go_to_slice(round(lesion.centre[lead.screen(lesion).axes[2]]))
    lead.page.mouse.click(*lead.screen(lesion).point(lesion.centre))
    lead.page.get_by_role("button", name="Place the arrow here").click()
    lead.page.get_by_text("The arrow is placed.").wait_for()
    lead.shot("arrow")
    ras: list[float] = lead.state("cursor")
    np.testing.assert_allclose(ras, nib.affines.apply_affine(lesion.affine, lesion.centre), atol=3)
    lead.page.get_by_role("button", name="Back to the lead's page").click()
    lead.page.get_by_text("1 of 2 lesions have an arrow.").wait_for()
    return ras


def taken_over(visitor: Visitor) -> None:
    """A second tab takes the case over: the first one is told, and can do no more."""
    case = visitor.open_next()
    other = visitor.context.new_page()
    other.goto(visitor.page.url)
    other.get_by_role("button", name="Take over").click()
    visitor.page.get_by_text("has taken over this case").wait_for()
    assert visitor.state("readOnly")
    wait_for(lambda: other.evaluate("Boolean(window.radstudyRoom?.ready)"), "the viewer of the other tab")
    other.get_by_role("button", name="Pause").click()
    other.get_by_text(f"{case} is paused").wait_for()
    other.close()
    visitor.page.get_by_role("button", name="Leave the case").click()
    visitor.page.locator(".card.next").wait_for()


def draws(
    visitor: Visitor, reader: str, lesions: dict[str, dict[str, PhantomLesion]], arrow: list[float]
) -> tuple[str, np.ndarray]:
    """Draw the next case: contours on two slices and what lies between on DCE3; not visible on T2WI for one patient.

    Which side it was, and the mask on DCE3 as the page had it.
    """
    visitor.open_next()
    side = side_of(visitor)
    lesion, shape = lesions[side]["DCE3"], lesions[side]["DCE3"].mask.shape
    assert (np.abs(np.subtract(visitor.state("cursor"), arrow)).max() < 0.01) == (side == "left")
    visitor.press("n")
    visitor.viewer()
    middle = round(lesion.centre[visitor.screen(lesion).axes[2]])
    drawn = [visitor.draw_around(lesion, at, RADIUS_MM[reader]) for at in (middle - 2, middle + 2)]
    np.testing.assert_array_equal(visitor.codes("DCE3", shape) == 1, drawn[0] | drawn[1])
    visitor.press("i")
    wait_for(lambda: visitor.state("previewVoxels") > 0, "the proposal")
    visitor.shot(f"room-proposal-{reader}-{side}")
    assert not (visitor.codes("DCE3", shape) == 7).any(), "a proposal is nothing that was drawn"
    visitor.page.locator('[data-action="accept_all"]').click()
    visitor.saved()
    between = visitor.codes("DCE3", shape) == 7
    assert set(np.argwhere(between)[:, visitor.screen(lesion).axes[2]]) == {middle - 1, middle, middle + 1}
    visitor.press("Control+z")
    assert not (visitor.codes("DCE3", shape) == 7).any()
    visitor.press("Control+y")
    np.testing.assert_array_equal(visitor.codes("DCE3", shape) == 7, between)

    seen = side == "right"
    if seen:
        visitor.press("n", "b", "d", *(["]"] if reader == "bea" else []))
        visitor.viewer()
        on_t2 = lesions[side]["T2WI"]
        visitor.go_to_slice(round(on_t2.centre[visitor.screen(on_t2).axes[2]]))
        visitor.page.mouse.click(*visitor.screen(on_t2).point(on_t2.centre))
        wait_for(lambda: visitor.state("voxels") > 0, "the sphere")
    visitor.page.locator('.bar [data-action="close"]').click()  # too early
    visitor.page.locator(".form-summary li").first.wait_for()
    assert visitor.page.locator(".form-summary button").all_inner_texts() == ["T2WI", "DCE3"]
    visitor.judge("DCE3", visible=True, quality=4)
    visitor.judge("T2WI", visible=seen, quality=3)
    visitor.shot(f"room-judged-{reader}-{side}")
    mask = visitor.codes("DCE3", shape) > 0
    visitor.close_masks()
    return side, mask


def describes(visitor: Visitor, reader: str) -> None:
    """Fill in the form of the next case, lock, look at what was computed, close."""
    visitor.open_next()
    side = side_of(visitor)
    visitor.page.locator(".form-actions button").click()  # too early: nothing is locked
    assert len(visitor.page.locator(".form-summary li").all()) == 3
    assert visitor.page.locator(".compared").count() == 0
    visitor.answer(ANSWERS[reader][side])
    if reader == "ann":
        visitor.page.locator(".curve-panel summary").click()
        visitor.page.get_by_role("button", name="Drawn lesion").click()
        visitor.page.locator(".curve-place svg, .curve-place canvas, .curve-place figure").first.wait_for()
    visitor.shot(f"form-{reader}-{side}")
    visitor.lock()
    visitor.shot(f"form-locked-{reader}-{side}")
    asked = visitor.page.locator('fieldset[data-item="max_diameter_cm"]')
    own, computed = asked.locator(".compared dd").all_inner_texts()
    assert own == f"{ANSWERS[reader][side]['max_diameter_cm']:g} cm"
    assert abs(float(computed.removesuffix(" cm")) - RADIUS_MM[reader] / 5) < 0.15, computed
    assert asked.get_attribute("disabled") is not None
    visitor.close_form()


def arbitrates(visitor: Visitor) -> None:
    """Answer alone, see A and B, and decide."""
    visitor.page.locator(".card.next").wait_for()
    assert visitor.page.locator(".entry").count() == 1, "of the other patient the readers agree"
    visitor.open_next()
    assert side_of(visitor) == "left"
    assert visitor.page.locator("fieldset[data-item]").evaluate_all("all => all.map((one) => one.dataset.item)") == [
        "margin", "comment"
    ]  # fmt: skip
    visitor.answer({"margin": "circumscribed"})
    assert visitor.page.locator(".compared").count() == 0
    visitor.lock()
    shown = visitor.page.locator('fieldset[data-item="margin"] .compared dd').all_inner_texts()
    assert shown[0] == "circumscribed" and sorted(shown[1:]) == ["circumscribed", "irregular"]
    visitor.answer({"margin": "irregular"})
    visitor.shot("arbitration")
    visitor.close_form()


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """SimpleITK's."""
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(one.astype(np.uint8)) for one in (a, b)))
    return float(overlap.GetDiceCoefficient())


def link_for(lead: Visitor, reader: str) -> str:
    """Have the lead's page make a personal link."""
    maker = lead.page.locator("section.card", has=lead.page.get_by_role("button", name="Make a link"))
    maker.locator("select").first.select_option(reader)
    before = lead.page.locator(".fresh-link input")
    old = before.input_value() if before.count() else ""
    maker.get_by_role("button", name="Make a link").click()
    wait_for(lambda: before.count() and before.input_value() != old, "the link")
    return before.input_value()


def test_two_readers_an_arbiter_and_the_lead_and_then_a_run(browser, study, shots, command):
    file, lesions = study
    folder = file.parent
    masks: dict[tuple[str, str], np.ndarray] = {}
    with reading_server(file, "--lead") as url:
        lead = Visitor(browser, url, shots)
        lead.page.get_by_role("button", name="Make a link").wait_for()
        lead.page.get_by_text("Not enough cases").wait_for()
        patients = pd.read_csv(folder / "cohort.csv").set_index("side")["patient"]
        arrow = points_at(lead, patients["left"], lesions["left"]["DCE3"])
        readers = {name: Visitor(browser, link_for(lead, name), shots) for name in ("ann", "bea")}
        for name, visitor in readers.items():
            visitor.shot(f"worklist-{name}")
            if name == "ann":
                taken_over(visitor)
            for _ in range(2):
                side, masks[name, side] = draws(visitor, name, lesions, arrow)
            visitor.page.get_by_text("All cases are closed").wait_for()
            visitor.page.get_by_role("link", name="Characteristics").click()
            visitor.page.get_by_role("heading", name="Characteristics").wait_for()
            for _ in range(2):
                describes(visitor, name)
            visitor.leave("409")  # of the case that another tab held
        arbiter = Visitor(browser, link_for(lead, "cem"), shots)
        arbitrates(arbiter)
        arbiter.leave()
        lead.page.reload()
        table = lead.page.locator("table", has=lead.page.get_by_text("Masks: Dice")).locator("tbody tr")
        table.first.wait_for()
        lead.shot("lead")
        cells = {row[0]: row for row in (one.locator("td, th").all_inner_texts() for one in table.all())}
        expected = [dice(masks["ann", side], masks["bea", side]) for side in ("left", "right")]
        assert cells["DCE3"][3].startswith(f"{np.median(expected):.2f}") and cells["DCE3"][2] == "2"
        lead.leave()
    recorded(folder, masks)
    later = add_patients_drawn_elsewhere(folder)
    done = command("run", file, "--step", "extract", "--out", folder / "run", "-j", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    picked_up(folder, masks, later)


def recorded(folder: Path, masks: dict[tuple[str, str], np.ndarray]) -> None:
    """What was drawn and answered is what closing the cases left in the study folder."""
    sides = pd.read_csv(folder / "cohort.csv").set_index("side")["patient"]
    for (reader, side), mask in masks.items():
        image = nib.load(folder / "images" / sides[side] / "DCE3.nii.gz")
        written = nib.load(folder / "masks" / sides[side] / f"DCE3_{reader}.nii.gz")
        np.testing.assert_array_equal(np.asarray(written.dataobj) > 0, mask)
        np.testing.assert_array_equal(written.affine, image.affine)
    answers = pd.read_csv(folder / "reading/answers.csv").set_index("patient").loc[sides[["left", "right"]]]
    assert answers["margin_r1"].tolist() == ["circumscribed", "irregular"]
    assert answers["margin_r2"].tolist() == ["irregular", "irregular"]
    assert answers["margin_final"].tolist() == ["irregular", "irregular"]
    assert answers["max_diameter_cm_final"].tolist() == pytest.approx([2.2, 3.0])
    tools = pd.read_csv(folder / "reading/tools.csv")
    assert (tools.loc[tools["sequence"] == "DCE3", ["contour", "interpolation"]] > 0).all(axis=None)
    displays = [one["settings"] for cell in tools["display"] for one in json.loads(cell)]
    assert displays and all(one["image"] == "acquired" and len(one["window"]) == 2 for one in displays)
    assert json.loads((folder / "reading/summary.json").read_text())


def add_patients_drawn_elsewhere(folder: Path) -> list[str]:
    """Complete the table by two patients for the testing set, which a run needs; their identifiers."""
    _, _, patients = plan(patients=20, seed=8, null=False)
    table = pd.read_csv(folder / "cohort.csv")
    rows = []
    for positive, patient in enumerate(patients[:2]):
        name = f"LATER-{positive}"
        for sequence, voxels, masks, affine in simulate(patient):
            if sequence in {"T2WI", "DCE3"}:
                write_raster(folder / "images" / name / f"{sequence}.nii.gz", voxels, affine)
                file = folder / "masks" / name / f"{sequence}_ann.nii.gz"
                write_raster(file, masks["reader1"].astype(np.uint8), affine)
        rows.append({"patient": name, "side": patient.side, "her2": positive, "set": "testing"})
    pd.concat([table, pd.DataFrame(rows)]).to_csv(folder / "cohort.csv", index=False)
    return [row["patient"] for row in rows]


def picked_up(folder: Path, masks: dict[tuple[str, str], np.ndarray], later: list[str]) -> None:
    """A run has taken the masks and answers of the room, and nothing from a sequence that shows no lesion."""
    patients = pd.read_csv(folder / "cohort.csv").set_index("side")["patient"]
    names = {side: next(one for one in patients[[side]] if one not in later) for side in ("left", "right")}
    rows = pd.read_csv(folder / "run/cohort/rows.csv").set_index("patient")
    assert rows.loc[list(names.values()), "margin"].tolist() == ["irregular", "irregular"]
    assert rows.loc[list(names.values()), "max_diameter_cm"].tolist() == pytest.approx([2.2, 3.0])
    absent = pd.read_csv(folder / "run/cohort/absent.csv")
    assert absent[["patient", "sequence"]].to_numpy().tolist() == [[names["left"], "T2WI"]]
    lesions = pd.read_csv(folder / "run/extract/lesions.csv").set_index(["patient", "sequence", "reader"])
    for (reader, side), mask in masks.items():
        assert lesions.loc[(names[side], "DCE3", reader), "native_voxels"] == mask.sum()
    assert set(lesions.index.get_level_values("patient")) == {*names.values(), *later}
