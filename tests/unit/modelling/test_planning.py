"""Simulated studies: the effect is the one asked for, noise stays noise, and the numbers do not depend on the cores."""

import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn.metrics import roc_auc_score

from radstudy.cohort.split import made_split
from radstudy.errors import DataError, UsageError
from radstudy.modelling.planning import BLOCK, LOADING, _sizes, expected_performance, simulated_features
from radstudy.statistics import parameters_allowed, prediction_sample_size
from radstudy.steps.plan import as_text, candidate_parameters, plan_study
from unit.modelling.refits.engine import cohorts

protocol = cohorts.protocol


def test_a_features_auc_is_that_of_two_shifted_normals():
    rng = np.random.default_rng(2)
    y = np.arange(20_000) % 2
    values = simulated_features(y, 3 * BLOCK, 0.8, 1, rng)
    expected = special.ndtr(0.8 * np.sqrt(LOADING) / np.sqrt(2))
    for column, area in ((0, expected), (BLOCK - 1, expected), (BLOCK, 0.5), (3 * BLOCK - 1, 0.5)):
        assert roc_auc_score(y, values[:, column]) == pytest.approx(area, abs=3.5 * 0.0041)  # its standard error
    within = np.corrcoef(values[y == 0][:, [0, 1, BLOCK]], rowvar=False)
    assert within[0, 1] == pytest.approx(LOADING, abs=0.02)
    assert within[0, 2] == pytest.approx(0, abs=0.04)


def expected(auc, patients=60, jobs=1, repeats=30):
    return expected_performance(
        protocol(), patients, prevalence=0.4, auc=auc, features=60, repeats=repeats, models=["T2", "all"], jobs=jobs
    )  # fmt: skip


def test_without_an_effect_the_testing_auc_is_a_half_and_the_training_auc_is_not():
    found = expected(0.5)
    testing = found.testing_auc[:, 0]
    assert abs(testing.mean() - 0.5) < 3.5 * testing.std(ddof=1) / np.sqrt(len(testing))
    assert found.training_auc[:, 0].mean() > 0.6
    assert (found.training, found.testing) == (42, 18)


def test_the_simulated_studies_are_split_as_the_cohorts_are():
    for patients, prevalence, share in ((107, 42 / 107, 0.7), (61, 0.4, 0.8), (21, 0.2, 0.7), (90, 0.33, 0.6)):
        negative_train, positive_train, negative_test, positive_test = _sizes(patients, prevalence, share)
        positive = positive_train + positive_test
        assert negative_train + positive_train + negative_test + positive_test == patients
        index = pd.MultiIndex.from_product([[f"p{i:03d}" for i in range(patients)], ["1"]], names=["patient", "lesion"])
        outcome = pd.Series(np.r_[np.ones(positive, int), np.zeros(patients - positive, int)], index=index)
        drawn = outcome[made_split(outcome, train=share, stratify=True, seed=1) == "training"]
        assert (negative_train, positive_train) == (int((drawn == 0).sum()), int(drawn.sum()))


def test_more_patients_find_more_of_an_effect_in_narrower_intervals():
    few, many = expected(0.9, 40), expected(0.9, 160)
    assert many.testing_auc[:, 0].mean() > few.testing_auc[:, 0].mean() + 0.02
    assert many.testing_auc.mean() < 0.97
    assert (many.width.mean(axis=0) < 0.75 * few.width.mean(axis=0)).all()


def test_the_numbers_are_the_same_on_one_and_two_cores():
    one, two = expected(0.8, jobs=1, repeats=27), expected(0.8, jobs=2, repeats=27)
    assert np.array_equal(one.testing_auc, two.testing_auc)
    assert np.array_equal(one.width, two.width)


@pytest.mark.parametrize(("changes", "says"), [
    ({"auc": 1.0}, "must lie between 0.5 and 1"), ({"patients": 6}, "plan more"),
    ({"features": 30, "informative": 3}, "are 2 blocks"),
])  # fmt: skip
def test_what_cannot_be_simulated_is_refused(changes, says):
    given = {"patients": 60, "prevalence": 0.4, "auc": 0.8, "features": 60, **changes}
    with pytest.raises(DataError, match=says):
        expected_performance(protocol(), given.pop("patients"), **given)


def test_a_plan_counts_every_candidate(tmp_path):
    study = protocol()
    # clinical: age 1, margin 1, grade 2, fixed 1
    assert {name: candidate_parameters(study, name, 100) for name in study.model.models} == {
        "clinical": 5, "T2": 100, "DWI": 100, "both": 200, "all": 205, "side by side": 200}  # fmt: skip
    made = plan_study(study, data=tmp_path, patients=[60], prevalence=0.4, auc=0.8, features=100, repeats=2)
    row = next(row for row in made["sample_size"] if row["model"] == "all")
    assert row["patients_needed"] == prediction_sample_size(205, 0.4, auc=0.8).n
    assert row["parameters_allowed"] == {"60": parameters_allowed(60, 0.4, auc=0.8)}
    assert {row["model"] for row in made["expected"]} == set(study.model.models)
    text = as_text(made)
    assert "205" in text
    assert f"{row['patients_needed']:,}" in text


def test_models_that_are_not_simulated_are_named_and_the_rest_is_planned(tmp_path):
    document = protocol().model_dump(mode="json", by_alias=True, exclude_unset=True)
    document["model"]["select"] = [{"impute": "median"}, {"standardise": "zscore"}, {"lasso": {}}]
    study = type(protocol()).model_validate(document)
    settings = {"data": tmp_path, "prevalence": 0.4, "auc": 0.8, "features": 60, "repeats": 2}
    made = plan_study(study, patients=[60], **settings)
    assert {row["model"] for row in made["expected"]} == {"clinical"}
    assert made["not_simulated"]["T2"] == "the step lasso"
    assert "Not simulated: T2 (the step lasso)" in as_text(made)
    document["model"]["models"] = {"T2": {"sequences": ["T2"]}}
    alone = plan_study(type(study).model_validate(document), patients=[60], **settings)
    assert alone["expected"] == [] and alone["sample_size"][0]["model"] == "T2"
    assert "Not simulated: T2" in as_text(alone)


def test_a_study_that_begins_at_a_table_must_say_how_many_features(tmp_path):
    from radstudy.protocol.load import parse_protocol

    study = parse_protocol(
        "study: t\ncohort: {outcome: {column: y}, split: {train: 0.7}}\nsequences: [T2]\nfeatures: {table: f.csv}\n"
        "model: {select: [{impute: median}], models: {T2: [T2]}}"
    )
    with pytest.raises(UsageError, match="--features"):
        plan_study(study, data=tmp_path, patients=[60], prevalence=0.4, auc=0.8)
