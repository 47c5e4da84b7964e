"""The feature table: patients x features, per sequence and reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radstudy.artefacts.common import PLACE
from radstudy.errors import DataError
from radstudy.store import write_parquet

INDEX = tuple(column.name for column in PLACE)
SEPARATOR = ":"  # between sequence and feature in the name of a design table's column
CLINICAL = f"clinical{SEPARATOR}"  # prefix of a clinical column's name


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of lesions.

    Parameters
    ----------
    frame : float64, one row per (patient, lesion, sequence, reader), one column per feature; NaN where a
        feature is not defined for that lesion.
    settings_hash : of the settings that the features were extracted with.
    """

    frame: pd.DataFrame
    settings_hash: str = ""

    def __post_init__(self) -> None:
        if tuple(self.frame.index.names) != INDEX:
            raise DataError(f"a feature table is indexed by {INDEX}, this one by {tuple(self.frame.index.names)}")
        doubled = self.frame.index[self.frame.index.duplicated()]
        if len(doubled):
            raise DataError(f"the feature table has two rows for {doubled[0]}")

    @classmethod
    def from_rows(
        cls, rows: Mapping[tuple[str, str, str, str], Mapping[str, float]], settings_hash: str = ""
    ) -> FeatureTable:
        """Build a table from {(patient, lesion, sequence, reader): {feature: value}}; rows are sorted."""
        keys = sorted(rows)
        index = pd.MultiIndex.from_tuples(keys, names=list(INDEX))
        frame = pd.DataFrame.from_records([dict(rows[key]) for key in keys], index=index)
        return cls(frame.astype(np.float64), settings_hash)

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        return [str(name) for name in self.frame.columns]

    def of(self, sequence: str, reader: str) -> pd.DataFrame:
        """Rows (patient, lesion) x features of one sequence and one reader; empty if there are none."""
        levels = self.frame.index
        chosen = (levels.get_level_values("sequence") == sequence) & (levels.get_level_values("reader") == reader)
        rows = self.frame.loc[chosen]
        return rows.droplevel(["sequence", "reader"])

    def wide(self, sequences: Sequence[str], reader: str) -> pd.DataFrame:
        """Rows (patient, lesion) x ``sequence:feature`` columns; a lesion without a sequence has NaN there."""
        parts = []
        for sequence in sequences:
            part = self.of(sequence, reader)
            part.columns = pd.Index([f"{sequence}{SEPARATOR}{name}" for name in part.columns])
            parts.append(part)
        return pd.concat(parts, axis=1).sort_index() if parts else pd.DataFrame()

    def write(self, path: Path) -> None:
        """Write as Parquet; the settings' hash goes into the table's attributes."""
        frame = self.frame.copy()
        frame.attrs["settings_hash"] = self.settings_hash
        write_parquet(path, frame)

    @classmethod
    def read(cls, path: Path) -> FeatureTable:
        """Read a table written by `write`."""
        frame = pd.read_parquet(path)
        return cls(frame, str(frame.attrs.get("settings_hash", "")))


def variable_of(column: str) -> str:
    """The clinical variable that a column of a design table belongs to.

    Examples
    --------
    >>> variable_of("clinical:margin=not circumscribed")
    'margin'
    """
    return column.removeprefix(CLINICAL).split("=", 1)[0]
