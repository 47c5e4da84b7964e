"""Models of the study file as scikit-learn pipelines, and the formula of a fitted pipeline.

``build(protocol, name)`` returns one Pipeline: the selection of its features, nested as in the study file, then the
classifier. A pooled or combined model includes the selection of the models it refers to, so fitting it fits every step
that sees an outcome, on the given rows and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import FeatureUnion, Pipeline

from radstudy.modelling.build import classifier_of, transformer_of
from radstudy.modelling.classifiers.linear import LinearClassifier
from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.selection.harmonise import Harmoniser
from radstudy.modelling.selection.preprocessing import MedianImputer, TakeColumns, ZScore
from radstudy.protocol.sections import ClinicalModel, Model, Protocol
from radstudy.protocol.selection import SelectionStep
from radstudy.table import CLINICAL, SEPARATOR, SITE_IS, variable_of

CLASSIFIER = "classifier"


# --- building --------------------------------------------------------------------------------------------------


def build(protocol: Protocol, name: str) -> Pipeline:
    """Return the unfitted pipeline of one model: design table in, probability out.

    Parameters
    ----------
    protocol : the study's protocol.
    name : a model of ``protocol.model.models``.
    """
    steps = [*_selection(protocol, name), (CLASSIFIER, classifier_of(protocol.model.fit_of(name), protocol.seed))]
    return Pipeline(steps).set_output(transform="pandas")


def _selection(protocol: Protocol, name: str) -> list[tuple[str, BaseEstimator]]:
    name = protocol.model.source_of(name)
    model = protocol.model.models[name]
    if model.clinical is not None:
        return _clinical(protocol, model.clinical)
    if model.sequences is not None:
        prefixes = tuple(f"{sequence}{SEPARATOR}" for sequence in model.sequences)
        return [("columns", TakeColumns(*_beside(protocol, prefixes))), *_chain(protocol, name, protocol.model.select)]
    union = FeatureUnion(
        [(other, Pipeline(_selection(protocol, other))) for other in (*(model.pool or ()), *(model.add or ()))],
        verbose_feature_names_out=False,
    )
    again = [step for step in protocol.model.select if step.reduces] if model.pool else []
    return [("features", union), *_chain(protocol, name, again)]


def _beside(protocol: Protocol, prefixes: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Add to the features' prefixes the columns that the step harmonise needs and takes out again."""
    step = protocol.model.harmonise
    if step is None:
        return prefixes, ()
    levels = tuple(f"{CLINICAL}{name}=" for name in step.keep)
    return (*prefixes, SITE_IS, *levels), tuple(f"{CLINICAL}{name}" for name in step.keep)


def _chain(protocol: Protocol, name: str, steps: Sequence[SelectionStep]) -> list[tuple[str, BaseEstimator]]:
    """Name the steps by their words in the study file; a word's second step is numbered: univariate 2."""
    seen: Counter[str] = Counter()
    chain = []
    for step in steps:
        seen[step.word] += 1
        label = step.word if seen[step.word] == 1 else f"{step.word} {seen[step.word]}"
        chain.append((label, transformer_of(step, name, protocol.seed)))
    return chain


def _clinical(protocol: Protocol, section: ClinicalModel) -> list[tuple[str, BaseEstimator]]:
    names = section.variables or candidates(protocol)
    prefixes = tuple(f"{CLINICAL}{name}=" for name in names)  # the indicators of a variable with levels
    whole = tuple(f"{CLINICAL}{name}" for name in names)  # a number
    return [
        ("columns", TakeColumns(prefixes, whole)),
        ("screen", ClinicalScreen(section.univariate_below)),
        ("standardise", ZScore()),
    ]


# --- what a model needs ----------------------------------------------------------------------------------------


def sequences_of(protocol: Protocol, name: str) -> tuple[str, ...]:
    """Return the sequences that a patient must have for this model, in the protocol's order."""
    needed = {sequence for model in _reached(protocol, name) for sequence in model.sequences or ()}
    return tuple(sequence for sequence in protocol.sequences if sequence in needed)


def clinical_of(protocol: Protocol, name: str) -> tuple[str, ...]:
    """Return the clinical variables that a patient must have for this model: all candidates, not only the selected."""
    needed: set[str] = set()
    for model in _reached(protocol, name):
        if model.clinical is not None:
            needed |= set(model.clinical.variables or candidates(protocol))
    return tuple(variable for variable in protocol.cohort.clinical if variable in needed)


def candidates(protocol: Protocol) -> tuple[str, ...]:
    """Return the clinical variables of the codebook that models may use."""
    return tuple(name for name, variable in protocol.cohort.clinical.items() if variable.model)


def candidates_among(protocol: Protocol, name: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that a model's selection starts from.

    Parameters
    ----------
    protocol, name : the study's protocol and the model.
    columns : of the design table: the reproducible features and the clinical variables.
    """
    clinical = clinical_of(protocol, name)
    starts = tuple(f"{sequence}{SEPARATOR}" for sequence in sequences_of(protocol, name))
    return [
        column for column in columns
        if (variable_of(column) in clinical if column.startswith(CLINICAL) else column.startswith(starts))
    ]  # fmt: skip


def refers_to(protocol: Protocol, name: str) -> set[str]:
    """Return the models that this one is built from, including itself.

    A model that is 'like' another is built from the same models as that one, and not from it: neither is nested in the
    other, and they have the same features.
    """
    model = protocol.model.models[protocol.model.source_of(name)]
    names = {name}
    for other in (*(model.pool or ()), *(model.add or ())):
        names |= refers_to(protocol, other)
    return names


def _reached(protocol: Protocol, name: str) -> Iterator[Model]:
    for other in refers_to(protocol, name):
        yield protocol.model.models[protocol.model.source_of(other)]


# --- reading a fitted model ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """One feature of a fitted linear model: ``coefficient * (value - centre) / scale``.

    Parameters
    ----------
    name : column of the design table.
    imputation : replacement of a missing value, None if a missing value is refused.
    centre, scale : training mean and standard deviation.
    coefficient : change of the log-odds per standard deviation.
    training_range : smallest and largest training value.
    """

    name: str
    imputation: float | None
    centre: float
    scale: float
    coefficient: float
    training_range: tuple[float, float]


@dataclass(frozen=True)
class LinearForm:
    """A fitted model as a formula: log-odds = intercept + sum of its terms."""

    intercept: float
    terms: tuple[Term, ...]

    def log_odds(self, design: pd.DataFrame) -> NDArray[np.float64]:
        """Compute the log-odds of the rows of a design table, (rows,)."""
        total = np.full(len(design), self.intercept)
        for term in self.terms:
            values = design[term.name].to_numpy(dtype=float)
            if term.imputation is not None:
                values = np.where(np.isnan(values), term.imputation, values)
            total += term.coefficient * ((values - term.centre) / term.scale)
        return total

    def probability(self, design: pd.DataFrame) -> NDArray[np.float64]:
        """Compute the probability of the positive class for the rows of a design table, (rows,)."""
        probability: NDArray[np.float64] = 1 / (1 + np.exp(-self.log_odds(design)))
        return probability


def linear_form(pipeline: Pipeline, training: pd.DataFrame) -> LinearForm | None:
    """Return the formula of a fitted pipeline, None if its classifier has none; `training` has its training rows."""
    classifier = pipeline.named_steps[CLASSIFIER]
    if not isinstance(classifier, LinearClassifier) or any(
        isinstance(step, Harmoniser) for _, step in leaves(pipeline)
    ):
        return None  # the value of a harmonised feature depends on the site: one formula does not hold for all
    names = [str(name) for name in pipeline[:-1].get_feature_names_out()]
    scaling = _scaling(pipeline)
    medians = _medians(pipeline)
    terms = []
    for name, coefficient in zip(names, classifier.coefficients_, strict=True):
        if classifier.sparse and coefficient == 0:
            continue
        centre, scale = scaling.get(name, (0.0, 1.0))
        values = training[name].to_numpy(dtype=float)
        terms.append(
            Term(name, medians.get(name), centre, scale, float(coefficient),
                 (float(np.nanmin(values)), float(np.nanmax(values))))
        )  # fmt: skip
    return LinearForm(classifier.intercept_, tuple(terms))


def leaves(estimator: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every transformer and classifier of a pipeline with its path, depth first, in running order."""
    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps:
            yield from leaves(step, (*path, name))
    elif isinstance(estimator, FeatureUnion):
        for name, step in estimator.transformer_list:
            yield from leaves(step, (*path, name))
    else:
        yield path, estimator


def _scaling(pipeline: Pipeline) -> dict[str, tuple[float, float]]:
    scaling = {}
    for _, step in leaves(pipeline):
        if isinstance(step, ZScore):
            for name, mean, scale in zip(step.get_feature_names_out(), step.mean_, step.scale_, strict=True):
                scaling[str(name)] = (float(mean), float(scale))
    return scaling


def _medians(pipeline: Pipeline) -> dict[str, float]:
    medians = {}
    for _, step in leaves(pipeline):
        if isinstance(step, MedianImputer):
            names = step.get_feature_names_out()
            medians.update({str(n): float(m) for n, m in zip(names, step.medians_[step.kept_], strict=True)})
    return medians
