"""A study of the demo's patients for the test of blinding: its images stay, all that readers may not know changes."""

import datetime
import shutil
from functools import partial

import numpy as np
import pandas as pd

from radstudy.app.reading.storage import open_storage
from radstudy.app.web import of_study
from radstudy.app.web.needs import CaseAddress, SentAnswers, SentStroke
from radstudy.demo.cohort import plan, simulate, study_text
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import load_protocol

SEED, PATIENTS = 3, 6
NOW = datetime.datetime(2026, 1, 5, 8, tzinfo=datetime.UTC)
CROP = (slice(8, 32), slice(6, 28), slice(4, 13))
CLINICAL = ("age", "er", "pr", "ki67", "grade", "max_diameter_cm", "shape", "margin", "t2_signal", "tic_type")
SETTINGS = """
prepare: [{rescale: {to: [0, 2000], from: minmax}}]
reading:
  practice: 0
  wash_out_days: 0
  second: 3
  repeats: {share: 0.3, after_days: 1}
  tools: {grow: true}
  characteristics: {arbiter: reader3, differs_above: {max_diameter_cm: 0.5}}
"""


def write_images(folder):
    """Images of the demo's first patients, cut small; their rows of the demo's table."""
    table, _, plans = plan(patients=20, seed=SEED, null=False)
    for patient in plans[:PATIENTS]:
        for sequence, voxels, _, affine in simulate(patient):
            there = voxels[CROP] if sequence != "DWI" else voxels[4:20, 4:18, 4:13]
            write_raster(folder / "images" / patient.identifier / f"{sequence}.nii.gz", there, affine)
    return table[table["patient_id"].isin([one.identifier for one in plans[:PATIENTS]])].reset_index(drop=True)


def write_study(folder, images, rows, *, other):
    """Write a study; the other one has every cell changed that a reader must not learn of.

    Parameters
    ----------
    folder : of the study.
    images : folder with the images, that are the same in both.
    rows : of the demo's table.
    other : write the other one.
    """
    shutil.copytree(images / "images", folder / "images")
    table = rows.assign(exclusion=[None] * (PATIENTS - 1) + ["neoadjuvant therapy"])
    table["fish"], table["set"] = ["positive", "negative"] * 3, ["training", "testing", "training"] * 2
    if other:
        table = _otherwise(table)
    table.to_csv(folder / "cohort.csv", index=False)
    (folder / "study.yaml").write_text(study_text(SEED, null=False) + SETTINGS, encoding="utf-8")
    return folder


def _otherwise(table):
    """Other outcomes, sets and exclusions, and the clinical columns of another patient."""
    table = table.copy()
    table["fish"] = table["fish"].map({"positive": "negative", "negative": "positive"})
    table["set"] = table["set"].map({"training": "testing", "testing": "training"})
    table["exclusion"] = ["poor image quality", None, "biopsy before MRI", *[None] * (PATIENTS - 3)]
    for column in CLINICAL:
        table[column] = np.roll(table[column].to_numpy(), 1)
    return table.iloc[::-1]  # the order of the rows, too


def open_study(folder, monkeypatch):
    """Room, images and texts behind the server of a study, as `radstudy read` opens them, with a clock that stands."""
    opened = partial(open_storage, clock=lambda: NOW, check_place=lambda place: None)
    monkeypatch.setattr(of_study, "open_storage", opened)
    return of_study.behind_of(load_protocol(folder / "study.yaml"), folder, run=folder / "run")


def outcomes(folder):
    """1 for a positive outcome, by patient."""
    table = pd.read_csv(folder / "cohort.csv")
    return {name: int(fish == "positive") for name, fish in zip(table["patient_id"], table["fish"], strict=True)}


# --- readers ----------------------------------------------------------------------------------------------------------


def said(sequences, voxel=True):
    """An answer for each sequence."""
    return {name: {"visible": voxel, "evaluable": True, "reason": "", "quality": 4} for name in sequences}


def filled(form, choice=0):
    """Every item of a form filled in; another choice differs in each."""
    values = {}
    for item in form:
        if item["kind"] == "level":
            values[item["name"]] = item["levels"][choice % len(item["levels"])]
        elif item["kind"] != "text":
            values[item["name"]] = 2.0 + choice if item["kind"] == "number" else 40 + choice
    return values


def work_of_others(room, reader):
    """Everybody but one reader does all that there is to do now."""
    for other in room.readers():
        for task in room.tasks_of(other) if other != reader else ():
            while (name := room.worklist(other, task)["next"]) is not None:
                _finish(room, CaseAddress(other, task, name))


def _finish(room, case):
    document = room.open_case(case, tab="other", take=True)
    names = [image.sequence for image in room.images(case).images if image.of_study]
    if case.task == "masks":
        for name in names:
            room.stroke(case, "other", SentStroke(name, 0, "brush", np.array([[700, 5, 3]]), {"zoom": 2}))
        room.save_answers(case, "other", SentAnswers(0, {}, said(names)))
    else:
        room.save_answers(case, "other", SentAnswers(0, filled(document["form"], 1), said(names)))
        room.lock_answers(case, "other")
    room.close_case(case, "other")
