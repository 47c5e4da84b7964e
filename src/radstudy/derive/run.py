"""Compute maps and figures for every patient of a cohort table, and write a table that has them as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.bugs import LOG, hiding, logged_in
from radstudy.cohort.identifiers import cells_of
from radstudy.derive.patient import DerivedPatient, Work
from radstudy.derive.table import Row, moved, read_rows
from radstudy.errors import CaseError, CohortError, grouped
from radstudy.owned import owning, refuse_foreign
from radstudy.parallel import cores
from radstudy.protocol.derive import Derive
from radstudy.protocol.load import load_section
from radstudy.steps.run import in_parallel, write_failures
from radstudy.store import write_csv
from radstudy.working import only_run

NOTES, FAILED = "derive_notes", "derive_failed"


def derive(
    table: Path,
    recipe: Path,
    out: Path,
    *,
    data: Path | None = None,
    jobs: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]] = lambda items, _total, _what: items,
) -> tuple[Path, int]:
    """Compute the maps and figures of a recipe for every patient of a table.

    Parameters
    ----------
    table : CSV or XLSX, one row per lesion.
    recipe : YAML file; see `radstudy.protocol.derive`.
    out : folder of the results: ``<patient>/<map>.nii.gz``, each with its history, and the new table.
    data : folder that relative paths start from; by default the table's folder.
    jobs : number of processes; by default all cores.
    say, bar : show messages and progress.

    Returns
    -------
    The new table (``cohort.csv``, or ``cohort_derived.csv`` if the given table is that file), and the number of rows
    that lack something requested by the recipe: each has the reason in its column derive_failed, and all are listed
    in ``derive_failures.csv``.

    Raises
    ------
    StudyFileError : the recipe is not valid.
    DataError : the table is not valid, or has columns that the results would replace.
    UsageError : the new table would replace a file that this command did not write.
    """
    wanted = load_section(recipe, Derive)
    folder = (data or table.parent).resolve()
    given, rows = read_rows(table, wanted, folder)
    _refuse_taken_columns(table, given, wanted)
    by_patient: dict[str, list[Row]] = {}
    for row in rows:
        by_patient.setdefault(row.patient, []).append(row)
    patients = [DerivedPatient(name, tuple(own)) for name, own in by_patient.items()]
    target = out / "cohort.csv"
    if target.exists() and target.resolve() == table.resolve():
        target = out / "cohort_derived.csv"
    failed = out / "derive_failures.csv"
    refuse_foreign(target, failed)
    words = frozenset((*cells_of(given, wanted.patient), str(folder), str(out)))
    with only_run(out), hiding(lambda: words), logged_in(out / LOG, say=say):
        shown = moved(given, folder, out)
        results = _each(Work(wanted, out.resolve()), patients, jobs or cores(), bar)
        new, failures = _table(shown, patients, results)
        with owning(target, failed):
            write_csv(target, new)
            write_failures(failed, failures)
    for line in grouped(failures):
        say(line)
    return target, int((new[FAILED] != "").sum())


def _refuse_taken_columns(file: Path, given: pd.DataFrame, recipe: Derive) -> None:
    """Refuse to replace the user's own columns; those of a table written by this program may be replaced."""
    taken = [] if FAILED in given.columns else [name for name in recipe.columns() if name in given.columns]
    if taken:
        raise CohortError(
            f"{file}: the results would replace columns of the table",
            [f"'{name}' already exists. To do: rename it (or adc.name, dce.prefix in the recipe)" for name in taken],
        )


def _each(
    work: Work, patients: list[DerivedPatient], jobs: int, bar: Callable[[Iterable[Any], int, str], Iterable[Any]]
) -> list[dict[str, Any] | CaseError]:
    results: dict[int, dict[str, Any] | CaseError] = {}
    for index, result in bar(in_parallel(work, patients, jobs, doing="derive"), len(patients), "derive"):
        results[index] = result
    return [results[index] for index in range(len(patients))]


def _table(
    given: pd.DataFrame, patients: list[DerivedPatient], results: list[dict[str, Any] | CaseError]
) -> tuple[pd.DataFrame, list[CaseError]]:
    """Return the table with its new columns, and all failures."""
    added: list[dict[str, Any]] = [{} for _ in range(len(given))]
    notes, failed = [""] * len(given), [""] * len(given)
    failures: list[CaseError] = []
    for patient, result in zip(patients, results, strict=True):
        record = _nothing(patient, result) if isinstance(result, CaseError) else result
        for item in record["failures"]:
            error = CaseError(**{name: value for name, value in item.items() if name != "row"})
            failures.append(error)
            for row in patient.rows:
                if item["row"] in (None, row.index):
                    failed[row.index] = "; ".join(filter(None, [failed[row.index], error.problem]))
        for row in patient.rows:
            added[row.index] = {**record["maps"], **record["figures"].get(str(row.index), {})}
            notes[row.index] = "; ".join(record["notes"].get(str(row.index), []))
    columns = list(dict.fromkeys(name for values in added for name in values))
    new = given.drop(columns=[name for name in (*columns, NOTES, FAILED) if name in given.columns])
    for name in columns:
        new[name] = [values.get(name, "") for values in added]
    return new.assign(**{NOTES: notes, FAILED: failed}), failures


def _nothing(patient: DerivedPatient, error: CaseError) -> dict[str, Any]:
    """The record of a patient for whom nothing could be computed."""
    failure = {"row": None, **vars(error.located(patient=patient.name))}
    return {"maps": {}, "figures": {}, "notes": {}, "failures": [failure]}
