"""radstudy: a multiparametric-MRI radiomics study from images to tables and figures.

Names are imported when first used, so that importing radstudy is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from radstudy._version import __version__

if TYPE_CHECKING:
    from radstudy import statistics
    from radstudy.batch.extractor import FeatureExtractor
    from radstudy.batch.many import extract_many, extract_table
    from radstudy.features.extract import extract
    from radstudy.features.ibsi.extract import extract_ibsi
    from radstudy.features.ibsi.settings import IbsiSettings
    from radstudy.features.maps import feature_map
    from radstudy.features.settings import ExtractionSettings
    from radstudy.imaging.n4 import n4
    from radstudy.imaging.roi import Roi
    from radstudy.imaging.volume import Volume
    from radstudy.protocol import Protocol, load_protocol
    from radstudy.validation import validate

__all__ = [
    "ExtractionSettings",
    "FeatureExtractor",
    "IbsiSettings",
    "Protocol",
    "Roi",
    "Volume",
    "__version__",
    "extract",
    "extract_ibsi",
    "extract_many",
    "extract_table",
    "feature_map",
    "load_protocol",
    "n4",
    "statistics",
    "validate",
]

_WHERE = {
    "ExtractionSettings": "radstudy.features.settings",
    "FeatureExtractor": "radstudy.batch.extractor",
    "IbsiSettings": "radstudy.features.ibsi.settings",
    "Protocol": "radstudy.protocol",
    "Roi": "radstudy.imaging.roi",
    "Volume": "radstudy.imaging.volume",
    "extract": "radstudy.features.extract",
    "feature_map": "radstudy.features.maps",
    "extract_ibsi": "radstudy.features.ibsi.extract",
    "extract_many": "radstudy.batch.many",
    "extract_table": "radstudy.batch.many",
    "load_protocol": "radstudy.protocol",
    "n4": "radstudy.imaging.n4",
    "validate": "radstudy.validation",
}


def __getattr__(name: str) -> Any:
    if name == "statistics":
        return import_module("radstudy.statistics")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'radstudy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
