"""Part of step 1, cohort: check that enough lesions have every reader's mask for the reproducibility filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from radstudy.cohort.manifest import TRAINING, Cohort
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.protocol import Protocol
from radstudy.protocol.words import listed
from radstudy.table import FeatureTable

FEWEST, FEW = 3, 10  # below the first no ICC is computed (modelling/agreement.py); below the second it means little


@dataclass(frozen=True)
class DoublyRead:
    """The consequences, for the study, of the number of lesions that all readers have drawn.

    Parameters
    ----------
    problem : why no radiomics feature of some sequence can enter a model; "" if every sequence has enough lesions.
    notes : what a reader of the report should know.
    """

    problem: str
    notes: tuple[str, ...]


def doubly_read(protocol: Protocol, cohort: Cohort, extraction: ExtractionSettings | None) -> DoublyRead:
    """Judge the number of lesions on each sequence that all readers have read.

    Parameters
    ----------
    protocol, cohort : of the study.
    extraction : of the study; None if it begins at a feature table.
    """
    section, readers = protocol.agree.icc, protocol.cohort.readers
    if section is None or len(readers) < 2:
        return DoublyRead("", ())
    counts = _counts(protocol, cohort)
    none = {sequence: count for sequence, count in counts.items() if count < FEWEST}
    few = {sequence: count for sequence, count in counts.items() if FEWEST <= count < FEW}
    notes = [
        f"Only {_listed(few)} have every reader's mask ({', '.join(readers)}): an ICC from so few has a wide "
        "interval, and features pass or fail by chance."
    ] if few else []  # fmt: skip
    if not none:
        return DoublyRead("", tuple(notes))
    among = " of the training set" if section.patients == "training" else ""
    consequence = (
        f"{_features(extraction)} pass the filter ({section.form} > {section.above:g}), and no radiomics feature "
        f"of {' or '.join(none)} enters any model"
    )
    what = "Rows" if protocol.features is not None else "Masks"
    who = " and ".join(readers)
    problem = f"{what} by {who}: {_listed(none)}{among}; an ICC needs at least {FEWEST}. So {consequence}"
    if protocol.agree.accept_few_doubly_read:
        return DoublyRead("", (*notes, f"{problem}. The study file accepts this (agree.accept_few_doubly_read)."))
    files = "; ".join(f"{name}: '{protocol.cohort.masks_of(name)[0]}'" for name in readers)
    where = "features.reader" if protocol.features is not None else f"cohort.masks ({files})"
    remedy = (
        f"correct {where} or cohort.readers, or add the files; without a second reader, write 'agree: {{icc: null}}' "
        "(no filter: all features are used); or 'agree: {accept_few_doubly_read: true}' to go on without these features"
    )
    return DoublyRead(f"{problem}. To do: {remedy}", tuple(notes))


def _features(extraction: ExtractionSettings | None) -> str:
    return "none of its features can" if extraction is None else f"0 of {len(feature_names(extraction)):,} features can"


def _listed(counts: Mapping[str, int]) -> str:
    """Text such as "0 lesions on T2WI and DWI"; sequences with the same number are listed together."""
    by_count: dict[int, list[str]] = {}
    for sequence, count in counts.items():
        by_count.setdefault(count, []).append(sequence)
    return ", ".join(
        f"{count} lesion{'' if count == 1 else 's'} on {listed(list(names))}" for count, names in by_count.items()
    )


def _counts(protocol: Protocol, cohort: Cohort) -> dict[str, int]:
    """Count the lesions on each sequence that all readers have read, among those used for the ICC."""
    icc = protocol.agree.icc
    rows = cohort.rows.index
    if icc is not None and icc.patients == "training":
        rows = rows[cohort.rows["set"] == TRAINING]
    if cohort.features is not None:
        return {name: _rows_of_all(cohort.features, name, protocol.cohort.readers, rows) for name in protocol.sequences}
    counts: dict[str, int] = {}
    for case in cohort.cases:
        complete = {reader for reader, _ in case.masks} >= set(protocol.cohort.readers)
        taken = complete and case.transfer is None and (case.patient, case.lesion) in rows
        counts[case.sequence] = counts.get(case.sequence, 0) + taken
    return {name: counts[name] for name in protocol.sequences if name in counts}


def _rows_of_all(table: FeatureTable, sequence: str, readers: tuple[str, ...], rows: pd.Index) -> int:
    shared = rows
    for reader in readers:
        shared = shared.intersection(table.of(sequence, reader).index)
    return len(shared)
