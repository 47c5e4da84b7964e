"""Part of step 6, evaluate: what AUC the same models reach when the outcome is chance.

Its folder has its own mark of being finished, and each chunk of permutations is kept: a run that was stopped goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.modelling.engine import Engine
from radstudy.modelling.models import clinical_of, sequences_of
from radstudy.modelling.null import GRID, MEASURES, SETS, Kind, NullCalibration, calibrate
from radstudy.protocol.sections import Chance
from radstudy.steps.design import read_design
from radstudy.steps.refits import kept_chunks, quick_models
from radstudy.steps.run import Run, stacked
from radstudy.store import write_csv

STEP = "evaluate/null"
SUMMARY = (
    "kind", "model", "measure", "permutations", "observed", "p_value", "null_median", "null_low", "null_high", "excess",
    "empty_percent", "note", "null_mean", "null_sd", "p_floor", "p_max_t", "family", "empty_permutations",
)  # fmt: skip
BAND = ("kind", "model", "set", "false_positive_rate", "low", "median", "high")
LEFT_OUT = "no null calibration"


def do_null(run: Run, section: Chance) -> None:
    """Permute the outcome, refit every model, and write the AUCs beside the observed ones.

    Parameters
    ----------
    run : the run; the step `model` has finished.
    section : how many permutations, and of which kinds.
    """
    settings = {"chance": section.model_dump(mode="json"), "level": run.protocol.evaluate.interval.level}
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            _null(run, section)


def _null(run: Run, section: Chance) -> None:
    design = read_design(run)
    quick, left_out = quick_models(run, section, "evaluate.chance", LEFT_OUT)
    summary: list[dict[str, Any]] = [{"kind": "outcome", "model": name, "note": why} for name, why in left_out.items()]
    areas: list[pd.DataFrame] = []
    bands: list[pd.DataFrame] = []
    for kind, names in _kinds(run, section, quick).items():
        if not names:
            continue
        engine = Engine(run.protocol, design.table, {name: design.usable[name] for name in names}, models=names)
        null = calibrate(
            engine, design.outcome, design.places("training"), design.places("testing"),
            permutations=section.permutations, kind=kind,
            chunks=kept_chunks(run, STEP, kind, f"null calibration ({kind})", "permutations"),
        )  # fmt: skip
        summary += summary_of(null, run.protocol.evaluate.interval.level)
        areas += [_areas(null, name, measure) for name in names for measure in MEASURES]
        bands += [_band(null, name, which, run.protocol.evaluate.interval.level) for name in names for which in SETS]
    write_csv(run.path(STEP, "null.csv"), pd.DataFrame(summary, columns=list(SUMMARY)))
    columns = ["kind", "model", "measure", "permutation", "auc"]
    write_csv(run.path(STEP, "aucs.csv"), stacked(areas, columns))
    write_csv(run.path(STEP, "roc.csv"), stacked(bands, BAND))


def _kinds(run: Run, section: Chance, fitted: list[str]) -> dict[Kind, list[str]]:
    """The kinds of permutation, and the models that each is about."""
    both = [name for name in fitted if sequences_of(run.protocol, name) and clinical_of(run.protocol, name)]
    return {"outcome": fitted, "incremental": both if section.incremental else []}


def summary_of(null: NullCalibration, level: float, *, family: bool = True) -> list[dict[str, Any]]:
    """One record a model and measure; see `SUMMARY`.

    Parameters
    ----------
    null : the calibration.
    level : central share of the null AUCs between ``null_low`` and ``null_high``.
    family : whether the models are one family of tests: ``p_max_t`` is then corrected for their number, ``family``.
    """
    records = []
    measures = dict.fromkeys(measure for values in null.observed.values() for measure in values)
    corrected = {measure: null.max_t_p_values(measure) for measure in measures} if family else {}
    for model in null.observed:
        for measure in null.observed[model]:
            low, high = null.band(model, measure, level)
            mean, deviation = null.mean_and_sd(model, measure)
            of_family = corrected.get(measure, {})
            empty = null.sizes[model] == 0
            records.append(
                {
                    "kind": null.kind, "model": model, "measure": measure, "permutations": null.permutations,
                    "observed": null.observed[model][measure], "p_value": null.p_value(model, measure),
                    "null_median": null.median(model, measure), "null_low": low, "null_high": high,
                    "excess": null.excess(model, measure),
                    "empty_percent": 100 * float(empty.mean()), "note": null.note,
                    "null_mean": mean, "null_sd": deviation, "p_floor": null.smallest_p_value(),
                    "p_max_t": of_family.get(model), "empty_permutations": int(empty.sum()),
                    "family": sum(not np.isnan(p) for p in of_family.values()) if family else None,
                }
            )  # fmt: skip
    return records


def _areas(null: NullCalibration, model: str, measure: str) -> pd.DataFrame:
    values = null.null[model][measure]
    about = {"kind": null.kind, "model": model, "measure": measure}
    return pd.DataFrame({**about, "permutation": np.arange(len(values)), "auc": np.round(values, 6)})


def _band(null: NullCalibration, model: str, which: str, level: float) -> pd.DataFrame:
    low, median, high = np.round(null.roc_band(model, which, level), 6)
    about = {"kind": null.kind, "model": model, "set": which}
    return pd.DataFrame({**about, "false_positive_rate": np.round(GRID, 2), "low": low, "median": median, "high": high})
