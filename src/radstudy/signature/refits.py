"""Refitted formulas of a signature, and the interval of a probability that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from scipy import special

from radstudy.modelling.refits.forms import RawForm
from radstudy.statistics.bootstrap import fewest_for_share
from radstudy.table import CLINICAL, SEPARATOR, variable_of

RULE = (
    "Patients of the training set drawn with replacement; every step of the selection and the classifier fitted again. "
    "log-odds = intercept + sum of slope * value"
)
_SHARE = 0.5  # of the refits that have to be computable, or there is no interval


@dataclass(frozen=True)
class ProbabilityInterval:
    """The spread of one patient's probability over the refits.

    Parameters
    ----------
    low, high : ends of the central share; None if there is no interval.
    level : the central share.
    used, refits : refits that could be computed for this patient, and all.
    note : reason why there is no interval, or why some refits are not used; "" for neither.
    """

    low: float | None
    high: float | None
    level: float
    used: int
    refits: int
    note: str = ""


@dataclass(frozen=True, eq=False)
class RefittedForms:
    """The formulas of a model on bootstrap samples of its training patients.

    Parameters
    ----------
    drawn : number of bootstrap samples; some may have no formula, because a class had too few patients.
    level : central share of an interval.
    forms : the formulas.
    clinical : the clinical variables that some formula uses, with their codebook.
    """

    drawn: int
    level: float
    forms: tuple[RawForm, ...]
    clinical: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that some formula uses."""
        return tuple(dict.fromkeys(name for form in self.forms for name in form.names))

    @property
    def sequences(self) -> tuple[str, ...]:
        """All sequences that some formula uses."""
        images = (name for name in self.names if not name.startswith(CLINICAL))
        return tuple(dict.fromkeys(name.partition(SEPARATOR)[0] for name in images))

    @property
    def variables(self) -> tuple[str, ...]:
        """All clinical variables that some formula uses."""
        return tuple(dict.fromkeys(variable_of(name) for name in self.names if name.startswith(CLINICAL)))

    def interval(self, values: Mapping[str, float]) -> ProbabilityInterval:
        """Compute the central share of one patient's probabilities over the refits.

        Parameters
        ----------
        values : column to value; a refit that uses another column, or a missing value without a replacement, is left
            out, and the note says so.
        """
        odds = [
            form.log_odds(np.array([values[name] for name in form.names]))
            for form in self.forms
            if all(name in values for name in form.names)
        ]
        known = np.array([value for value in odds if np.isfinite(value)])
        count = len(self.forms)
        note = "" if len(known) == count else self._not_used(values, len(known))
        fewest = fewest_for_share(self.level)
        if len(known) < max(fewest, _SHARE * count):
            why = note or f"{count} refits are too few for an interval; it takes {fewest}"
            return ProbabilityInterval(None, None, self.level, len(known), count, why)
        tail = (1 - self.level) / 2
        low, high = special.expit(np.quantile(known, [tail, 1 - tail]))
        return ProbabilityInterval(float(low), float(high), self.level, len(known), count, note)

    def _not_used(self, values: Mapping[str, float], used: int) -> str:
        lacking = [name for name in self.names if name not in values]
        images = [name for name in lacking if not name.startswith(CLINICAL)]
        parts = sorted({name.partition(SEPARATOR)[0] for name in images})
        parts += sorted({variable_of(name) for name in lacking if name.startswith(CLINICAL)})
        what = "a value is missing"
        if parts:
            them = "it" if len(parts) == 1 else "them"
            what = f"they use {', '.join(parts)}, not given for this patient; the formula does not need {them}"
        return f"{len(self.forms) - used} of the {len(self.forms)} refits are not used: {what}"

    def as_dict(self) -> dict[str, Any]:
        """Return the formulas as plain JSON: a term is [number of its name, slope, replacement of a missing value]."""
        names = self.names
        place = {name: number for number, name in enumerate(names)}
        return {
            "rule": RULE,
            "drawn": self.drawn,
            "level": self.level,
            "clinical": dict(self.clinical),
            "names": list(names),
            "forms": [
                {
                    "intercept": form.intercept,
                    "terms": [
                        [place[name], float(slope), None if np.isnan(gap) else float(gap)]
                        for name, slope, gap in zip(form.names, form.slopes, form.imputations, strict=True)
                    ],
                }
                for form in self.forms
            ],
        }

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the result of `as_dict`."""
        names = [str(name) for name in item["names"]]
        forms = tuple(_form(one, names) for one in item["forms"])
        return cls(int(item["drawn"]), float(item["level"]), forms, dict(item["clinical"]))


def _form(item: Mapping[str, Any], names: list[str]) -> RawForm:
    terms = item["terms"]
    gaps = [np.nan if term[2] is None else float(term[2]) for term in terms]
    return RawForm(
        float(item["intercept"]), tuple(names[int(term[0])] for term in terms),
        np.array([float(term[1]) for term in terms]), np.array(gaps, dtype=np.float64),
    )  # fmt: skip
