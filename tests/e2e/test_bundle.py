"""The provenance bundle repeats a study at another place with the same numbers, and on no other data."""

import json
import shutil
import zipfile

import pytest

BUNDLE = "study_bundle.zip"


@pytest.fixture(scope="module")
def repeated(demo, command, tmp_path_factory):
    """A run of the demo's bundle on a copy of its data, in another folder."""
    base = tmp_path_factory.mktemp("another") / "place with blanks"
    shutil.copytree(demo / "data", base / "the data")
    command("run", demo / BUNDLE, "--data", base / "the data", "--out", base / "out", check=0)
    return base


def contents(bundle):
    with zipfile.ZipFile(bundle) as source:
        return {name: source.read(name).decode("utf-8") for name in source.namelist()}


@pytest.mark.long
def test_a_repeated_study_has_the_same_numbers(demo, repeated, command):
    said = command("diff", demo, repeated / "out", check=0).stdout
    assert said.strip().startswith("The results are the same"), said
    for file in ("evaluate/table3.csv", "model/features.csv", "evaluate/resampling/summary.csv", "agree/icc.csv"):
        assert (demo / file).read_bytes() == (repeated / "out" / file).read_bytes()


@pytest.mark.long
def test_the_bundle_of_a_repeated_study_is_the_same_but_for_its_times(demo, repeated):
    first, second = contents(demo / BUNDLE), contents(repeated / "out" / BUNDLE)
    assert {name for name in first if first[name] != second[name]} <= {"log.txt"}
    assert list(first) == sorted(second)


def test_the_bundle_names_no_patient_and_no_place(demo, tmp_path):
    whole = "\n".join(contents(demo / BUNDLE).values())
    patients = [folder.name for folder in (demo / "data" / "images").iterdir()]
    assert len(patients) > 20
    assert [word for word in (*patients, str(demo), str(tmp_path.home())) if word in whole] == []


@pytest.mark.long
def test_other_data_are_refused_unless_asked(demo, command, tmp_path):
    data = shutil.copytree(demo / "data", tmp_path / "data")
    image = next((data / "images").glob("*/T2WI.nii.gz"))
    other = next(file for file in (data / "images").glob("*/T2WI.nii.gz") if file != image)
    shutil.copyfile(other, image)
    refused = command("run", demo / BUNDLE, "--data", data, "--out", tmp_path / "out")
    assert refused.returncode == 4
    assert f"image, T2WI: {image}" in refused.stderr or f"image, T2WI: {other}" in refused.stderr
    assert "--other-data" in refused.stderr
    assert not (tmp_path / "out").exists()
    shutil.copyfile(demo / "data" / image.relative_to(data), image)
    table = data / "cohort.csv"
    table.write_text(table.read_text(encoding="utf-8-sig").replace("irregular", "oval/round", 1), encoding="utf-8")
    assert f"cohort table: {table}" in command("run", demo / BUNDLE, "--data", data, "--out", tmp_path / "out").stderr
    asked = command("run", demo / BUNDLE, "--data", data, "--out", tmp_path / "out", "--other-data", "--step", "cohort")
    assert asked.returncode == 0
    assert "not compared" in asked.stderr


def test_a_bundle_needs_its_data_named(demo, command):
    refused = command("run", demo / BUNDLE)
    assert refused.returncode == 2
    assert "--data" in refused.stderr


@pytest.mark.long
def test_one_changed_setting_is_named_with_its_effect(demo, repeated, command):
    study = repeated / "study.yaml"
    written = contents(demo / BUNDLE)["study.yaml"]
    assert "agree:" not in written
    study.write_text(f"{written}agree:\n  icc:\n    above: 0.9\n", encoding="utf-8")
    shutil.copytree(repeated / "out", repeated / "changed")
    command("run", study, "--data", repeated / "the data", "--out", repeated / "changed", check=0)
    found = json.loads(command("diff", demo, repeated / "changed", "--json", check=0).stdout)
    ((name, step),) = {(one["name"], one["step"]) for one in found["settings"]}
    assert (name.rpartition(".")[2], step) == ("above", "agree")
    assert found["results_differ"]
    assert found["reproducible"]
    assert found["selections"]
    assert found["aucs"]
    said = command("diff", demo, repeated / "changed", check=0).stdout
    assert f"{name} (agree)" in said.splitlines()[-1]


def test_diff_names_an_algorithm_of_another_version(demo_copy, demo, command):
    record = demo_copy / "model" / "provenance.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    assert content["algorithms"]["model"] >= 1
    content["algorithms"]["model"] = 99
    record.write_text(json.dumps(content), encoding="utf-8")
    assert "algorithm model: 1 -> 99 (model)" in command("diff", demo, demo_copy, check=0).stdout
