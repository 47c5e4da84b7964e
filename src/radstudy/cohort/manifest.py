"""The cohort table: who is included, who is excluded and why, and each lesion's files. Begin with `read_cohort`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.case_files import Case, find_cases, nothing_of, transfer_notes
from radstudy.cohort.codebook import code_clinical
from radstudy.cohort.feature_table import read_feature_table, strangers, without_features
from radstudy.cohort.reading import contradicted_visibility, read_record, with_answers, with_exclusions
from radstudy.cohort.rows import (
    excluded_rows,
    identified_rows,
    named_columns,
    outcome_of,
    require_columns,
    without_site,
    words_of,
)
from radstudy.cohort.scanners import sites_by_scanner
from radstudy.cohort.split import given_split, made_split
from radstudy.cohort.spreadsheet import excel_errors, read_sheet
from radstudy.errors import CaseError, CohortError, TableProblem
from radstudy.protocol.sections import CohortSection, Protocol
from radstudy.table import SITE, FeatureTable

TRAINING, TESTING = "training", "testing"


@dataclass(frozen=True, eq=False)
class Cohort:
    """The cohort as the study uses it.

    Parameters
    ----------
    rows : indexed (patient, lesion), the rows kept: ``outcome`` (0 or 1), ``set`` (training or testing), ``side``, and
        each clinical variable under its name (float, or an ordered category with the codebook's levels).
    cases : every lesion x sequence that has its files.
    excluded : patient, lesion, reason; in the table's order.
    failures : cases whose files are missing; the patient keeps the other sequences.
    absent : (patient, lesion, sequence) that the protocol allows to be missing, or on which the lesion is not visible.
    notes : remarks for the report on how the table was read.
    features : the given features, if the study begins with a feature table.
    """

    rows: pd.DataFrame
    cases: tuple[Case, ...]
    excluded: pd.DataFrame
    failures: tuple[CaseError, ...] = ()
    absent: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())
    features: FeatureTable | None = None

    def flow(self) -> dict[str, Any]:
        """Count the patients of the exclusion flowchart."""
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
    folder : folder that relative paths of the study file start from.

    Raises
    ------
    CohortError : every problem of the table that the user must resolve first: missing columns, duplicate rows, outcomes
        that are neither class, clinical values outside the codebook, a split that leaves a class empty, contradictions
        between the table and the reading room's record.
    """
    section = protocol.cohort
    sheet = read_sheet(folder / section.table, section.sheet, words_of(section))
    record = read_record(protocol, folder)
    require_columns(section, sheet.table, sheet.file, record.columns(section))
    numbers = [variable.column or name for name, variable in section.clinical.items() if variable.levels is None]
    table, notes = sheet.with_numbers(numbers, section.decimal)
    broken = excel_errors(table, named_columns(section).values())
    if broken:
        raise CohortError(f"{sheet.file} has {len(broken)} formula(s) with an error:", broken)
    identified, problems = identified_rows(section, table)
    identified, filled, contradictions = with_answers(section, identified, record)
    excluded = with_exclusions(excluded_rows(section, identified), identified, record)
    kept = identified.loc[~identified.index.isin(excluded.index)]
    outcome, outcome_problems = outcome_of(section, kept)
    clinical = code_clinical(section.clinical, kept)
    problems += without_site(section, kept)
    scanners = None
    if section.scanner_site is not None:
        scanners = sites_by_scanner(protocol, section.scanner_site, kept, folder)
        problems += scanners.problems
        notes.append(scanners.note)
    problems += [*outcome_problems, *contradictions, *contradicted_visibility(section, kept, record)]
    problems += clinical.problems
    notes += [*filled, *record.notes, *clinical.notes]
    if not len(kept):
        problems.append("no row is left after the exclusions")
    if problems:
        raise CohortError(f"{folder / section.table} has {len(problems)} problem(s) to resolve first:", problems)
    sets = _sets(protocol, kept, outcome, folder / section.table)
    rows = pd.DataFrame({"outcome": outcome, "set": sets}, index=kept.index)
    rows["side"] = kept[section.side].fillna("").to_numpy() if section.side else ""
    if section.site_column is not None:
        rows[SITE] = kept[section.site_column].to_numpy()
    if scanners is not None:
        rows[SITE] = scanners.names
    rows = rows.join(clinical.values)
    _both_classes(section, rows, folder / section.table)
    frame = excluded.reset_index()[["patient", "lesion", "reason"]]
    if protocol.features is not None:
        given = read_feature_table(protocol, folder)
        failures, absent = without_features(protocol, kept, given, record.unseen)
        notes = [*notes, *given.notes, *strangers(kept, given)]
        return Cohort(rows, (), frame, tuple(failures), tuple(absent), tuple(dict.fromkeys(notes)), given.table)
    cases, failures, absent = find_cases(protocol, kept, folder, record.unseen)
    notes = [*notes, *transfer_notes(protocol, cases), *nothing_of(protocol, cases)]
    return Cohort(rows, tuple(cases), frame, tuple(failures), tuple(absent), tuple(notes))


def _sets(protocol: Protocol, kept: pd.DataFrame, outcome: pd.Series[int], table: Path) -> pd.Series[str]:
    split = protocol.cohort.split
    if split.external:
        return pd.Series(TESTING, index=kept.index)
    if split.column is not None:
        return given_split(kept[split.column], split.column, table)
    if split.train is None:  # the section's validator rules this out
        raise AssertionError
    return made_split(outcome, train=split.train, stratify=split.stratify, seed=protocol.seed)


def _both_classes(section: CohortSection, rows: pd.DataFrame, table: Path) -> None:
    problems = []
    for name in (TESTING,) if section.split.external else (TRAINING, TESTING):
        part = rows.loc[rows["set"] == name, "outcome"]
        for value, word in ((0, section.outcome.negative or "the negative class"), (1, section.outcome.positive)):
            if not (part == value).any():
                text = (
                    f"the {name} set ({len(part)} rows) has no patient with outcome '{word}'. "
                    f"To do: complete the table{'' if section.split.external else ', or change cohort.split'}; a set "
                    "needs both classes"
                )
                problems.append(TableProblem(text, column=section.outcome.column))
    if problems and section.split.external:
        raise CohortError(f"{table}: a validation needs patients with and without the outcome:", problems)
    if problems:
        by = f"the split by column '{section.split.column}'" if section.split.column else "the split"
        raise CohortError(f"{table}: {by} cannot be used:", problems)
