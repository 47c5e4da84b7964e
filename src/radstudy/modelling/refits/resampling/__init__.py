"""The whole pipeline on other rows: repeated nested cross-validation, other splits, and the bootstrap.

Every step that sees data is inside: filters, trees, both stages of pooling, clinical screening, the choice of the
penalty. Folds, splits and samples are drawn by patient, each repeat from a generator of its own.
"""

from radstudy.modelling.refits.resampling.bootstrap import bootstrap, bootstrap_of_noise
from radstudy.modelling.refits.resampling.nested import nested_validation
from radstudy.modelling.refits.resampling.splits import other_splits

__all__ = ["bootstrap", "bootstrap_of_noise", "nested_validation", "other_splits"]
