"""Part of step 6, evaluate: the same models inside the folds, on other splits, and on resampled patients.

Its folder has its own mark of being finished, and each chunk of repeats is kept: a run that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.modelling.engine import Engine, ModelFit
from radstudy.modelling.optimism import Bootstrap, NestedValidation
from radstudy.modelling.resampled import (
    CORRECTIONS,
    FEATURES,
    PATIENTS,
    SUMMARY,
    bootstrap_record,
    candidate_columns,
    correction_records,
    feature_records,
    nested_record,
    patient_frame,
    published,
    split_record,
)
from radstudy.modelling.resampling import bootstrap, bootstrap_of_noise, nested_validation, other_splits
from radstudy.protocol.sections import Resampling
from radstudy.steps.design import Design, read_design
from radstudy.steps.refits import kept_chunks, quick_models
from radstudy.steps.run import Run, stacked
from radstudy.store import write_csv

STEP = "evaluate/resampling"
LEFT_OUT = "no resampling"
SPLITS = ("model", "split", "auc")
FOLDS = ("model", "repeat", "fold", "auc")
RESAMPLES = ("model", "resample", "auc", "brier", "slope", "features")
_NOISE_RESAMPLES = 25


def do_resampling(run: Run, section: Resampling) -> None:
    """Validate every model inside the folds, on other splits and out of bag, and write what comes of it.

    Parameters
    ----------
    run : the run; the step `model` has finished.
    section : how many repeats, splits and resamples.
    """
    settings = {"resampling": section.model_dump(mode="json"), "level": run.protocol.evaluate.interval.level}
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            _Work(run, section).do()


class _Work:
    """One run's resampling: the engine of its models, and where each kind of repeats is kept."""

    def __init__(self, run: Run, section: Resampling) -> None:
        self.run, self.section = run, section
        self.level = run.protocol.evaluate.interval.level
        self.design: Design = read_design(run)
        self.names, left_out = quick_models(run, section, "evaluate.resampling", LEFT_OUT)
        self.left_out = [{"model": name, "note": why} for name, why in left_out.items()]
        self.outcome = self.design.outcome
        self.training, self.testing = self.design.places("training"), self.design.places("testing")
        self.rows = np.sort(np.concatenate([self.training, self.testing]))
        usable = {name: self.design.usable[name] for name in self.names}
        self.engine = Engine(run.protocol, self.design.table, usable, models=self.names)

    def do(self) -> None:
        """Make and write everything."""
        own = self.engine.fit(self.outcome, self.training, self.testing) if self.names else {}
        records: dict[str, dict[str, Any]] = {name: {"model": name, **published(own[name])} for name in self.names}
        if self.names:
            self._nested(records)
            self._splits(records, own)
            self._bootstrap(records, own)
        self._write("summary", [*records.values(), *self.left_out], SUMMARY)

    def _nested(self, records: dict[str, dict[str, Any]]) -> None:
        folds: list[pd.DataFrame] = []
        risks: list[pd.DataFrame] = []
        found = self._validated(records) if self.section.nested is not None else None
        for name in self.names if found is not None else ():
            assert found is not None
            record = records[name]
            record.update(nested_record(found, name, self.level))
            record["optimism"] = record["training_auc"] - record["nested_auc"]
            folds.append(_long(name, ("repeat", "fold"), found.fold_aucs[name]))
            risks.append(patient_frame(found, name, self.design.rows, self.level))
        self._write("folds", stacked(folds, FOLDS), FOLDS)
        self._write("patients", stacked(risks, PATIENTS), PATIENTS)

    def _validated(self, records: dict[str, dict[str, Any]]) -> NestedValidation | None:
        nested = self.section.nested
        assert nested is not None
        try:
            return nested_validation(
                self.engine, self.outcome, self.rows, repeats=nested.repeats, folds=nested.folds,
                chunks=kept_chunks(self.run, STEP, "nested", "nested cross-validation", "repeats"),
            )  # fmt: skip
        except DataError as error:  # fewer patients of a class than folds: the rest can still be done
            why = f"no nested cross-validation: {error}"
            self.run.say(why)
            for record in records.values():
                record["note"] = why
            return None

    def _splits(self, records: dict[str, dict[str, Any]], own: dict[str, ModelFit]) -> None:
        frames: list[pd.DataFrame] = []
        if self.section.splits and len(self.testing):
            areas = other_splits(
                self.engine, self.outcome, self.rows, self._training_patients(), splits=self.section.splits,
                chunks=kept_chunks(self.run, STEP, "splits", "other splits", "splits"),
            )  # fmt: skip
            for name in self.names:
                records[name].update(split_record(areas[name], own[name].testing_auc, self.level))
                frames.append(_long(name, ("split",), areas[name]))
        self._write("splits", stacked(frames, SPLITS), SPLITS)

    def _training_patients(self) -> tuple[int, int]:
        """Negative and positive patients of the study's own training set."""
        patients = self.engine.patients
        positive = np.unique(patients[self.rows[self.outcome[self.rows] == 1]])
        training = np.unique(patients[self.training])
        return int((~np.isin(training, positive)).sum()), int(np.isin(training, positive).sum())

    def _bootstrap(self, records: dict[str, dict[str, Any]], own: dict[str, ModelFit]) -> None:
        frames: list[pd.DataFrame] = []
        features: list[dict[str, Any]] = []
        corrections: list[dict[str, Any]] = []
        if self.section.bootstrap:
            result = bootstrap(
                self.engine, self.outcome, self.rows, resamples=self.section.bootstrap,
                chunks=kept_chunks(self.run, STEP, "bootstrap", "bootstrap", "resamples"),
            )  # fmt: skip
            for name in self.names:
                outcome = self.outcome[self.rows[self.engine.usable[name][self.rows]]]
                columns = candidate_columns(self.engine, name)
                records[name].update(bootstrap_record(result, name, columns, outcome, self.level))
                features += feature_records(result, own[name], self.level)
                frames.append(_resamples(result, name))
            corrections = self._corrections(result)
        self._write("resamples", stacked(frames, RESAMPLES), RESAMPLES)
        self._write("features", features, FEATURES)
        self._write("corrections", corrections, CORRECTIONS)

    def _corrections(self, result: Bootstrap) -> list[dict[str, Any]]:
        if not self.section.optimism:
            return []
        noise = bootstrap_of_noise(
            self.engine, self.outcome, self.rows, outcomes=self.section.noise, resamples=_NOISE_RESAMPLES,
            chunks=kept_chunks(self.run, STEP, "noise", "bootstrap of permuted outcomes", "outcomes"),
        )  # fmt: skip
        return [
            record for name in self.names
            for record in correction_records(result, noise[name], name, self.section.optimism)
        ]  # fmt: skip

    def _write(self, name: str, rows: pd.DataFrame | list[dict[str, Any]], columns: Sequence[str]) -> None:
        write_csv(self.run.path(STEP, f"{name}.csv"), pd.DataFrame(rows, columns=list(columns)))


def _long(model: str, axes: Sequence[str], areas: NDArray[np.float64]) -> pd.DataFrame:
    """An array of AUCs as one row an entry, its indices in the named columns."""
    places = dict(zip(axes, np.indices(areas.shape).reshape(areas.ndim, -1), strict=True))
    return pd.DataFrame({"model": model, **places, "auc": np.round(areas.ravel(), 6)})


def _resamples(result: Bootstrap, name: str) -> pd.DataFrame:
    columns = {"auc": result.out_of_bag[name], "brier": result.brier[name], "slope": result.slope[name]}
    sizes = [len(names) for names in result.selected[name]]
    rounded = {which: np.round(values, 6) for which, values in columns.items()}
    return pd.DataFrame({"model": name, "resample": np.arange(result.resamples), **rounded, "features": sizes})
