"""Part of step 6, evaluate: refit the same models inside the folds, on other splits, and on resampled patients.

Its folder has its own mark of completion, and each chunk of repeats is kept: a run that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts import TableFile, beside
from radstudy.errors import DataError
from radstudy.modelling.refits.chunks import Chunks
from radstudy.modelling.refits.engine import ModelFit
from radstudy.modelling.refits.optimism import Bootstrap, NestedValidation
from radstudy.modelling.refits.resampled import (
    bootstrap_record,
    candidate_columns,
    correction_records,
    feature_records,
    nested_record,
    patient_frame,
    published,
    split_record,
)
from radstudy.modelling.refits.resampling import bootstrap, bootstrap_of_noise, nested_validation, other_splits
from radstudy.protocol.sections import Resampling
from radstudy.steps.design import Design, read_design
from radstudy.steps.model import fitted_models
from radstudy.steps.refits import (
    Share,
    announce,
    engine_of,
    failed_records,
    kept_chunks,
    left_out,
    like_of,
    shares_of,
    surviving,
)
from radstudy.steps.run import Run, stacked

STEP = "evaluate/resampling"
LEFT_OUT = "no resampling"
SETTING = "evaluate.resampling"
_TABLES = (
    beside.FOLDS, beside.PATIENTS, beside.SPLITS, beside.RESAMPLES, beside.SELECTED, beside.CORRECTIONS,
)  # fmt: skip
Rows: TypeAlias = pd.DataFrame | list[dict[str, Any]]  # of one model
Tables: TypeAlias = dict[TableFile, dict[str, Rows]]  # table to model to its rows
_NOISE_RESAMPLES = 25


def do_resampling(run: Run, section: Resampling) -> None:
    """Validate every model inside the folds, on other splits and out of bag, and write the results.

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
    """One run's resampling, share by share; results are kept here until all are written."""

    def __init__(self, run: Run, section: Resampling) -> None:
        self.run, self.section = run, section
        self.design: Design = read_design(run)
        self.names = list(fitted_models(run))
        self.left_out = left_out(run, self.names, section.slow, SETTING, LEFT_OUT)
        self.failed: dict[str, str] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.rows: Tables = {name: {} for name in _TABLES}

    def do(self) -> None:
        """Compute and write all tables."""
        shares = shares_of(self.run, self.names, self.section.slow)
        fits = {name: self._fits(share) for share in shares for name in share.names}
        announce(self.run, self.design, shares, fits, SETTING, "Resampling")
        for share in shares:
            with surviving(self.run, share, LEFT_OUT, self.failed):
                like = like_of(self.run, self.design, self.names, share, self.section.slow)
                _Resampled(self.run, self.section, self.design, share, like).do(self.records, self.rows)
        done = [name for name in self.names if name in self.records and name not in self.failed]
        summary = [self.records[name] for name in done] + self.left_out + failed_records(self.run, self.failed)
        beside.RESAMPLING.write(self.run.out, summary)
        for table in _TABLES:
            table.write(self.run.out, _below(self.rows[table], done, table))

    def _fits(self, share: Share) -> int:
        section = self.section
        nested = 0 if section.nested is None else share.count(section.nested.repeats) * section.nested.folds
        noise = share.count(section.noise) * (_NOISE_RESAMPLES + 1) if section.optimism and section.bootstrap else 0
        return nested + share.count(section.splits) + share.count(section.bootstrap) + noise


class _Resampled:
    """The resampling of the models of one share: their engine, and the chunks of each kind of repeat."""

    def __init__(
        self, run: Run, section: Resampling, design: Design, share: Share, like: NDArray[np.int64] | None
    ) -> None:
        self.run, self.section, self.design, self.share, self.like = run, section, design, share, like
        self.level = run.protocol.evaluate.interval.level
        self.names = list(share.names)
        self.outcome = design.outcome
        self.training, self.testing = design.places("training"), design.places("testing")
        self.rows = np.sort(np.concatenate([self.training, self.testing]))
        self.engine = engine_of(run, design, self.names)

    def do(self, records: dict[str, dict[str, Any]], tables: Tables) -> None:
        """Add the models' rows to those of the others.

        Parameters
        ----------
        records : model to its row of the summary.
        tables : table to model to its rows.
        """
        own = self.engine.fit(self.outcome, self.training, self.testing)
        records |= {name: {"model": name, **published(own[name]), **self.share.facts()} for name in self.names}
        self._nested(records, tables)
        self._splits(records, tables, own)
        self._bootstrap(records, tables, own)

    def _chunks(self, kind: str, what: str, unit: str) -> Chunks:
        return kept_chunks(self.run, STEP, kind, what, unit, self.share)

    def _nested(self, records: dict[str, dict[str, Any]], tables: Tables) -> None:
        validation = self._validated(records) if self.section.nested is not None else None
        for name in self.names if validation is not None else ():
            assert validation is not None
            record = records[name]
            record.update(nested_record(validation, name, self.level))
            record["optimism"] = record["training_auc"] - record["nested_auc"]
            tables[beside.FOLDS][name] = _long(name, ("repeat", "fold"), validation.fold_aucs[name])
            tables[beside.PATIENTS][name] = patient_frame(validation, name, self.design.rows, self.level)

    def _validated(self, records: dict[str, dict[str, Any]]) -> NestedValidation | None:
        nested = self.section.nested
        assert nested is not None
        try:
            return nested_validation(
                self.engine, self.outcome, self.rows, repeats=self.share.count(nested.repeats), folds=nested.folds,
                chunks=self._chunks("nested", "nested cross-validation", "repeats"),
            )  # fmt: skip
        except DataError as error:  # fewer patients of a class than folds: the rest can still be done
            why = f"no nested cross-validation: {error}"
            self.run.say(f"{', '.join(self.names)}: {why}")
            for name in self.names:
                records[name]["note"] = why
            return None

    def _splits(
        self,
        records: dict[str, dict[str, Any]],
        tables: Tables,
        own: Mapping[str, ModelFit],
    ) -> None:
        if not self.section.splits or not len(self.testing):
            return
        areas = other_splits(
            self.engine, self.outcome, self.rows, self._training_patients(),
            splits=self.share.count(self.section.splits), chunks=self._chunks("splits", "other splits", "splits"),
        )  # fmt: skip
        for name in self.names:
            records[name].update(split_record(areas[name], own[name].testing_auc, self.level))
            tables[beside.SPLITS][name] = _long(name, ("split",), areas[name])

    def _training_patients(self) -> tuple[int, int]:
        """Negative and positive patients of the study's own training set."""
        patients = self.engine.patients
        positive = np.unique(patients[self.rows[self.outcome[self.rows] == 1]])
        training = np.unique(patients[self.training])
        return int((~np.isin(training, positive)).sum()), int(np.isin(training, positive).sum())

    def _bootstrap(
        self,
        records: dict[str, dict[str, Any]],
        tables: Tables,
        own: Mapping[str, ModelFit],
    ) -> None:
        if not self.section.bootstrap:
            return
        result = bootstrap(
            self.engine, self.outcome, self.rows, resamples=self.share.count(self.section.bootstrap),
            chunks=self._chunks("bootstrap", "bootstrap", "resamples"),
        )  # fmt: skip
        for name in self.names:
            outcome = self.outcome[self.rows[self.engine.usable[name][self.rows]]]
            columns = candidate_columns(self.engine, name)
            records[name].update(bootstrap_record(result, name, columns, outcome, self.level))
            tables[beside.SELECTED][name] = feature_records(result, own[name], self.level)
            tables[beside.RESAMPLES][name] = _resamples(result, name)
        tables[beside.CORRECTIONS] |= self._corrections(result)

    def _corrections(self, result: Bootstrap) -> dict[str, Rows]:
        if not self.section.optimism:
            return {}
        noise = bootstrap_of_noise(
            self.engine, self.outcome, self.rows, outcomes=self.share.count(self.section.noise),
            resamples=_NOISE_RESAMPLES, like=self.like,
            chunks=self._chunks("noise", "bootstrap of permuted outcomes", "outcomes"),
        )  # fmt: skip
        return {name: correction_records(result, noise[name], name, self.section.optimism) for name in self.names}


def _below(rows: Mapping[str, Rows], names: Sequence[str], table: TableFile) -> pd.DataFrame:
    """Stack the models' rows of a table."""
    frames = [part for name in names if isinstance(part := rows.get(name), pd.DataFrame)]
    records = [record for name in names if isinstance(part := rows.get(name), list) for record in part]
    return table.frame(records) if records else stacked(frames, table.names)


def _long(model: str, axes: Sequence[str], areas: NDArray[np.float64]) -> pd.DataFrame:
    """An array of AUCs as one row per entry, its indices in the named columns."""
    places = dict(zip(axes, np.indices(areas.shape).reshape(areas.ndim, -1), strict=True))
    return pd.DataFrame({"model": model, **places, "auc": np.round(areas.ravel(), 6)})


def _resamples(result: Bootstrap, name: str) -> pd.DataFrame:
    columns = {"auc": result.out_of_bag[name], "brier": result.brier[name], "slope": result.slope[name]}
    sizes = [len(names) for names in result.selected[name]]
    rounded = {which: np.round(values, 6) for which, values in columns.items()}
    return pd.DataFrame({"model": name, "resample": np.arange(result.resamples), **rounded, "features": sizes})
