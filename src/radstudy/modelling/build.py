"""Construction of the estimators that the study file names: one builder per step and per classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import BaseEstimator

from radstudy.modelling.classifiers.elastic_net import CrossValidatedElasticNet
from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.classifiers.tuned import TunedGradientBoosting, TunedNeighbours, TunedRandomForest, TunedSvm
from radstudy.modelling.selection import ranking
from radstudy.modelling.selection.boosted_trees import BoostedTreesFilter
from radstudy.modelling.selection.boruta import BorutaFilter
from radstudy.modelling.selection.collinear import CollinearityFilter
from radstudy.modelling.selection.harmonise import Harmoniser
from radstudy.modelling.selection.mrmr import MrmrFilter
from radstudy.modelling.selection.penalised import PenalisedFilter
from radstudy.modelling.selection.preprocessing import MedianImputer, ZScore
from radstudy.modelling.selection.recursive import RecursiveFilter
from radstudy.modelling.selection.univariate import UnivariateFilter
from radstudy.modelling.selection.variance import VarianceFilter
from radstudy.protocol import classifiers, selection

Keep = int | ranking.FoundSize  # number of features that a step keeps

# arguments: the step, the number of features it keeps (None if it has no such setting), and the seed
STEP_BUILDERS: Mapping[type[selection.SelectionStep], Callable[[Any, Any, int], BaseEstimator]] = {
    selection.Impute: lambda _, keep, seed: MedianImputer(),
    selection.Standardise: lambda _, keep, seed: ZScore(),
    selection.Variance: lambda step, keep, seed: VarianceFilter(step.ratio, step.unique),
    selection.Collinear: lambda step, keep, seed: CollinearityFilter(step.above),
    selection.Univariate: lambda step, keep, seed: UnivariateFilter(**step.model_dump()),
    selection.BoostedTrees: lambda step, keep, seed: BoostedTreesFilter(
        **{**step.model_dump(), "keep": keep}, random_state=seed
    ),
    selection.Lasso: lambda step, keep, seed: PenalisedFilter(**step.model_dump(), random_state=seed),
    selection.ElasticNetSelection: lambda step, keep, seed: PenalisedFilter(**step.model_dump(), random_state=seed),
    selection.Mrmr: lambda step, keep, seed: MrmrFilter(keep, step.score, random_state=seed),
    selection.Boruta: lambda step, keep, seed: BorutaFilter(**step.model_dump(), random_state=seed),
    selection.Harmonise: lambda step, keep, seed: Harmoniser(
        step.keep, step.reference, step.mean_only, step.empirical_bayes
    ),
    selection.Recursive: lambda step, keep, seed: RecursiveFilter(keep, step.with_, step.drop, random_state=seed),
}

CLASSIFIER_BUILDERS: Mapping[type[classifiers.Classifier], Callable[[Any, int], BaseEstimator]] = {
    classifiers.Logistic: lambda fit, seed: CrossValidatedLogistic(fit.folds, fit.strengths, random_state=seed),
    classifiers.ElasticNet: lambda fit, seed: CrossValidatedElasticNet(**fit.model_dump(), random_state=seed),
    classifiers.Svm: lambda fit, seed: TunedSvm(**fit.model_dump(), random_state=seed),
    classifiers.RandomForest: lambda fit, seed: TunedRandomForest(**fit.model_dump(), random_state=seed),
    classifiers.GradientBoosting: lambda fit, seed: TunedGradientBoosting(**fit.model_dump(), random_state=seed),
    classifiers.NearestNeighbours: lambda fit, seed: TunedNeighbours(**fit.model_dump(), random_state=seed),
}


def transformer_of(step: selection.SelectionStep, model: str, seed: int) -> BaseEstimator:
    """Return the unfitted transformer of one step of ``model.select``.

    Parameters
    ----------
    step : the step.
    model : the model of the step, if sizes are given per model.
    seed : the study's.
    """
    return STEP_BUILDERS[type(step)](step, _size(step, model), seed)


def classifier_of(fit: classifiers.Classifier, seed: int) -> BaseEstimator:
    """Return the unfitted classifier of one line of ``model.fit``; `seed` is the study's."""
    return CLASSIFIER_BUILDERS[type(fit)](fit, seed)


def _size(step: selection.SelectionStep, model: str) -> Keep | None:
    if not isinstance(step, selection.SizedStep):
        return None
    size = step.keep[model] if isinstance(step.keep, dict) else step.keep
    return ranking.FoundSize(size.cv, size.folds, size.most) if isinstance(size, selection.FoundSizeSection) else size
