"""The image and mask files of every lesion on every sequence, by the patterns of the study file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.rows import shown_lesion, visible_on
from radstudy.errors import CaseError, CohortError
from radstudy.protocol.base import fields_of
from radstudy.protocol.sections import Protocol


@dataclass(frozen=True)
class Transfer:
    """Where a mask comes from that was not drawn on the case's own image.

    Parameters
    ----------
    sequence : on which the first reader has drawn the lesion.
    image, mask : its files.
    """

    sequence: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Case:
    """One lesion on one sequence: its image and each reader's mask.

    Parameters
    ----------
    patient, lesion, sequence : what the case is.
    image : the image file.
    masks : reader to mask file, for the readers who drew this lesion.
    reference : mask of the reference tissue on the image, where the preparation needs one.
    transfer : where the first reader's mask comes from, where none is drawn on this image.
    """

    patient: str
    lesion: str
    sequence: str
    image: Path
    masks: tuple[tuple[str, Path], ...]
    reference: Path | None = None
    transfer: Transfer | None = None


def find_cases(
    protocol: Protocol, kept: pd.DataFrame, folder: Path
) -> tuple[list[Case], list[CaseError], list[tuple[str, str, str]]]:
    """The cases of the rows kept, those that fail, and (patient, lesion, sequence) that may be missing and are.

    Parameters
    ----------
    protocol : the study's protocol.
    kept : rows of the cohort table, indexed (patient, lesion); patterns may name their columns.
    folder : what relative paths of the study file start from.
    """
    cases: list[Case] = []
    failures: list[CaseError] = []
    absent: list[tuple[str, str, str]] = []
    section = protocol.cohort
    for (patient, lesion), row in kept.iterrows():
        seen = visible_on(section, row)
        for sequence in protocol.sequences:
            if seen is not None and sequence not in seen:
                absent.append((patient, lesion, sequence))
                continue
            names = {**{str(k): v for k, v in row.items()}, "patient": patient, "lesion": lesion, "sequence": sequence}
            try:
                case = _case(protocol, names, folder)
            except CaseError as error:
                failures.append(error.located(patient=patient, lesion=shown_lesion(section, lesion), sequence=sequence))
                continue
            if case is None:
                absent.append((patient, lesion, sequence))
            else:
                cases.append(case)
    return cases, failures, absent


def transfer_notes(protocol: Protocol, cases: list[Case]) -> list[str]:
    """What a reader of the report should know about masks that come from another sequence."""
    counts = Counter((case.sequence, case.transfer.sequence) for case in cases if case.transfer is not None)
    return [
        f"On {sequence} {protocol.reader} has not drawn {number} lesion(s): the mask of {source} is transferred, and "
        "used once a reader has confirmed it."
        for (sequence, source), number in counts.items()
    ]


def _case(protocol: Protocol, names: dict[str, Any], folder: Path) -> Case | None:
    """The case, or None where it may be missing and is."""
    section = protocol.cohort
    image = file_of(section.images, names, folder)
    masks = {reader: mask_of(protocol, reader, names, folder) for reader in section.readers}
    first = masks[protocol.reader]
    if not image.exists() and names["sequence"] in section.optional_sequences and not first.exists():
        return None
    if not image.exists():
        problem = "the image does not exist" + _no_folder(image)
        raise CaseError(problem, "correct cohort.images or add the file" + alike(image), file=image)
    transfer = None if first.exists() else _transfer(protocol, names, folder)
    if not first.exists() and transfer is None:
        remedy = "correct cohort.masks, or draw the lesion" + alike(first)
        problem = "the mask does not exist" + _no_folder(first)
        raise CaseError(problem, remedy, reader=protocol.reader, file=first)
    for reader, path in masks.items():
        if path.exists() and path.resolve() == image.resolve():
            remedy = "correct cohort.masks: its pattern gives the image's own file"
            raise CaseError("the mask is the image itself", remedy, reader=reader, file=path)
    drawn = tuple((reader, path) for reader, path in masks.items() if path.exists())
    reference = _reference(protocol, names, folder)
    return Case(names["patient"], names["lesion"], names["sequence"], image, drawn, reference, transfer)


def mask_of(protocol: Protocol, reader: str, names: dict[str, Any], folder: Path) -> Path:
    """A reader's mask file."""
    pattern, text = protocol.cohort.masks_of(reader)
    return file_of(pattern, {**names, "reader": text}, folder)


def _no_folder(path: Path) -> str:
    """Which folder on the way to a missing file is not there; "" where they all are."""
    missing = _first_missing(path)
    return "" if missing == path else f": there is no folder '{missing}'"


def _transfer(protocol: Protocol, names: dict[str, Any], folder: Path) -> Transfer | None:
    """The mask of another sequence that may stand in for one that was not drawn; None where there is none."""
    section = protocol.cohort.transfer
    if section is None or names["sequence"] not in section.to:
        return None
    there = {**names, "sequence": section.from_}
    image = file_of(protocol.cohort.images, there, folder)
    mask = mask_of(protocol, protocol.reader, there, folder)
    return Transfer(section.from_, image, mask) if image.exists() and mask.exists() else None


def _reference(protocol: Protocol, names: dict[str, Any], folder: Path) -> Path | None:
    """The mask of the reference tissue, where the study file asks for one."""
    section = protocol.reference
    if section is None:
        return None
    mask = file_of(section.mask, names, folder)
    if not mask.exists():
        raise CaseError(
            f"the mask of the {section.tissue}, by which the image is scaled, does not exist",
            f"correct prepare's reference.mask, or draw some {section.tissue} on this image",
            file=mask,
        )
    return mask


def nothing_of(protocol: Protocol, cases: list[Case]) -> list[str]:
    """Readers and sequences that the study file names and nobody has: a slip of the pen, or files not yet there."""
    drew = {reader for case in cases for reader, _ in case.masks}
    there = {case.sequence for case in cases}
    readers = [reader for reader in protocol.cohort.readers if cases and reader not in drew]
    return [
        *(
            f"No lesion has a mask by {reader}: '{protocol.cohort.masks_of(reader)[0]}' fits no file of this reader."
            for reader in readers
        ),
        *(f"No lesion can be used on {name}." for name in protocol.sequences if cases and name not in there),
    ]


def alike(path: Path) -> str:
    """What is there instead of a missing file: a name that differs by leading zeros, capitals or Unicode forms only."""
    missing = _first_missing(path)
    if not missing.parent.is_dir():
        return ""
    found = [item.name for item in missing.parent.iterdir() if plainly(item.name) == plainly(missing.name)]
    return f" (there is '{sorted(found)[0]}': is '{missing.name}' how the table should write it?)" if found else ""


def _first_missing(path: Path) -> Path:
    """The first part of a path that is not there."""
    missing = path
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    return missing


def plainly(name: str) -> str:
    """A name without what Excel and file systems change: leading zeros, capitals, Unicode forms."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", unicodedata.normalize("NFC", name).casefold())


def file_of(pattern: str, names: dict[str, Any], folder: Path) -> Path:
    """The file of a pattern; it need not exist.

    Parameters
    ----------
    pattern : of the study file.
    names : what stands for the names in braces.
    folder : what relative patterns start from.

    Raises
    ------
    CaseError : a column of the pattern is empty, or several files fit.
    CohortError : a name of the pattern is not known.
    """
    fields = fields_of(pattern)
    unknown = [name for name in fields if name not in names]
    if unknown:
        raise CohortError(
            f"the pattern '{pattern}' cannot be filled:",
            [f"'{{{name}}}' is neither patient, lesion, sequence, reader nor a column" for name in unknown],
        )
    empty = [name for name in fields if pd.isna(names[name])]
    if empty:
        raise CaseError(f"the column '{empty[0]}', part of the file's path, is empty", "fill it in the cohort table")
    relative = pattern.format(**{name: names[name] for name in fields})
    path = folder / relative
    if "*" not in relative:
        return path
    found = sorted(folder.glob(relative)) if not Path(relative).is_absolute() else sorted(
        Path(Path(relative).anchor).glob(str(Path(relative).relative_to(Path(relative).anchor)))
    )  # fmt: skip
    if len(found) > 1:
        listed = ", ".join(item.name for item in found[:4])
        raise CaseError(f"{len(found)} files fit the pattern ({listed})", "make the pattern fit one file", file=path)
    return found[0] if found else path
