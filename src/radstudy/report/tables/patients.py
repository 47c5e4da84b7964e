"""Patients of the study: training against testing, missing data, sample size and lesions per patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from radstudy.cohort.comparison import comparison_table
from radstudy.report.analysed import analysed_rows, by_patient, counts
from radstudy.report.cited import counted, exported, integer, quoted, tally
from radstudy.report.display import NOTHING, number, p_text, percent, plural, significant, whole
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.needed import R2_NAGELKERKE, patients_needed
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, heads, numbers, words
from radstudy.statistics import categorical_test, smd_categorical

_ROWS, _USED, _ABSENT = "cohort/rows.csv", "model/predictions.csv", "cohort/absent.csv"
_UNDEFINED, _MODELS = "extract/missing.csv", "model/models.json"
REGRESSIONS = "evaluate/regression_models.csv"


# --- training against testing ------------------------------------------------------------------------------------


@report_part("comparability", reads=(_ROWS, _USED), rows_independent=False)
def comparability(facts: RunFacts) -> Table:
    """The training set compared with the testing set, variable by variable."""
    rows = analysed_rows(facts)
    if not {TRAINING, TESTING} <= set(rows["set"]):
        raise AbsentError("There is only one set of patients, so there is nothing to compare.")
    frame = exported(pd.concat([_outcome(facts, rows), _variables(facts, rows)]), "comparability")
    notes = Footnotes()
    cells: list[Row] = []
    for _, part in frame.groupby("variable", sort=False):
        cells += _compared(part, notes)
    sizes = {name: counts(rows, name) for name in (TRAINING, TESTING)}
    sets = [f"{name.capitalize()} set (n\u00a0=\u00a0{size[0] + size[1]})" for name, size in sizes.items()]
    names = ["Characteristic", *sets, "SMD", "p\u2011value"]
    lines = [
        *notes.lines(),
        "Mean ± SD, or number (% of the known values). SMD: standardised mean difference, testing minus training for "
        "numbers; an absolute value above 0.1 is often taken as an imbalance. P-values are two-sided and not adjusted "
        "for the number of characteristics; a random split leaves differences by chance alone.",
    ]
    return Table([heads(names)], cells, frame, lines)


def _outcome(facts: RunFacts, rows: pd.DataFrame) -> pd.DataFrame:
    """The outcome's groups in both sets, per patient."""
    patients = by_patient(rows)
    sizes = [[int(((patients["set"] == which) & (patients["outcome"] == y)).sum()) for y in (0, 1)]
             for which in (TRAINING, TESTING)]  # fmt: skip
    result = categorical_test(np.array(sizes))
    difference = smd_categorical(np.array(sizes)).value
    label = facts.protocol.cohort.outcome.label or facts.protocol.cohort.outcome.column
    records = []
    for level, name in enumerate(facts.groups):
        record: dict[str, Any] = {"variable": "outcome", "label": label, "unit": "", "kind": "categorical",
                                  "level": name, "counted": "patients", "p_value": result.p_value,
                                  "test": result.test, "note": result.note, "smd": difference}  # fmt: skip
        for which, own in zip((TRAINING, TESTING), sizes, strict=True):
            record |= {f"{which}_n": own[level], f"{which}_percent": 100 * own[level] / max(sum(own), 1),
                       f"{which}_missing": 0}  # fmt: skip
        records.append(record)
    return pd.DataFrame(records)


def _variables(facts: RunFacts, rows: pd.DataFrame) -> pd.DataFrame:
    """The clinical and imaging variables in both sets: the comparison of two groups, with the sets as the groups."""
    codebook = facts.protocol.cohort.clinical
    coded = rows.copy()
    for name, variable in codebook.items():
        if variable.levels is not None:
            coded[name] = pd.Categorical(coded[name].mask(coded[name] == ""), categories=list(variable.levels))
    as_groups = coded.assign(outcome=(coded["set"] == TESTING).astype(int)).set_index(["patient", "lesion"])
    tables = [
        comparison_table(as_groups, codebook, table=table, continuous=facts.protocol.evaluate.continuous)
        for table in ("clinical", "imaging")
    ]
    frame = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    own = frame[frame["set"] == "all"].drop(columns="set")
    return own.rename(columns=lambda name: name.replace("negative_", "training_").replace("positive_", "testing_"))


def _compared(part: pd.DataFrame, notes: Footnotes) -> list[Row]:
    first = part.iloc[0]
    unit = f" ({first['unit']})" if first["unit"] and first["kind"] == "continuous" else ""
    lesions = ", per lesion" if first["counted"] == "lesions" else ""
    test = p_text(first["p_value"])
    marked = notes.mark(
        f"{first['test']} test" if test != NOTHING else f"Not tested: {quoted(first['note'] or first['test'])}"
    )
    ends = [Cell(number(first["smd"], 2), kind="number"), Cell(test, mark=marked, kind="number")]
    if first["kind"] == "continuous":
        values = [f"{number(first[f'{which}_mean'], 2)} ± {number(first[f'{which}_sd'], 2)}"
                  for which in (TRAINING, TESTING)]  # fmt: skip
        return [[Cell(f"{first['label']}{unit}{lesions}, mean ± SD", kind="group"), *numbers(values), *ends]]
    rows: list[Row] = [[Cell(f"{first['label']}{lesions}, n (%)", kind="group"), Cell(""), Cell(""), *ends]]
    for _, level in part.iterrows():
        values = [f"{whole(level[f'{which}_n'])} ({number(level[f'{which}_percent'], 1)})"
                  for which in (TRAINING, TESTING)]  # fmt: skip
        rows.append([Cell(str(level["level"]), kind="level"), *numbers(values), Cell(""), Cell("")])
    return rows


# --- missing data ------------------------------------------------------------------------------------------------


@report_part("missing_data", reads=(_ROWS, _ABSENT, _UNDEFINED, _MODELS), rows_independent=False)
def missing_data(facts: RunFacts) -> Table:
    """Missing values of variables, missing sequences and missing feature values, in each set."""
    rows = facts.frame(_ROWS)
    absent, undefined = facts.frames.get(_ABSENT), facts.frames.get(_UNDEFINED)
    records = [_missing_values(facts, rows, name) for name in facts.protocol.cohort.clinical if name in rows]
    if absent is not None:
        for name in facts.protocol.sequences:
            without = absent[absent["sequence"] == name] if len(absent) else absent
            what = f"{name} not acquired, or lesion not visible on it"
            records.append(_missing_lesions(rows, without, "sequence", what))
    if undefined is not None:
        own = undefined[undefined["reader"] == facts.protocol.reader] if len(undefined) else undefined
        for name in facts.protocol.sequences:
            of_sequence = own[own["sequence"] == name] if len(own) else own
            records.append(_missing_lesions(rows, of_sequence, "feature", f"{name}: at least one feature not defined"))
    if not records:
        raise AbsentError("The study has no clinical variables, and no file that records what is missing.")
    frame = exported(pd.DataFrame(records), "missing_data")
    cells: list[Row] = [
        [Cell(str(record["what"])), *numbers(f"{record[f'{which}_missing']} of {record[f'{which}_n']} "
                                        f"({percent(record[f'{which}_missing'], record[f'{which}_n'])})"
                                        for which in (TRAINING, TESTING))]
        for _, record in frame.iterrows()
    ]  # fmt: skip
    return Table([heads(["Missing", "Training set, n (%)", "Testing set, n (%)"])], cells, frame, _handled(facts))


def _missing_values(facts: RunFacts, rows: pd.DataFrame, name: str) -> dict[str, Any]:
    gone = rows[name].isna() | (rows[name].astype(str) == "")
    record: dict[str, Any] = {"kind": "variable", "what": facts.label_of(name)}
    for which in (TRAINING, TESTING):
        own = rows["set"] == which
        record |= {f"{which}_missing": int((gone & own).sum()), f"{which}_n": int(own.sum())}
    return record


def _missing_lesions(rows: pd.DataFrame, lost: pd.DataFrame, kind: str, what: str) -> dict[str, Any]:
    places = set(zip(lost["patient"], lost["lesion"], strict=True)) if len(lost) else set()
    gone = pd.Series([place in places for place in zip(rows["patient"], rows["lesion"], strict=True)], index=rows.index)
    record: dict[str, Any] = {"kind": kind, "what": what}
    for which in (TRAINING, TESTING):
        own = rows["set"] == which
        record |= {f"{which}_missing": int((gone & own).sum()), f"{which}_n": int(own.sum())}
    return record


def _handled(facts: RunFacts) -> list[str]:
    """The handling of missing values, by the study file and the models' records."""
    steps = [step for step in facts.protocol.model.select if step.word == "impute"]
    models: Mapping[str, Any] = facts.documents.get(_MODELS) or {}
    left_out = {name: integer(model.get("not_used") or 0) for name, model in models.items()}
    notes = [f"Counted per lesion, in the {plural(counted(facts.frame(_ROWS), 'patient'), 'lesion')} of the study."]
    if steps:
        notes.append(
            "Undefined values of features are replaced within each model, by a value from the training rows alone "
            "(select: impute); report/tables/selected_features.csv has it (imputation)."
        )
    if models:
        lost = ", ".join(f"{name}: {count}" for name, count in left_out.items() if count)
        notes.append(f"Rows that a model could not use for want of a value or a sequence: {lost or 'none'}.")
    return notes


# --- sample size -------------------------------------------------------------------------------------------------


@report_part("sample_size", reads=(REGRESSIONS,), rows_independent=False)
def sample_size(facts: RunFacts) -> Table:
    """Patients and events of every model beside the number that Riley's criteria ask for."""
    frame = facts.frame(REGRESSIONS)
    known = frame[frame["rows"].notna()] if len(frame) else frame
    if not len(known):
        raise AbsentError("No model was fitted, so there is no sample size to set against its variables.")
    frame = exported(pd.DataFrame([_sized(row) for _, row in known.iterrows()]), "sample_size")
    names = ["Model", "Training rows", "Events", "Candidates", "Events per candidate", "Variables in the model",
             "Events per variable", "Rows needed for these variables"]  # fmt: skip
    cells: list[Row] = [
        [Cell(str(record["model"]), kind="name"), *numbers([
            whole(record["rows"]), whole(record["events"]), _count(record["candidates"]),
            significant(record["events_per_candidate"], 2), _count(record["variables"]),
            number(record["events_per_variable"], 1), _count(record["rows_needed"])])]
        for _, record in frame.iterrows()
    ]  # fmt: skip
    notes = [
        "Events: rows of the rarer outcome. Candidates: columns that the variables were selected from; a selection "
        "among many candidates needs more patients than the variables in the model suggest. Rows needed: by the "
        "criteria of Riley and colleagues (BMJ 2020;368:m441) for as many parameters, the share of events of this "
        f"study, and a Nagelkerke R² of {R2_NAGELKERKE:g}, the value for a model of which nothing is known; the "
        "study's own performance is not used.",
        "How the number of patients was determined is for the author to write; 'radstudy plan' computes it before a "
        "study.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], cells, frame, notes)


def _sized(row: pd.Series[Any]) -> dict[str, Any]:
    """The sizes of one model's regression."""
    rows, events = int(row["rows"]), int(row["events"])
    variables = _whole(row.get("lr_dof"))
    return {
        "model": str(row["model"]), "rows": rows, "events": events, "candidates": _whole(row.get("candidates")),
        "events_per_candidate": _float(row.get("events_per_candidate")), "variables": variables,
        "events_per_variable": _float(row.get("events_per_variable")),
        "rows_needed": None if variables is None else patients_needed(variables, events, rows),
    }  # fmt: skip


def _whole(value: Any) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _float(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _count(value: float | None) -> str:
    return NOTHING if value is None or pd.isna(value) else f"{integer(value):,}"


# --- lesions per patient -----------------------------------------------------------------------------------------


@report_part("lesions_per_patient", reads=(_ROWS, _USED), rows_independent=False)
def lesions_per_patient(facts: RunFacts) -> Table:
    """Patients by their number of lesions, in each set."""
    rows = analysed_rows(facts)
    lesions = rows.groupby("patient", sort=False).agg(set=("set", "first"), lesions=("lesion", "size"))
    if not (lesions["lesions"] > 1).any():
        raise AbsentError(f"Every patient has one lesion ({plural(rows['patient'].nunique(), 'patient')}).")
    sets = [which for which in (TRAINING, TESTING) if (lesions["set"] == which).any()]
    table = pd.crosstab(lesions["lesions"], lesions["set"]).reindex(columns=sets, fill_value=0)
    frame = exported(table.assign(all=table.sum(axis=1)).reset_index(), "lesions_per_patient")
    cells: list[Row] = [
        [Cell(whole(line["lesions"])), *numbers(whole(line[name]) for name in (*sets, "all"))]
        for _, line in frame.iterrows()
    ]
    cells.append([Cell("Patients", kind="group"), *numbers(whole(frame[name].sum()) for name in (*sets, "all"))])
    of_lesions = [tally(rows, set=which) for which in sets]
    totals = [*of_lesions, sum(of_lesions[1:], of_lesions[0])]
    cells.append([Cell("Lesions", kind="group"), *numbers(map(whole, totals))])
    notes = ["Patients with this number of lesions that at least one model used."]
    return Table([heads(["Lesions", *(f"{which.capitalize()} set" for which in sets), "All"])], cells, frame, notes)
