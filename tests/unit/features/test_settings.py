"""Settings: equal settings have one key, and come back from their dictionary."""

from __future__ import annotations

from radstudy.features.of_study import her2_ihc2plus
from radstudy.features.settings import ExtractionSettings


def test_round_trip_and_key():
    for settings in (
        her2_ihc2plus(),
        ExtractionSettings(),
        ExtractionSettings.from_dict({"setting": {"binCount": 32}}),
    ):
        again = ExtractionSettings.from_dict(settings.as_dict())
        assert again == settings
        assert again.key() == settings.key()
        assert hash(again) == hash(settings)
    assert her2_ihc2plus().key() != ExtractionSettings().key()
    assert ExtractionSettings(bin_width=5.0).key() != ExtractionSettings().key()
