"""Part of step 4, agree: compare the readers' masks, and their assessments of the lesions."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from radstudy.artefacts.agree import KAPPA, MASKS
from radstudy.artefacts.reading import ANSWERS, LIKELIHOOD, first_answer
from radstudy.cohort.reading import read_answers
from radstudy.cohort.rows import as_named, identified_rows
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CohortError, DataError
from radstudy.protocol.sections import CohortSection, Protocol
from radstudy.statistics import cohen_kappa, icc
from radstudy.statistics.intraclass import FEWEST_SUBJECTS
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
    """Agreement on every characteristic that two readers assessed, over the cohort's rows; see `KAPPA`.

    Characteristics that the study file names (agree.kappa) are followed by those that two readers answered in the
    reading room, always by their first locked answers.

    Raises
    ------
    CohortError : the table lacks a column, or holds a value that is not one of the levels.
    """
    answers = read_answers(run.protocol, run.data)
    named = _named_kappa(run, answers) if run.protocol.agree.kappa else []
    done = {record["variable"] for record in named}
    room = [] if answers is None else _of_reading_room(run, answers)
    return KAPPA.frame([*named, *(record for record in room if record["variable"] not in done)])


def compared_answers(protocol: Protocol, answers: pd.DataFrame | None) -> list[list[Any]]:
    """The cells of answers.csv that `kappa_table` may read, by column and lesion; comments and final values are not.

    Parameters
    ----------
    protocol : the study file.
    answers : of `radstudy.cohort.reading.read_answers`.
    """
    if answers is None:
        return []
    items = (*protocol.cohort.clinical, LIKELIHOOD)
    named = {column for one in protocol.agree.kappa.values() for column in one.columns}
    named |= {first_answer(item, place) for item in items for place in (1, 2)}
    return [
        [column, *cast("tuple[str, str]", lesion), cell]
        for column in answers.columns if column in named
        for lesion, cell in answers[column].items() if not pd.isna(cell)
    ]  # fmt: skip


def _named_kappa(run: Run, answers: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Cohen's kappa of the characteristics of agree.kappa; columns may also be those of the reading room."""
    section, cohort = run.protocol.agree.kappa, run.protocol.cohort
    levels_of = {name: one.levels or _levels(cohort, name) for name, one in section.items()}
    words = {column: levels_of[name] or () for name, one in section.items() for column in one.columns}
    table, _ = read_table(run.data / cohort.table, cohort.sheet, words)
    if answers is not None:
        rows = identified_rows(cohort, table)[0].index
        added = [column for column in words if column in answers.columns and column not in table.columns]
        table = table.assign(**{column: answers[column].reindex(rows).to_numpy() for column in added})
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
    return records


def _of_reading_room(run: Run, answers: pd.DataFrame) -> list[dict[str, Any]]:
    """Kappa, or the ICC of numbers, of every item that two readers answered in the reading room."""
    cohort = run.protocol.cohort
    included = answers[answers.index.isin(read_rows(run).index)]
    records = []
    for item in (*cohort.clinical, LIKELIHOOD):
        columns = [first_answer(item, place) for place in (1, 2)]
        if not set(columns) <= set(included.columns) or included[columns].dropna().empty:
            continue
        pair, levels = included[columns].dropna(), _levels(cohort, item)
        if levels is None:
            records.append({"variable": item, "weights": "", **_icc(f"{ANSWERS.path}, {item}", pair)})
            continue
        pair = pair.apply(as_named, named=levels)
        _refuse_strangers(f"{ANSWERS.path}, {item}", pair, levels)
        records.append({"variable": item, "weights": "", **_kappa(pair, None, levels)})
    return records


def _icc(where: str, pair: pd.DataFrame) -> dict[str, Any]:
    """The ICC(2,1) of two readers' numbers, with the share of equal ones."""
    numbers = pair.apply(pd.to_numeric, errors="coerce")
    if numbers.isna().any(axis=None):
        strange = sorted({str(value) for value in pair[numbers.isna()].to_numpy().ravel() if isinstance(value, str)})
        raise CohortError(f"{where}: values that are not numbers:", strange)
    nothing = {"kappa": np.nan, "low": np.nan, "high": np.nan, "n": len(pair)}
    nothing["observed"] = float((numbers.iloc[:, 0] == numbers.iloc[:, 1]).mean())
    if len(pair) < FEWEST_SUBJECTS:
        return {**nothing, "note": "fewer than three rows have both readers' values"}
    result = icc(numbers.to_numpy(np.float64), "ICC(2,1)")
    return {**nothing, "icc": result.value, "icc_low": result.ci[0], "icc_high": result.ci[1], "note": result.reason}


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
