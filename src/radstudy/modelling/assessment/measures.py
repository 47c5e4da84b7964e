"""Measures of Table 3, each declared once with its columns in the file, its place in the report and its interval.

A new measure is a function here and an entry in `MEASURES`; the file, the tables of the report and the sentence on its
interval follow from these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radstudy.protocol.sections import Interval
from radstudy.statistics import DiagnosticMeasures, auc_ci, average_precision, diagnostic_measures
from radstudy.statistics.diagnostic import Measure
from radstudy.statistics.precision_recall import AveragePrecision
from radstudy.statistics.proportions import Proportion

ReportedIn = Literal["performance", "performance_counts", "performance_measures"]
IntervalBy = Literal["auc", "proportion", "from proportions", "bootstrap"]
COUNTS = ("tp", "fp", "tn", "fn")


@dataclass(frozen=True, eq=False)
class Assessed:
    """Input of the measures: one model's probabilities in one set, with both classes.

    Parameters
    ----------
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome.
    cutoff : rows at or above it are classified as positive.
    interval : methods and level of the intervals.
    rng : generator of the bootstrap intervals; each measure draws from it in turn.
    """

    y: NDArray[np.int64]
    probability: NDArray[np.float64]
    cutoff: float
    interval: Interval
    rng: np.random.Generator

    @cached_property
    def classified(self) -> DiagnosticMeasures:
        """Counts at the cut-off and the measures derived from them."""
        section = self.interval
        return diagnostic_measures(
            self.y, self.probability, self.cutoff, level=section.level, method=section.proportion
        )  # fmt: skip


@dataclass(frozen=True)
class MeasuredValue:
    """A measure's value with the limits of its interval, and a note on them if there is anything to know."""

    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class PerformanceMeasure:
    """A measure of Table 3.

    Parameters
    ----------
    name : its column of table3.csv; the limits are ``<name>_low`` and ``<name>_high``.
    heading, words : heading of its column in the report, and its name within a sentence.
    compute : computes value and limits.
    table : the report's table that shows it.
    interval : source of its interval; the methods text has a sentence for each kind.
    oracle : the test that compares its value with another program or the paper: file and function below tests/.
    at_cutoff : whether it depends on the cut-off. In a table, measures that do not come first.
    counts : numerator and denominator of a percentage; None for a number.
    noted : whether it has its own column ``<name>_note``.
    """

    name: str
    heading: str
    words: str
    compute: Callable[[Assessed], MeasuredValue]
    table: ReportedIn
    interval: IntervalBy
    oracle: str
    at_cutoff: bool = True
    counts: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    noted: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the measure in table3.csv."""
        return (self.name, f"{self.name}_low", f"{self.name}_high", *([self.note_column] if self.noted else []))

    @property
    def note_column(self) -> str:
        """Column of the measure's note; "" if it has none."""
        return f"{self.name}_note" if self.noted else ""

    def record(self, measured: MeasuredValue) -> dict[str, float | str]:
        """Return the measure's columns for a row of table3.csv."""
        values: list[float | str] = [measured.value, measured.low, measured.high]
        return dict(zip(self.columns, [*values, measured.note] if self.noted else values, strict=True))


def _area(case: Assessed) -> MeasuredValue:
    section = case.interval
    area = auc_ci(case.y, case.probability, method=section.auc, level=section.level, rng=case.rng)
    return MeasuredValue(area.auc, *area.ci, area.note)


def _average_precision(case: Assessed) -> MeasuredValue:
    return _measured(average_precision(case.y, case.probability, level=case.interval.level, rng=case.rng))


def _measured(measure: Proportion | Measure | AveragePrecision) -> MeasuredValue:
    return MeasuredValue(measure.value, *measure.ci, "" if isinstance(measure, Proportion) else measure.note)


_PUBLISHED = "oracle/test_published_tables.py::test_performance_is_whole_patients"
_R = "oracle/test_r_statistics.py::test_r_agrees"
_SCIKIT_LEARN = "unit/steps/test_evaluation.py::test_measures_beside_the_auc_are_scikit_learns"

AUC = PerformanceMeasure("auc", "AUC", "AUC", _area, "performance", "auc", _R, at_cutoff=False)

# In the order of the columns; the AUC comes first, before the cut-off and the counts, and its note is the row's.
MEASURES = (
    AUC,
    PerformanceMeasure(
        "sensitivity", "Sensitivity, %", "sensitivity", lambda case: _measured(case.classified.sensitivity),
        "performance", "proportion", _PUBLISHED, counts=(("tp",), ("tp", "fn")),
    ),
    PerformanceMeasure(
        "specificity", "Specificity, %", "specificity", lambda case: _measured(case.classified.specificity),
        "performance", "proportion", _PUBLISHED, counts=(("tn",), ("tn", "fp")),
    ),
    PerformanceMeasure(
        "accuracy", "Accuracy, %", "accuracy", lambda case: _measured(case.classified.accuracy),
        "performance", "proportion", _PUBLISHED, counts=(("tp", "tn"), ("tp", "tn", "fp", "fn")),
    ),
    PerformanceMeasure(
        "ppv", "PPV, %", "positive predictive value", lambda case: _measured(case.classified.ppv),
        "performance_counts", "proportion", _R, counts=(("tp",), ("tp", "fp")),
    ),
    PerformanceMeasure(
        "npv", "NPV, %", "negative predictive value", lambda case: _measured(case.classified.npv),
        "performance_counts", "proportion", _R, counts=(("tn",), ("tn", "fn")),
    ),
    PerformanceMeasure(
        "f1", "F1", "F1", lambda case: _measured(case.classified.f1),
        "performance_measures", "from proportions", _SCIKIT_LEARN,
    ),
    PerformanceMeasure(
        "balanced_accuracy", "Balanced accuracy", "balanced accuracy",
        lambda case: _measured(case.classified.balanced_accuracy),
        "performance_measures", "from proportions", _SCIKIT_LEARN,
    ),
    PerformanceMeasure(
        "average_precision", "Average precision", "average precision", _average_precision,
        "performance_measures", "bootstrap", _SCIKIT_LEARN, at_cutoff=False, noted=True,
    ),
)  # fmt: skip

COLUMNS = (
    "model", "set", "rows", "positives", *AUC.columns, "interval", "cutoff", *COUNTS,
    *(column for measure in MEASURES if measure is not AUC for column in measure.columns), "note",
)  # fmt: skip

NOTES = frozenset(measure.note_column for measure in MEASURES if measure.noted)  # columns of text


def shown_in(table: ReportedIn) -> tuple[PerformanceMeasure, ...]:
    """Return the measures of a table of the report, those without a cut-off first; the AUC is placed separately."""
    chosen = [measure for measure in MEASURES if measure.table == table and measure is not AUC]
    return tuple(sorted(chosen, key=lambda measure: measure.at_cutoff))


def with_interval_by(kind: IntervalBy) -> tuple[PerformanceMeasure, ...]:
    """Return the measures whose intervals come from one kind of method."""
    return tuple(measure for measure in MEASURES if measure.interval == kind)
