"""From the study file's models to scikit-learn pipelines, and from a fitted pipeline to its formula.

``build(protocol, name)`` gives one Pipeline: the selection of its features, nested as the study file says, then the
classifier. A pooled or combined model holds the selection of the models it refers to, so fitting it fits everything
that sees an outcome, on the rows it is given and on no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import FeatureUnion, Pipeline

from radstudy.modelling.classifier import CrossValidatedLogistic
from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.selection import (
    BoostedTreesFilter,
    CollinearityFilter,
    Columns,
    MedianImputer,
    UnivariateFilter,
    ZScore,
)
from radstudy.protocol.sections import BoostedTrees, ClinicalModel, Model, Protocol, Select
from radstudy.table import CLINICAL, SEPARATOR, variable_of

CLASSIFIER = "logistic"


# --- building --------------------------------------------------------------------------------------------------


def build(protocol: Protocol, name: str) -> Pipeline:
    """The unfitted pipeline of one model: design table in, probability out.

    Parameters
    ----------
    protocol : the study's protocol.
    name : a model of ``protocol.model.models``.
    """
    logistic = protocol.model.fit.logistic
    steps = [*_selection(protocol, name), (CLASSIFIER, CrossValidatedLogistic(
        folds=logistic.folds, strengths=logistic.strengths, random_state=protocol.seed))]  # fmt: skip
    return Pipeline(steps).set_output(transform="pandas")


def _selection(protocol: Protocol, name: str) -> list[tuple[str, BaseEstimator]]:
    model = protocol.model.models[name]
    if model.clinical is not None:
        return _clinical(protocol, model.clinical)
    if model.sequences is not None:
        prefixes = tuple(f"{sequence}{SEPARATOR}" for sequence in model.sequences)
        chain = [_step(protocol, name, step) for step in protocol.model.select]
        return [("columns", Columns(prefixes)), *chain]
    union = FeatureUnion(
        [(other, Pipeline(_selection(protocol, other))) for other in (*(model.pool or ()), *(model.add or ()))],
        verbose_feature_names_out=False,
    )
    reduce = [_step(protocol, name, step) for step in protocol.model.select if step.boosted_trees] if model.pool else []
    return [("features", union), *reduce]


def _clinical(protocol: Protocol, section: ClinicalModel) -> list[tuple[str, BaseEstimator]]:
    names = section.variables or candidates(protocol)
    prefixes = tuple(f"{CLINICAL}{name}=" for name in names)  # the indicators of a variable with levels
    whole = tuple(f"{CLINICAL}{name}" for name in names)  # a number
    return [
        ("columns", Columns(prefixes, whole)),
        ("screen", ClinicalScreen(section.univariate_below)),
        ("standardise", ZScore()),
    ]


def _step(protocol: Protocol, model: str, step: Select) -> tuple[str, BaseEstimator]:
    if step.impute:
        return "impute", MedianImputer()
    if step.standardise:
        return "standardise", ZScore()
    if step.collinear:
        return "collinear", CollinearityFilter(step.collinear.above)
    if step.univariate:
        return "univariate", UnivariateFilter(step.univariate.test, step.univariate.below)
    if step.boosted_trees:
        return "boosted_trees", _trees(step.boosted_trees, model, protocol.seed)
    raise AssertionError(step)


def _trees(section: BoostedTrees, model: str, seed: int) -> BoostedTreesFilter:
    keep = section.keep[model] if isinstance(section.keep, dict) else section.keep
    return BoostedTreesFilter(
        keep=keep,
        trees=section.trees,
        depth=section.depth,
        learning_rate=section.learning_rate,
        subsample=section.subsample,
        random_state=seed,
    )


# --- what a model needs ----------------------------------------------------------------------------------------


def sequences_of(protocol: Protocol, name: str) -> tuple[str, ...]:
    """The sequences that a patient must have for this model, in the protocol's order."""
    needed = {sequence for model in _reached(protocol, name) for sequence in model.sequences or ()}
    return tuple(sequence for sequence in protocol.sequences if sequence in needed)


def clinical_of(protocol: Protocol, name: str) -> tuple[str, ...]:
    """The clinical variables that a patient must have for this model: the candidates, not only those selected."""
    needed: set[str] = set()
    for model in _reached(protocol, name):
        if model.clinical is not None:
            needed |= set(model.clinical.variables or candidates(protocol))
    return tuple(variable for variable in protocol.cohort.clinical if variable in needed)


def candidates(protocol: Protocol) -> tuple[str, ...]:
    """The clinical variables of the codebook that models may use."""
    return tuple(name for name, variable in protocol.cohort.clinical.items() if variable.model)


def refers_to(protocol: Protocol, name: str) -> set[str]:
    """The models that this one is built from, itself included."""
    model = protocol.model.models[name]
    found = {name}
    for other in (*(model.pool or ()), *(model.add or ())):
        found |= refers_to(protocol, other)
    return found


def _reached(protocol: Protocol, name: str) -> Iterator[Model]:
    for other in refers_to(protocol, name):
        yield protocol.model.models[other]


# --- reading a fitted model ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """One feature of a fitted linear model: ``coefficient * (value - centre) / scale``.

    Parameters
    ----------
    name : column of the design table.
    imputation : what a missing value is replaced with, None where a missing value is refused.
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
        """(rows,) log-odds of the rows of a design table."""
        total = np.full(len(design), self.intercept)
        for term in self.terms:
            values = design[term.name].to_numpy(dtype=float)
            if term.imputation is not None:
                values = np.where(np.isnan(values), term.imputation, values)
            total += term.coefficient * ((values - term.centre) / term.scale)
        return total


def linear_form(pipeline: Pipeline, training: pd.DataFrame) -> LinearForm:
    """The formula of a fitted pipeline; `training` is the design table that it was fitted on."""
    classifier: CrossValidatedLogistic = pipeline.named_steps[CLASSIFIER]
    names = [str(name) for name in pipeline[:-1].get_feature_names_out()]
    scaling = _scaling(pipeline)
    medians = _medians(pipeline)
    terms = []
    for name, coefficient in zip(names, classifier.coefficients_, strict=True):
        centre, scale = scaling.get(name, (0.0, 1.0))
        values = training[name].to_numpy(dtype=float)
        terms.append(
            Term(name, medians.get(name), centre, scale, float(coefficient),
                 (float(np.nanmin(values)), float(np.nanmax(values))))
        )  # fmt: skip
    return LinearForm(classifier.intercept_, tuple(terms))


def leaves(estimator: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every transformer and classifier of a pipeline with its path, depth first, in the order of their running."""
    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps:
            yield from leaves(step, (*path, name))
    elif isinstance(estimator, FeatureUnion):
        for name, step in estimator.transformer_list:
            yield from leaves(step, (*path, name))
    else:
        yield path, estimator


def _scaling(pipeline: Pipeline) -> dict[str, tuple[float, float]]:
    found = {}
    for _, step in leaves(pipeline):
        if isinstance(step, ZScore):
            for name, mean, scale in zip(step.get_feature_names_out(), step.mean_, step.scale_, strict=True):
                found[str(name)] = (float(mean), float(scale))
    return found


def _medians(pipeline: Pipeline) -> dict[str, float]:
    found = {}
    for _, step in leaves(pipeline):
        if isinstance(step, MedianImputer):
            names = step.get_feature_names_out()
            found.update({str(n): float(m) for n, m in zip(names, step.medians_[step.kept_], strict=True)})
    return found


def clinical_variables(names: list[str]) -> list[str]:
    """The clinical variables among design columns, each once, in order."""
    return list(dict.fromkeys(variable_of(name) for name in names if name.startswith(f"{CLINICAL}")))
