"""From the settings of the study file to the estimators that they name."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from radstudy.modelling.classifiers.elastic_net import CrossValidatedElasticNet
from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.classifiers.tuned import TunedGradientBoosting, TunedNeighbours, TunedRandomForest, TunedSvm
from radstudy.modelling.selection import ranking
from radstudy.modelling.selection.boosted_trees import BoostedTreesFilter
from radstudy.modelling.selection.boruta import BorutaFilter
from radstudy.modelling.selection.filters import CollinearityFilter, UnivariateFilter, VarianceFilter
from radstudy.modelling.selection.mrmr import MrmrFilter
from radstudy.modelling.selection.penalised import PenalisedFilter
from radstudy.modelling.selection.preprocessing import MedianImputer, ZScore
from radstudy.modelling.selection.recursive import RecursiveFilter
from radstudy.protocol.sections import Fit, FoundSize, Lasso, Select


def transformer_of(step: Select, model: str, seed: int) -> BaseEstimator:
    """The unfitted transformer of one step of ``model.select``.

    Parameters
    ----------
    step : the step.
    model : whose step it is, where sizes are given per model.
    seed : the study's.
    """
    if step.impute:
        return MedianImputer()
    if step.standardise:
        return ZScore()
    if step.variance:
        return VarianceFilter(step.variance.ratio, step.variance.unique)
    if step.collinear:
        return CollinearityFilter(step.collinear.above)
    if step.univariate:
        test = step.univariate
        return UnivariateFilter(test.test, test.below, test.adjust, test.above)
    if penalised := step.lasso or step.elastic_net:
        return _penalised(penalised, step.elastic_net.mix if step.elastic_net else 1.0, seed)
    if step.boruta:
        return BorutaFilter(**step.boruta.model_dump(), random_state=seed)
    keep = _size(step, model)
    if step.boosted_trees:
        return BoostedTreesFilter(**{**step.boosted_trees.model_dump(), "keep": keep}, random_state=seed)
    if step.mrmr:
        return MrmrFilter(keep, step.mrmr.score, random_state=seed)
    if step.recursive:
        return RecursiveFilter(keep, step.recursive.with_, step.recursive.drop, random_state=seed)
    raise AssertionError(step)


def _penalised(section: Lasso, mix: float, seed: int) -> PenalisedFilter:
    return PenalisedFilter(mix, section.rule, section.folds, section.strengths, section.most, random_state=seed)


def _size(step: Select, model: str) -> int | ranking.FoundSize:
    size = step.size[model] if isinstance(step.size, dict) else step.size
    if isinstance(size, FoundSize):
        return ranking.FoundSize(size.cv, size.folds, size.most)
    if size is None:
        raise AssertionError(step)
    return size


def classifier_of(fit: Fit, seed: int) -> BaseEstimator:
    """The unfitted classifier of one line of ``model.fit``; `seed` is the study's."""
    if fit.logistic:
        return CrossValidatedLogistic(folds=fit.logistic.folds, strengths=fit.logistic.strengths, random_state=seed)
    if fit.elastic_net:
        return CrossValidatedElasticNet(**fit.elastic_net.model_dump(), random_state=seed)
    if fit.svm:
        return TunedSvm(**fit.svm.model_dump(), random_state=seed)
    if fit.random_forest:
        return TunedRandomForest(**fit.random_forest.model_dump(), random_state=seed)
    if fit.gradient_boosting:
        return TunedGradientBoosting(**fit.gradient_boosting.model_dump(), random_state=seed)
    if fit.knn:
        return TunedNeighbours(**fit.knn.model_dump(), random_state=seed)
    raise AssertionError(fit)
