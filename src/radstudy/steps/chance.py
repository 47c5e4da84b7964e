"""Part of step 6, evaluate: what AUC the same models reach when the outcome is chance.

Its folder has its own mark of being finished, and each chunk of permutations is kept: a run that was stopped goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts.beside import CHANCE, CHANCE_AUCS, CHANCE_ROC
from radstudy.modelling.models import clinical_of, sequences_of
from radstudy.modelling.refits.chance import (
    GRID,
    MEASURES,
    SETS,
    ChanceCalibration,
    Kind,
    calibrate,
    together,
    usable_by,
)
from radstudy.protocol.sections import ChanceSection
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
from radstudy.store import content_hash

STEP = "evaluate/chance"
_FORMERLY = "evaluate/null"  # the folder of earlier versions
LEFT_OUT = "no chance calibration"


def do_chance(run: Run, section: ChanceSection) -> None:
    """Permute the outcome, refit every model, and write the AUCs beside the observed ones.

    Parameters
    ----------
    run : the run; the step `model` has finished.
    section : how many permutations, and of which kinds.
    """
    settings = {"chance": section.model_dump(mode="json"), "level": run.protocol.evaluate.interval.level}
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            run.folder(_FORMERLY).retire()
            _calibrate_all(run, section)


def _calibrate_all(run: Run, section: ChanceSection) -> None:
    design, fitted, setting = read_design(run), list(fitted_models(run)), "evaluate.chance"
    kinds = _kinds(run, section, fitted)
    shares = shares_of(run, fitted, section.slow)
    summary = [{"kind": "outcome", **record} for record in left_out(run, fitted, section.slow, setting, LEFT_OUT)]
    fits = {
        name: sum(name in names for names in kinds.values()) * share.count(section.permutations)
        for share in shares
        for name in share.names
    }
    announce(run, design, shares, fits, setting, "Chance calibration")
    calibrated: list[tuple[ChanceCalibration, dict[str, Any]]] = []
    areas: list[pd.DataFrame] = []
    bands: list[pd.DataFrame] = []
    failed: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    level = run.protocol.evaluate.interval.level
    for share in shares:
        for kind, names in kinds.items():
            mine = [name for name in share.names if name in names]
            if not mine:
                continue
            with surviving(run, share, LEFT_OUT, failed[kind]):
                like = like_of(run, design, names, share, section.slow)
                calibration = _calibrated(run, section, design, kind, mine, share, like)
                facts = share.facts() | {"exchanged": _mark(run, design, mine, like)}
                calibrated.append((calibration, facts))
                areas += [_areas(calibration, name, measure) for name in mine for measure in MEASURES]
                bands += [_band(calibration, name, which, level) for name in mine for which in SETS]
    families = _families(calibrated)
    for calibration, facts in calibrated:
        family = families[calibration.kind]
        summary += [
            {**row, **facts} for row in summary_of(calibration, level, family if _holds(family, calibration) else None)
        ]
    summary += [{"kind": kind, **record} for kind, why in failed.items() for record in failed_records(run, why)]
    CHANCE.write(run.out, summary)
    CHANCE_AUCS.write(run.out, stacked(areas, CHANCE_AUCS.names))
    CHANCE_ROC.write(run.out, stacked(bands, CHANCE_ROC.names))


def _calibrated(
    run: Run, section: ChanceSection, design: Design, kind: Kind, names: list[str], share: Share,
    like: NDArray[np.int64] | None,
) -> ChanceCalibration:  # fmt: skip
    return calibrate(
        engine_of(run, design, names), design.outcome, design.places("training"), design.places("testing"),
        permutations=share.count(section.permutations), kind=kind, like=like,
        chunks=kept_chunks(run, STEP, kind, f"chance calibration ({kind})", "permutations", share),
    )  # fmt: skip


def _families(calibrated: list[tuple[ChanceCalibration, dict[str, Any]]]) -> dict[Kind, ChanceCalibration]:
    """The models whose p-values are corrected together, by kind: the most that have met the same permutations."""
    met: dict[Kind, dict[tuple[str, int], list[ChanceCalibration]]] = {}
    for calibration, facts in calibrated:
        met.setdefault(calibration.kind, {}).setdefault((facts["exchanged"], calibration.permutations), []).append(
            calibration
        )
    return {
        kind: max(map(together, groups.values()), key=lambda one: len(one.observed)) for kind, groups in met.items()
    }


def _holds(family: ChanceCalibration, calibration: ChanceCalibration) -> bool:
    return calibration.observed.keys() <= family.observed.keys()


def _mark(run: Run, design: Design, names: list[str], like: NDArray[np.int64] | None) -> str:
    """A mark of whose patients were exchanged: models that share it have met the same permutations."""
    return content_hash(usable_by(engine_of(run, design, names)) if like is None else like)[:8]


def _kinds(run: Run, section: ChanceSection, fitted: list[str]) -> dict[Kind, list[str]]:
    """The kinds of permutation, and the models that each is about."""
    both = [name for name in fitted if sequences_of(run.protocol, name) and clinical_of(run.protocol, name)]
    return {"outcome": fitted, "incremental": both if section.incremental else []}


def summary_of(
    calibration: ChanceCalibration, level: float, family: ChanceCalibration | None = None
) -> list[dict[str, Any]]:
    """One record per model and measure: the columns that all chance calibrations share.

    Parameters
    ----------
    calibration : the calibration.
    level : central share of the AUCs by chance between ``chance_low`` and ``chance_high``.
    family : the calibration of all models that are one family of tests: ``p_max_t`` is corrected for their number;
        None leaves ``p_max_t`` and ``family`` empty.
    """
    records = []
    measures = dict.fromkeys(measure for values in calibration.observed.values() for measure in values)
    corrected = {} if family is None else {measure: family.max_t_p_values(measure) for measure in measures}
    for model in calibration.observed:
        for measure in calibration.observed[model]:
            low, high = calibration.band(model, measure, level)
            mean, deviation = calibration.mean_and_sd(model, measure)
            of_family = corrected.get(measure, {})
            empty = calibration.sizes[model] == 0
            records.append(
                {
                    "kind": calibration.kind, "model": model, "measure": measure,
                    "permutations": calibration.permutations,
                    "observed": calibration.observed[model][measure], "p_value": calibration.p_value(model, measure),
                    "chance_median": calibration.median(model, measure), "chance_low": low, "chance_high": high,
                    "excess": calibration.excess(model, measure),
                    "empty_percent": 100 * float(empty.mean()), "note": calibration.note,
                    "chance_mean": mean, "chance_sd": deviation, "p_floor": calibration.smallest_p_value(),
                    "p_max_t": of_family.get(model), "empty_permutations": int(empty.sum()),
                    "family": sum(not np.isnan(p) for p in of_family.values()) if of_family else None,
                }
            )  # fmt: skip
    return records


def _areas(calibration: ChanceCalibration, model: str, measure: str) -> pd.DataFrame:
    values = calibration.permuted[model][measure]
    about = {"kind": calibration.kind, "model": model, "measure": measure}
    return pd.DataFrame({**about, "permutation": np.arange(len(values)), "auc": np.round(values, 6)})


def _band(calibration: ChanceCalibration, model: str, which: str, level: float) -> pd.DataFrame:
    low, median, high = np.round(calibration.roc_band(model, which, level), 6)
    about = {"kind": calibration.kind, "model": model, "set": which}
    return pd.DataFrame({**about, "false_positive_rate": np.round(GRID, 2), "low": low, "median": median, "high": high})
