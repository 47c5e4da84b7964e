"""PyRadiomics' Python interface on radstudy's extraction: a script changes its import line and nothing else.

``from radiomics import featureextractor`` becomes ``from radstudy.compat import featureextractor``, and ``import
radiomics`` becomes ``import radstudy.compat as radiomics``. `featureextractor.py` has the class that scripts use,
`settings.py` turns its dictionaries into extraction settings, `images.py` reads and checks image and mask,
`placing.py` puts the lesion into its region, `diagnostics.py` describes both, `results.py` names and types values.
`toolbox.py`, `feature_classes.py` and `imageoperations.py` have what scripts use around the class. Any other name of
PyRadiomics fails with a message that says so.
"""

from __future__ import annotations

import logging
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radstudy.compat import featureextractor, imageoperations
    from radstudy.compat.feature_classes import getFeatureClasses
    from radstudy.compat.featureextractor import RadiomicsFeatureExtractor
    from radstudy.compat.toolbox import (
        __version__,
        getImageTypes,
        getTestCase,
        handler,
        logger,
        setVerbosity,
        testCases,
    )

__all__ = [
    "RadiomicsFeatureExtractor",
    "__version__",
    "featureextractor",
    "getFeatureClasses",
    "getImageTypes",
    "getTestCase",
    "handler",
    "imageoperations",
    "logger",
    "logging",
    "setVerbosity",
    "testCases",
]

_WHERE = {
    "RadiomicsFeatureExtractor": "radstudy.compat.featureextractor",
    "getFeatureClasses": "radstudy.compat.feature_classes",
}
_MODULES = ("featureextractor", "imageoperations")
_CLASSES = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape", "shape2D")
_INSTEAD = {
    "generalinfo": "its facts are the diagnostics_ entries that execute() returns",
    "cMatrices": "matrices are counted inside execute(); radstudy.features.texture has a function for each class",
    "cShape": "shape is computed inside execute(); see radstudy.features.shape",
    "getParameterValidationFiles": "a parameter file is checked when it is loaded",
    "progressReporter": "voxel-based extraction reports no progress",
    "getProgressReporter": "voxel-based extraction reports no progress",
    "scripts": "for many cases on the command line there is 'radstudy extract'",
    "base": "feature classes of one's own are not supported",
    "deprecated": "feature classes of one's own are not supported",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"radstudy.compat.{name}")
    if name in _CLASSES:
        family = import_module("radstudy.compat.feature_classes").CLASSES[name]
        return SimpleNamespace(**{family.__name__: family})
    if name in __all__:
        return getattr(import_module(_WHERE.get(name, "radstudy.compat.toolbox")), name)
    if name in _INSTEAD:
        raise AttributeError(f"radiomics.{name} has no counterpart in radstudy.compat: {_INSTEAD[name]}")
    raise AttributeError(f"module 'radstudy.compat' has no attribute {name!r} (docs/compat.md lists what it has)")


def __dir__() -> list[str]:
    return sorted({*__all__, *_CLASSES})
