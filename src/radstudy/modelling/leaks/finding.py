"""What the leak detector looks at, and what it says."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.table import FeatureTable

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_SHOWN = 8


@dataclass(frozen=True)
class Finding:
    """One thing that may make an AUC worthless.

    Parameters
    ----------
    severity : "error": a result of this study cannot be trusted until it is settled; "warning": look at it, it may have
        an innocent reason; "note": worth a sentence in the paper.
    check : which of the detector's checks, such as scaling.
    what : what was found.
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
        """All of it on a few lines."""
        return (
            f"{self.severity.upper()} ({self.check}): {self.what}.\n  Evidence: {self.evidence}.\n"
            f"  Where: {self.where}.\n  To do: {self.remedy}."
        )


@dataclass(frozen=True, eq=False)
class Inspected:
    """What is known of a study before, or after, its models are made.

    Parameters
    ----------
    rows : indexed (patient, lesion), in the order of the cohort's table: ``outcome`` (0 or 1), ``set``, and every
        clinical variable of the codebook, coded.
    candidates : the clinical variables that models may use.
    outcome_words : how the outcome is called: its column and labels.
    others : text columns of the cohort's table that the study file gives no role, indexed as `rows`.
    features : all readers' features; None before they are extracted.
    given : whether the features came as a table, computed elsewhere.
    reader : whose features train the models.
    sequences : of the study.
    files : (patient, lesion, sequence) to a hash of the image file's bytes, or to what images alike have in common.
    images : how many image files were compared.
    compared : patients whose name and birth date an import has compared.
    same_person : pairs of patients with the same name and birth date under two PatientIDs.
    overlap : the readers' masks of each lesion against each other: ``patient``, ``sequence``, ``reader_a``,
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
        """(n,) 0 or 1 of some rows."""
        found: NDArray[np.int64] = self.rows["outcome"].reindex(index).to_numpy(dtype=np.int64)
        return found

    def table_of(self, sequence: str) -> pd.DataFrame:
        """The training reader's features of the cohort's rows on one sequence."""
        if self.features is None:
            return pd.DataFrame(index=self.rows.index[:0])
        if sequence not in self._tables:
            part = self.features.of(sequence, self.reader).dropna(axis=1, how="all")
            self._tables[sequence] = part[part.index.isin(self.rows.index)]
        return self._tables[sequence]


def listed(names: Sequence[object]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(map(str, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def words_of(text: str) -> list[str]:
    """The words of a name, lower case: of capitals, blanks, digits' ends and signs.

    Examples
    --------
    >>> words_of("FISH_result (HER2)")
    ['fish', 'result', 'her2']
    """
    return re.findall(r"[^\W_]+", text.lower())


def p_of(value: float) -> str:
    """A p-value as evidence prints it."""
    return f"p = {value:.2g}" if value >= 1e-4 else f"p = {value:.0e}"


def counts_of(y: NDArray[np.int64], levels: NDArray[np.object_]) -> pd.DataFrame:
    """Counts (2, levels): negative and positive rows of each level."""
    names, codes = np.unique(levels.astype(str), return_inverse=True)
    counts = [np.bincount(codes[y == value], minlength=len(names)) for value in (0, 1)]
    return pd.DataFrame(np.array(counts), index=[0, 1], columns=names)


def varying(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns with more than one value."""
    values = frame.to_numpy(dtype=float)
    if not len(values):
        return frame
    with np.errstate(invalid="ignore"):
        spread = np.nan_to_num(np.fmax.reduce(values) - np.fmin.reduce(values), posinf=1.0)
        kept: pd.DataFrame = frame.loc[:, spread > 0]
    return kept
