from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radstudy.demo.ceiling import ceilings


def cohort(noise: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    outcome = np.repeat([0, 1], 300)
    score = 1.19 * outcome + rng.standard_normal(600)
    names = [f"SYN-{i}" for i in range(600)]
    truth = pd.DataFrame(
        {"fish_made_from": np.where(outcome == 1, "positive", "negative"), "score_DWI": score}, index=names
    )
    features = pd.DataFrame(
        {"a": score + noise * rng.standard_normal(600), "b": rng.standard_normal(600), "c": np.ones(600)},
        index=pd.MultiIndex.from_product([names, ["DWI"]], names=["patient", "sequence"]),
    )
    return features, truth


def test_a_feature_that_follows_the_score_stays_under_the_ceiling() -> None:
    row = ceilings(*cohort(noise=0.5)).iloc[0]
    assert row["feature"] == "a"
    assert row["within"]
    assert 0.75 < row["latent"] < 0.85
    assert row["best"] < row["latent"]
    assert row["rank_correlation"] == pytest.approx(0.9, abs=0.03)


def test_a_feature_that_knows_the_outcome_itself_is_caught() -> None:
    features, truth = cohort(noise=0.5)
    features["leak"] = (truth["fish_made_from"] == "positive").to_numpy() + 0.01 * features["b"]
    row = ceilings(features, truth).iloc[0]
    assert row["feature"] == "leak"
    assert not row["within"]
