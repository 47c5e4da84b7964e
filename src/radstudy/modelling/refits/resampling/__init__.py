"""Refits of the whole pipeline on other rows: repeated nested cross-validation, other splits, and the bootstrap.

All steps that see data are inside: filters, trees, both stages of pooling, clinical screening, the choice of the
penalty. Folds, splits and samples are drawn by patient, each repeat with its own generator.
"""

from radstudy.modelling.refits.resampling.bootstrap import bootstrap, bootstrap_of_noise
from radstudy.modelling.refits.resampling.nested import nested_validation
from radstudy.modelling.refits.resampling.splits import other_splits

__all__ = ["bootstrap", "bootstrap_of_noise", "nested_validation", "other_splits"]
