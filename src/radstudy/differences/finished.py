"""A run's folder as `radstudy diff` reads it: the record of every finished step, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.artefacts import TableFile, require_known_schema
from radstudy.artefacts.declaration import STEP_FOLDERS
from radstudy.errors import UsageError
from radstudy.provenance import PROVENANCE
from radstudy.store import read_json
from radstudy.table import FeatureTable

FEATURES = "extract/features.parquet"


@dataclass(frozen=True)
class FinishedRun:
    """The folder of a run, finished in whole or in part.

    Parameters
    ----------
    folder : the run's folder.

    Raises
    ------
    UsageError : it is no run's folder, was written by a newer version, or a file of it cannot be read.
    """

    folder: Path

    def __post_init__(self) -> None:
        require_known_schema(self.folder)
        if not self.steps:
            raise UsageError(
                f"{self.folder} is not the folder of a run: no step has finished there. To do: name a folder that "
                "'radstudy run' wrote, such as mystudy/runs/study"
            )

    @cached_property
    def steps(self) -> Mapping[str, Mapping[str, Any]]:
        """The record (provenance.json) of every finished step, in the order of the steps."""
        files = {step: self.folder / step / PROVENANCE for step in STEP_FOLDERS}
        return {step: self._record(file) for step, file in files.items() if file.is_file()}

    @property
    def stale(self) -> list[str]:
        """Steps that were finished before a step that they read was done again: their results are of that state."""
        keys = {step: record.get("key") for step, record in self.steps.items()}
        old = [
            step
            for step, record in self.steps.items()
            if any(name in keys and content != keys[name] for name, content in (record.get("inputs") or {}).items())
        ]
        late: list[str] = []
        for step, record in self.steps.items():
            if step in old or any(name in late for name in record.get("inputs") or {}):
                late.append(step)
        return late

    def _record(self, file: Path) -> Mapping[str, Any]:
        try:
            record = read_json(file)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{file} cannot be read ({error}). To do: run the step again with 'radstudy run'"
            ) from None
        if not isinstance(record, dict):
            raise UsageError(f"{file} is not a step's record. To do: run the step again with 'radstudy run'")
        return record

    def table(self, declared: TableFile) -> pd.DataFrame:
        """A table of the run; empty if the run has none.

        Raises
        ------
        UsageError : it cannot be read.
        """
        file = declared.file_to_read(self.folder)
        if not file.is_file():
            return declared.frame([])
        try:
            return declared.read(self.folder)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{file} cannot be read ({error}). To do: run the step again with 'radstudy run'"
            ) from None

    @cached_property
    def features(self) -> pd.DataFrame:
        """Feature values, indexed (patient, lesion, sequence, reader); without rows if nothing was extracted."""
        file = self.folder / FEATURES
        if not file.is_file():
            return pd.DataFrame()
        try:
            return FeatureTable.read(file).frame
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{file} cannot be read ({error}). To do: run the step again with 'radstudy run'"
            ) from None


def _unreadable(file: Path, error: Exception) -> UsageError:
    return UsageError(f"{file} cannot be read ({error}). To do: run its step again with 'radstudy run'")
