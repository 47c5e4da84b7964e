"""Part of step 6, evaluate: evaluate volume, age and images without structure as rows of Table 3.

Each has its own chance calibration: with few patients, age alone may reach a high AUC by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts import beside
from radstudy.cohort.rows import ROW
from radstudy.modelling.assessment.baselines import (
    Baseline,
    beside_volume,
    chance_of_variable,
    log_volume,
    one_variable,
    scored,
)
from radstudy.modelling.assessment.performance import chosen_cutoff, performance_row
from radstudy.modelling.design import design_table
from radstudy.modelling.models import sequences_of
from radstudy.modelling.refits.chance import SETS, ChanceCalibration, calibrate, usable_by
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.sections import Baselines, ChanceSection
from radstudy.steps.chance import LEFT_OUT, summary_of
from radstudy.steps.design import Design, read_design
from radstudy.steps.leaks import lesion_volumes
from radstudy.steps.model import fitted_models, read_predictions
from radstudy.steps.refits import ENGINE, Share, failed_records, kept_chunks, left_out, shares_of, surviving
from radstudy.steps.run import Run
from radstudy.steps.shuffled import read_shuffled, shuffled_key
from radstudy.table import CLINICAL

STEP = "evaluate/baselines"
_FORMERLY = "null.csv"  # what earlier versions wrote as chance.csv
_SHUFFLED = "shuffled image, "


def do_baselines(run: Run, section: Baselines) -> None:
    """Fit the baselines on the training rows; write ``table3.csv``, ``chance.csv`` and ``beside_volume.csv``.

    Parameters
    ----------
    run : the run; the steps `model` and `evaluate` have finished.
    section : which baselines.
    """
    evaluate = run.protocol.evaluate
    settings = {"baselines": section.model_dump(mode="json"), "interval": evaluate.interval.model_dump(mode="json"),
                "cutoff": evaluate.cutoff.model_dump(mode="json"),
                "chance": evaluate.chance and evaluate.chance.model_dump(mode="json")}  # fmt: skip
    inputs = {"model": run.key_of("model"), **({"shuffled": shuffled_key(run)} if section.shuffled else {})}
    former = {name: content for name, content in run.folder(STEP).recorded().items() if name == _FORMERLY}
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            run.folder(STEP).remove(former)
            _write(run, section)


def _write(run: Run, section: Baselines) -> None:
    design = read_design(run)
    chance = run.protocol.evaluate.chance
    baselines: list[Baseline] = []
    calibrations: list[ChanceCalibration] = []
    for baseline, values in _variables(run, section, design):
        baselines.append(baseline)
        if chance is not None and len(baseline.probability):
            calibrations.append(
                chance_of_variable(
                    baseline.name, values, design.rows, permutations=chance.permutations, seed=run.protocol.seed
                )
            )
    missing: list[dict[str, Any]] = []
    if section.shuffled:
        images = ShuffledImages.of(run, design)
        baselines += images.baselines()
        calibrations += images.calibrations(chance)
        missing = images.not_calibrated(chance)
    table = [row for baseline in baselines for row in _rows(run, design, baseline)]
    beside.BASELINES.write(run.out, table)
    summary = [row for one in calibrations for row in summary_of(one, run.protocol.evaluate.interval.level)]
    summary += missing
    beside.BASELINES_CHANCE.write(run.out, summary)
    volumes = {baseline.name.partition(", ")[2]: baseline for baseline in baselines if baseline.kind == "volume"}
    beside.BESIDE_VOLUME.write(run.out, _beside(run, design, volumes))


def _variables(run: Run, section: Baselines, design: Design) -> Iterator[tuple[Baseline, pd.Series]]:
    if section.volume:
        for sequence, volume in lesion_volumes(run.protocol, design.features, run.out).items():
            values = log_volume(volume)
            yield one_variable(f"volume, {sequence}", "volume", values, design.rows), values
    variable = run.protocol.cohort.clinical.get(section.age) if section.age else None
    if section.age and variable is not None and variable.levels is None:
        values = design.rows[section.age].astype(float)
        yield one_variable(section.age, "age", values, design.rows), values


def _rows(run: Run, design: Design, baseline: Baseline) -> Iterator[dict[str, Any]]:
    evaluate = run.protocol.evaluate
    parts = {which: scored(baseline, design.rows, which) for which in SETS}
    for which, one in parts.items():
        if not parts["training"].has_both_classes:
            yield {"model": baseline.name, "set": which, "kind": baseline.kind, "rows": len(one.y),
                   "positives": int(one.y.sum()), "note": baseline.note or "one class only"}  # fmt: skip
            continue
        cutoff = chosen_cutoff(parts["training"], evaluate.cutoff)
        row = performance_row(one, cutoff, evaluate.interval, baseline.note, run.protocol.seed)
        yield {"model": row.pop("model"), "set": row.pop("set"), "kind": baseline.kind, **row}


def _beside(run: Run, design: Design, volumes: dict[str, Baseline]) -> Iterator[dict[str, Any]]:
    predictions = read_predictions(run)
    for name in run.protocol.model.models:
        scores = predictions[predictions["model"] == name].set_index(list(ROW))["probability"].astype(float)
        if len(scores):
            yield from beside_volume(
                name, scores, design.rows, volumes, sequences_of(run.protocol, name),
                run.protocol.evaluate.interval.level,
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ShuffledImages:
    """Every model with images, with selection and fit repeated on the features of shuffled lesions.

    Parameters
    ----------
    run : the run.
    engine : the models on the shuffled lesions' design table.
    outcome : (rows,) 0 or 1.
    sets : positions of the training and of the testing rows.
    failed : model to the reason why its chance calibration failed.
    """

    run: Run
    engine: Engine
    outcome: NDArray[np.int64]
    sets: tuple[NDArray[np.intp], NDArray[np.intp]]
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, design: Design) -> ShuffledImages:
        """Read the shuffled lesions' features of a run."""
        protocol = run.protocol
        names = [name for name in fitted_models(run) if sequences_of(protocol, name)]
        clinical = design.table[[name for name in design.table.columns if str(name).startswith(CLINICAL)]]
        features = read_shuffled(run)
        table = design_table(features, design.reproducible, clinical, reader=protocol.reader)
        usable = {name: design.usable[name].copy() for name in names}
        for name in names:
            for sequence in sequences_of(protocol, name):
                usable[name] &= table.index.isin(features.of(sequence, protocol.reader).index)
        sets = design.places("training"), design.places("testing")
        return cls(run, Engine(protocol, table, usable, models=names), design.outcome, sets)

    def baselines(self) -> Iterator[Baseline]:
        """One baseline per model."""
        for name, fit in self.engine.fit(self.outcome, *self.sets).items():
            rows = np.r_[fit.training_rows, fit.testing_rows]
            odds = np.r_[fit.training_log_odds, fit.testing_log_odds]
            note = fit.note or ("" if fit.features else "no feature survived the selection: the model is its intercept")
            probability = pd.Series(1 / (1 + np.exp(-odds)), index=self.engine.design.index[rows])
            yield Baseline(_SHUFFLED + name, "shuffled", probability.dropna(), note)

    def calibrations(self, section: ChanceSection | None) -> Iterator[ChanceCalibration]:
        """The chance calibration, on the shuffled lesions, of the models that are permuted in `evaluate/chance`."""
        for share in shares_of(self.run, self.engine.models, section.slow) if section is not None else ():
            assert section is not None
            with surviving(self.run, share, LEFT_OUT, self.failed):
                yield self._calibrated(section, share)

    def not_calibrated(self, section: ChanceSection | None) -> list[dict[str, Any]]:
        """One record, with the reason, per model that `calibrations` left out or could not calibrate."""
        if section is None:
            return []
        names = self.engine.models
        records = left_out(self.run, names, section.slow, "evaluate.chance", LEFT_OUT)
        records += failed_records(self.run, self.failed)
        return [
            {"kind": "outcome", "model": f"{_SHUFFLED}{record['model']}", "note": record["note"]} for record in records
        ]

    def _calibrated(self, section: ChanceSection, share: Share) -> ChanceCalibration:
        everyone = self.engine
        engine = Engine(everyone.protocol, everyone.design, everyone.usable, models=share.names)
        together = share.by == ENGINE and section.slow is not True
        chunks = kept_chunks(self.run, STEP, "shuffled", "chance calibration (shuffled images)", "permutations", share)
        calibrated = calibrate(
            engine, self.outcome, *self.sets, permutations=share.count(section.permutations),
            chunks=replace(chunks, key=shuffled_key(self.run)), like=None if together else usable_by(everyone),
        )  # fmt: skip
        return replace(
            calibrated,
            observed={_SHUFFLED + name: values for name, values in calibrated.observed.items()},
            permuted={_SHUFFLED + name: values for name, values in calibrated.permuted.items()},
            sizes={_SHUFFLED + name: values for name, values in calibrated.sizes.items()},
        )
