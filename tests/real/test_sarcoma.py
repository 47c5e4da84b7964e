"""A real cohort, end to end: 51 patients with T1 MR and FDG-PET, outcome lung metastasis."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from e2e.uncited import uncited
from radstudy.report.cited.check import check_numbers

STUDY = Path(__file__).resolve().parents[2] / "examples" / "soft-tissue-sarcoma" / "study.yaml"


@pytest.fixture(scope="module")
def sarcoma(real_data, tmp_path_factory):
    out = tmp_path_factory.mktemp("sarcoma")
    study = out.parent / f"{out.name}.yaml"  # as published, but for the many refits
    text = STUDY.read_text(encoding="utf-8")
    assert "evaluate:" not in text
    study.write_text(text + "\nevaluate: {chance: {permutations: 19}, resampling: null}\n", encoding="utf-8")
    command = [sys.executable, "-m", "radstudy", "run", str(study), "--data", str(real_data), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_patients_without_a_sequence_stay_in_the_models_that_do_not_need_it(sarcoma):
    models = json.loads((sarcoma / "model" / "models.json").read_text(encoding="utf-8"))
    used = {name: facts["training_rows"] + facts["testing_rows"] for name, facts in models.items()}
    assert used == {"T1": 49, "PET": 51, "T1 + PET": 49}
    absent = pd.read_csv(sarcoma / "cohort" / "absent.csv")
    assert absent["patient"].tolist() == ["STS_009", "STS_020"]


def test_every_lesion_is_measured_and_the_numbers_are_sane(sarcoma):
    features = pd.read_parquet(sarcoma / "extract" / "features.parquet")
    assert features.shape == (100, 960)
    assert (features["original_shape_MeshVolume"] > 0).all()
    table = pd.read_csv(sarcoma / "evaluate" / "table3.csv")
    assert table["auc"].between(0, 1).all()
    assert (table["auc_low"] <= table["auc"]).all()
    assert (table["auc"] <= table["auc_high"]).all()


def test_pairs_are_compared_on_the_patients_that_both_have(sarcoma):
    pairs = pd.read_csv(sarcoma / "evaluate" / "delong.csv").set_index(["set", "model_a", "model_b"])
    both = pairs.loc[("training", "T1", "PET"), "rows"] + pairs.loc[("testing", "T1", "PET"), "rows"]
    assert both == 49


def test_the_report_is_there_and_names_who_is_absent(sarcoma):
    report = (sarcoma / "report.html").read_text(encoding="utf-8")
    assert "STS_009" in report


def test_every_number_of_its_page_cites_its_cells(sarcoma):
    assert check_numbers(sarcoma) == []
    assert uncited(sarcoma) == []
