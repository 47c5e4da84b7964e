"""A linear model as a nomogram: points for every value, and the probability of their sum, without approximation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from radstudy.report.cited import exponential
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.tables.features import readable
from radstudy.table import CLINICAL, variable_of

HIGHEST = 100.0  # points of the longest scale


@dataclass(frozen=True)
class NomogramScale:
    """One variable of a nomogram.

    Parameters
    ----------
    name : design column of a number, or clinical variable with levels.
    label : name shown to readers.
    zero, per_unit : a number's points are ``per_unit * (value - zero)``; both are 0 for levels.
    span : smallest and largest training value of a number.
    levels : for a variable with levels, points of each set of levels that the formula does not distinguish.
    """

    name: str
    label: str
    zero: float = 0.0
    per_unit: float = 0.0
    span: tuple[float, float] = (0.0, 0.0)
    levels: tuple[tuple[tuple[str, ...], float], ...] = ()

    def points(self, value: float | str) -> float:
        """Points of a number or a level; outside the training range they extend below 0 or beyond the scale.

        Raises
        ------
        KeyError : the variable has no such level.
        """
        if self.levels:
            for names, points in self.levels:
                if value in names:
                    return points
            raise KeyError(value)
        return self.per_unit * (float(value) - self.zero)

    @property
    def longest(self) -> float:
        """The largest number of points of a value in the training range."""
        return max([points for _, points in self.levels] or [abs(self.per_unit) * (self.span[1] - self.span[0])])


@dataclass(frozen=True)
class Nomogram:
    """A linear model drawn as scales.

    Parameters
    ----------
    model : name of the model.
    scales : one per variable, in the formula's order; those without influence are left out.
    start : log-odds at zero points.
    per_point : log-odds of a point.
    cutoff : the model's cut-off on the probability; NaN if it calls no patient positive.
    without : labels of variables in the formula with coefficient 0 or without spread.
    """

    model: str
    scales: tuple[NomogramScale, ...]
    start: float
    per_point: float
    cutoff: float
    without: tuple[str, ...] = ()

    def probability(self, total: float) -> float:
        """The probability of the positive outcome for a total number of points."""
        log_odds = self.start + self.per_point * total
        if log_odds >= 0:
            return 1 / (1 + exponential(-log_odds))
        return exponential(log_odds) / (1 + exponential(log_odds))

    def total(self, probability: float) -> float:
        """The total points of a probability between 0 and 1, both excluded."""
        return (math.log(probability / (1 - probability)) - self.start) / self.per_point

    @property
    def most(self) -> float:
        """The largest total of points within the training range."""
        return sum(scale.longest for scale in self.scales)


def nomogram_of(facts: RunFacts) -> Nomogram:
    """The nomogram of the model in signature.json.

    Every term adds ``coefficient * (value - centre) / scale`` to the log-odds. The smallest contribution within the
    training range becomes 0 points and the widest span of contributions 100 points; the constants subtracted are added
    to the start. A variable with levels is one scale. Points and formula thus give the same probability for every
    patient.

    Raises
    ------
    AbsentError : there is no signature, it is not linear, or none of its terms has any influence.
    """
    signature = facts.document("signature.json")
    formula = signature.get("formula")
    if not isinstance(formula, Mapping) or "intercept" not in formula or "terms" not in formula:
        raise AbsentError(f"{signature.get('model', 'The study model')} is not a linear model, so it has no nomogram.")
    variables: dict[str, list[Mapping[str, Any]]] = {}
    for term in formula["terms"]:
        variables.setdefault(_variable(str(term["name"])), []).append(term)
    start, contributions, without = formula["intercept"], {}, []
    for name, terms in variables.items():
        lowest, contribution = _contribution(facts, name, terms)
        start += lowest
        if contribution.longest > 0:
            contributions[name] = contribution
        else:
            without.append(contribution.label)
    if not contributions:
        raise AbsentError(
            f"{signature['model']} has no feature with any influence: its probability is the same for every patient."
        )
    per_point = max(scale.longest for scale in contributions.values()) / HIGHEST
    scales = tuple(_in_points(scale, per_point) for scale in contributions.values())
    return Nomogram(str(signature["model"]), scales, start, per_point, _number(signature["cutoff"]), tuple(without))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _variable(column: str) -> str:
    """The clinical variable of an indicator column, any other column itself."""
    return CLINICAL + variable_of(column) if column.startswith(CLINICAL) and "=" in column else column


def _contribution(facts: RunFacts, name: str, terms: list[Mapping[str, Any]]) -> tuple[float, NomogramScale]:
    """The smallest log-odds that a variable adds within the training range, and its scale in log-odds above that."""
    first = terms[0]
    if first["name"] != name:
        return _levels(facts, name, terms)
    slope = first["coefficient"] / first["scale"]
    low, high = first["training_range"]
    zero = low if slope >= 0 else high
    lowest = slope * (zero - first["centre"])
    return lowest, NomogramScale(name, readable(facts, name), zero, slope, (low, high))


def _levels(facts: RunFacts, name: str, terms: list[Mapping[str, Any]]) -> tuple[float, NomogramScale]:
    steps = {str(term["name"]).partition("=")[2]: term["coefficient"] / term["scale"] for term in terms}
    base = -sum(term["coefficient"] * term["centre"] / term["scale"] for term in terms)
    variable = variable_of(name)
    entry = facts.protocol.cohort.clinical.get(variable)
    others = tuple(level for level in (entry.levels if entry and entry.levels else ()) if level not in steps)
    values: dict[tuple[str, ...], float] = {others or ("any other",): 0.0}
    values |= {(level,): value for level, value in steps.items()}
    lowest = min(values.values())
    levels = tuple((names, value - lowest) for names, value in values.items())
    return base + lowest, NomogramScale(name, facts.label_of(variable), levels=levels)


def _in_points(scale: NomogramScale, per_point: float) -> NomogramScale:
    levels = tuple((names, value / per_point) for names, value in scale.levels)
    return NomogramScale(scale.name, scale.label, scale.zero, scale.per_unit / per_point, scale.span, levels)


def probabilities(nomogram: Nomogram, wanted: Iterable[float]) -> list[tuple[float, float]]:
    """(probability, total points) of the wanted probabilities that lie within the training range."""
    totals = [(probability, nomogram.total(probability)) for probability in wanted]
    return [(probability, total) for probability, total in totals if 0 <= total <= nomogram.most]
