"""The synthetic cohort: a table, images, two readers' masks and a study file, from one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.demo.appearance import acquire, lay_grid, make_breast, paint
from radstudy.demo.clinical import COLUMNS, TRAITS, cell_sizes, excluded_rows, included_rows
from radstudy.demo.latent import CEILING_AUC, SEQUENCES, planted_scores
from radstudy.demo.lesion import make_lesion
from radstudy.demo.published import CELLS, DOUBLY_READ, PATIENTS
from radstudy.demo.reading import first_reading, second_reading
from radstudy.formats.raster import write_raster
from radstudy.owned import owning, refuse_foreign
from radstudy.parallel import finished
from radstudy.space.axes import axes_to_left_back_head
from radstudy.store import write_csv, write_text

NOTICE = "SYNTHETIC DATA: invented patients and simulated images. Says nothing about HER2 or about any patient."
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True)
class PhantomPatient:
    """The data from which one patient's images are generated.

    Parameters
    ----------
    identifier : SYN-...
    side : "left" or "right" breast.
    diameter_mm : largest diameter of the lesion, as in the table.
    scores : latent score by sequence.
    traits : appearance of the lesion, standard normal values.
    doubly_read : True if reader 2 drew it too.
    seed : seed of everything random in these images.
    """

    identifier: str
    side: str
    diameter_mm: float
    scores: dict[str, float]
    traits: dict[str, float]
    doubly_read: bool
    seed: np.random.SeedSequence


def make(
    directory: str | Path,
    *,
    patients: int = PATIENTS,
    seed: int = 20260114,
    null: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a synthetic cohort with the reference study's margins and a planted, known effect.

    Parameters
    ----------
    directory : output folder, created if needed, for study.yaml, cohort.csv, truth.csv, README.txt, images/ and masks/.
    patients : number of patients included, 20 or more; with 107 the tables match the published Tables 1 and 2 exactly.
    seed : seed of everything random; the result does not depend on `jobs`.
    null : permute the outcome within each set after everything else, so that nothing is associated with it.
    jobs : number of processes; None uses all cores.
    progress : called with an iterable of the patients' results, their number and a label; returns what to iterate over.

    Returns
    -------
    The path of study.yaml.

    Raises
    ------
    UsageError : fewer than 20 patients, or other files in place of the demo's.
    """
    cell_sizes(patients)  # refuses before anything is written
    folder = Path(directory)
    table, truth, plans = plan(patients=patients, seed=seed, null=null)
    texts = [folder / name for name in ("cohort.csv", "truth.csv", "README.txt", "study.yaml")]
    refuse_foreign(*texts)
    done = finished(partial(make_patient, folder=folder), plans, jobs, named=lambda patient: patient.identifier)
    for _ in progress(done, len(plans), "Synthetic patients") if progress is not None else done:
        pass
    with owning(*texts):
        write_csv(folder / "cohort.csv", table)
        write_csv(folder / "truth.csv", truth)
        write_text(folder / "README.txt", _readme(patients, seed, null))
        write_text(folder / "study.yaml", study_text(seed, null))
    return folder / "study.yaml"


def plan(*, patients: int, seed: int, null: bool) -> tuple[pd.DataFrame, pd.DataFrame, list[PhantomPatient]]:
    """The cohort table, the planted truth, and the data from which each patient's images are generated."""
    root = np.random.SeedSequence(seed)
    for_table, for_images = root.spawn(2)
    rng = np.random.default_rng(for_table)
    groups = np.repeat(np.arange(len(CELLS)), cell_sizes(patients))
    outcome = (groups % 2).astype(np.int64)
    scores = planted_scores(outcome, groups, rng)
    traits = {name: rng.standard_normal(patients) for name in TRAITS}
    rows = included_rows(patients, traits, rng)
    excluded = excluded_rows(patients, rng)
    numbers = rng.permutation(patients + len(excluded)) + 1
    rows["patient_id"] = [f"SYN-{number:04d}" for number in numbers[:patients]]
    excluded["patient_id"] = [f"SYN-{number:04d}" for number in numbers[patients:]]
    twice = set(rng.choice(patients, min(patients, max(5, round(DOUBLY_READ * patients / PATIENTS))), replace=False))
    truth = _truth(rows, scores, traits, twice)
    if null:
        rows["fish"] = rows.groupby("set")["fish"].transform(lambda column: rng.permutation(column.to_numpy()))
    truth["fish_in_table"] = rows["fish"]
    table = pd.concat([rows, excluded], ignore_index=True).assign(lesion="1")
    table = table.sort_values("patient_id")[list(COLUMNS)]
    table["age"] = table["age"].astype(int)
    plans = [
        PhantomPatient(
            rows["patient_id"][index],
            rows["side"][index],
            10 * float(rows["max_diameter_cm"][index]),
            {name: float(scores[name][index]) for name in SEQUENCES},
            {name: float(values[index]) for name, values in traits.items()},
            index in twice,
            stream,
        )
        for index, stream in enumerate(for_images.spawn(patients))
    ]
    return table, truth.sort_values("patient_id"), plans


def make_patient(patient: PhantomPatient, folder: Path) -> str:
    """Write one patient's images and masks and return the identifier."""
    for sequence, image, masks, affine in simulate(patient):
        _write(folder / "images" / patient.identifier / f"{sequence}.nii.gz", image, affine)
        for reader, mask in masks.items():
            _write(folder / "masks" / patient.identifier / f"{sequence}_{reader}.nii.gz", mask.astype(np.uint8), affine)
    return patient.identifier


def simulate(
    patient: PhantomPatient,
) -> Iterator[tuple[str, NDArray[np.int16], dict[str, NDArray[np.bool_]], NDArray[np.float64]]]:
    """One patient's sequences: name, int16 image, masks by reader, voxel-to-RAS affine."""
    rng = _stream(patient, 0)
    lesion = make_lesion(patient.diameter_mm, patient.traits, rng)
    breast = make_breast(lesion, rng)
    across = 80.0 if patient.side == "right" else -80.0  # RAS: x grows to the patient's right
    centre = np.array([across, 60.0, 10.0]) + rng.normal(0, (14, 14, 25))
    axes = _axes(rng)
    for number, sequence in enumerate(SEQUENCES, 1):
        own = _stream(patient, number)
        grid = lay_grid(sequence, lesion.depth.shape, centre, axes, own)
        scene = paint(sequence, patient.scores[sequence], lesion, breast, patient.traits, own)
        image = acquire(sequence, scene, grid, own)
        first = first_reading(lesion, grid, own)
        masks = {"reader1": first}
        if patient.doubly_read:
            masks["reader2"] = second_reading(first, lesion, grid, own)
        yield sequence, image, masks, grid.affine


def _stream(patient: PhantomPatient, number: int) -> np.random.Generator:
    """A generator for this patient; unlike ``SeedSequence.spawn``, the same one at each call."""
    seed = np.random.SeedSequence(patient.seed.entropy, spawn_key=(*patient.seed.spawn_key, number))
    return np.random.default_rng(seed)


def _axes(rng: np.random.Generator) -> NDArray[np.float64]:
    """Axes of an axial slab, to the patient's left, back and head (in RAS), tilted by a few degrees."""
    tilt = np.radians(rng.normal(0, (2.5, 1.0, 1.5)))
    turned = np.eye(3)
    for axis, angle in enumerate(tilt):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[[a, b], [a, b]] = np.cos(angle)
        step[a, b], step[b, a] = -np.sin(angle), np.sin(angle)
        turned = turned @ step
    return axes_to_left_back_head(turned)


def _write(file: Path, voxels: NDArray[Any], affine: NDArray[np.float64]) -> None:
    write_raster(file, voxels, affine, remark="SYNTHETIC (radstudy demo): not a patient")


def _truth(
    rows: pd.DataFrame, scores: pd.DataFrame, traits: dict[str, NDArray[np.float64]], twice: set[int]
) -> pd.DataFrame:
    truth = rows[["patient_id", "set", "fish"]].rename(columns={"fish": "fish_made_from"})
    truth.insert(0, "notice", "SYNTHETIC")
    truth["doubly_read"] = [index in twice for index in rows.index]
    for name in SEQUENCES:
        truth[f"score_{name}"] = scores[name].round(6)
    for name, values in traits.items():
        truth[f"trait_{name}"] = np.round(values, 6)
    return truth


def study_text(seed: int, null: bool) -> str:
    """The study file of a demo cohort."""
    title = "SYNTHETIC demo of the HER2 IHC 2+ study" + (", outcome permuted" if null else "")
    return f"""\
# {NOTICE}
# Made by "radstudy demo"; README.txt says how. The preset brings the reference protocol; this file adds the files.
study: {title}
preset: her2-ihc2plus/1
notice: "{NOTICE}"
seed: {seed}

cohort:
  table: cohort.csv
  split: {{column: set}}
  images: images/{{patient}}/{{sequence}}.nii.gz
  masks: masks/{{patient}}/{{sequence}}_{{reader}}.nii.gz
  readers: [reader1, reader2]

evaluate:
  primary: {{model: combined C, against: clinical-imaging}}   # what the report leads with, declared before any result
  chance: {{permutations: 200}}              # a study takes 1,000; so the demo ends sooner
  resampling: {{nested: {{repeats: 3}}, splits: 30, bootstrap: 6}}   # a study takes 100, 1,000 and 200
"""


def _readme(patients: int, seed: int, null: bool) -> str:
    ceilings = ", ".join(f"{name} {value:.2f}" for name, value in CEILING_AUC.items())
    margins = (
        "Counts, means and standard deviations in each set and FISH group are those of Tables 1 and 2 of the paper."
        if patients == PATIENTS
        else "Counts in each set and FISH group are those of Tables 1 and 2 of the paper, scaled to this many patients."
    )
    planted = (
        "The outcome was permuted within each set after all else was made: nothing here is associated with it."
        if null
        else f"Planted in the lesions' texture; the AUC that no model can beat in the long run: {ceilings}."
    )
    return f"""\
{NOTICE}

{patients} invented patients and those screened out, made by "radstudy demo" from seed {seed}.
{margins} Every row is invented, so that agreement
with those tables is by construction, and the AUCs found here replicate nothing.
{planted}

study.yaml   the study file: radstudy run study.yaml
cohort.csv   one row a patient
images/      images/PATIENT/SEQUENCE.nii.gz
masks/       masks/PATIENT/SEQUENCE_READER.nii.gz
truth.csv    what was planted, for checking programs; a study never reads it
"""
