"""The version of a run folder's layout, and a finished run: every file declared, nothing declared and never written."""

from __future__ import annotations

import json

import pytest

from radstudy.artefacts import SCHEMA_VERSION, require_known_schema, write_schema
from radstudy.errors import UsageError

NAME = "run_folder.json"


def test_a_folder_without_a_version_is_of_the_first(tmp_path):
    require_known_schema(tmp_path)
    require_known_schema(tmp_path / "not there")


def test_the_version_is_written_once_and_read(tmp_path):
    write_schema(tmp_path)
    assert json.loads((tmp_path / NAME).read_text(encoding="utf-8")) == {"schema_version": SCHEMA_VERSION}
    before = (tmp_path / NAME).stat().st_mtime_ns
    write_schema(tmp_path)
    assert (tmp_path / NAME).stat().st_mtime_ns == before
    require_known_schema(tmp_path)


def test_a_newer_version_is_refused_with_both_versions_and_what_to_do(tmp_path):
    (tmp_path / NAME).write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}), encoding="utf-8")
    with pytest.raises(
        UsageError, match=rf"schema version {SCHEMA_VERSION + 1}, but this version supports {SCHEMA_VERSION}.*--out"
    ):
        require_known_schema(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema_version": "new"}', '{"schema_version": null}'])
def test_a_version_that_cannot_be_read_is_refused_and_not_guessed(tmp_path, content):
    (tmp_path / NAME).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=NAME):
        require_known_schema(tmp_path)
