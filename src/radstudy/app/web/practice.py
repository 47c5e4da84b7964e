"""Practice cases: synthetic patients of `radstudy demo`, on the study's own sequences; nothing of them is exported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from radstudy.app.web.needs import CaseImages, ImageFile
from radstudy.demo.cohort import PhantomPatient, plan, simulate
from radstudy.formats.raster import write_raster
from radstudy.parallel import results
from radstudy.store import content_hash, write_text

_SEED = 16_000_016  # other patients than those of the demo
_PATIENTS = 20  # the fewest that the demo plans
_WHOLE = "whole"  # a file that is written last
_REMARK = "SYNTHETIC (radstudy practice case): not a patient"


def _write(patient: PhantomPatient, place: Path) -> None:
    for name, voxels, _, affine in simulate(patient):
        write_raster(place / f"{name}.nii.gz", voxels, affine, remark=_REMARK)
    write_text(place / _WHOLE, "")


@cache
def _patients() -> tuple[PhantomPatient, ...]:
    return tuple(plan(patients=_PATIENTS, seed=_SEED, null=False)[2])


def practice_side(number: int) -> str:
    """The breast in which the lesion of a practice case lies; cases count from 1."""
    return _patients()[(number - 1) % _PATIENTS].side


def practice_images(number: int, sequences: Sequence[str], folder: Path) -> CaseImages:
    """The images of a practice case, made when they are asked for first.

    Parameters
    ----------
    number : of the case, from 1.
    sequences : the study's; one that the demo does not simulate shows another of the demo's.
    folder : where they are kept.
    """
    patient = _patients()[(number - 1) % _PATIENTS]
    place = folder / content_hash([_SEED, patient.identifier])
    if not (place / _WHOLE).exists():
        list(results(partial(_write, place=place), [patient], 1, shielded=True))  # in a process of its own
    names = sorted(file.name.removesuffix(".nii.gz") for file in place.glob("*.nii.gz"))
    shown = [name if name in names else names[at % len(names)] for at, name in enumerate(sequences)]
    return CaseImages(tuple(
        ImageFile(sequence, place / f"{name}.nii.gz") for sequence, name in zip(sequences, shown, strict=True)
    ))  # fmt: skip
