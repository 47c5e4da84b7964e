"""The whole study from one command, and what happens when it is stopped, changed or given bad input."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from radstudy.artefacts import ARTEFACTS, JsonFile, TableFile, artefact_of
from radstudy.protocol import load_protocol
from radstudy.report.checklists import CHECKLISTS, ItemStatus, answered, metrics_score, shipped
from radstudy.report.facts import read_facts

STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate", "report")
NUMBERS = ("agree/icc.csv", "model/features.csv", "model/predictions.csv", "evaluate/table3.csv", "evaluate/delong.csv")


def study_of(folder):
    return folder / "data" / "study.yaml"


def lean(folder):
    """The same study without the parts of `evaluate` that refit every model many times."""
    text = study_of(folder).read_text(encoding="utf-8")
    assert text.count("chance: {") == text.count("resampling: {") == 1
    text = re.sub(r"^  (chance|resampling): .*$", r"  \1: null", text, flags=re.MULTILINE) + "  baselines: null\n"
    file = folder / "data" / "lean.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_step_leaves_its_folder_and_provenance(demo):
    for step in STEPS:
        record = json.loads((demo / step / "provenance.json").read_text(encoding="utf-8"))
        assert record["key"]
        assert record["versions"]["radstudy"]
    assert (demo / "report.html").stat().st_size > 10_000
    assert (demo / "signature.json").exists()


# Declared files that the demo does not write, each with the condition that its declaration names.
NOT_IN_THE_DEMO = {
    ".working.json", ".stop", "run.jsonl.?", ".shard-*.lock", "cohort/reading.json", "report/acquisition.csv",
    "report.pdf", "report_evidence.pdf",
    "prepare/transferred.csv", "prepare/transferred/*.nii.gz", "extract/transferred.csv", "extract/columns.csv",
    "extract/maps/maps.csv", "extract/maps/*.npz", "extract/maps/volumes/*.json", "extract/maps/provenance.json",
    "extract/shuffled/features.parquet", "extract/shuffled/failures.csv", "extract/shuffled/provenance.json",
    "evaluate/chance/*/scikit-learn/*/*.npz", "evaluate/resampling/*/scikit-learn/*/*.npz",
    "evaluate/baselines/*/*.npz", "evaluate/baselines/*/scikit-learn/*/*.npz",
    "evaluate/signature/*/scikit-learn/*/*.npz",
    "evaluate/harmonisation/site_effect.csv", "evaluate/harmonisation/with_and_without.csv",
    "evaluate/harmonisation/provenance.json",
    "validation.json", *(one.path for one in ARTEFACTS if one.path.startswith("validate/")),
}  # fmt: skip


def test_every_file_is_declared_with_its_columns_and_nothing_declared_is_never_written(demo):
    seen = set()
    for file in sorted(file for file in demo.rglob("*") if file.is_file()):
        name = file.relative_to(demo).as_posix()
        if name.startswith("data/"):  # the synthetic cohort itself, which no run writes
            continue
        declared = artefact_of(name)
        assert declared is not None, f"{name} is not declared in radstudy.artefacts"
        seen.add(declared.path)
        if isinstance(declared, TableFile):
            parquet = name.endswith(".parquet")
            frame = pd.read_parquet(file).reset_index() if parquet else declared.read(demo)
            own = list(frame.columns) if declared.more is None else list(frame.columns)[: len(declared.names)]
            assert own == declared.names, name
        elif isinstance(declared, JsonFile):
            content = json.loads(file.read_text(encoding="utf-8"))
            for of_the_record in ("checksum", "key") if declared.kept else ():
                if of_the_record not in {field.name for field in declared.fields}:
                    content.pop(of_the_record)
            declared.check(content)
    never = {declared.path: declared.when for declared in ARTEFACTS if declared.path not in seen}
    assert set(never) == NOT_IN_THE_DEMO
    assert all(never.values()), never


def test_a_run_folder_of_a_newer_layout_is_refused_and_left_alone(demo_copy, command):
    (demo_copy / "run_folder.json").write_text('{"schema_version": 99}', encoding="utf-8")
    before = {name: (demo_copy / name).read_bytes() for name in NUMBERS}
    done = command("run", study_of(demo_copy), "--data", demo_copy / "data", "--out", demo_copy, check=2)
    assert "schema version 99" in done.stderr and "update radstudy" in done.stderr
    assert {name: (demo_copy / name).read_bytes() for name in NUMBERS} == before


def test_a_sequence_has_1218_features(demo):
    features = pd.read_parquet(demo / "extract" / "features.parquet")
    assert features.shape[1] == 1218
    summary = json.loads((demo / "extract" / "summary.json").read_text(encoding="utf-8"))
    assert summary["features"] == 1218


def test_the_demo_says_synthetic_everywhere(demo):
    assert "SYNTHETIC" in (demo / "report.html").read_text(encoding="utf-8")
    rows = pd.read_csv(demo / "cohort" / "rows.csv")
    assert rows["patient"].str.startswith("SYN-").all()
    assert "SYNTHETIC" in json.loads((demo / "signature.json").read_text(encoding="utf-8"))["notice"]


@pytest.mark.parametrize("name", CHECKLISTS)
def test_what_a_checklist_calls_met_is_a_column_of_a_file_of_the_run(demo, name):
    items = answered(read_facts(load_protocol(study_of(demo)), demo), shipped(name))
    met = [item for item in items if item.status is ItemStatus.MET]
    assert len(met) > 10
    for item in met:
        assert item.evidence
        for place in (place for place in item.evidence if place.file):
            file = demo / place.file
            if file.suffix == ".csv":
                assert place.column in ("", *pd.read_csv(file, nrows=0)), (item.item.number, place)
            else:
                content = json.loads(file.read_text(encoding="utf-8"))
                for part in filter(None, place.column.split(".")) if place.file != "model/models.json" else ():
                    content = content[part]
                assert content, (item.item.number, place)
    written = pd.read_csv(demo / "report" / "tables" / f"checklist_{name}.csv", dtype=str)
    assert written["status"].tolist() == [item.status.value for item in items]
    assert (demo / "report" / "tables" / f"checklist_{name}.docx").is_file()


def test_metrics_of_the_demo_by_hand(demo):
    """350 of 956 = 11 + 62 + 31 + 41 + 20 + 20 + 30 + 35 + 23 + 18 + 12 + 29 + 18; the table gives the split."""
    items = answered(read_facts(load_protocol(study_of(demo)), demo), shipped("metrics"))
    met = [int(item.item.number) for item in items if item.status is ItemStatus.MET]
    assert met == [10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25]
    assert round(metrics_score(items).now, 1) == 36.6


def test_a_second_run_does_nothing_and_changes_nothing(demo_copy, command):
    before = {name: (demo_copy / name).read_bytes() for name in NUMBERS}
    data = demo_copy / "data"
    # The copy lies elsewhere, so its files have other paths but the same contents.
    # The report would be written again: its table of steps has the time at which the cohort was read.
    done = command("run", study_of(demo_copy), "--data", data, "--out", demo_copy, "--step", "evaluate", check=0)
    assert "extract: already done" in done.stderr and "evaluate: already done" in done.stderr
    assert {name: (demo_copy / name).read_bytes() for name in NUMBERS} == before


def test_the_times_of_every_case_and_part_are_told(demo, command):
    done = command("status", study_of(demo), "--out", demo, "--timing", "--json", check=0)
    timing = json.loads(done.stdout)["timing"]
    assert set(STEPS) <= set(timing["steps"])
    prepared = timing["work"]["prepare"]
    assert len(prepared["cases"]) == len(list((demo / "prepare" / "volumes").glob("*.json")))
    assert {"read", "n4", "shape", "firstorder", "glcm", "glszm", "filter Wavelet"} <= set(prepared["parts"])
    assert sum(prepared["parts"].values()) == pytest.approx(sum(prepared["cases"].values()), rel=0.02)


@pytest.mark.long
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_numbers(demo, tmp_path, command):
    out = tmp_path / "out"
    arguments = [sys.executable, "-m", "radstudy", "run", str(lean(demo)), "--out", str(out), "--jobs", "1"]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while len(list(out.glob("extract/volumes/*.json"))) < 5:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    process.wait()
    assert not (out / "extract" / "provenance.json").exists()
    kept = {
        file: file.stat().st_mtime_ns for step in ("prepare", "extract") for file in out.glob(f"{step}/volumes/*.json")
    }
    assert (
        len([file for file in kept if "prepare" in file.parts]) >= 5
    )  # each volume is prepared before it is extracted
    command("run", lean(demo), "--out", out, "--step", "evaluate", check=0)
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in kept.items())
    for name in NUMBERS:
        assert (out / name).read_bytes() == (demo / name).read_bytes(), name


def test_a_change_downstream_does_not_extract_again(demo_copy, command):
    study = lean(demo_copy)
    study.write_text(study.read_text(encoding="utf-8") + "  interval: {auc: delong}\n", encoding="utf-8")
    done = command("run", study, "--out", demo_copy, "--step", "evaluate", check=0)
    assert "model: already done" in done.stderr
    assert "evaluate: done" in done.stderr


def predict_arguments(demo, signature, patient):
    model = json.loads(signature.read_text(encoding="utf-8"))
    rows = pd.read_csv(demo / "cohort" / "rows.csv", dtype=str).set_index("patient")
    data = demo / "data"
    arguments = ["predict", signature, "--json"]
    for sequence in model["sequences"]:
        arguments += ["--image", f"{sequence}={data / 'images' / patient / f'{sequence}.nii.gz'}"]
        arguments += ["--mask", f"{sequence}={data / 'masks' / patient / f'{sequence}_reader1.nii.gz'}"]
    for name in model["clinical"]:
        arguments += ["--clinical", f"{name}={rows.at[patient, name]}"]
    return arguments


@pytest.mark.parametrize("model", ["combined-C", pytest.param("DCE7", marks=pytest.mark.long), "clinical-imaging"])
def test_predict_gives_the_runs_own_probability(demo, command, model):
    scores = pd.read_csv(demo / "model" / "predictions.csv")
    scores = scores[scores["model"] == model.replace("combined-C", "combined C")].set_index("patient")
    for patient in (scores.index[0], scores.index[-1]):
        signature = demo / "model" / "signatures" / f"{model}.json"
        answer = json.loads(command(*predict_arguments(demo, signature, patient), check=0).stdout)
        assert answer["probability"] == pytest.approx(scores.at[patient, "probability"], rel=0, abs=1e-12)


def test_predict_refuses_what_does_not_fit(demo, command, tmp_path):
    done = command("predict", demo / "model" / "signatures" / "DCE7.json", check=5)
    assert "--image DCE7=FILE is missing" in done.stderr
    broken = tmp_path / "s.json"
    broken.write_text("{}", encoding="utf-8")
    assert "is not a signature" in command("predict", broken, check=5).stderr


def spoil(folder):
    """One fault of each kind, each in another patient; what the message must say."""
    data = folder / "data"
    rows = pd.read_csv(folder / "cohort" / "rows.csv", dtype=str)
    victims = iter(rows.loc[rows["set"] == "training", "patient"])
    expected = {}

    def files(sequence):
        patient = next(victims)
        return patient, data / "images" / patient / f"{sequence}.nii.gz", data / "masks" / patient / (
            f"{sequence}_reader1.nii.gz")  # fmt: skip

    patient, image, _ = files("DWI")
    image.unlink()
    expected[patient] = "the image does not exist"
    patient, image, _ = files("T2WI")
    image.write_bytes(b"this is not an image")
    expected[patient] = "cannot be read as an image"
    patient, _, mask = files("DCE3")
    header = sitk.ReadImage(str(mask))
    header.SetSpacing([2 * value for value in header.GetSpacing()])
    sitk.WriteImage(header, str(mask))
    expected[patient] = "spacing"
    patient, _, mask = files("DWI")
    sitk.WriteImage(sitk.ReadImage(str(mask)) * 0, str(mask))
    expected[patient] = "the mask is empty"
    patient, _, mask = files("DCE7")
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(mask)))
    array[tuple(index[:2] for index in np.nonzero(array))] = 2
    _write_like(mask, array)
    expected[patient] = "2 labels (1, 2)"
    patient, image, _ = files("T2WI")
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(image))).astype(np.float32)
    array[0, 0, 0] = np.nan
    _write_like(image, array)
    expected[patient] = "not finite"
    patient, image, _ = files("T2WI")
    sitk.WriteImage(sitk.ReadImage(str(image)) * 0 + 5, str(image))
    expected[patient] = "constant"
    patient, _, mask = files("DCE3")
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(mask)))
    keep = [index[:3] for index in np.nonzero(array)]
    small = np.zeros_like(array)
    small[tuple(keep)] = 1
    _write_like(mask, small)
    expected[patient] = "3 voxels, fewer than"
    return expected


def _write_like(path, array):
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(sitk.ReadImage(str(path)))
    sitk.WriteImage(image, str(path))


def test_bad_cases_are_named_and_the_others_go_on(demo_copy, command):
    expected = spoil(demo_copy)
    done = command("run", lean(demo_copy), "--out", demo_copy, check=4)
    assert "Traceback" not in done.stderr
    for patient, says in expected.items():
        lines = [line for line in done.stderr.splitlines() if line.startswith(f"Patient {patient},")]
        assert any(says in line and "To do: " in line for line in lines), (patient, says, done.stderr)
    report = (demo_copy / "report.html").read_text(encoding="utf-8")
    assert all(patient in report for patient in expected)
    models = json.loads((demo_copy / "model" / "models.json").read_text(encoding="utf-8"))
    assert models["T2WI"]["not_used"] == 3
    assert models["clinical-imaging"]["not_used"] == 0


def test_two_runs_into_one_folder_are_refused(demo, tmp_path, command):
    from filelock import FileLock

    out = tmp_path / "out"
    out.mkdir()
    with FileLock(str(out / ".lock")):
        done = command("run", study_of(demo), "--out", out, check=2)
    assert "another run is working" in done.stderr


@pytest.mark.long
def test_steps_can_be_run_one_by_one(demo, tmp_path, command):
    out = tmp_path / "out"
    command("run", study_of(demo), "--out", out, "--step", "cohort", check=0)
    assert sorted(folder.name for folder in out.iterdir() if folder.is_dir()) == ["cohort"]
    flow = json.loads((out / "cohort" / "flow.json").read_text(encoding="utf-8"))
    assert flow["kept"] == 24
    shutil.rmtree(out)


def test_the_demo_has_no_leak_and_a_spoilt_one_has(demo_copy, command):
    looked = command("check", study_of(demo_copy), "--out", demo_copy, check=0).stdout
    assert looked.startswith(
        "No sign of:\n- one mask under two readers, lesions or patients (128 masks)\n- scaling before"
    )
    assert "one image file under two patients (96 files)" in looked
    assert not len(pd.read_csv(demo_copy / "evaluate" / "leaks" / "leaks.csv"))
    rows = pd.read_csv(demo_copy / "cohort" / "rows.csv", dtype=str)
    one, other = (rows.loc[rows["set"] == which, "patient"].iloc[0] for which in ("training", "testing"))
    images = demo_copy / "data" / "images"
    shutil.copy(images / one / "DWI.nii.gz", images / other / "DWI.nii.gz")
    done = command("check", study_of(demo_copy), "--out", demo_copy, "--json", check=4)
    (finding,) = [found for found in json.loads(done.stdout) if found["severity"] == "error"]
    assert {one, other} <= set(finding["where"].split(" = "))
    assert "1 finding(s) to settle" in done.stderr


def test_a_plan_of_the_demos_study(demo, command):
    done = command("plan", study_of(demo), "--patients", "60", "--repeats", "1", "--json", check=0)
    plan = json.loads(done.stdout)
    needed = {row["model"]: row["candidate_parameters"] for row in plan["sample_size"]}
    assert needed["DWI"] == 1218
    assert {row["model"] for row in plan["expected"]} == set(needed)
