"""Three real hospitals: a signature trained on each is validated on the two others (docs/validate.md has the table).

Hosny and colleagues' features of lung cancer on CT, two-year survival: Harvard (A), Maastro (B), Moffitt (C). The
tables are standardised per hospital.
"""

from functools import cache

import pandas as pd
import pytest

from radstudy.artefacts.beside import LEAKS
from radstudy.errors import RefusedError
from radstudy.protocol.load import load_protocol
from radstudy.signature.document import read_signature
from radstudy.study import run
from radstudy.validation import validate

HOSPITALS = "ABC"
STUDY = """
study: Hospital {hospital}
seed: 7
cohort:
  table: features.csv
  patient: ID
  outcome: {{column: Target, positive: "1", label: survival of two years}}
  split: {{train: 0.7}}
sequences: [CT]
features: {{table: features.csv, standardised: whole-table}}
model:
  select:
    - impute: median
    - variance: {{}}
    - standardise: zscore
    - collinear: {{above: 0.80}}
    - univariate: {{test: mann-whitney, below: 0.05}}
    - boosted_trees: {{keep: 5}}
  models: {{CT: [CT]}}
evaluate: {{chance: null, baselines: null, resampling: null}}
"""
EXTERNAL = """
cohort: {table: features.csv, patient: ID, outcome: {column: Target}}
features: {table: features.csv, standardised: whole-table}
"""
# trained on, validated on: AUC, its limits, calibration in the large, slope, Brier score: as published, after
# recalibration in the large, and of slope and intercept
MEASURED = {
    ("A", "B"): (0.669, 0.583, 0.743, -1.07, 1.527, 0.257, 0.197, 0.198),
    ("A", "C"): (0.541, 0.447, 0.631, 0.852, 0.515, 0.236, 0.198, 0.199),
    ("B", "A"): (0.554, 0.488, 0.618, 1.326, 0.135, 0.328, 0.289, 0.249),
    ("B", "C"): (0.493, 0.401, 0.585, 2.331, -0.034, 0.424, 0.243, 0.201),
    ("C", "A"): (0.585, 0.518, 0.647, -0.848, 0.678, 0.277, 0.243, 0.245),
    ("C", "B"): (0.517, 0.431, 0.602, -1.946, 0.114, 0.403, 0.211, 0.208),
}


@pytest.fixture(scope="module")
def hospitals(real_data, tmp_path_factory):
    """Hospital to its folder, with a table, a study file that trains and one that validates."""
    folders = {}
    for name in HOSPITALS:
        source = real_data / "radmlbench" / f"Hosny2018{name}.gz"
        if not source.exists():
            pytest.skip(f"no {source}")
        folder = folders[name] = tmp_path_factory.mktemp(name)
        table = pd.read_csv(source, compression="gzip")
        table["ID"] = [f"row {row}" if pd.isna(own) else str(own).strip() for row, own in enumerate(table["ID"])]
        table.to_csv(folder / "features.csv", index=False)
        (folder / "study.yaml").write_text(STUDY.format(hospital=name), encoding="utf-8")
        (folder / "external.yaml").write_text(EXTERNAL, encoding="utf-8")
    return folders


@pytest.fixture(scope="module")
def signature_of(hospitals):
    """Gives the signature trained on a hospital, trained at the first call."""

    @cache
    def trained(name):
        folder = hospitals[name]
        run(load_protocol(folder / "study.yaml"), data=folder, out=folder / "run", until="model", jobs=1)
        return folder / "run" / "signature.json"

    return trained


@pytest.fixture(scope="module")
def result_of(hospitals, signature_of):
    """Gives the result of a model on another hospital; without the page, which takes longer than everything else."""

    @cache
    def validated(one, other):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("radstudy.validation.do_validation_report", lambda run: None)
            return validate(signature_of(one), hospitals[other] / "external.yaml",
                            out=hospitals[other] / f"of {one}", jobs=1).result  # fmt: skip

    return validated


PAIRS = [
    pytest.param(pair, id="".join(pair), marks=[pytest.mark.long] if pair != ("A", "C") else []) for pair in MEASURED
]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_table_of_the_docs_is_what_is_measured(result_of, pair):
    result, wanted = result_of(*pair), MEASURED[pair]
    after = result["recalibration"]
    brier = (result["all"]["calibration"]["brier"], after["in the large"]["brier"], after["slope"]["brier"])
    line = (result["calibration_intercept"], result["calibration_slope"])
    measured = (result["auc"], *result["auc_ci"], *line, *brier)
    assert measured == pytest.approx(wanted, abs=0.002)


@pytest.mark.parametrize("pair", PAIRS)
def test_every_patient_is_predicted_and_recalibration_in_the_large_removes_the_shift_of_prevalence(result_of, pair):
    rows, result = {"A": (293, 159), "B": (207, 60), "C": (183, 133)}, result_of(*pair)
    assert (result["n"], result["events"]) == rows[pair[1]]
    assert abs(result["recalibration"]["in the large"]["intercept"]) < 0.05


@pytest.mark.long
def test_the_leak_detector_still_reports_the_standardised_table(hospitals):
    folder = hospitals["C"]
    run(load_protocol(folder / "study.yaml"), data=folder, out=folder / "run", until="evaluate", jobs=1)
    leaks = LEAKS.read(folder / "run")
    (row,) = leaks[leaks["check"] == "scaling"].to_dict("records")
    assert row["severity"] == "error"
    assert row["remedy"].startswith("expected: the study file declares it")


def test_a_cohort_that_does_not_declare_it_is_refused(hospitals, signature_of, tmp_path):
    file = tmp_path / "external.yaml"
    file.write_text(EXTERNAL.replace(", standardised: whole-table", ""), encoding="utf-8")
    with pytest.raises(RefusedError, match="standardised over the whole table"):
        validate(signature_of("A"), file, data=hospitals["B"], out=tmp_path / "out", jobs=1)
    assert read_signature(signature_of("A")).extract["standardised"] == "whole-table"
