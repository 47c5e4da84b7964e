"""Lesions to read: every lesion of the cohort table that has images, and nothing that would tell more about it.

Of the table only the columns are kept that name patient and lesion, say which lesion is meant (`reading.target`), or
stand in the patterns of files. Excluded patients, both classes and both sets are read alike, and the order is that of
the identifiers: neither the table's order nor a gap tells who is in, and how the case ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from radstudy.cohort.case_files import file_of, mask_of
from radstudy.cohort.rows import identified_rows
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.errors import CaseError, CohortError, DataError
from radstudy.protocol.base import fields_of
from radstudy.protocol.reading import family_of, target_columns
from radstudy.protocol.sections import CohortSection, Protocol

_GIVEN = ("patient", "lesion", "sequence", "reader")  # of a pattern's names, those that are not columns


@dataclass(frozen=True)
class PhaseFile:
    """One phase of a dynamic scan.

    Parameters
    ----------
    name : of its file, such as DCE2.
    number : in the scan's order.
    file : the image.
    seconds : since the first phase, from the JSON beside the image; None where there is none.
    """

    name: str
    number: int
    file: Path
    seconds: float | None = None


@dataclass(frozen=True)
class SequenceImage:
    """A lesion's image on one sequence.

    Parameters
    ----------
    sequence : a name of the study's `sequences`.
    file : the image.
    reference : mask of the reference tissue, where the preparation needs one and it is there.
    phases : of the same dynamic scan, in its order, this one among them; empty where the sequence is no phase.
    """

    sequence: str
    file: Path
    reference: Path | None = None
    phases: tuple[PhaseFile, ...] = ()


@dataclass(frozen=True)
class LesionToRead:
    """A lesion and its images.

    Parameters
    ----------
    patient, lesion : as the cohort table has them; no reader sees them.
    target : column to text, what every reader is told of where the lesion lies.
    images : in the order of the study's sequences; those that are not there are left out.
    columns : column to cell, those that stand in patterns of files.
    """

    patient: str
    lesion: str
    target: tuple[tuple[str, str], ...]
    images: tuple[SequenceImage, ...]
    columns: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(patient, lesion)."""
        return self.patient, self.lesion

    def image(self, sequence: str) -> SequenceImage:
        """The image on a sequence.

        Raises
        ------
        KeyError : the lesion has none.
        """
        for image in self.images:
            if image.sequence == sequence:
                return image
        raise KeyError(sequence)


@dataclass(frozen=True)
class ReadingCohort:
    """All lesions to read, and what the lead should know.

    Parameters
    ----------
    lesions : sorted by patient and lesion.
    problems : images that could not be told, such as several files for one pattern; for the lead alone.
    without_images : (patient, lesion) that have no image at all, and are not read.
    """

    lesions: tuple[LesionToRead, ...]
    problems: tuple[CaseError, ...] = ()
    without_images: tuple[tuple[str, str], ...] = ()


def read_reading_cohort(protocol: Protocol, folder: Path) -> ReadingCohort:
    """The lesions that are read: all rows of the cohort table with images, whatever their exclusion, outcome or split.

    Parameters
    ----------
    protocol : the study's protocol.
    folder : what relative paths of the study file start from.

    Raises
    ------
    CohortError : columns are missing, rows without a patient or named twice.
    DataError : the study begins at a feature table, or no lesion has an image.
    """
    if protocol.features is not None or not protocol.cohort.images:
        raise DataError(
            "the study begins at a table of features: there are no images to read. To do: name cohort.images"
        )
    rows = _rows(protocol, folder)
    lesions, problems, without = [], list[CaseError](), []
    for key, row in rows.sort_index().iterrows():
        patient, lesion = cast("tuple[str, str]", key)
        columns = tuple((str(name), value) for name, value in row.items())
        names = {**dict(columns), "patient": patient, "lesion": lesion}
        images, faults = _images(protocol, names, folder)
        problems += [fault.located(patient=patient, lesion=lesion) for fault in faults]
        if images:
            target = tuple(
                (column, "" if pd.isna(row[column]) else str(row[column]))
                for column in target_columns(protocol.reading, protocol.cohort)
            )
            lesions.append(LesionToRead(patient, lesion, target, images, columns))
        else:
            without.append((patient, lesion))
    if not lesions:
        raise DataError(
            f"no row of {folder / protocol.cohort.table} has an image by the pattern '{protocol.cohort.images}': there "
            "is nothing to read. To do: correct cohort.images or add the files"
        )
    return ReadingCohort(tuple(lesions), tuple(problems), tuple(without))


def mask_file(protocol: Protocol, folder: Path, lesion: LesionToRead, sequence: str, reader: str) -> Path:
    """Path at which the study file expects a reader's mask; it need not exist.

    Parameters
    ----------
    protocol, folder : of the study.
    lesion, sequence, reader : whose mask on which image.

    Raises
    ------
    CaseError : the pattern has a column that is empty for this lesion, or fits several files.
    """
    names = {**dict(lesion.columns), "patient": lesion.patient, "lesion": lesion.lesion, "sequence": sequence}
    return mask_of(protocol, reader, names, folder)


def _rows(protocol: Protocol, folder: Path) -> pd.DataFrame:
    """The rows, indexed (patient, lesion), with the columns alone that reading needs."""
    section = protocol.cohort
    sheet = read_sheet(folder / section.table, section.sheet)
    wanted = _columns(protocol)
    if missing := [f"{setting} names the column '{column}'" for column, setting in wanted.items()
                   if column not in sheet.table.columns]:  # fmt: skip
        have = ", ".join(str(column) for column in sheet.table.columns)
        raise CohortError(f"{sheet.file}: columns are missing (the table has: {have})", missing)
    rows, problems = identified_rows(section, sheet.table[list(wanted)])
    if problems:
        raise CohortError(f"{sheet.file} has {len(problems)} problem(s) to settle first:", problems)
    return rows.drop(columns="_line")


def _columns(protocol: Protocol) -> dict[str, str]:
    """Column to the setting that names it."""
    section = protocol.cohort
    columns = {section.patient: "cohort.patient"}
    if section.lesion is not None:
        columns[section.lesion] = "cohort.lesion"
    columns |= dict.fromkeys(target_columns(protocol.reading, section), "reading.target")
    for pattern, setting in _patterns(protocol).items():
        columns |= {name: setting for name in fields_of(pattern) if name not in (*_GIVEN, *columns)}
    return columns


def _patterns(protocol: Protocol) -> dict[str, str]:
    """Pattern of files to the setting that has it."""
    section = protocol.cohort
    patterns = {section.images: "cohort.images"}
    patterns |= {section.masks_of(reader)[0]: "cohort.masks" for reader in section.readers}
    if protocol.reference is not None:
        patterns[protocol.reference.mask] = "prepare.reference.mask"
    return patterns


def _images(
    protocol: Protocol, names: Mapping[str, Any], folder: Path
) -> tuple[tuple[SequenceImage, ...], list[CaseError]]:
    """The images that are there, and what is wrong with others."""
    images, faults = [], []
    for sequence in protocol.sequences:
        here = {**names, "sequence": sequence}
        try:
            file = file_of(protocol.cohort.images, here, folder)
            if not file.is_file():
                continue
            reference = None if protocol.reference is None else file_of(protocol.reference.mask, here, folder)
            there = reference if reference is not None and reference.is_file() else None
            phases = _phases(protocol.cohort, here, folder)
        except CaseError as fault:
            faults.append(fault.located(sequence=sequence))
            continue
        images.append(SequenceImage(sequence, file, there, phases))
    return tuple(images), faults


def _phases(section: CohortSection, names: Mapping[str, Any], folder: Path) -> tuple[PhaseFile, ...]:
    """The phases of the dynamic scan that a sequence belongs to, found by the study's own pattern; else none.

    Raises
    ------
    CaseError : two files have the same number.
    """
    sequence = str(names["sequence"])
    stem = family_of(sequence)
    if stem == sequence or "sequence" not in fields_of(section.images):
        return ()
    phases: dict[int, PhaseFile] = {}
    for name in _names_of_family(section.images, names, folder, stem):
        file = file_of(section.images, {**names, "sequence": name}, folder)
        number = int(name.removeprefix(stem))
        if number in phases:
            raise CaseError(
                f"two phases have the number {number} ({phases[number].file.name}, {file.name})",
                "leave one of them in the folder", file=file,
            )  # fmt: skip
        phases[number] = PhaseFile(name, number, file, _seconds(file))
    return tuple(phase for _, phase in sorted(phases.items()))


def _names_of_family(pattern: str, names: Mapping[str, Any], folder: Path, stem: str) -> list[str]:
    """The names that may stand for {sequence}, by the files that are there."""
    before, _, _ = pattern.partition("{sequence}")
    start = before.format(**{name: names[name] for name in fields_of(before)})
    # the part of the path that holds the name: files and folders beside it are looked through, no others
    above, _, beginning = start.rpartition("/")
    place = folder / above
    fits = re.compile(rf"{_as_expression(beginning)}({re.escape(stem)}\d+)(?=\D|$)")
    if "*" in above or not place.is_dir():
        return [str(names["sequence"])]
    return sorted({match[1] for item in place.iterdir() if (match := fits.match(item.name))
                   and file_of(pattern, {**names, "sequence": match[1]}, folder).is_file()})  # fmt: skip


def _as_expression(beginning: str) -> str:
    return ".*".join(map(re.escape, beginning.split("*")))


def _seconds(image: Path) -> float | None:
    """Time at which a phase was acquired, from the JSON that `radstudy import` writes next to the image."""
    name = image.name.removesuffix(".gz")
    try:
        beside = json.loads((image.with_name(name).with_suffix(".json")).read_text(encoding="utf-8"))
        seconds = float(beside["seconds_since_first_phase"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return seconds if seconds >= 0 else None
