"""Settings that remember their places: the same settings otherwise."""

import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.cited import source_of
from radstudy.report.cited.expression import CellRange
from radstudy.report.cited.settings import SETTINGS_FILE, cited_protocol, settings_document

PRESET = """
study: test
preset: her2-ihc2plus/1
cohort: {table: c.csv, split: {column: set}, images: "{patient}/{sequence}.nii.gz",
         masks: "{patient}/{sequence}_{reader}.nii.gz", readers: [a, b]}
"""


@pytest.fixture(scope="module")
def protocol():
    return parse_protocol(PRESET)


def test_the_settings_are_the_same(protocol):
    cited = cited_protocol(protocol)
    assert cited == protocol
    assert settings_document(cited) == settings_document(protocol)
    assert cited.model.model_fields_set == protocol.model.model_fields_set


def test_settings_of_kinds_remember_the_word_of_their_kind(protocol):
    cited = cited_protocol(protocol)
    assert source_of(cited.prepare[0].iterations[1]) == CellRange(SETTINGS_FILE, "/prepare/0/n4/iterations", "1")
    assert source_of(cited.seed) == CellRange(SETTINGS_FILE, "/", "seed")
    assert source_of(protocol.seed) is None
