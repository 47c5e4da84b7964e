"""The command `plan`: compute how many patients a study needs, and what to expect from those it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.errors import UsageError
from radstudy.features.names import feature_names
from radstudy.features.of_study import settings_of_study
from radstudy.modelling.models import clinical_of, sequences_of
from radstudy.modelling.planning import ExpectedPerformance, expected_performance
from radstudy.modelling.refits.engine.plan import why_not
from radstudy.protocol import Protocol
from radstudy.statistics import parameters_allowed, prediction_sample_size


def plan_study(
    protocol: Protocol,
    *,
    data: Path,
    patients: Sequence[int],
    prevalence: float,
    auc: float,
    features: int | None = None,
    repeats: int = 40,
    jobs: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compute Riley's sample size for every model, and the performance of simulated studies of the given sizes.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    patients : sizes to simulate.
    prevalence : share of positives.
    auc : expected in new patients; in the simulation, the most that a sequence's hidden quantities can reach.
    features : candidates per sequence; None: as many as the study file's extraction computes.
    repeats : simulated studies of each size; 0 for none.
    jobs : processes.
    say : where progress goes.

    Returns
    -------
    ``sample_size``: one record per model; ``expected``: one per size and model; ``not_simulated``: model to reason.

    Raises
    ------
    UsageError : the study begins at a feature table, and `features` is not given.
    """
    if features is None:
        if protocol.features is not None:
            raise UsageError("the study begins at a feature table: give the features per sequence (--features)")
        features = len(feature_names(settings_of_study(protocol.extract, data)))
    needed = [_needed(protocol, name, features, prevalence, auc, patients) for name in protocol.model.models]
    expected: list[dict[str, Any]] = []
    slow = {name: why for name in protocol.model.models if (why := why_not(protocol, name))}
    quick = [name for name in protocol.model.models if name not in slow]
    for size in patients if repeats and quick else ():
        say(f"simulating {repeats} studies of {size} patients")
        performance = expected_performance(
            protocol, size, prevalence=prevalence, auc=auc, features=features,
            informative=min(3, -(-features // 20)), repeats=repeats, jobs=jobs,
        )  # fmt: skip
        expected += _expected(performance)
    return {
        "assumed": {"prevalence": prevalence, "auc": auc, "features": features, "repeats": repeats},
        "sample_size": needed,
        "expected": expected,
        "not_simulated": slow if repeats else {},
    }


def candidate_parameters(protocol: Protocol, model: str, features: int) -> int:
    """Count a model's candidates: the features of all its sequences and every clinical column.

    Parameters
    ----------
    protocol : the study's.
    model : its name.
    features : per sequence, before any selection.
    """
    clinical = [protocol.cohort.clinical[name].levels for name in clinical_of(protocol, model)]
    return features * len(sequences_of(protocol, model)) + sum(1 if c is None else len(c) - 1 for c in clinical)


def _needed(
    protocol: Protocol, model: str, features: int, prevalence: float, auc: float, patients: Sequence[int]
) -> dict[str, Any]:
    parameters = candidate_parameters(protocol, model, features)
    size = prediction_sample_size(max(parameters, 1), prevalence, auc=auc)
    allowed = {str(n): parameters_allowed(n, prevalence, auc=auc) for n in patients}
    return {
        "model": model, "candidate_parameters": parameters, "patients_needed": size.n, "shrinkage": size.shrinkage,
        "optimism": size.optimism, "overall_risk": size.overall_risk, "mape": size.mape, "note": size.note,
        "parameters_allowed": allowed,
    }  # fmt: skip


def _expected(reached: ExpectedPerformance) -> list[dict[str, Any]]:
    records = []
    root = np.sqrt(len(reached.testing_auc))
    for column, model in enumerate(reached.models):
        testing = reached.testing_auc[:, column]
        low, high = np.nanquantile(testing, [0.05, 0.95])
        records.append(
            {
                "patients": reached.patients, "training": reached.training, "testing": reached.testing, "model": model,
                "training_auc": float(np.nanmean(reached.training_auc[:, column])),
                "testing_auc": float(np.nanmean(testing)), "testing_auc_5": float(low), "testing_auc_95": float(high),
                "standard_error": float(np.nanstd(testing, ddof=1) / root) if root > 1 else None,
                "interval_width": float(np.nanmean(reached.width[:, column])),
                "above_chance": float((reached.lower[:, column] > 0.5).mean()),
            }
        )  # fmt: skip
    return records


def as_text(plan: dict[str, Any]) -> str:
    """The plan as text for a person to read."""
    assumed = plan["assumed"]
    lines = [
        f"Assumed: {assumed['prevalence']:.0%} positive, AUC {assumed['auc']:g} in new patients, "
        f"{assumed['features']:,} candidate features per sequence.",
        "",
        "Patients needed to fit all candidate parameters without much overfitting (Riley's criteria 1 to 4):",
        f"{'model':<20}{'parameters':>11}{'1 shrinkage':>13}{'2 optimism':>12}{'3 risk':>8}"
        f"{'4 error':>9}{'needed':>10}",
    ]
    for row in plan["sample_size"]:
        lines.append(
            f"{row['model']:<20}{row['candidate_parameters']:>11,}{row['shrinkage']:>13,}{row['optimism']:>12,}"
            f"{row['overall_risk']:>8,}{row['mape']:>9,}{row['patients_needed']:>10,}"
        )
    allowed = plan["sample_size"][0]["parameters_allowed"] if plan["sample_size"] else {}
    for n, count in allowed.items():
        lines.append(f"{int(n):,} patients in training allow {count} candidate parameter(s) by criteria 1 and 2.")
    if any(row["note"] for row in plan["sample_size"]):
        lines.append("Criterion 4 extrapolates beyond the 30 parameters to which it was fitted.")
    if plan["expected"]:
        lines += [
            "",
            f"Expected of this study's selection and models ({assumed['repeats']} simulated studies of each size; "
            f"three hidden quantities of each sequence would give AUC {assumed['auc']:g}):",
            f"{'patients':<10}{'model':<20}{'training AUC':>13}{'testing AUC':>13}{'5 to 95 %':>15}{'CI width':>10}"
            f"{'CI above 0.5':>14}",
        ]
    for row in plan["expected"]:
        spread = f"{row['testing_auc_5']:.2f} to {row['testing_auc_95']:.2f}"
        lines.append(
            f"{row['patients']:<10}{row['model']:<20}{row['training_auc']:>13.2f}{row['testing_auc']:>13.2f}{spread:>15}"
            f"{row['interval_width']:>10.2f}{row['above_chance']:>14.0%}"
        )
    if plan["not_simulated"]:
        each = "; ".join(f"{name} ({why})" for name, why in plan["not_simulated"].items())
        lines += ["", f"Not simulated: {each}. Thousands of refits by scikit-learn would take hours."]
    return "\n".join(lines)
