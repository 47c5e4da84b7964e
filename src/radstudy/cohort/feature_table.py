"""Reading and checking of a table of features computed elsewhere, with which a study can begin without images."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from radstudy import bounds
from radstudy.cohort.case_files import plainly
from radstudy.cohort.rows import shown_lesion, visible_on
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.errors import CaseError, CohortError, DataError, RadstudyError
from radstudy.formats.reading import content_of
from radstudy.protocol.sections import Features, Protocol
from radstudy.statistics.outcome import LARGEST
from radstudy.table import FeatureTable, each_lesion

_TOLD = 40  # problems listed one by one


@dataclass(frozen=True, eq=False)
class GivenFeatures:
    """The features of a study that begins with a feature table.

    Parameters
    ----------
    table : the features; a lesion without any value on a sequence has no row for it.
    columns : sequence, feature, column, file: the source of each feature.
    notes : remarks for the report on how the table was read.
    """

    table: FeatureTable
    columns: pd.DataFrame
    notes: tuple[str, ...]

    def of(self, sequence: str) -> list[str]:
        """List the features of a sequence."""
        return [str(name) for name in self.columns.loc[self.columns["sequence"] == sequence, "feature"]]


def read_feature_table(protocol: Protocol, folder: Path) -> GivenFeatures:
    """Read and check the feature table of a study.

    Parameters
    ----------
    protocol : must have the section `features`.
    folder : folder that relative paths of the study file start from.

    Raises
    ------
    DataError : a file is missing or is not a table.
    CohortError : every problem that the user must resolve first, with file, row and column: missing columns, duplicate
        rows, cells that are not finite numbers, a sequence without a column, a reader not named in the study file.
    """
    section = protocol.features
    if section is None:
        raise AssertionError("the study does not begin with a feature table")
    blocks: list[pd.DataFrame] = []
    columns: list[tuple[str, str, str, str]] = []
    notes: list[str] = []
    problems: list[str] = []
    for file in section.files():
        reader, read = _read(protocol, section, folder, file)
        notes += read
        blocks += reader.blocks(problems, columns)
    if problems:
        more = [f"and {len(problems) - _TOLD} more"] if len(problems) > _TOLD else []
        raise CohortError(
            f"the feature table has {len(problems)} problem(s) to resolve first:", problems[:_TOLD] + more
        )
    table = pd.concat(blocks).dropna(how="all").astype(np.float64)
    twice = table.index[table.index.duplicated()].unique()
    if len(twice):
        raise CohortError(
            "the feature table has several rows for the same lesion:", [_twice(section, key) for key in twice[:_TOLD]]
        )
    sources = pd.DataFrame(columns, columns=["sequence", "feature", "column", "file"])
    return GivenFeatures(FeatureTable(table.sort_index()), sources, tuple(dict.fromkeys(notes)))


def without_features(
    protocol: Protocol,
    kept: pd.DataFrame,
    given: GivenFeatures,
    unseen: Mapping[tuple[str, str], Collection[str]],
) -> tuple[list[CaseError], list[tuple[str, str, str]]]:
    """Lesions of the cohort that the feature table lacks: failures, or absent ones if that is allowed.

    Parameters
    ----------
    protocol, kept, given : the study, the rows kept, the given features.
    unseen : (patient, lesion) to the sequences that readers of the reading room left out.
    """
    failures: list[CaseError] = []
    absent: list[tuple[str, str, str]] = []
    section = protocol.cohort
    present = {sequence: set(given.table.of(sequence, protocol.reader).index) for sequence in protocol.sequences}
    for patient, lesion, row in each_lesion(kept):
        seen = visible_on(section, row)
        for sequence in protocol.sequences:
            hidden = (seen is not None and sequence not in seen) or sequence in unseen.get((patient, lesion), ())
            if not hidden and (patient, lesion) in present[sequence]:
                continue
            if hidden or sequence in section.optional_sequences:
                absent.append((patient, lesion, sequence))
                continue
            failures.append(
                CaseError(
                    "the feature table has no value for this lesion",
                    "add its row, give a reason for exclusion, or name the sequence in cohort.optional_sequences"
                    + _alike(patient, present[sequence]),
                    patient=patient, lesion=shown_lesion(section, lesion), sequence=sequence, reader=protocol.reader,
                )
            )  # fmt: skip
    if len(failures) + len(absent) == len(kept) * len(protocol.sequences):
        theirs = given.table.lesions
        files = ", ".join(protocol.features.files()) if protocol.features is not None else ""
        if theirs.empty:
            raise CohortError("the feature table has no value for any lesion:", [f"{files}. To do: export it again"])
        shown = [
            f"the cohort table, {section.table}, has, for instance, {_named(kept.index)}",
            f"the feature table, {files}, has, for instance, {_named(theirs)}. To do: write the identifiers the same "
            "way in both (features.patient and features.lesion name their columns)",
        ]
        raise CohortError("no lesion of the cohort is in the feature table; the identifiers do not match:", shown)
    return failures, absent


def _named(index: pd.Index) -> str:
    """The first (patient, lesion) of an index, for messages."""
    patient, lesion = index[0] if len(index) else ("none", "none")
    return f"patient '{patient}', lesion '{lesion}'"


def _alike(patient: str, lesions: Collection[tuple[str, str]]) -> str:
    """Suggest a patient of the feature table whose identifier differs only in leading zeros, case or Unicode form."""
    similar = sorted({other for other, _ in lesions if other != patient and plainly(other) == plainly(patient)})
    return f" (it has '{similar[0]}', the cohort table '{patient}': make both the same)" if similar else ""


def strangers(kept: pd.DataFrame, given: GivenFeatures) -> list[str]:
    """Notes for the report on lesions of the feature table that are not in the cohort."""
    others = given.table.lesions.unique().difference(cast(pd.MultiIndex, kept.index))
    if not len(others):
        return []
    return [
        f"The feature table has {len(others)} lesion(s) that are not in the cohort (excluded, or not in its "
        f"table), such as {_named(others)}; they are left out."
    ]


def _twice(section: Features, key: tuple[str, ...]) -> str:
    patient, lesion, sequence, reader = key
    return (
        f"Patient {patient}, lesion {lesion}, {sequence}, reader {reader}: is in more than one row or file of "
        f"{', '.join(section.files())}. To do: keep one, or name the columns that distinguish them (features.lesion, "
        "features.reader)"
    )


def _read(protocol: Protocol, section: Features, folder: Path, file: str) -> tuple[_Reader, list[str]]:
    """Read the table, its rows numbered like the file's lines and its numbers plain, with notes on how it was read."""
    path = folder / file
    if not path.is_file():
        raise DataError(f"the feature table {path} does not exist. To do: correct 'features', or give --data FOLDER")
    if path.suffix.lower() != ".parquet":
        sheet = read_sheet(path, section.sheet)
        features = _Reader(protocol, section, file, sheet.table).candidates()
        frame, notes = sheet.with_numbers(features, section.decimal, "features.decimal")
        return _Reader(protocol, section, file, frame.set_axis(frame.index + 2)), notes
    frame = _read_parquet(path)
    named = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index() if named else frame.reset_index(drop=True)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    return _Reader(protocol, section, file, frame.set_axis(frame.index + 1)), []


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read the table after checking that its size is within bounds and its values fit its schema.

    Raises
    ------
    DataError : it is damaged or too large.
    """
    import pyarrow.parquet as pq

    bounds.TABLE.require_of(DataError, path.stat().st_size, path)
    content = content_of(path)
    try:
        with pq.ParquetFile(io.BytesIO(content)) as opened:
            about = opened.metadata
            bounds.CELLS.require_of(DataError, about.num_rows * about.num_columns, path)
            unpacked = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
            bounds.TABLE.require_of(DataError, unpacked, path)
            opened.read().validate(full=True)
        frame: pd.DataFrame = pd.read_parquet(io.BytesIO(content))
        _require_names(path, frame.columns)
        texts = [column for column in frame.columns if frame[column].dtype.kind not in "biufc"]
        frame[texts] = frame[texts].astype(object)  # text that is not UTF-8 raises here
    except (RadstudyError, MemoryError):
        raise
    except Exception as error:  # a damaged file can make the libraries raise anything
        reason = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        told = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        raise DataError(f"{path} cannot be read ({told}). To do: save it as Parquet again, or as CSV") from None
    return frame


def _require_names(path: Path, columns: pd.Index) -> None:
    names = columns.map(str)
    twice = names[names.duplicated()].unique()
    if len(twice):
        raise CohortError(f"{path}: columns have the same name", [f"'{name}' appears twice" for name in twice[:_TOLD]])


@dataclass(frozen=True, eq=False)
class _Reader:
    """One file, its rows numbered as the user sees them."""

    protocol: Protocol
    section: Features
    file: str
    frame: pd.DataFrame

    def blocks(self, problems: list[str], columns: list[tuple[str, str, str, str]]) -> Iterator[pd.DataFrame]:
        """Yield rows (patient, lesion, sequence, reader) x features, one block per sequence; appends to both lists."""
        roles = self._roles()
        absent = [
            f"{self.file}: {setting} names the column '{column}', which the file does not have"
            for setting, column in roles.items()
            if column not in self.frame.columns
        ]
        if absent:
            have = ", ".join(map(str, self.frame.columns[:8]))
            problems += [f"{text} (it has: {have}, ...)" for text in absent]
            return
        kept = self._identified(roles, problems)
        candidates = self.candidates()
        for sequence, rows in self._sequences(kept, roles, problems):
            chosen = self._features(sequence, candidates)
            if not chosen:
                problems.append(
                    f"{self.file}: no column holds a feature of {sequence}. To do: correct features.columns"
                )
                continue
            doubled = pd.Series(list(chosen.values()))
            for name in doubled[doubled.duplicated()].unique():
                problems.append(f"{self.file}: two columns hold the feature '{name}' of '{sequence}'")
            columns += [(sequence, feature, column, self.file) for column, feature in chosen.items()]
            numbers = rows[list(chosen)].apply(self._numbers, problems=problems)
            numbers.columns = pd.Index(list(chosen.values()))
            yield numbers.set_axis(self._index(rows, roles, sequence))

    def _roles(self) -> dict[str, str]:
        section, cohort = self.section, self.protocol.cohort
        lesion = section.lesion or (cohort.lesion if cohort.lesion in self.frame.columns else None)
        given = {
            "features.patient": section.patient or cohort.patient,
            "features.lesion": lesion,
            "features.reader": section.reader,
            "features.sequence": section.sequence,
        }
        return {setting: column for setting, column in given.items() if column is not None}

    def _identified(self, roles: dict[str, str], problems: list[str]) -> pd.DataFrame:
        frame = self.frame.copy()
        for setting, column in roles.items():
            frame[column] = frame[column].map(_as_text, na_action="ignore")
            for row in frame.index[frame[column].isna()]:
                problems.append(
                    f"{self.file}, row {row}, column '{column}': this is empty. To do: fill it in ({setting})"
                )
        frame = frame.dropna(subset=list(roles.values()))
        if reader := roles.get("features.reader"):
            known = self.protocol.cohort.readers
            written = {self.protocol.cohort.reader_files.get(name, name): name for name in known}
            frame[reader] = frame[reader].map(lambda text: written.get(text, text))
            for row in frame.index[~frame[reader].isin(known)] if known else ():
                problems.append(
                    f"{self.file}, row {row}, column '{reader}': '{frame[reader][row]}' is not one of "
                    f"cohort.readers ({', '.join(known)})"
                )
        return frame

    def candidates(self) -> list[str]:
        """List the columns that may hold features: not those that identify a row, nor those of the cohort table."""
        cohort = self.protocol.cohort
        taken = set(self._roles().values())
        if self.file == cohort.table:
            named = (cohort.patient, cohort.lesion, cohort.side, cohort.exclude, cohort.visible, cohort.split.column)
            taken |= {column for column in named if column} | {cohort.outcome.column}
            taken |= {variable.column or name for name, variable in cohort.clinical.items()}
        ignored = self.section.ignore
        return [
            str(column)
            for column in self.frame.columns
            if column not in taken and not any(fnmatchcase(str(column), pattern) for pattern in ignored)
        ]

    def _sequences(
        self, frame: pd.DataFrame, roles: dict[str, str], problems: list[str]
    ) -> Iterator[tuple[str, pd.DataFrame]]:
        known = self.protocol.sequences
        if column := roles.get("features.sequence"):
            for row in frame.index[~frame[column].isin(known)]:
                problems.append(
                    f"{self.file}, row {row}, column '{column}': '{frame[column][row]}' is not one of the study's "
                    f"sequences ({', '.join(known)})"
                )
            for sequence in known:
                yield sequence, frame[frame[column] == sequence]
        elif self.section.tables is not None:
            for sequence, file in self.section.tables.items():
                if file == self.file:
                    yield sequence, frame
        else:
            for sequence in known:
                yield sequence, frame

    def _features(self, sequence: str, candidates: list[str]) -> dict[str, str]:
        """Map columns to features of one sequence."""
        rule = self.section.columns.get(sequence)
        if rule is None:
            return {column: column for column in candidates}
        names = {column: rule.feature_of(column) for column in candidates}
        return {column: feature for column, feature in names.items() if feature is not None}

    def _numbers(self, column: pd.Series[Any], problems: list[str]) -> pd.Series[float]:
        """Convert a column to float64; a cell that is not a finite number becomes a problem with its row."""
        numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
        wrong = (numbers.isna() & column.notna()) | (numbers.abs() > LARGEST)
        for row in column.index[wrong]:
            too_large = f"is infinite or beyond {LARGEST:g}, so no variance can be computed"
            what = too_large if abs(numbers[row]) > LARGEST else "is not a number"
            problems.append(
                f"{self.file}, row {row}, column '{column.name}': '{column[row]}' {what}. To do: correct it, leave the "
                "cell empty, or name the column in features.ignore"
            )
        return numbers

    def _index(self, rows: pd.DataFrame, roles: dict[str, str], sequence: str) -> pd.MultiIndex:
        lesion, reader = roles.get("features.lesion"), roles.get("features.reader")
        return pd.MultiIndex.from_arrays(
            [
                rows[roles["features.patient"]],
                rows[lesion] if lesion else pd.Series("1", index=rows.index),
                pd.Series(sequence, index=rows.index),
                rows[reader] if reader else pd.Series(self.protocol.reader, index=rows.index),
            ],
            names=["patient", "lesion", "sequence", "reader"],
        )


def _as_text(value: Any) -> str:
    """An identifier in the form of the cohort table: 7.0 in a numeric column becomes 7."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
