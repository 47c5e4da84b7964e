"""The contributions that a run's report explains its predictions by, against its own probabilities."""

import numpy as np
import pandas as pd

from radstudy.store import read_csv, read_json


def test_contributions_and_intercept_are_the_log_odds_of_every_patient(demo):
    frame = read_csv(demo / "report/contributions.csv", dtype={"patient": str, "lesion": str})
    (model,) = frame["model"].unique()
    intercept = read_json(demo / "model/models.json")[model]["intercept"]
    predicted = read_csv(demo / "model/predictions.csv", dtype={"patient": str, "lesion": str})
    own = predicted[predicted["model"] == model].set_index(["patient", "lesion"])["probability"]
    sums = frame.groupby(["patient", "lesion"])["contribution"].sum() + intercept
    assert len(own) == 24 and set(own.index) == set(sums.index)
    log_odds = np.log(own / (1 - own))
    assert (sums.reindex(own.index) - log_odds).abs().max() < 1e-6


def test_the_values_are_those_of_the_feature_table(demo):
    frame = read_csv(demo / "report/contributions.csv", dtype={"patient": str, "lesion": str})
    own = frame[~frame["feature"].str.startswith("clinical:")]
    assert len(own)
    features = pd.read_parquet(demo / "extract/features.parquet")
    for _, row in own.iterrows():
        sequence, _, name = row["feature"].partition(":")
        assert features.loc[(row["patient"], row["lesion"], sequence, "reader1"), name] == row["value"]
