"""A signature on external feature tables whose truth is known: calibration, shift, subgroups, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError, RefusedError, StudyFileError, UsageError
from radstudy.modelling.models import LinearForm, Term
from radstudy.report.cited.check import check_numbers
from radstudy.signature.document import read_signature, stated_hash
from radstudy.store import content_hash, read_json
from radstudy.validation import validate
from unit.external_cohorts import formula, write_cohort, write_model


def go(folder, signature=None, **more):
    return validate(signature or write_model(folder), folder / "study.yaml", out=folder / "out", jobs=1, **more)


def contains(limits, value):
    return limits[0] <= value <= limits[1]


@pytest.fixture(autouse=True)
def without_the_page(monkeypatch):
    """The page takes longer than everything else; the tests of the page take the patch away."""
    monkeypatch.setattr("radstudy.validation.do_validation_report", lambda run: None)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """A cohort in which the formula is right, with a column of groups and one patient far outside."""
    folder = tmp_path_factory.mktemp("calibrated")

    def site(rng, rows):
        return rng.choice(["north", "south"], rows)

    frame, _ = write_cohort(folder, more=", ignore: [site]", site=site)
    frame.loc[0, "a"] = 60.0
    frame.to_csv(folder / "table.csv", index=False)
    return frame, go(folder, by=["site"])


def test_a_calibrated_cohort_has_slope_1_and_intercept_0(calibrated):
    _, finished = calibrated
    result = finished.result
    assert contains(result["calibration_slope_ci"], 1)
    assert contains(result["calibration_intercept_ci"], 0)
    mix = result["all"]["case_mix"]
    assert contains((mix["auc_low"], mix["auc_high"]), mix["expected_auc"])
    assert finished.lost == 0


def test_the_result_has_the_names_that_others_read(calibrated):
    frame, finished = calibrated
    written = json.loads((finished.out / "validation.json").read_text(encoding="utf-8"))
    assert {"auc", "auc_ci", "calibration_slope", "calibration_intercept", "n", "events"} <= set(written)
    assert (written["n"], written["events"]) == (len(frame), int(frame["y"].sum()))
    assert written["auc_ci"][0] < written["auc"] < written["auc_ci"][1]


def test_every_patient_is_predicted_by_the_formula_alone(calibrated):
    frame, finished = calibrated
    predicted = pd.read_csv(finished.out / "validate" / "predictions.csv").set_index("patient")
    design = frame.set_index("id").rename(columns={"a": "MR:a", "b": "MR:b"})
    wanted = pd.Series(formula().probability(design), index=design.index).reindex(predicted.index)
    assert (predicted["probability"] - wanted).abs().max() < 1e-12


def test_the_patient_outside_is_counted_and_named(calibrated):
    _, finished = calibrated
    assert finished.result["outside_range"] == 1
    assert finished.result["inside_range"]["performance"]["rows"] == finished.result["n"] - 1
    findings = pd.read_csv(finished.out / "validate" / "findings.csv")
    (row,) = findings[findings["refuses"]].to_dict("records")
    assert (row["patient"], row["kind"], row["where"]) == ("P0000", "feature", "MR:a")


def test_subgroups_add_up(calibrated):
    frame, finished = calibrated
    groups = {row["level"]: row for row in finished.result["subgroups"]}
    assert {name: row["rows"] for name, row in groups.items()} == frame["site"].value_counts().to_dict()
    assert all(contains((row["slope_low"], row["slope_high"]), 1) for row in groups.values())


def test_the_page_has_every_part_and_its_numbers_are_those_of_the_files(calibrated):
    _, finished = calibrated
    page = finished.report.read_text(encoding="utf-8")
    assert "could not be made" not in page
    assert "A sentence is missing" not in page
    assert not check_numbers(finished.out)
    for name in ("answer", "paper", "evidence"):
        assert f'id="{name}"' in page


def test_a_second_call_does_nothing_again(calibrated, monkeypatch):
    monkeypatch.undo()
    _, finished = calibrated
    said = []
    folder = finished.out.parent
    again = validate(folder / "signature.json", folder / "study.yaml", out=finished.out, by=["site"], jobs=1,
                     say=said.append)  # fmt: skip
    assert again.result == finished.result
    assert all("already done" in line or "nothing to do" in line for line in said), said


def test_a_shifted_prevalence_is_the_intercept_and_recalibration_in_the_large_removes_it(tmp_path):
    write_cohort(tmp_path, shift=-1.0)
    result = go(tmp_path).result
    assert contains(result["calibration_intercept_ci"], -1.0)
    assert contains(result["calibration_slope_ci"], 1)
    after = result["recalibration"]["in the large"]
    assert abs(after["intercept"]) < 0.05
    assert contains((after["slope_low"], after["slope_high"]), 1)
    assert after["brier"] < result["all"]["calibration"]["brier"]


def test_overfitted_coefficients_are_the_slope_and_its_recalibration_removes_them(tmp_path):
    write_cohort(tmp_path, slope=0.4)
    result = go(tmp_path).result
    assert contains(result["calibration_slope_ci"], 0.4)
    assert not contains(result["calibration_slope_ci"], 1)
    after = result["recalibration"]["slope"]
    assert contains((after["slope_low"], after["slope_high"]), 1)
    mix = result["all"]["case_mix"]
    assert mix["auc_high"] < mix["expected_auc_low"]
    assert contains((mix["auc_low"], mix["auc_high"]), mix["expected_recalibrated"])


def test_no_recalibration_is_evaluated_on_patients_it_was_estimated_on(tmp_path):
    """On noise, a refit that saw its own patients would look better than it is; cross-fitted it does not."""
    rng = np.random.default_rng(4)
    frame, _ = write_cohort(tmp_path, rows=60)
    frame["y"] = rng.permutation([0, 1] * 30)
    frame.to_csv(tmp_path / "table.csv", index=False)
    result = go(tmp_path).result
    assert result["recalibration"]["refit"]["scaled_brier"] < 0.02
    assert result["recalibration"]["refit"]["auc"] < 0.6


# --- patients that cannot be predicted ---------------------------------------------------------------------------


def test_a_missing_value_is_reported_not_imputed_unless_the_signature_says_so(tmp_path):
    frame, _ = write_cohort(tmp_path, rows=80)
    frame.loc[3, "a"] = np.nan
    frame.to_csv(tmp_path / "table.csv", index=False)
    result = go(tmp_path).result
    assert (result["n"], result["not_predicted"]) == (79, 1)
    (row,) = pd.read_csv(tmp_path / "out" / "validate" / "not_predicted.csv").to_dict("records")
    assert (row["patient"], row["reason"]) == ("P0003", "MR:a has no value")
    imputing = write_model(tmp_path, form=formula(imputation=10.0))
    result = go(tmp_path, imputing).result
    assert (result["n"], result["not_predicted"]) == (80, 0)
    predicted = pd.read_csv(tmp_path / "out" / "validate" / "predictions.csv").set_index("patient")
    assert predicted["imputed"].sum() == predicted.loc["P0003", "imputed"] == 1


def test_a_cohort_of_one_class_is_refused(tmp_path):
    frame, _ = write_cohort(tmp_path, rows=40)
    frame.assign(y=1).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(CohortError, match=r"is never '0' .found: 1.* a study needs both classes"):
        go(tmp_path)


def test_the_training_patients_are_not_an_external_cohort(tmp_path, monkeypatch):
    frame, _ = write_cohort(tmp_path, rows=60)
    first = go(tmp_path)
    assert not any(note.startswith("THESE ARE") for note in first.result["notes"])
    signature = tmp_path / "signature.json"
    document = read_json(signature)
    ordered = frame.sort_values("id")
    document["training"]["rows_hash"] = content_hash([[row.id, "1", int(row.y)] for row in ordered.itertuples()])
    document["hash"] = stated_hash(document)[1]
    signature.write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.undo()
    told = go(tmp_path, signature)
    assert any(note.startswith("THESE ARE THE PATIENTS") for note in told.result["notes"])
    assert 'class="alarm"' in told.report.read_text(encoding="utf-8")


# --- what is refused ---------------------------------------------------------------------------------------------


def test_other_names_of_features_are_refused_with_the_missing_ones(tmp_path):
    frame, _ = write_cohort(tmp_path, rows=40)
    frame.rename(columns={"b": "other"}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(RefusedError, match="1 of its 2 features are not in the table: MR:b"):
        go(tmp_path)


def test_images_are_refused_for_a_signature_of_a_table(tmp_path):
    _, file = write_cohort(tmp_path, rows=40)
    text = "cohort: {table: table.csv, patient: id, outcome: {column: y}, images: '{patient}.nii', masks: " \
           "'{patient}_{reader}.nii', readers: [a]}\n"  # fmt: skip
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RefusedError, match="cannot be validated on images"):
        go(tmp_path)


def test_a_table_that_was_standardised_without_saying_so_is_refused(tmp_path):
    frame, _ = write_cohort(tmp_path, rows=80)
    for name in ("a", "b"):
        frame[name] = (frame[name] - frame[name].mean()) / frame[name].std()
    frame.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(RefusedError, match="were standardised over this table"):
        go(tmp_path)


@pytest.mark.parametrize(
    ("of_signature", "of_study", "says"),
    [
        ({"from_feature_table": True}, ", standardised: whole-table", "made from features as extracted"),
        ({"from_feature_table": True, "standardised": "whole-table"}, "", "write 'standardised: whole-table'"),
    ],
)
def test_both_have_to_declare_a_standardised_table(tmp_path, of_signature, of_study, says):
    write_cohort(tmp_path, rows=40, more=of_study)
    with pytest.raises(RefusedError, match=says):
        go(tmp_path, write_model(tmp_path, extract=of_signature))


def test_a_sequence_of_the_signature_that_the_file_lacks_is_refused(tmp_path):
    write_cohort(tmp_path, rows=40, further="sequences: [CT]")
    with pytest.raises(RefusedError, match="needs MR"):
        go(tmp_path)


def test_a_column_of_subgroups_has_to_exist_and_to_group(tmp_path):
    write_cohort(tmp_path, rows=40)
    with pytest.raises(UsageError, match="no such column"):
        go(tmp_path, by=["centre"])
    with pytest.raises(UsageError, match="40 different values"):
        go(tmp_path, by=["id"])


def test_a_clinical_variable_is_coded_as_in_the_signature(tmp_path):
    form = LinearForm(-0.2, (*formula().terms, Term("clinical:sex=male", None, 0.0, 1.0, 0.7, (0.0, 1.0))))
    signature = write_model(tmp_path, form=form, clinical={"sex": {"levels": ["female", "male"]}})

    def sex(rng, rows):
        return rng.choice(["female", "male"], rows)

    frame, file = write_cohort(tmp_path, rows=60, more=", ignore: [sex]", sex=sex)
    assert go(tmp_path, signature).result["n"] == 60
    predicted = pd.read_csv(tmp_path / "out" / "validate" / "predictions.csv").set_index("patient")
    males = frame.set_index("id")["sex"] == "male"
    with_sex = predicted["log_odds"].sort_index()
    go(tmp_path, write_model(tmp_path, clinical={}))
    without = pd.read_csv(tmp_path / "out" / "validate" / "predictions.csv").set_index("patient")["log_odds"]
    difference = with_sex - without.sort_index()
    assert difference[males].to_numpy() == pytest.approx(0.7)
    assert difference[~males].to_numpy() == pytest.approx(0.0)
    signature = write_model(tmp_path, form=form, clinical={"sex": {"levels": ["female", "male"]}})
    other = "  clinical: {sex: {levels: [male, female]}}"
    file.write_text(file.read_text(encoding="utf-8").replace("features:", f"{other}\nfeatures:"), encoding="utf-8")
    with pytest.raises(StudyFileError, match="levels is male, female, in the signature female, male"):
        go(tmp_path, signature)


def test_the_folder_of_a_study_is_not_overwritten(tmp_path):
    write_cohort(tmp_path, rows=40)
    (tmp_path / "out" / "model").mkdir(parents=True)
    with pytest.raises(UsageError, match="has the run of a study"):
        go(tmp_path)


def test_the_signature_that_was_validated_is_kept_beside_the_result(calibrated):
    _, finished = calibrated
    own = finished.out / "validate" / "signature.json"
    assert own.read_bytes() == (finished.out.parent / "signature.json").read_bytes()
    assert read_signature(own).model == "two"
