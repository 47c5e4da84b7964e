"""Step 6, evaluate: group comparisons, performance with intervals, regressions, and every pair of models compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from radstudy.artefacts import TableFile
from radstudy.artefacts import evaluate as files
from radstudy.artefacts.model import FEATURES
from radstudy.artefacts.records.model import FittedModel
from radstudy.cohort.comparison import comparison_table
from radstudy.cohort.sealed import with_outcome
from radstudy.modelling.assessment.inference import regression_design, regression_of
from radstudy.modelling.assessment.pairs import (
    adjust,
    delong_row,
    incremental_row,
    mcnemar_row,
)
from radstudy.modelling.assessment.performance import (
    Scored,
    calibration_points,
    calibration_row,
    chosen_cutoff,
    decision_points,
    flexible_curve,
    performance_row,
    precision_recall_points,
    roc_points,
)
from radstudy.modelling.models import candidates_among, refers_to
from radstudy.protocol import Protocol
from radstudy.steps.baselines import do_baselines
from radstudy.steps.chance import do_chance
from radstudy.steps.cohort import read_rows
from radstudy.steps.design import read_design
from radstudy.steps.harmonisation import do_harmonisation
from radstudy.steps.history import note_seen
from radstudy.steps.leaks import do_leaks
from radstudy.steps.model import fitted_models, read_predictions
from radstudy.steps.other_reader import do_other_reader
from radstudy.steps.resampling import do_resampling
from radstudy.steps.run import Run, stacked
from radstudy.steps.signature import do_signature

STEP = "evaluate"
SETS = ("training", "testing")
_OF_OTHERS = {"chance", "resampling", "baselines", "primary", "sealed"}  # steps of their own; `run.seal` keeps the last


def settings_of(protocol: Protocol) -> dict[str, Any]:
    """The settings that this step depends on."""
    return {
        "evaluate": protocol.evaluate.model_dump(mode="json", exclude=_OF_OTHERS),
        "clinical": {n: v.model_dump(mode="json") for n, v in protocol.cohort.clinical.items()},
    }


def do_evaluate(run: Run) -> None:
    """Write Tables 1-3, calibration, curves, regressions, and the comparisons of the models."""
    if not run.sealed:
        note_seen(run.protocol, run.out)
    settings = settings_of(run.protocol) | run.seal
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            _evaluate(run)
    if run.sealed:  # all that follows but the leaks depends on testing outcomes
        do_leaks(run)
        return
    if run.protocol.evaluate.chance is not None:
        do_chance(run, run.protocol.evaluate.chance)
    if run.protocol.evaluate.baselines is not None:
        do_baselines(run, run.protocol.evaluate.baselines)
    do_other_reader(run)
    do_leaks(run)
    do_harmonisation(run)
    if run.protocol.evaluate.resampling is not None:
        do_resampling(run, run.protocol.evaluate.resampling)
    do_signature(run)


def _sets(run: Run) -> tuple[str, ...]:
    """The sets whose results may be computed."""
    return ("training",) if run.sealed else SETS


def _evaluate(run: Run) -> None:
    protocol, section = run.protocol, run.protocol.evaluate
    predictions = read_predictions(run)
    rows = with_outcome(read_rows(run))
    if len(predictions):  # Tables 1 and 2 describe the patients that at least one model could use
        rows = rows[rows.index.isin(predictions.set_index(list(rows.index.names)).index)]
    for file, table in ((files.TABLE1, "clinical"), (files.TABLE2, "imaging")):
        file.write(
            run.out,
            comparison_table(
                rows, protocol.cohort.clinical, table=table, continuous=section.continuous,
                sets=("training",) if run.sealed else (*SETS, "all"),
            ),
        )  # fmt: skip
    facts = fitted_models(run)
    fitted = list(facts)
    scored = {(name, which): _scored(predictions, name, which) for which in _sets(run) for name in fitted}
    cutoffs = {name: chosen_cutoff(scored[name, "training"], section.cutoff) for name in fitted}
    files.TABLE3.write(run.out, [
        performance_row(one, cutoffs[name], section.interval, facts[name].note, protocol.seed)
        for (name, _), one in scored.items()
    ])  # fmt: skip
    _write_calibration(run, list(scored.values()))
    _write_curves(run, [one for one in scored.values() if one.has_both_classes])
    _write_regressions(run, predictions, facts)
    _write_pairs(run, predictions, fitted, cutoffs)


def _of(predictions: pd.DataFrame, model: str, which: str) -> pd.DataFrame:
    chosen = predictions[(predictions["model"] == model) & (predictions["set"] == which)]
    return chosen.set_index(["patient", "lesion"])


def _scored(predictions: pd.DataFrame, model: str, which: str) -> Scored:
    part = _of(predictions, model, which)
    patients = part.index.get_level_values("patient").to_numpy(dtype=object)
    return Scored(model, which, part["outcome"].to_numpy(), part["probability"].to_numpy(dtype=float), patients)


def _write_calibration(run: Run, scored: list[Scored]) -> None:
    level = run.protocol.evaluate.interval.level
    curves = [flexible_curve(one, level) for one in scored]
    pairs = list(zip(scored, curves, strict=True))
    files.CALIBRATION.write(run.out, [calibration_row(one, curve, level) for one, curve in pairs])
    points = [calibration_points(one, curve) for one, curve in pairs if curve is not None]
    _write_points(run, files.CALIBRATION_CURVES, points)


def _write_curves(run: Run, scored: list[Scored]) -> None:
    level, seed = run.protocol.evaluate.interval.level, run.protocol.seed
    _write_points(run, files.ROC, map(roc_points, scored))
    _write_points(run, files.PRECISION_RECALL, map(precision_recall_points, scored))
    _write_points(run, files.DECISION_CURVES, [decision_points(one, level, seed) for one in scored])


def _write_points(run: Run, table: TableFile, parts: Iterable[pd.DataFrame]) -> None:
    table.write(run.out, stacked(parts, table.names))


# --- regressions -------------------------------------------------------------------------------------------------


def _write_regressions(run: Run, predictions: pd.DataFrame, facts: Mapping[str, FittedModel]) -> None:
    """Each model's variables, refitted without penalty on its training rows."""
    section, level = run.protocol.evaluate.regression, run.protocol.evaluate.interval.level
    terms = FEATURES.read(run.out)
    terms = terms[terms["coefficient"].notna()]  # a model without a formula has no regression either
    design = read_design(run).table
    regressions = []
    for name in (name for name in facts if facts[name].intercept is not None):
        training = _of(predictions, name, "training")
        X = regression_design(design.loc[training.index], terms[terms["model"] == name])
        regressions.append(
            regression_of(
                name, X, training["outcome"], level=level, interval=section.interval, separation=section.separation,
                candidates=len(candidates_among(run.protocol, name, map(str, design.columns))),
            )
        )  # fmt: skip
    files.REGRESSION.write(run.out, [row for variables, _ in regressions for row in variables])
    files.REGRESSION_MODELS.write(run.out, [summary for _, summary in regressions])


# --- pairs -------------------------------------------------------------------------------------------------------


def _write_pairs(run: Run, predictions: pd.DataFrame, fitted: list[str], cutoffs: Mapping[str, float]) -> None:
    section, protocol = run.protocol.evaluate, run.protocol
    level, method = section.interval.level, section.compare.adjust
    holds = {name: refers_to(protocol, name) for name in fitted}
    rows: dict[TableFile, list[dict[str, Any]]] = {files.DELONG: [], files.MCNEMAR: [], files.INCREMENTAL: []}
    for which in _sets(run):
        parts = {name: _of(predictions, name, which) for name in fitted}
        pairs = list(combinations(fitted, 2))
        heads = [{"set": which, "model_a": a, "model_b": b} for a, b in pairs]
        here = which == "training"
        delong = [
            delong_row(parts[a], parts[b], nested=b in holds[a] or a in holds[b], level=level, fitted_here=here)
            for a, b in pairs
        ]
        discordant = [mcnemar_row(parts[a], parts[b], (cutoffs[a], cutoffs[b])) for a, b in pairs]
        for table, records in ((files.DELONG, delong), (files.MCNEMAR, discordant)):
            rows[table] += adjust([{**head, **row} for head, row in zip(heads, records, strict=True)], method)
        rows[files.INCREMENTAL] += [
            {"set": which, "base": base, "extended": name}
            | incremental_row(parts[base], parts[name], nested=here, level=level, seed=protocol.seed)
            for name in fitted
            for base in fitted
            if base in holds[name] and base != name
        ]
    for table, records in rows.items():
        table.write(run.out, records)
