"""Applicability of a signature to a patient: all ways in which the patient differs from the training patients.

Each check returns findings (`finding.py`) and none stops at the first, so that a user sees everything that is wrong at
once. A finding that refuses means that there is no probability, unless the user requests it explicitly. `values.py`
checks the numbers of the formula, `acquisition.py` what the import recorded of the scanner, `images.py` images and
masks; the facts of these are in `seen.py`.

The bounds are wide enough for the same population (docs/predict.md lists the measured rates): a range is widened by
half its width at each end, that of a term by more if few lesions trained the model, and a joint distance is compared
with the largest of a training lesion from the others.
"""

from radstudy.signature.applicability.acquisition import check_acquisition
from radstudy.signature.applicability.finding import NOT_CHECKED, UnlikeTraining, UnlikeTrainingError
from radstudy.signature.applicability.images import check_images, check_sampling, not_checked
from radstudy.signature.applicability.seen import Seen
from radstudy.signature.applicability.values import bounds_of, check_joint, check_terms

__all__ = [
    "NOT_CHECKED",
    "Seen",
    "UnlikeTraining",
    "UnlikeTrainingError",
    "bounds_of",
    "check_acquisition",
    "check_images",
    "check_joint",
    "check_sampling",
    "check_terms",
    "not_checked",
]
