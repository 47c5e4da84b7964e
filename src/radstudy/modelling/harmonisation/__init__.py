"""ComBat: features of several sites or scanners brought to one location and scale, fitted on training rows alone.

`combat.py` fits and applies it, `parameters.py` is what a fit leaves behind (JSON, never pickle), `shrinkage.py` the
empirical Bayes estimates, `problems.py` what is refused and why, `calibration.py` a site that training did not have,
and `site_effect.py` the share of each feature's variance that the sites explain.
"""

from radstudy.modelling.harmonisation.calibration import CalibratedSite, calibrated
from radstudy.modelling.harmonisation.combat import fit_combat
from radstudy.modelling.harmonisation.parameters import ComBat
from radstudy.modelling.harmonisation.problems import NotHarmonisedError, refuse_outcome_among, unusable_features

__all__ = [
    "CalibratedSite",
    "ComBat",
    "NotHarmonisedError",
    "calibrated",
    "fit_combat",
    "refuse_outcome_among",
    "unusable_features",
]
