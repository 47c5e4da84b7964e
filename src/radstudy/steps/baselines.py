"""Part of step 6, evaluate: what volume, age and images without structure reach, as rows of Table 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from radstudy.cohort.manifest import ROW
from radstudy.modelling.assessment import chosen_cutoff, performance_row
from radstudy.modelling.baselines import BESIDE_VOLUME, Baseline, beside_volume, log_volume, one_variable, scored
from radstudy.modelling.design import design_table
from radstudy.modelling.engine import Engine
from radstudy.modelling.models import sequences_of
from radstudy.protocol.sections import Baselines
from radstudy.steps.design import Design, read_design
from radstudy.steps.leaks import lesion_volumes
from radstudy.steps.model import fitted_models, read_predictions
from radstudy.steps.run import Run
from radstudy.steps.shuffled import read_shuffled, shuffled_key
from radstudy.store import write_csv
from radstudy.table import CLINICAL

STEP = "evaluate/baselines"


def do_baselines(run: Run, section: Baselines) -> None:
    """Fit the baselines on the training rows; write ``table3.csv`` and ``beside_volume.csv``.

    Parameters
    ----------
    run : the run; the steps `model` and `evaluate` have finished.
    section : which baselines.
    """
    evaluate = run.protocol.evaluate
    settings = {"baselines": section.model_dump(mode="json"), "interval": evaluate.interval.model_dump(mode="json"),
                "cutoff": evaluate.cutoff.model_dump(mode="json")}  # fmt: skip
    inputs = {"model": run.key_of("model"), **({"shuffled": shuffled_key(run)} if section.shuffled else {})}
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            _write(run, section)


def _write(run: Run, section: Baselines) -> None:
    design = read_design(run)
    found = [*_variables(run, section, design), *(_shuffled(run, design) if section.shuffled else ())]
    table = [row for baseline in found for row in _rows(run, design, baseline)]
    write_csv(run.path(STEP, "table3.csv"), pd.DataFrame(table, columns=None if table else ["model", "set", "kind"]))
    volumes = {baseline.name.partition(", ")[2]: baseline for baseline in found if baseline.kind == "volume"}
    beside = pd.DataFrame(list(_beside(run, design, volumes)), columns=list(BESIDE_VOLUME))
    write_csv(run.path(STEP, "beside_volume.csv"), beside)


def _variables(run: Run, section: Baselines, design: Design) -> Iterator[Baseline]:
    if section.volume:
        for sequence, volume in lesion_volumes(run.protocol, design.features, run.out).items():
            yield one_variable(f"volume, {sequence}", "volume", log_volume(volume), design.rows)
    variable = run.protocol.cohort.clinical.get(section.age) if section.age else None
    if section.age and variable is not None and variable.levels is None:
        yield one_variable(section.age, "age", design.rows[section.age], design.rows)


def _rows(run: Run, design: Design, baseline: Baseline) -> Iterator[dict[str, Any]]:
    evaluate = run.protocol.evaluate
    parts = {which: scored(baseline, design.rows, which) for which in ("training", "testing")}
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


def _shuffled(run: Run, design: Design) -> Iterator[Baseline]:
    """Every model with images, selected and fitted anew on the features of shuffled lesions."""
    protocol = run.protocol
    names = [name for name in fitted_models(run) if sequences_of(protocol, name)]
    clinical = design.table[[name for name in design.table.columns if str(name).startswith(CLINICAL)]]
    features = read_shuffled(run)
    table = design_table(features, design.reproducible, clinical, reader=protocol.reader)
    usable = {name: design.usable[name].copy() for name in names}
    for name in names:
        for sequence in sequences_of(protocol, name):
            usable[name] &= table.index.isin(features.of(sequence, protocol.reader).index)
    engine = Engine(protocol, table, usable, models=names)
    for name, fit in engine.fit(design.outcome, design.places("training"), design.places("testing")).items():
        rows = np.r_[fit.training_rows, fit.testing_rows]
        odds = np.r_[fit.training_log_odds, fit.testing_log_odds]
        note = fit.note or ("" if fit.features else "no feature survived the selection: the model is its intercept")
        probability = pd.Series(1 / (1 + np.exp(-odds)), index=table.index[rows])
        yield Baseline(f"shuffled image, {name}", "shuffled", probability.dropna(), note)
