"""Roles, regions and readers of an import, read from its tables, and the choice of those that a study uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import DataError, UsageError

TABLE, SERIES, MASKS = "cohort.csv", "series.csv", "masks.csv"
UNNAMED = "reader1"
_LESION = re.compile(r"tumou?r|lesion|mass|gtv|cancer", re.IGNORECASE)
_LATE_EARLY = 3  # the reference study's early phase is the third of the dynamic scan
_FEWEST = 3  # lesions required for an ICC


@dataclass(frozen=True)
class ReaderOffer:
    """One reader's masks of one region.

    Parameters
    ----------
    name : the reader's name in the import; "reader1" if unknown.
    text : part of the file names after the role, such as Tumour or Tumour_Dr-Li.
    masks : number of masks on the chosen sequences.
    """

    name: str
    text: str
    masks: int


@dataclass(frozen=True)
class Offer:
    """Columns, sequences and readers that a study takes from an import.

    Parameters
    ----------
    columns : columns of the import's cohort table, the patient's first.
    patients : number of patients in it.
    sequences : role to the number of patients who have it, for the roles taken.
    others : the same for the roles not taken.
    readers : the first one has the most masks.
    notes : sentences on what was chosen and why.
    """

    columns: tuple[str, ...]
    patients: int
    sequences: dict[str, int]
    others: dict[str, int]
    readers: tuple[ReaderOffer, ...]
    notes: tuple[str, ...]


def read_offer(folder: Path) -> Offer:
    """Read an import's tables and choose what a study uses.

    Raises
    ------
    UsageError : the folder was not written by an import.
    DataError : it has no volume with a role.
    """
    for name in (TABLE, SERIES):
        if not (folder / name).is_file():
            raise UsageError(
                f"{folder} has no {name}: it was not written by 'radstudy import'. To do: give the folder that was "
                "its --out"
            )
    table, _ = read_table(folder / TABLE)
    patient = str(table.columns[0])
    volumes = _roles_of(folder, set(table[patient].dropna()))
    masks = _masks_of(folder)
    if not volumes:
        raise DataError(f"{folder}: no volume has a role. To do: open review.html there, decide, and import again")
    taken, notes = _sequences(volumes, masks)
    readers, more = _readers(masks, taken)
    chosen = {role: len(volumes[role]) for role in taken}
    left = {role: len(patients) for role, patients in volumes.items() if role not in taken}
    return Offer(tuple(map(str, table.columns)), table[patient].nunique(), chosen, left, readers, (*notes, *more))


def _roles_of(folder: Path, patients: set[str]) -> dict[str, set[str]]:
    """Map each role to the patients of the cohort who have a volume of it, in the order of the names."""
    series, _ = read_table(folder / SERIES)
    roles: dict[str, set[str]] = {}
    for row in series[(series["status"] == "role") & series["file"].notna()].itertuples():
        if str(row.patient) in patients:
            roles.setdefault(str(row.role), set()).add(str(row.patient))
    return dict(sorted(roles.items(), key=lambda item: _in_order(item[0])))


def _in_order(role: str) -> tuple[str, int]:
    """Sort key that puts DCE2 before DCE10."""
    stem, number = re.fullmatch(r"(.*?)(\d*)", role).groups()  # type: ignore[union-attr]  # it fits any text
    return stem, int(number or 0)


def _masks_of(folder: Path) -> pd.DataFrame:
    """The masks that were assigned to a volume: patient, role, reader, and the file name's part after the role."""
    columns = ["patient", "role", "reader", "text"]
    if not (folder / MASKS).is_file():
        return pd.DataFrame(columns=columns)
    table, _ = read_table(folder / MASKS)
    placed = table[table["file"].notna() & table["role"].notna()]
    readers = placed["reader"].fillna("") if "reader" in placed else pd.Series("", index=placed.index)
    texts = [
        Path(file).name.removesuffix(".nii.gz").removeprefix(f"{role}_")
        for file, role in zip(placed["file"], placed["role"], strict=True)
    ]
    selected = placed.assign(reader=readers, text=texts)[columns].astype(str)
    return selected[[bool(text) for text in texts]]


def _sequences(volumes: dict[str, set[str]], masks: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Choose the roles that a study uses: two phases of a dynamic scan, the highest b-value of a diffusion scan."""
    drawn = {role: set(part["patient"]) for role, part in masks.groupby("role")}
    usable = [role for role, patients in volumes.items() if 2 * len(drawn.get(str(role), ())) >= len(patients)]
    notes = []
    if not usable:
        usable = list(volumes)
        notes.append("the import has no mask for most patients: draw the lesions, or correct 'masks' and 'readers'")
    elif without := [role for role in volumes if role not in usable]:
        notes.append(f"without a mask for most patients, not taken: {', '.join(without)}")
    often = [role for role in usable if 2 * len(volumes[role]) >= max(len(volumes[other]) for other in usable)]
    phases = [role for role in often if re.fullmatch(r"DCE\d+", role)]
    diffusion = [role for role in often if re.fullmatch(r"DWI_b\d+", role)]
    early = phases[min(_LATE_EARLY, len(phases)) - 1 :][:1]
    kept = {*early, *phases[-1:], *diffusion[-1:]}
    taken = [role for role in often if role in kept or role not in {*phases, *diffusion}]
    if len(phases) > 2:
        notes.append(
            f"of the dynamic scan's phases {', '.join(phases)}, taken: {' and '.join(r for r in phases if r in kept)}"
        )
    if len(diffusion) > 1:
        notes.append(f"of {', '.join(diffusion)}, taken: the highest b-value")
    return taken, notes


def _readers(masks: pd.DataFrame, sequences: Iterable[str]) -> tuple[tuple[ReaderOffer, ...], list[str]]:
    """The readers with one region each, the one with the most masks first; masks without a known reader form one."""
    own = masks[masks["role"].isin(list(sequences))]
    if not len(own):
        return (ReaderOffer(UNNAMED, "Tumour", 0),), [
            "there are no masks yet: they are expected as <role>_Tumour.nii.gz"
        ]
    named = own[own["reader"] != ""]
    pool = named if len(named) else own
    readers, notes = [], []
    for who, part in pool.groupby("reader", sort=True):
        known = str(who)
        counts = Counter(part["text"])
        text = max(sorted(counts), key=lambda name: (bool(_LESION.search(name)), counts[name]))
        readers.append(ReaderOffer(known or UNNAMED, text, counts[text]))
        if len(counts) > 1:
            listed = ", ".join(f"{name} ({count})" for name, count in counts.most_common() if name != text)
            notes.append(
                f"of {known or 'the masks'}, taken: the region {text} ({counts[text]} masks); not taken: {listed}"
            )
    readers.sort(key=lambda reader: -reader.masks)
    if len(named) and len(named) < len(own):
        notes.append(
            f"{len(own) - len(named)} mask(s) without a known reader are not taken: import again with --readers, or "
            "name their readers in review.csv (masks.csv lists them)"
        )
    kept = [reader for reader in readers if reader is readers[0] or _doubly(own, readers[0], reader, sequences)]
    for reader in readers:
        if reader not in kept:
            notes.append(f"{reader.name} has drawn fewer than {_FEWEST} lesions on some sequence: not taken, no ICC")
    return tuple(kept), notes


def _doubly(masks: pd.DataFrame, first: ReaderOffer, other: ReaderOffer, sequences: Iterable[str]) -> bool:
    """True if both readers have drawn masks in enough patients on every sequence."""

    def drawn(reader: ReaderOffer, role: str) -> set[str]:
        return set(masks.loc[(masks["text"] == reader.text) & (masks["role"] == role), "patient"])

    return all(len(drawn(first, role) & drawn(other, role)) >= _FEWEST for role in sequences)
