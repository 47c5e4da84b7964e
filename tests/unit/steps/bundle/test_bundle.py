"""Bundles: hashes without names, and what is refused."""

import json
import zipfile
from pathlib import Path

import pytest

from radstudy.algorithms import VERSIONS
from radstudy.errors import DataError, StudyFileError
from radstudy.protocol.load import parse_protocol
from radstudy.steps.bundle import DataHashes, data_hashes, read_bundle, refuse_other_data
from radstudy.steps.bundle.data import DataFile
from radstudy.steps.bundle.paths import OUTSIDE
from radstudy.store import file_hash

STUDY = """
study: test
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  readers: [a]
sequences: [T2]
features: {table: features.csv}
model: {models: {T2: [T2]}, select: [{boosted_trees: {keep: 2}}]}
"""


def bundle(path, study=STUDY, algorithms=VERSIONS, data=None):
    contents = {"study.yaml": study, "data.json": json.dumps(data or {"tables": {}, "images": {}}),
                "algorithms.json": json.dumps({"algorithms": algorithms})}  # fmt: skip
    with zipfile.ZipFile(path, "w") as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return path


def test_the_hashes_hold_roles_and_contents_only():
    files = [DataFile(Path(f"images/{name}/T2.nii"), "image, T2", content, table=False)
             for name, content in (("Smith", "h2"), ("Miller", "h1"))]  # fmt: skip
    hashes = data_hashes([*files, DataFile(Path("cohort.csv"), "cohort table", "h0", table=True)])
    assert hashes.as_json() == {"tables": {"cohort table": "h0"}, "images": {"image, T2": ["h1", "h2"]}}
    assert DataHashes.from_json(hashes.as_json()) == hashes
    assert data_hashes(reversed(files)).images == hashes.images
    assert data_hashes(files[:1]).cohort_hash != hashes.cohort_hash


def test_a_bundle_is_read_as_it_was_written(tmp_path):
    study = read_bundle(bundle(tmp_path / "b.zip"))
    assert study.protocol == parse_protocol(STUDY)
    assert study.other_versions() == []


def test_other_versions_of_algorithms_are_told(tmp_path):
    study = read_bundle(bundle(tmp_path / "b.zip", algorithms={**VERSIONS, "agree": 99}))
    assert study.other_versions() == [f"agree: 99 in the bundle, {VERSIONS['agree']} here"]


@pytest.mark.parametrize("damage", ["not a zip", "no study", "no hashes", "no json", "absent"])
def test_what_is_no_bundle_is_refused_with_what_to_do(tmp_path, damage):
    file = tmp_path / "b.zip"
    if damage == "not a zip":
        file.write_bytes(b"PK no")
    elif damage == "no hashes":
        bundle(file, data={"tables": {}, "images": []})
    elif damage == "no json":
        bundle(file)
        with zipfile.ZipFile(file, "w") as target:
            for name in ("study.yaml", "data.json", "algorithms.json"):
                target.writestr(name, "{")
    elif damage == "no study":
        with zipfile.ZipFile(file, "w") as target:
            target.writestr("other.txt", "")
    with pytest.raises(StudyFileError, match=r"To do: give the study_bundle\.zip"):
        read_bundle(file)


def test_files_from_outside_the_data_are_asked_for(tmp_path):
    file = bundle(tmp_path / "b.zip", STUDY.replace("table: cohort.csv", f"table: {OUTSIDE}/cohort.csv"))
    with pytest.raises(StudyFileError, match="put your own paths"):
        read_bundle(file)


def test_other_tables_are_named(tmp_path):
    for name in ("cohort.csv", "features.csv"):
        (tmp_path / name).write_text("id,y,set\n")
    own = {"cohort table": file_hash(tmp_path / "cohort.csv"), "feature table 1": "another"}
    with pytest.raises(DataError) as refused:
        refuse_other_data(DataHashes(own, {}), parse_protocol(STUDY), tmp_path)
    assert f"feature table 1: {tmp_path / 'features.csv'} has another content" in str(refused.value)
    assert "cohort table" not in str(refused.value)
    (tmp_path / "cohort.csv").unlink()
    with pytest.raises(DataError, match=r"cohort table: .*is missing"):
        refuse_other_data(DataHashes(own, {}), parse_protocol(STUDY), tmp_path)
