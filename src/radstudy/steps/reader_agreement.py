"""Part of step 4, agree: compare the readers' masks, and their assessments of the lesions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.artefacts.agree import KAPPA, MASKS
from radstudy.cohort.rows import as_named
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CohortError, DataError
from radstudy.protocol.sections import CohortSection
from radstudy.statistics import cohen_kappa
from radstudy.steps.cohort import read_cases, read_rows
from radstudy.steps.prepare import read_preparation
from radstudy.steps.run import Run
from radstudy.steps.volumes import volume_tasks


def mask_table(run: Run) -> pd.DataFrame:
    """Overlap and surface distances of the readers' masks, one row per lesion, sequence and pair; see `MASKS`.

    The preparation measured them while it had the masks in memory. A study that begins at features has none.
    """
    if run.protocol.features is not None:
        return MASKS.frame([])
    tasks = volume_tasks(read_cases(run), run.protocol.reader)
    prepared = [task for task in tasks if task.record_in(run.path("prepare")).exists()]
    return MASKS.frame(vars(pair) for task in prepared for pair in read_preparation(run, task).readers)


def kappa_table(run: Run) -> pd.DataFrame:
    """Cohen's kappa of every characteristic that the study file names, over the cohort's rows; see `KAPPA`.

    Raises
    ------
    CohortError : the table lacks a column, or holds a value that is not one of the levels.
    """
    section = run.protocol.agree.kappa
    if not section:
        return KAPPA.frame([])
    cohort = run.protocol.cohort
    levels_of = {name: one.levels or _levels(cohort, name) for name, one in section.items()}
    words = {column: levels_of[name] or () for name, one in section.items() for column in one.columns}
    table, _ = read_table(run.data / cohort.table, cohort.sheet, words)
    missing = sorted({column for one in section.values() for column in one.columns} - set(table.columns))
    if missing:
        raise CohortError(f"agree.kappa names columns that {cohort.table} does not have:", missing)
    included = set(read_rows(run).index.get_level_values("patient"))
    table = table[table[cohort.patient].isin(included)]
    records = []
    for variable, one in section.items():
        levels = levels_of[variable]
        pair = table[list(one.columns)].dropna()
        if levels is not None:
            pair = pair.apply(as_named, named=levels)
        _refuse_strangers(f"{cohort.table}, agree.kappa.{variable}", pair, levels)
        records.append({"variable": variable, "weights": one.weights or "", **_kappa(pair, one.weights, levels)})
    return KAPPA.frame(records)


def _levels(cohort: CohortSection, variable: str) -> tuple[str, ...] | None:
    known = cohort.clinical.get(variable)
    return known.levels if known is not None else None


def _kappa(pair: pd.DataFrame, weights: Any, levels: tuple[str, ...] | None) -> dict[str, Any]:
    first, second = pair.iloc[:, 0].tolist(), pair.iloc[:, 1].tolist()
    nothing = {"kappa": np.nan, "low": np.nan, "high": np.nan, "observed": np.nan, "n": len(pair)}
    if len(pair) < 2:
        return {**nothing, "note": "fewer than two rows have both readers' values"}
    try:
        result = cohen_kappa(first, second, weights=weights, levels=levels)
    except DataError as error:
        return {**nothing, "note": str(error)}
    return {
        "kappa": result.value, "low": result.ci[0], "high": result.ci[1], "observed": result.observed, "n": result.n,
        "note": result.reason,
    }  # fmt: skip


def _refuse_strangers(where: str, pair: pd.DataFrame, levels: tuple[str, ...] | None) -> None:
    if levels is None:
        return
    strange = sorted({str(value) for column in pair for value in pair[column]} - set(levels))
    if strange:
        raise CohortError(f"{where}: values that are not among its levels ({', '.join(levels)}):", strange)
