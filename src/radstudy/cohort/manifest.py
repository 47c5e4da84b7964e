"""The cohort table: who is in, who is out and why, and which files belong to whom."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.codebook import code_clinical
from radstudy.cohort.feature_table import GivenFeatures, read_feature_table
from radstudy.cohort.split import given_split, made_split
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CaseError, CohortError
from radstudy.protocol.sections import Cohort as CohortSection
from radstudy.protocol.sections import Protocol

ROW = ("patient", "lesion")
TRAINING, TESTING = "training", "testing"
_UNFIT_FOR_FILES = set('/\\:*?"<>|')


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


@dataclass(frozen=True, eq=False)
class Cohort:
    """The cohort as the study uses it.

    Parameters
    ----------
    rows : indexed (patient, lesion), the rows kept: ``outcome`` (0 or 1), ``set`` (training or testing), ``side``, and
        each clinical variable under its name (float, or an ordered category with the codebook's levels).
    cases : every lesion x sequence that has its files.
    excluded : patient, lesion, reason; in the table's order.
    failures : cases whose files are missing; the patient goes on with the other sequences.
    absent : (patient, lesion, sequence) that the protocol allows to be missing, or where the lesion is not visible.
    notes : what a reader of the report should know about how the table was read.
    """

    rows: pd.DataFrame
    cases: tuple[Case, ...]
    excluded: pd.DataFrame
    failures: tuple[CaseError, ...] = ()
    absent: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())

    def flow(self) -> dict[str, Any]:
        """The numbers of the exclusion flowchart, in patients."""
        rows = self.rows.reset_index()
        kept = set(rows["patient"])
        gone = self.excluded[~self.excluded["patient"].isin(kept)].drop_duplicates("patient")
        sets = {}
        for name in (TRAINING, TESTING):
            part = rows[rows["set"] == name].groupby("patient")["outcome"].max()
            sets[name] = {"patients": len(part), "negative": int((part == 0).sum()), "positive": int((part == 1).sum())}
        per_patient = rows.groupby("patient")["outcome"].max()
        return {
            "screened": len(kept) + len(gone),
            "excluded": [{"reason": reason, "patients": n} for reason, n in Counter(gone["reason"]).items()],
            "kept": len(kept),
            "lesions": len(rows),
            "negative": int((per_patient == 0).sum()),
            "positive": int((per_patient == 1).sum()),
            **sets,
        }


def read_cohort(protocol: Protocol, folder: Path) -> Cohort:
    """Read and check the cohort table.

    Parameters
    ----------
    protocol : the study's protocol.
    folder : what relative paths of the study file start from.

    Raises
    ------
    CohortError : every problem of the table that the user must settle first: missing columns, doubled rows, outcomes
        that are neither class, clinical values outside the codebook, a split that leaves a class empty.
    """
    section = protocol.cohort
    table, notes = read_table(folder / section.table, section.sheet)
    _require_columns(section, table, folder / section.table)
    identified, problems = _identify(section, table)
    excluded = _excluded(section, identified)
    kept = identified.loc[~identified.index.isin(excluded.index)]
    outcome, outcome_problems = _outcome(section, kept)
    clinical, clinical_problems = code_clinical(
        section.clinical, kept, comma_decimal="decimal comma" in " ".join(notes)
    )
    problems += outcome_problems + clinical_problems
    if not len(kept):
        problems.append("no row is left after the exclusions")
    if problems:
        raise CohortError(f"{folder / section.table} has {len(problems)} problem(s) to settle first:", problems)
    sets = _sets(protocol, kept, outcome)
    rows = pd.DataFrame({"outcome": outcome, "set": sets}, index=kept.index)
    rows["side"] = kept[section.side].fillna("").to_numpy() if section.side else ""
    rows = rows.join(clinical)
    _both_classes(section, rows)
    frame = excluded.reset_index()[["patient", "lesion", "reason"]]
    if protocol.features is not None:
        given = read_feature_table(protocol, folder)
        failures, absent = _without_features(protocol, kept, given)
        notes = [*notes, *given.notes, *_strangers(kept, given)]
        return Cohort(rows, (), frame, tuple(failures), tuple(absent), tuple(dict.fromkeys(notes)))
    cases, failures, absent = _cases(protocol, kept, folder)
    notes = [*notes, *_transfer_notes(protocol, cases), *_nothing_of(protocol, cases)]
    return Cohort(rows, tuple(cases), frame, tuple(failures), tuple(absent), tuple(notes))


def _require_columns(section: CohortSection, table: pd.DataFrame, file: Path) -> None:
    wanted = {
        "patient": section.patient,
        "lesion": section.lesion,
        "side": section.side,
        "outcome.column": section.outcome.column,
        "exclude": section.exclude,
        "visible": section.visible,
        "split.column": section.split.column,
    }
    wanted |= {f"clinical.{name}": variable.column or name for name, variable in section.clinical.items()}
    missing = [
        f"cohort.{setting} names the column '{column}', which the table does not have"
        for setting, column in wanted.items()
        if column is not None and column not in table.columns
    ]
    if missing:
        have = ", ".join(str(column) for column in table.columns)
        raise CohortError(f"{file}: columns are missing (the table has: {have})", missing)


def _identify(section: CohortSection, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table indexed by (patient, lesion), and rows without a patient or named twice."""
    problems = []
    patients = table[section.patient]
    for number in table.index[patients.isna()]:
        problems.append(f"line {number + 2}: the patient's identifier is empty. To do: fill it or delete the row")
    lesions = table[section.lesion].fillna("1") if section.lesion else pd.Series("1", index=table.index)
    identified = table.assign(_line=table.index + 2)
    identified.index = pd.MultiIndex.from_arrays([patients.fillna(""), lesions], names=list(ROW))
    for patient, lesion in identified.index[identified.index.duplicated()].unique():
        lines = identified.loc[[(patient, lesion)], "_line"].tolist()
        if patient:
            problems.append(
                f"Patient {patient}, lesion {lesion}: stands on lines {', '.join(map(str, lines))}. "
                f"To do: keep one row a lesion, or give the lesions identifiers of their own (cohort.lesion)"
            )
    for name, values in (("patient", patients.dropna()), ("lesion", lesions)):
        unfit = [value for value in values.unique() if set(value) & _UNFIT_FOR_FILES or value in ("", ".", "..")]
        for value in unfit:
            problems.append(
                f"the {name} identifier '{value}' cannot be part of a file's name. To do: use letters, digits, - and _"
            )
    return identified, problems


def _excluded(section: CohortSection, table: pd.DataFrame) -> pd.DataFrame:
    if section.exclude is None:
        return pd.DataFrame({"reason": pd.Series(dtype=object)}, index=table.index[:0])
    reasons = table[section.exclude].dropna()
    return pd.DataFrame({"reason": reasons})


def _outcome(section: CohortSection, kept: pd.DataFrame) -> tuple[pd.Series[int], list[str]]:
    spec = section.outcome
    values = kept[spec.column]
    problems = [
        f"{_who(row)}: the outcome ('{spec.column}') is empty. To do: fill it, or give a reason for exclusion"
        for row in kept.index[values.isna()]
    ]
    found = sorted(set(values.dropna()))
    others = [value for value in found if value != spec.positive]
    negative = spec.negative if spec.negative is not None else (others[0] if len(others) == 1 else None)
    allowed = {spec.positive, negative}
    if negative is None and len(others) > 1:
        listed = ", ".join(f"'{value}'" for value in found)
        problems.append(
            f"the outcome '{spec.column}' has {len(found)} values ({listed}); it must have two. "
            f"To do: correct the table, or name cohort.outcome.negative and exclude the rest"
        )
    elif negative is not None:
        for row in kept.index[values.notna() & ~values.isin(allowed)]:
            problems.append(
                f"{_who(row)}: the outcome '{values.loc[row]}' is neither '{spec.positive}' nor '{negative}'. "
                f"To do: correct it, or give a reason for exclusion"
            )
    for value in (spec.positive, negative):
        if found and value is not None and value not in found:
            problems.append(
                f"the outcome '{spec.column}' is never '{value}' (found: {', '.join(found)}). "
                f"To do: correct cohort.outcome or the table; a study needs both classes"
            )
    if len(found) == 1 and negative is None:
        problems.append(f"the outcome '{spec.column}' has one value only ('{found[0]}'); a study needs both classes")
    return (values == spec.positive).astype(int), problems


def _sets(protocol: Protocol, kept: pd.DataFrame, outcome: pd.Series[int]) -> pd.Series[str]:
    split = protocol.cohort.split
    if split.column is not None:
        return given_split(kept[split.column], split.column)
    if split.train is None:  # the section's validator allows no such thing
        raise AssertionError
    return made_split(outcome, train=split.train, stratify=split.stratify, seed=protocol.seed)


def _both_classes(section: CohortSection, rows: pd.DataFrame) -> None:
    problems = []
    for name in (TRAINING, TESTING):
        part = rows.loc[rows["set"] == name, "outcome"]
        for value, word in ((0, section.outcome.negative or "the negative class"), (1, section.outcome.positive)):
            if not (part == value).any():
                problems.append(
                    f"the {name} set ({len(part)} rows) has no patient with outcome '{word}'. "
                    f"To do: change cohort.split; a set needs both classes"
                )
    if problems:
        raise CohortError("the split cannot be used:", problems)


# --- files -----------------------------------------------------------------------------------------------------


def _cases(
    protocol: Protocol, kept: pd.DataFrame, folder: Path
) -> tuple[list[Case], list[CaseError], list[tuple[str, str, str]]]:
    cases: list[Case] = []
    failures: list[CaseError] = []
    absent: list[tuple[str, str, str]] = []
    section = protocol.cohort
    for (patient, lesion), row in kept.iterrows():
        seen = _visible(section, row)
        for sequence in protocol.sequences:
            if seen is not None and sequence not in seen:
                absent.append((patient, lesion, sequence))
                continue
            names = {**{str(k): v for k, v in row.items()}, "patient": patient, "lesion": lesion, "sequence": sequence}
            try:
                case = _case(protocol, names, folder)
            except CaseError as error:
                failures.append(error.located(patient=patient, lesion=_lesion(section, lesion), sequence=sequence))
                continue
            if case is None:
                absent.append((patient, lesion, sequence))
            else:
                cases.append(case)
    return cases, failures, absent


def _without_features(
    protocol: Protocol, kept: pd.DataFrame, given: GivenFeatures
) -> tuple[list[CaseError], list[tuple[str, str, str]]]:
    """Lesions of the cohort that the feature table has nothing of: a failure, or absent where that is allowed."""
    failures: list[CaseError] = []
    absent: list[tuple[str, str, str]] = []
    section = protocol.cohort
    there = {sequence: set(given.table.of(sequence, protocol.reader).index) for sequence in protocol.sequences}
    for (patient, lesion), row in kept.iterrows():
        seen = _visible(section, row)
        for sequence in protocol.sequences:
            hidden = seen is not None and sequence not in seen
            if not hidden and (patient, lesion) in there[sequence]:
                continue
            if hidden or sequence in section.optional_sequences:
                absent.append((patient, lesion, sequence))
                continue
            failures.append(
                CaseError(
                    "the feature table has no value of this lesion",
                    "add its row, give a reason for exclusion, or name the sequence in cohort.optional_sequences",
                    patient=patient, lesion=_lesion(section, lesion), sequence=sequence, reader=protocol.reader,
                )
            )  # fmt: skip
    if len(failures) + len(absent) == len(kept) * len(protocol.sequences):
        raise CohortError("no lesion of the cohort is in the feature table:", [str(item) for item in failures[:5]])
    return failures, absent


def _strangers(kept: pd.DataFrame, given: GivenFeatures) -> list[str]:
    others = given.table.frame.index.droplevel(["sequence", "reader"]).unique().difference(kept.index)
    if not len(others):
        return []
    return [
        f"The feature table has {len(others)} lesion(s) that the cohort has not (excluded, or in no row of its table); "
        "they are left out."
    ]


def _case(protocol: Protocol, names: dict[str, Any], folder: Path) -> Case | None:
    """The case, or None where it may be missing and is."""
    section = protocol.cohort
    image = _find(section.images, names, folder)
    masks = {reader: _find(section.masks, {**names, "reader": reader}, folder) for reader in section.readers}
    first = masks[protocol.reader]
    if not image.exists() and names["sequence"] in section.optional_sequences and not first.exists():
        return None
    if not image.exists():
        raise CaseError("the image does not exist", "correct cohort.images or add the file" + alike(image), file=image)
    transfer = None if first.exists() else _transfer(protocol, names, folder)
    if not first.exists() and transfer is None:
        remedy = "correct cohort.masks, or draw the lesion" + alike(first)
        raise CaseError("the mask does not exist", remedy, reader=protocol.reader, file=first)
    drawn = tuple((reader, path) for reader, path in masks.items() if path.exists())
    reference = _reference(protocol, names, folder)
    return Case(names["patient"], names["lesion"], names["sequence"], image, drawn, reference, transfer)


def _transfer(protocol: Protocol, names: dict[str, Any], folder: Path) -> Transfer | None:
    """The mask of another sequence that may stand in for one that was not drawn; None where there is none."""
    section = protocol.cohort.transfer
    if section is None or names["sequence"] not in section.to:
        return None
    there = {**names, "sequence": section.from_}
    image = _find(protocol.cohort.images, there, folder)
    mask = _find(protocol.cohort.masks, {**there, "reader": protocol.reader}, folder)
    return Transfer(section.from_, image, mask) if image.exists() and mask.exists() else None


def _reference(protocol: Protocol, names: dict[str, Any], folder: Path) -> Path | None:
    """The mask of the reference tissue, where the study file asks for one."""
    section = protocol.reference
    if section is None:
        return None
    mask = _find(section.mask, names, folder)
    if not mask.exists():
        raise CaseError(
            f"the mask of the {section.tissue}, by which the image is scaled, does not exist",
            f"correct prepare's reference.mask, or draw some {section.tissue} on this image",
            file=mask,
        )
    return mask


def _transfer_notes(protocol: Protocol, cases: list[Case]) -> list[str]:
    counts = Counter((case.sequence, case.transfer.sequence) for case in cases if case.transfer is not None)
    return [
        f"On {sequence} {protocol.reader} has not drawn {number} lesion(s): the mask of {source} is transferred, and "
        "used once a reader has confirmed it."
        for (sequence, source), number in counts.items()
    ]


def _nothing_of(protocol: Protocol, cases: list[Case]) -> list[str]:
    """Readers and sequences that the study file names and nobody has: a slip of the pen, or files not yet there."""
    drew = {reader for case in cases for reader, _ in case.masks}
    there = {case.sequence for case in cases}
    masks = protocol.cohort.masks
    readers = [reader for reader in protocol.cohort.readers if cases and reader not in drew]
    return [
        *(
            f"No lesion has a mask by {reader}: cohort.masks ('{masks}') fits no file of this reader."
            for reader in readers
        ),
        *(f"No lesion can be used on {name}." for name in protocol.sequences if cases and name not in there),
    ]


def alike(path: Path) -> str:
    """What is there instead of a missing file: a name that differs by leading zeros, capitals or Unicode forms only."""
    missing = path
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    if not missing.parent.is_dir():
        return ""
    found = [item.name for item in missing.parent.iterdir() if _plainly(item.name) == _plainly(missing.name)]
    return f" (there is '{sorted(found)[0]}': is '{missing.name}' how the table should write it?)" if found else ""


def _plainly(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", unicodedata.normalize("NFC", name).casefold())


def _find(pattern: str, names: dict[str, Any], folder: Path) -> Path:
    fields = [name for _, name, _, _ in string.Formatter().parse(pattern) if name]
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


def _visible(section: CohortSection, row: pd.Series[Any]) -> set[str] | None:
    if section.visible is None or pd.isna(row[section.visible]):
        return None
    return {part.strip() for part in str(row[section.visible]).split(";") if part.strip()}


def _lesion(section: CohortSection, lesion: str) -> str:
    return lesion if section.lesion else ""


def _who(row: Any) -> str:
    patient, lesion = row
    return f"Patient {patient}, lesion {lesion}" if lesion != "1" else f"Patient {patient}"
