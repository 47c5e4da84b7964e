"""Image and mask files of every lesion on every sequence, by the patterns of the study file."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from radstudy.cohort.rows import shown_lesion, visible_on
from radstudy.errors import CaseError, CohortError
from radstudy.protocol.base import fields_of
from radstudy.protocol.sections import Protocol
from radstudy.table import each_lesion

_NOTHING: Mapping[tuple[str, str], Collection[str]] = MappingProxyType({})


@dataclass(frozen=True)
class MaskOrigin:
    """Source of a mask that was not drawn on the case's own image.

    Parameters
    ----------
    sequence : the sequence on which the first reader has drawn the lesion.
    image, mask : the files of that sequence.
    """

    sequence: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Case:
    """One lesion on one sequence: its image and each reader's mask.

    Parameters
    ----------
    patient, lesion, sequence : identify the case.
    image : the image file.
    masks : reader to mask file, for the readers who drew this lesion.
    reference : mask of the reference tissue on the image, if the preparation needs one.
    transfer : source of the first reader's mask, if none is drawn on this image.
    """

    patient: str
    lesion: str
    sequence: str
    image: Path
    masks: tuple[tuple[str, Path], ...]
    reference: Path | None = None
    transfer: MaskOrigin | None = None


def find_cases(
    protocol: Protocol, kept: pd.DataFrame, folder: Path, unseen: Mapping[tuple[str, str], Collection[str]] = _NOTHING
) -> tuple[list[Case], list[CaseError], list[tuple[str, str, str]]]:
    """Find the cases of the rows kept, those that fail, and each missing (patient, lesion, sequence) that is optional.

    Parameters
    ----------
    protocol : the study's protocol.
    kept : rows of the cohort table, indexed (patient, lesion); patterns may name their columns.
    folder : folder that relative paths of the study file start from.
    unseen : (patient, lesion) to the sequences that readers of the reading room left out.
    """
    cases: list[Case] = []
    failures: list[CaseError] = []
    absent: list[tuple[str, str, str]] = []
    section = protocol.cohort
    for patient, lesion, row in each_lesion(kept):
        seen = visible_on(section, row)
        for sequence in protocol.sequences:
            if (seen is not None and sequence not in seen) or sequence in unseen.get((patient, lesion), ()):
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
    """Notes for the report on masks that come from another sequence."""
    counts = Counter((case.sequence, case.transfer.sequence) for case in cases if case.transfer is not None)
    return [
        f"On {sequence}, {protocol.reader} has not drawn {number} lesion(s): the mask on {source} is transferred, and "
        "used once a reader has confirmed it."
        for (sequence, source), number in counts.items()
    ]


def _case(protocol: Protocol, names: dict[str, Any], folder: Path) -> Case | None:
    """The case, or None if it is missing and optional."""
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
            remedy = "correct cohort.masks: its pattern matches the image's own file"
            raise CaseError("the mask is the image itself", remedy, reader=reader, file=path)
    drawn = tuple((reader, path) for reader, path in masks.items() if path.exists())
    reference = _reference(protocol, names, folder)
    return Case(names["patient"], names["lesion"], names["sequence"], image, drawn, reference, transfer)


def mask_of(protocol: Protocol, reader: str, names: dict[str, Any], folder: Path) -> Path:
    """A reader's mask file."""
    pattern, text = protocol.cohort.masks_of(reader)
    return file_of(pattern, {**names, "reader": text}, folder)


def _no_folder(path: Path) -> str:
    """Name the first missing folder on the path to a missing file; "" if all folders exist."""
    missing = _first_missing(path)
    return "" if missing == path else f": there is no folder '{missing}'"


def _transfer(protocol: Protocol, names: dict[str, Any], folder: Path) -> MaskOrigin | None:
    """The mask of another sequence that may replace one that was not drawn; None if there is none."""
    section = protocol.cohort.transfer
    if section is None or names["sequence"] not in section.to:
        return None
    other = {**names, "sequence": section.from_}
    image = file_of(protocol.cohort.images, other, folder)
    mask = mask_of(protocol, protocol.reader, other, folder)
    return MaskOrigin(section.from_, image, mask) if image.exists() and mask.exists() else None


def _reference(protocol: Protocol, names: dict[str, Any], folder: Path) -> Path | None:
    """The mask of the reference tissue, if the study file requires one."""
    section = protocol.reference
    if section is None:
        return None
    mask = file_of(section.mask, names, folder)
    if not mask.exists():
        raise CaseError(
            f"the mask of the {section.tissue}, by which the image is to be scaled, does not exist",
            f"correct prepare's reference.mask, or draw some {section.tissue} on this image",
            file=mask,
        )
    return mask


def nothing_of(protocol: Protocol, cases: list[Case]) -> list[str]:
    """Notes on readers and sequences of the study file without any case: a typing error, or files not yet added."""
    drew = {reader for case in cases for reader, _ in case.masks}
    there = {case.sequence for case in cases}
    readers = [reader for reader in protocol.cohort.readers if cases and reader not in drew]
    return [
        *(
            f"No lesion has a mask by {reader}: '{protocol.cohort.masks_of(reader)[0]}' matches no file of this reader."
            for reader in readers
        ),
        *(f"No lesion can be used on {name}." for name in protocol.sequences if cases and name not in there),
    ]


def alike(path: Path) -> str:
    """Suggest a file in place of a missing one: a name that differs only in leading zeros, case or Unicode form."""
    missing = _first_missing(path)
    if not missing.parent.is_dir():
        return ""
    similar = [item.name for item in missing.parent.iterdir() if plainly(item.name) == plainly(missing.name)]
    return f" ('{sorted(similar)[0]}' exists: is '{missing.name}' spelled wrong in the table?)" if similar else ""


def _first_missing(path: Path) -> Path:
    """The first part of a path that does not exist."""
    missing = path
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    return missing


def plainly(name: str) -> str:
    """A name without what Excel and file systems change: leading zeros, case, Unicode form."""
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
            f"the pattern '{pattern}' cannot be filled in:",
            [f"'{{{name}}}' is not patient, lesion, sequence, reader or a column" for name in unknown],
        )
    empty = [name for name in fields if pd.isna(names[name])]
    if empty:
        raise CaseError(f"the column '{empty[0]}', part of the file's path, is empty", "fill it in the cohort table")
    relative = pattern.format(**{name: names[name] for name in fields})
    path = folder / relative
    if "*" not in relative:
        return path
    matches = sorted(folder.glob(relative)) if not Path(relative).is_absolute() else sorted(
        Path(Path(relative).anchor).glob(str(Path(relative).relative_to(Path(relative).anchor)))
    )  # fmt: skip
    if len(matches) > 1:
        listed = ", ".join(item.name for item in matches[:4])
        raise CaseError(
            f"{len(matches)} files match the pattern ({listed})", "make the pattern match only one file", file=path
        )
    return matches[0] if matches else path
