"""Extraction settings whose numbers remember their places in extract/summary.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from radstudy.features.setting_values import SETTINGS
from radstudy.features.settings import ExtractionSettings, ImageType


def cited_extraction(document: Mapping[str, Any]) -> ExtractionSettings:
    """The settings of an extraction.

    Parameters
    ----------
    document : as `ExtractionSettings.as_dict` returns them, read from a run; its numbers may remember their places.
    """
    settings = ExtractionSettings.from_dict(document)
    written = document.get("setting", {})
    changes = {attribute: _placed(getattr(settings, attribute), written.get(name))
               for name, (attribute, _) in SETTINGS.items()}  # fmt: skip
    images = tuple(_image(image, document.get("imageType", {}).get(image.name) or {}) for image in settings.image_types)
    return replace(settings, **changes, image_types=images)


def _image(image: ImageType, written: Mapping[str, Any]) -> ImageType:
    return ImageType(image.name, tuple((name, _placed(value, written.get(name))) for name, value in image.arguments))


def _placed(value: Any, written: Any) -> Any:
    """A value as it is written, if that is the same: then it remembers its place."""
    if isinstance(value, tuple) and isinstance(written, list) and len(value) == len(written):
        return tuple(_placed(one, other) for one, other in zip(value, written, strict=True))
    same = isinstance(value, int | float) and not isinstance(value, bool) and value == written
    return written if same else value
