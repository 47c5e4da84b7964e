"""Over several seeds: the planted effect is found where it was planted, and nothing is found where nothing is.

Takes about half an hour; `.ci/long` runs it. The null runs reuse the images of their seed: only the outcome differs.
"""

import shutil

import numpy as np
import pandas as pd
import pytest

from radstudy.demo.cohort import make
from radstudy.protocol import load_protocol
from radstudy.study import run

pytestmark = pytest.mark.long
SEEDS = (1, 2, 3, 4, 5)
PERMUTATIONS = 4  # of each seed's outcome, within each set


def aucs_on_testing_sets(data, out):
    run(load_protocol(data / "study.yaml"), data=data, out=out, until="evaluate")
    table = pd.read_csv(out / "evaluate" / "table3.csv")
    return table[table["set"] == "testing"].set_index("model")["auc"]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Testing AUCs, one row a run: with the effect, and with permuted outcomes."""
    effect, null = [], []
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp(f"seed{seed}")
        data = folder / "data"
        make(data, patients=107, seed=seed)
        effect.append(aucs_on_testing_sets(data, folder).rename(seed))
        make(data, patients=107, seed=seed, null=True)
        null.append(aucs_on_testing_sets(data, folder).rename(f"{seed} --null"))
        table = pd.read_csv(data / "cohort.csv", dtype=str, keep_default_na=False, comment="#")
        rng = np.random.default_rng(seed)
        for number in range(PERMUTATIONS):
            for which in ("training", "testing"):
                rows = (table["set"] == which) & (table["exclusion"] == "")
                table.loc[rows, "fish"] = rng.permutation(table.loc[rows, "fish"])
            table.to_csv(data / "cohort.csv", index=False)
            null.append(aucs_on_testing_sets(data, folder).rename(f"{seed} null {number}"))
        shutil.rmtree(folder)
    return pd.DataFrame(effect), pd.DataFrame(null)


def test_the_planted_effect_is_found(seeds):
    effect, _ = seeds
    print(effect.round(3).to_string())
    mean = effect.mean()
    assert (effect["DCE7"] > effect["T2WI"]).all()
    assert mean["DCE7"] - mean["T2WI"] > 0.15
    assert mean["DWI"] - mean["T2WI"] > 0.15
    assert abs(mean["T2WI"] - 0.5) < 3.5 * 0.11 / np.sqrt(len(SEEDS))  # 0.11: SD of an AUC of 0.5 with 13 and 20 cases


def test_nothing_is_found_in_permuted_outcomes(seeds):
    _, null = seeds
    print(null.mean().round(3).to_string())
    error = null.std(ddof=1) / np.sqrt(len(null))
    assert ((null.mean() - 0.5).abs() < 3.5 * error).all()
