"""Detection of duplicate content in a study: a copied mask makes every ICC 1, a copied image adds no information."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

Same = Callable[[Path, Path], bool]
_SHOWN = 8


@dataclass(frozen=True)
class Used:
    """One file in the study, with its use.

    Parameters
    ----------
    patient, lesion, sequence : what it shows; for an image, the first lesion seen on it.
    reader : the reader who drew it; "" for an image.
    file : path from the patterns of the study file.
    mark : fingerprint of its content; files with different marks differ.
    """

    patient: str
    lesion: str
    sequence: str
    reader: str
    file: Path
    mark: str

    @property
    def place(self) -> str:
        """Patient, lesion (unless it is "1") and sequence."""
        lesion = "" if self.lesion == "1" else f" lesion {self.lesion}"
        return f"{self.patient}{lesion} {self.sequence}"


@dataclass(frozen=True)
class Doubled:
    """Content that occurs more than once.

    Parameters
    ----------
    what : description.
    evidence : how often.
    where : the places.
    remedy : what to do.
    serious : whether it prevents any computation; if not, it may have a harmless reason.
    copied : whether it concerns the masks of two readers.
    """

    what: str
    evidence: str
    where: tuple[str, ...]
    remedy: str
    serious: bool = True
    copied: bool = False

    def __str__(self) -> str:
        """Describe it in one or two sentences."""
        more = f" and {len(self.where) - _SHOWN} more" if len(self.where) > _SHOWN else ""
        return f"{self.what} ({self.evidence}): {'; '.join(self.where[:_SHOWN])}{more}. To do: {self.remedy}"


def doubled_masks(masks: Sequence[Used]) -> list[Doubled]:
    """Find masks that are used for two readers, two lesions or two patients.

    One reader's mask on several sequences with the same grid is not a duplicate: phases and their maps share it.
    """
    by_patient: dict[str, list[Used]] = {}
    for mask in masks:
        by_patient.setdefault(mask.patient, []).append(mask)
    return [*_between_readers(masks), *_crossed(by_patient), *_between_lesions(by_patient), *_masks_of_patients(masks)]


def _between_readers(masks: Sequence[Used]) -> list[Doubled]:
    """Readers whose masks of the same lesion on the same sequence are identical."""
    at: dict[tuple[str, str, str], list[Used]] = {}
    for mask in masks:
        at.setdefault((mask.patient, mask.lesion, mask.sequence), []).append(mask)
    both: Counter[tuple[str, str]] = Counter()
    same: dict[tuple[str, str], list[Used]] = {}
    for drawn in at.values():
        for one, other in combinations(drawn, 2):
            pair = (one.reader, other.reader)
            both[pair] += 1
            if one.mark == other.mark:
                same.setdefault(pair, []).append(other)
    return [
        Doubled(
            f"{one} and {other} have the same mask, voxel for voxel",
            f"{len(copies)} of the {both[one, other]} lesions and sequences that both have drawn",
            tuple(f"{mask.place} ({mask.file})" for mask in copies),
            f"put {other}'s own masks there or delete the copies; if both readers really used the same contour, write "
            "'agree: {accept_identical_masks: true}'",
            copied=True,
        )
        for (one, other), copies in same.items()
    ]


def _crossed(by_patient: dict[str, list[Used]]) -> list[Doubled]:
    """Masks of one reader that equal another reader's mask on another sequence or of another lesion."""
    where = []
    for masks in by_patient.values():
        for group in _alike(masks):
            here = {(mask.lesion, mask.sequence, mask.reader) for mask in group}
            for one, other in combinations(group, 2):
                implied = {(other.lesion, other.sequence, one.reader), (one.lesion, one.sequence, other.reader)} & here
                if one.reader != other.reader and not implied:
                    where.append(f"{one.reader}'s on {one.place} = {other.reader}'s on {other.place}")
    if not where:
        return []
    return [
        Doubled(
            "a mask of one reader equals another reader's of another sequence or lesion", f"{len(where)} pair(s)",
            tuple(where), "find out which reader drew it, and put the other reader's own mask there", copied=True,
        )
    ]  # fmt: skip


def _between_lesions(by_patient: dict[str, list[Used]]) -> list[Doubled]:
    where = [
        f"patient {one.patient}, {one.sequence}, {one.reader}: lesion {one.lesion} = lesion {other.lesion}"
        for masks in by_patient.values()
        for group in _alike(masks)
        for one, other in combinations(group, 2)
        if one.reader == other.reader and one.sequence == other.sequence and one.lesion != other.lesion
    ]
    if not where:
        return []
    return [
        Doubled(
            "two lesions of a patient have the same mask", f"{len(where)} pair(s)", tuple(where),
            "write {lesion} in cohort.masks if the file names differ, or 'label: lesion' if one file holds all "
            "lesions of a patient, or correct the table",
        )
    ]  # fmt: skip


def _masks_of_patients(masks: Sequence[Used]) -> list[Doubled]:
    groups = [sorted({mask.patient for mask in group}) for group in _alike(masks)]
    where = tuple(dict.fromkeys(" = ".join(names) for names in groups if len(names) > 1))
    if not where:
        return []
    return [
        Doubled(
            "patients have the same mask, voxel for voxel", f"{len(where)} group(s)", where,
            "check whether a file was copied under another patient's name", serious=False,
        )
    ]  # fmt: skip


def images_alike(images: Sequence[Used], same: Same) -> dict[tuple[str, str, str], str]:
    """Map (patient, lesion, sequence) of every image that has a duplicate to a name shared by the duplicates."""
    kinds = [kind for group in _alike(images) for kind in _really_same(group, same) if len(kind) > 1]
    return {(one.patient, one.lesion, one.sequence): str(kind[0].file) for kind in kinds for one in kind}


def doubled_images(images: Sequence[Used], sets: pd.Series[str], same: Same) -> list[Doubled]:
    """Find images that are used for two sequences of a patient, or for two patients.

    Parameters
    ----------
    images : each file once per sequence.
    sets : training or testing, by patient; an image that is in both sets invalidates every result.
    same : True if all voxels of two files with the same mark are equal.
    """
    sequences: dict[tuple[str, str], list[str]] = {}
    patients: dict[bool, list[str]] = {True: [], False: []}
    for kind in (kind for group in _alike(images) for kind in _really_same(group, same)):
        for one, other in combinations(kind, 2):
            if one.patient == other.patient and one.sequence == other.sequence:
                continue
            if one.patient == other.patient:
                sequences.setdefault((one.sequence, other.sequence), []).append(f"{one.patient} ({other.file})")
                continue
            patients[sets.get(one.patient) != sets.get(other.patient)].append(
                f"{one.patient} = {other.patient} ({one.sequence})"
            )
    duplicates = [
        Doubled(
            f"{one} and {other} are the same image, voxel for voxel", f"{len(where)} patient(s)", tuple(where),
            "correct cohort.images, or put the right files there; if a sequence does not exist, remove it from "
            "'sequences' or name it in cohort.optional_sequences",
        )
        for (one, other), where in sequences.items()
    ]  # fmt: skip
    for serious, where in patients.items():
        if where:
            duplicates.append(
                Doubled(
                    "patients have the same image, voxel for voxel"
                    + (", one in training, one in testing" if serious else ", within one set"),
                    f"{len(where)} pair(s)", tuple(dict.fromkeys(where)),
                    "if these are the same patient, give all rows the same identifier (cohort.patient; lesions have "
                    "theirs in cohort.lesion); otherwise put the right files there", serious,
                )
            )  # fmt: skip
    return duplicates


def _alike(used: Iterable[Used]) -> list[list[Used]]:
    """Groups of files with the same mark."""
    groups: dict[str, list[Used]] = {}
    for one in used:
        groups.setdefault(one.mark, []).append(one)
    return [group for group in groups.values() if len(group) > 1]


def _really_same(group: Sequence[Used], same: Same) -> list[list[Used]]:
    """Split a group with the same mark into groups with equal voxels; each file is compared with the first of each."""
    kinds: list[list[Used]] = []
    for used in group:
        matching = next((kind for kind in kinds if same(kind[0].file, used.file)), None)
        if matching is None:
            kinds.append([used])
        else:
            matching.append(used)
    return kinds
