"""Values of the formula far from those of the training patients: each alone, and all together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from radstudy.modelling.models import Term
from radstudy.signature.applicability.finding import UnlikeTraining
from radstudy.signature.training import WIDENED, JointRange, TrainingDistribution
from radstudy.table import CLINICAL

JOINT_FACTOR = 1.25  # of the largest distance of a training lesion from the others: refused; reported from 1 on


def bounds_of(low: float, high: float, widened: float = WIDENED, *, positive: bool = False) -> tuple[float, float]:
    """Return the range that is not refused: the training range plus a share of its width at each end.

    Parameters
    ----------
    low, high : of training.
    widened : the share.
    positive : whether values below 0 are impossible if training has none.

    Examples
    --------
    >>> bounds_of(30, 70)
    (10.0, 90.0)
    >>> bounds_of(1, 5, positive=True)
    (0.0, 7.0)
    """
    more = widened * (high - low)
    return (max(0.0, low - more) if positive and low >= 0 else low - more), high + more


def check_terms(
    terms: Sequence[Term], values: Mapping[str, float], training: TrainingDistribution | None
) -> Iterator[UnlikeTraining]:
    """Find the terms of the formula whose values lie far beyond their training range.

    Parameters
    ----------
    terms : of the formula; levels (0 or 1) are never reported.
    values : the patient's, by the terms' names; NaN is never reported.
    training : of the signature; None in a signature of an earlier version.
    """
    widened = WIDENED if training is None else training.widened
    for term in terms:
        value, (low, high) = values[term.name], term.training_range
        clinical = term.name.startswith(CLINICAL)
        if np.isnan(value) or (clinical and "=" in term.name):
            continue
        bound_low, bound_high = bounds_of(low, high, widened, positive=clinical)
        if bound_low <= value <= bound_high:
            continue
        kind, name = ("clinical", term.name.removeprefix(CLINICAL)) if clinical else ("feature", term.name)
        shown = f"--clinical {name}={value:.6g}" if clinical else f"{name} = {value:.6g}"
        adds = term.coefficient * (value - term.centre) / term.scale
        yield UnlikeTraining(
            kind, name,
            f"{shown}: training had {low:.6g} to {high:.6g} (refused below {bound_low:.6g} and above "
            f"{bound_high:.6g}); it would add {adds:+.3g} to the log-odds",
            True, value, low, high, bound_low, bound_high,
        )  # fmt: skip


def check_joint(joint: JointRange | None, values: Mapping[str, float]) -> Iterator[UnlikeTraining]:
    """Find values that are jointly further from training than any training lesion, though each may be in range."""
    if joint is None or not all(np.isfinite(values[name]) for name in joint.names):
        return
    distance, bound = joint.distance(values), JOINT_FACTOR * joint.largest
    if distance > joint.largest:
        refused = f", and more than {bound:.3g} is refused" if distance > bound else ""
        yield UnlikeTraining(
            "joint", "all values together",
            f"the model's {len(joint.names)} numbers together are {distance:.3g} standard deviations from the training "
            f"mean; no training lesion was further than {joint.largest:.3g} from the others{refused}",
            distance > bound, distance, 0.0, joint.largest, 0.0, bound,
        )  # fmt: skip
