"""Part of step 6, evaluate: what harmonising did to the sites' differences, and whether it helped the models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from radstudy.artefacts.beside import SITE_EFFECT, WITH_AND_WITHOUT
from radstudy.errors import DataError
from radstudy.modelling.harmonisation.site_effect import eta_squared, kruskal_p
from radstudy.modelling.models import build
from radstudy.modelling.refits.engine import Engine, ModelFit
from radstudy.modelling.refits.optimism import NestedValidation
from radstudy.modelling.refits.resampling import nested_validation
from radstudy.modelling.selection.harmonise import Harmoniser
from radstudy.modelling.validation import TooFewError
from radstudy.protocol import Protocol
from radstudy.statistics import delong_test
from radstudy.steps.design import Design, read_design
from radstudy.steps.model import fitted_models
from radstudy.steps.run import Run
from radstudy.table import SITE

STEP = "evaluate/harmonisation"
SETS = ("training", "testing")
_FOLDS = 5  # of one cross-validation, the same for both


def do_harmonisation(run: Run) -> None:
    """Write the sites' share of each feature's variance, and every harmonised model beside the same one without.

    Parameters
    ----------
    run : the run; the step `model` has finished. A study that does not harmonise has nothing to do here.
    """
    if run.protocol.model.harmonise is None:
        return
    settings = {"level": run.protocol.evaluate.interval.level}
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            _write(run)


def _write(run: Run) -> None:
    design = read_design(run)
    names = [name for name in fitted_models(run) if run.protocol.model.harmonises(name)]
    models = run.protocol.model.models
    own = [name for name in names if models[name].sequences is not None]
    SITE_EFFECT.write(run.out, [row for name in own for row in _site_effect(run.protocol, design, name)])
    rows = [_beside(run, design, name) for name in run.bar(names, len(names), "with and without harmonising")]
    WITH_AND_WITHOUT.write(run.out, rows)


def _site_effect(protocol: Protocol, design: Design, name: str) -> list[dict[str, Any]]:
    """One row per set and feature of a model of sequences; ComBat is fitted on the training rows."""
    columns, step = (part for _, part in build(protocol, name).steps[:2])
    assert isinstance(step, Harmoniser)
    usable = design.usable[name].to_numpy()
    chosen = Pipeline([("columns", columns), ("harmonise", step)]).set_output(transform="pandas")
    chosen.fit(design.table[usable & (design.rows["set"] == "training").to_numpy()])
    records: list[dict[str, Any]] = []
    for which in SETS:
        rows = usable & (design.rows["set"] == which).to_numpy()
        if not rows.any():
            continue
        after = chosen.transform(design.table[rows])
        before, sites = design.table.loc[rows, list(after.columns)], design.rows.loc[rows, SITE].tolist()
        values = {
            f"{measure.__name__.removeprefix('kruskal_')}_{when}": measure(table.to_numpy(), sites)
            for measure in (eta_squared, kruskal_p)
            for when, table in (("before", before), ("after", after))
        }
        frame = pd.DataFrame({"feature": list(after.columns), **values})
        about = {"model": name, "set": which, "rows": int(rows.sum()), "sites": len(set(sites))}
        records += frame.assign(**about).to_dict("records")  # type: ignore[arg-type]
    return records


def without_harmonising(protocol: Protocol) -> Protocol:
    """Return the protocol without its step harmonise, which is the first."""
    model = protocol.model.model_copy(update={"select": protocol.model.select[1:]})
    return protocol.model_copy(update={"model": model})


def _beside(run: Run, design: Design, name: str) -> dict[str, Any]:
    """One model with and without harmonising: in the testing rows, and in the same folds of all rows."""
    protocols = {"with": run.protocol, "without": without_harmonising(run.protocol)}
    engines = {how: Engine(one, design.table, design.usable, models=[name]) for how, one in protocols.items()}
    training, testing = design.places("training"), design.places("testing")
    try:
        fits = {how: engine.fit(design.outcome, training, testing)[name] for how, engine in engines.items()}
    except TooFewError as error:
        return {"model": name, "note": f"not compared: {error}"}
    record: dict[str, Any] = {"model": name, "note": ""}
    record |= {f"testing_auc_{how}": fit.testing_auc for how, fit in fits.items()}
    record |= _difference(design, fits, run.protocol.evaluate.interval.level)
    rows = np.sort(np.concatenate([training, testing]))
    try:
        folds = {
            how: _folds(nested_validation(engine, design.outcome, rows, repeats=1, folds=_FOLDS), name)
            for how, engine in engines.items()
        }
    except (DataError, TooFewError) as error:
        return {**record, "note": f"no folds: {error}"}
    both = np.isfinite(folds["with"]) & np.isfinite(folds["without"])
    means = {f"folds_auc_{how}": float(areas[both].mean()) if both.any() else None for how, areas in folds.items()}
    return {**record, **means, "folds": int(both.sum())}


def _folds(validation: NestedValidation, name: str) -> Any:
    return validation.fold_aucs[name].ravel()


def _difference(design: Design, fits: dict[str, ModelFit], level: float) -> dict[str, Any]:
    rows = fits["with"].testing_rows
    outcome = design.outcome[rows]
    if len(np.unique(outcome)) < 2 or not all(np.isfinite(fit.testing_log_odds).all() for fit in fits.values()):
        return {}
    test = delong_test(outcome, fits["with"].testing_log_odds, fits["without"].testing_log_odds, level=level)
    low, high = test.ci
    return {"difference": test.difference, "difference_low": low, "difference_high": high, "p_value": test.p_value}
