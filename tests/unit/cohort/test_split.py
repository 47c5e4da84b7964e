import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstudy.cohort.split import made_split
from radstudy.statistics.apportionment import shared_out


def outcome(negative, positive):
    index = pd.MultiIndex.from_tuples(
        [(f"p{i:03d}", "1") for i in range(negative + positive)], names=["patient", "lesion"]
    )
    return pd.Series([0] * negative + [1] * positive, index=index)


def test_the_papers_split():
    y = outcome(65, 42)
    sets = made_split(y, train=0.70, stratify=True, seed=1)
    counts = pd.crosstab(sets, y)
    assert counts.loc["training"].tolist() == [45, 29]
    assert counts.loc["testing"].tolist() == [20, 13]


def test_seed_decides_and_the_order_of_rows_does_not():
    y = outcome(65, 42)
    one = made_split(y, train=0.7, stratify=True, seed=1)
    assert one.equals(made_split(y, train=0.7, stratify=True, seed=1))
    assert not one.equals(made_split(y, train=0.7, stratify=True, seed=2))
    shuffled = y.sample(frac=1, random_state=0)
    assert made_split(shuffled, train=0.7, stratify=True, seed=1).sort_index().equals(one.sort_index())


def test_lesions_of_a_patient_stay_together():
    index = pd.MultiIndex.from_product([[f"p{i}" for i in range(20)], ["L", "R"]], names=["patient", "lesion"])
    y = pd.Series(np.random.default_rng(0).integers(0, 2, 40), index=index)
    sets = made_split(y, train=0.5, stratify=True, seed=0)
    assert (sets.groupby(level="patient").nunique() == 1).all()


@given(st.integers(0, 200), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_shares_sum_and_stay_within_one_of_proportion(total, sizes):
    total = min(total, sum(sizes))
    shares = shared_out(total, sizes)
    assert sum(shares) == total
    for share, size in zip(shares, sizes, strict=True):
        assert abs(share - total * size / sum(sizes)) < 1


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8])
def test_unstratified_takes_the_share(share):
    sets = made_split(outcome(50, 50), train=share, stratify=False, seed=0)
    assert (sets == "training").sum() == round(100 * share)
