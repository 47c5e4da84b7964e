"""Input and findings of the leak detector."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.table import FeatureTable

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_SHOWN = 8


@dataclass(frozen=True)
class LeakFinding:
    """One possible reason for an AUC to be worthless.

    Parameters
    ----------
    severity : "error": a result of this study cannot be trusted until this is settled; "warning": it should be examined
        and may have an innocent reason; "note": worth a sentence in the paper.
    check : the check that found it, such as scaling.
    what : the finding.
    evidence : the figures.
    where : rows or columns.
    remedy : what to do.
    """

    severity: Severity
    check: str
    what: str
    evidence: str
    where: str
    remedy: str

    def __str__(self) -> str:
        """Return the finding as text on a few lines."""
        return (
            f"{self.severity.upper()} ({self.check}): {self.what}.\n  Evidence: {self.evidence}.\n"
            f"  Where: {self.where}.\n  To do: {self.remedy}."
        )


@dataclass(frozen=True, eq=False)
class Inspected:
    """Known facts of a study, before or after its models are fitted.

    Parameters
    ----------
    rows : indexed (patient, lesion), in the order of the cohort's table: ``outcome`` (0 or 1), ``set``, and every
        clinical variable of the codebook, coded.
    candidates : the clinical variables that models may use.
    outcome_words : names of the outcome: its column and labels.
    others : text columns of the cohort's table without a role in the study file, indexed as `rows`.
    features : all readers' features; None before they are extracted.
    given : whether the features came as a table, computed elsewhere.
    reader : the reader whose features train the models.
    sequences : of the study.
    files : (patient, lesion, sequence) to a hash of the image file's bytes, or to a mark that equal images share.
    images : number of compared image files.
    compared : patients whose name and birth date an import has compared.
    same_person : pairs of patients with the same name and birth date under two PatientIDs.
    overlap : comparison of the readers' masks of each lesion: ``patient``, ``sequence``, ``reader_a``,
        ``reader_b``, ``dice``; None before they are compared.
    copies_accepted : whether the study file accepts identical masks of two readers.
    acquisition : name of an acquisition parameter to text by (patient, lesion), such as "DWI voxel size".
    volumes : sequence to the lesions' volume by (patient, lesion); any unit.
    scores : model to its probabilities by (patient, lesion), once there are models.
    of_model : model to its sequences.
    """

    rows: pd.DataFrame
    candidates: Sequence[str] = ()
    outcome_words: Sequence[str] = ()
    others: pd.DataFrame | None = None
    features: FeatureTable | None = None
    given: bool = False
    reader: str = ""
    sequences: Sequence[str] = ()
    files: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    images: int = 0
    compared: Collection[str] = ()
    same_person: Collection[tuple[str, str]] = ()
    overlap: pd.DataFrame | None = None
    copies_accepted: bool = False
    acquisition: Mapping[str, pd.Series] = field(default_factory=dict)
    volumes: Mapping[str, pd.Series] = field(default_factory=dict)
    scores: Mapping[str, pd.Series] = field(default_factory=dict)
    of_model: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    def outcome_of(self, index: pd.Index) -> NDArray[np.int64]:
        """Return the outcome of some rows, (n,) 0 or 1."""
        if self.rows["outcome"].isna().any():
            raise AssertionError("some outcomes are sealed: see `with_outcome`")
        outcome: NDArray[np.int64] = self.rows["outcome"].reindex(index).to_numpy(dtype=np.int64)
        return outcome

    def with_outcome(self) -> Inspected:
        """Return the study as far as its outcomes are known: all of it, or the training rows of a sealed run."""
        known = self.rows["outcome"].notna()
        if known.all():
            return self
        rows = self.rows[known].assign(outcome=self.rows.loc[known, "outcome"].astype("int64"))
        others = None if self.others is None else self.others[self.others.index.isin(rows.index)]
        volumes = {name: column[column.index.isin(rows.index)] for name, column in self.volumes.items()}
        return replace(self, rows=rows, others=others, volumes=volumes)

    def table_of(self, sequence: str) -> pd.DataFrame:
        """Return the training reader's features of the cohort's rows on one sequence."""
        if self.features is None:
            return pd.DataFrame(index=self.rows.index[:0])
        if sequence not in self._tables:
            part = self.features.of(sequence, self.reader).dropna(axis=1, how="all")
            self._tables[sequence] = part[part.index.isin(self.rows.index)]
        return self._tables[sequence]


def listed(names: Sequence[object]) -> str:
    """List the first names, and the number of the others."""
    shown = ", ".join(map(str, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def words_of(text: str) -> list[str]:
    """Split a name into lower-case words at capitals, blanks, ends of digits and punctuation.

    Examples
    --------
    >>> words_of("FISH_result (HER2)")
    ['fish', 'result', 'her2']
    """
    return re.findall(r"[^\W_]+", text.lower())


def p_of(value: float) -> str:
    """Format a p-value for evidence."""
    return f"p = {value:.2g}" if value >= 1e-4 else f"p = {value:.0e}"


def counts_of(y: NDArray[np.int64], levels: NDArray[np.object_]) -> pd.DataFrame:
    """Count the negative and positive rows of each level, (2, levels)."""
    names, codes = np.unique(levels.astype(str), return_inverse=True)
    counts = [np.bincount(codes[y == value], minlength=len(names)) for value in (0, 1)]
    return pd.DataFrame(np.array(counts), index=[0, 1], columns=names)


def varying(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns with more than one value."""
    values = frame.to_numpy(dtype=float)
    if not len(values):
        return frame
    with np.errstate(invalid="ignore"):
        spread = np.nan_to_num(np.fmax.reduce(values) - np.fmin.reduce(values), posinf=1.0)
        kept: pd.DataFrame = frame.loc[:, spread > 0]
    return kept
