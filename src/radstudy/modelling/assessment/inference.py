"""Multivariable logistic regression of a model's variables, as SPSS prints it: odds ratios, tests, fit.

The variables were chosen on the same rows, so p-values and intervals describe the fitted model and are not tests: they
ignore the selection (Harrell FE, Regression Modeling Strategies, 2nd ed., section 4.3).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.errors import DataError
from radstudy.modelling.lesions import joined, lesions_note
from radstudy.statistics import LogisticFit, logistic
from radstudy.statistics.regression.logistic_fit import RegressionInterval
from radstudy.table import CLINICAL


def regression_of(
    model: str,
    X: pd.DataFrame,
    y: pd.Series[int],
    *,
    level: float,
    interval: RegressionInterval,
    separation: str,
    candidates: int | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Refit a model's variables together, without penalty.

    Parameters
    ----------
    model : its name.
    X : (rows, variables) in the units of the odds ratios.
    y : (rows,) 0 or 1.
    level, interval : of the odds ratios' intervals, "wald" or "profile".
    separation : if the outcome is separated, "firth" uses Firth's penalised likelihood, "note" returns NaN with a note.
    candidates : columns that the variables were selected from. Events per variable are counted for these, not for the
        selected ones (Riley RD et al., BMJ 2020;368:m441, doi 10.1136/bmj.m441); None: not known.

    Returns
    -------
    One record per variable (evaluate/regression.csv), and one for the fit (regression_models.csv). If the fit is not
    possible, the record's note gives the reason.
    """
    events = int(min(y.sum(), len(y) - y.sum()))
    per_candidate = events / candidates if candidates else None
    several = lesions_note(X.index.get_level_values("patient")) if "patient" in X.index.names else ""
    summary: dict[str, Any] = {"model": model, "rows": len(y), "events": events, "candidates": candidates,
                               "events_per_candidate": per_candidate}  # fmt: skip
    if not X.shape[1]:
        return [], {**summary, "note": joined("the model has no variable", several)}
    try:
        fit = _fit(X, y, level, interval, separation)
    except DataError as error:
        why = str(error)
        empty = [{"model": model, "feature": name, "note": why} for name in X.columns]
        return empty, {**summary, "note": joined(why, several)}
    low, high = fit.ci
    rows = [
        {
            "model": model, "feature": name, "odds_ratio": fit.odds_ratios[i], "low": low[i], "high": high[i],
            "coefficient": fit.coefficients[i], "se": fit.se[i], "p_value": fit.p_values[i],
            "lr_p_value": fit.lr_p_values[i], "vif": fit.vif[i], "estimator": fit.estimator,
            "note": joined("separates the outcome" if name in fit.separated else "", several),
            "interval": fit.interval,
        }
        for i, name in enumerate(fit.names)
    ]  # fmt: skip
    ratio = fit.likelihood_ratio
    summary |= {
        "events_per_variable": fit.events_per_variable, "lr_statistic": ratio.statistic, "lr_dof": ratio.dof,
        "lr_p_value": ratio.p_value, "r2_nagelkerke": fit.r2_nagelkerke, "r2_cox_snell": fit.r2_cox_snell,
        "aic": fit.aic, "estimator": fit.estimator, "note": joined(fit.note, several),
    }  # fmt: skip
    return rows, summary


def _fit(
    X: pd.DataFrame, y: pd.Series[int], level: float, interval: RegressionInterval, separation: str
) -> LogisticFit:
    values, outcome, names = X.to_numpy(dtype=float), y.to_numpy(), [str(name) for name in X.columns]
    if separation == "firth":
        return logistic(values, outcome, names, level=level, interval=interval, on_separation="firth")
    return logistic(values, outcome, names, level=level, interval=interval)


def regression_design(design: pd.DataFrame, terms: pd.DataFrame) -> pd.DataFrame:
    """Return the variables of a model: radiomics features per standard deviation, clinical ones per unit or level.

    Parameters
    ----------
    design : rows, columns named ``sequence:feature`` and ``clinical:variable``.
    terms : of the model, as in model/features.csv: ``feature`` and ``imputation``, the value for missing ones.
    """
    columns = {}
    for feature, imputation in zip(terms["feature"].astype(str), terms["imputation"], strict=True):
        values = design[feature].astype(float)
        if pd.notna(imputation):
            values = values.fillna(float(imputation))
        if not feature.startswith(CLINICAL):
            deviation = float(values.std(ddof=1))
            values = (values - values.mean()) / (deviation if deviation > 0 else 1.0)
        columns[feature] = values
    return pd.DataFrame(columns, index=design.index)
