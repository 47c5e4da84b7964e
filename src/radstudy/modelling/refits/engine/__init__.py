"""The whole set of models refitted thousands of times: scikit-learn's numbers at a fraction of its time."""

from radstudy.modelling.refits.engine.penalty import auc
from radstudy.modelling.refits.engine.whole import Engine, ModelFit

__all__ = ["Engine", "ModelFit", "auc"]
