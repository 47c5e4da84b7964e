"""The feature table: patients x features, per sequence and reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts.common import PLACE
from radstudy.errors import DataError
from radstudy.store import write_parquet

INDEX = tuple(column.name for column in PLACE)
SEPARATOR = ":"  # between sequence and feature in the name of a design table's column
SITE = "scan_site"  # column of the cohort's rows with the site or scanner
SITE_IS = "site="  # prefix of the columns of a design table that say which site a row is of
CLINICAL = f"clinical{SEPARATOR}"  # prefix of a clinical column's name


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of lesions.

    Parameters
    ----------
    frame : float64, one row per (patient, lesion, sequence, reader), one column per feature; NaN where a feature is not
        defined for that lesion.
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if tuple(self.frame.index.names) != INDEX:
            raise DataError(f"a feature table is indexed by {INDEX}, this one by {tuple(self.frame.index.names)}")
        doubled = self.frame.index[self.frame.index.duplicated()]
        if len(doubled):
            raise DataError(f"the feature table has two rows for {doubled[0]}")

    @classmethod
    def from_rows(cls, rows: Mapping[tuple[str, str, str, str], Mapping[str, float]]) -> FeatureTable:
        """Build a table from {(patient, lesion, sequence, reader): {feature: value}}; rows are sorted."""
        keys = sorted(rows)
        index = pd.MultiIndex.from_tuples(keys, names=list(INDEX))
        frame = pd.DataFrame.from_records([dict(rows[key]) for key in keys], index=index)
        return cls(frame.astype(np.float64))

    @classmethod
    def from_arrays(
        cls, rows: Mapping[tuple[str, str, str, str], NDArray[np.float64]], names: Sequence[str]
    ) -> FeatureTable:
        """Build a table from {(patient, lesion, sequence, reader): (features,)} and the features' names.

        It is that of `from_rows`; a row of numbers takes a tenth of the memory of a row of numbers with names.
        """
        keys = sorted(rows)
        index = pd.MultiIndex.from_tuples(keys, names=list(INDEX))
        values = np.empty((len(keys), len(names)))
        for place, key in enumerate(keys):
            values[place] = rows[key]
        return cls(pd.DataFrame(values, index=index, columns=list(names)))

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        return [str(name) for name in self.frame.columns]

    @property
    def lesions(self) -> pd.MultiIndex:
        """(patient, lesion) of each row."""
        return cast(pd.MultiIndex, cast(pd.MultiIndex, self.frame.index).droplevel(list(INDEX[2:])))

    def of(self, sequence: str, reader: str) -> pd.DataFrame:
        """Rows (patient, lesion) x features of one sequence and one reader; empty if there are none."""
        levels = self.frame.index
        chosen = (levels.get_level_values("sequence") == sequence) & (levels.get_level_values("reader") == reader)
        rows = self.frame.loc[chosen]
        return rows.droplevel(["sequence", "reader"])

    def write(self, path: Path) -> None:
        """Write as Parquet."""
        write_parquet(path, self.frame)

    @classmethod
    def read(cls, path: Path) -> FeatureTable:
        """Read a table written by `write`."""
        return cls(pd.read_parquet(path))


def each_lesion(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """Patient, lesion and row of a table that is indexed (patient, lesion)."""
    for (patient, lesion), row in cast(Iterable[tuple[tuple[str, str], pd.Series]], rows.iterrows()):
        yield patient, lesion, row


def variable_of(column: str) -> str:
    """The clinical variable that a column of a design table belongs to.

    Examples
    --------
    >>> variable_of("clinical:margin=not circumscribed")
    'margin'
    """
    return column.removeprefix(CLINICAL).split("=", 1)[0]
