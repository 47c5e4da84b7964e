"""Over several seeds: the planted effect is found where it was planted, and nothing is found where nothing is.

Takes about half an hour; `.ci/long` runs it, ``RADSTUDY_DEMO_SEEDS`` says on how many cohorts. The runs without an
effect reuse the images of their seed: only the outcome differs.
"""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radstudy.demo.cohort import make
from radstudy.protocol import load_protocol
from radstudy.study import run

pytestmark = pytest.mark.long
SEEDS = range(1, 1 + int(os.environ.get("RADSTUDY_DEMO_SEEDS", "10")))
PERMUTATIONS = 3  # of each seed's outcome, within each set
PLANTED, NOTHING = ("DCE7", "DWI"), "T2WI"


def evaluated(data, out):
    """(model,) testing AUC and p of the chance calibration."""
    study = data / "study.yaml"
    lines = [line for line in study.read_text().splitlines() if not line.startswith("  resampling:")]
    study.write_text("\n".join([*lines, "  resampling: chance", ""]))
    run(load_protocol(study), data=data, out=out, until="evaluate")
    chance = pd.read_csv(out / "evaluate" / "chance" / "chance.csv")
    chance = chance[(chance["kind"] == "outcome") & (chance["measure"] == "testing")].set_index("model")
    return chance["observed"].rename("auc"), chance["p_value"].rename("p")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Testing AUCs and p-values, one row a run: with the effect, of `radstudy demo --null`, and permuted further."""
    found = {which: ([], []) for which in ("effect", "--null", "permuted")}

    def keep(which, seed, data, out):
        for values, column in zip(evaluated(data, out), found[which], strict=True):
            column.append(values.rename(seed))
        print(which, seed, *(column[-1].round(3).to_dict() for column in found[which]), flush=True)

    for seed in SEEDS:
        folder = tmp_path_factory.mktemp(f"seed{seed}")
        data = folder / "data"
        make(data, patients=107, seed=seed)
        keep("effect", seed, data, folder)
        make(data, patients=107, seed=seed, null=True)
        keep("--null", seed, data, folder)
        table = pd.read_csv(data / "cohort.csv", dtype=str, keep_default_na=False, comment="#")
        rng = np.random.default_rng(seed)
        for _ in range(PERMUTATIONS):
            for which in ("training", "testing"):
                rows = (table["set"] == which) & (table["exclusion"] == "")
                table.loc[rows, "fish"] = rng.permutation(table.loc[rows, "fish"])
            table.to_csv(data / "cohort.csv", index=False)
            keep("permuted", seed, data, folder)
        shutil.rmtree(folder)
    return {which: tuple(pd.DataFrame(column) for column in pair) for which, pair in found.items()}


def test_the_planted_effect_is_found(seeds):
    effect, _ = seeds["effect"]
    print(effect.round(3).to_string())
    mean = effect.mean()
    for model in PLANTED:
        assert mean[model] - mean[NOTHING] > 0.15
    assert (effect["DCE7"] > effect[NOTHING]).mean() > 0.85
    assert abs(mean[NOTHING] - 0.5) < 3.5 * 0.11 / np.sqrt(len(SEEDS))  # 0.11: SD of an AUC of 0.5, 13 and 20 cases


def test_p_is_small_where_the_effect_was_planted_and_nowhere_else(seeds):
    _, p = seeds["effect"]
    power = (p <= 0.05).mean()
    print("power at 0.05\n", pd.DataFrame({"power": power, "median p": p.median()}).round(3).to_string())
    by_chance = stats.binom.ppf(0.995, len(p), 0.05) / len(p)
    for model in PLANTED:
        assert power[model] > by_chance
        assert stats.combine_pvalues(p[model], method="fisher").pvalue < 1e-3
    assert power[NOTHING] <= by_chance
    assert p[NOTHING].median() > 0.2


def test_nothing_is_found_in_permuted_outcomes(seeds):
    chance = pd.concat([seeds["--null"][0], seeds["permuted"][0]])
    print(chance.mean().round(3).to_string())
    error = chance.std(ddof=1) / np.sqrt(len(chance))
    assert ((chance.mean() - 0.5).abs() < 3.5 * error).all()


def test_p_of_permuted_outcomes_is_uniform(seeds):
    p = pd.concat([seeds["--null"][1], seeds["permuted"][1]])
    rejected = (p <= 0.05).sum()
    print(f"rejected at 0.05 of {len(p)} runs without an effect\n{rejected.to_string()}")
    print(f"of these `demo --null`: {(seeds['--null'][1] <= 0.05).sum().to_dict()} of {len(SEEDS)}")
    low, high = stats.binom.interval(0.998, len(p), 0.05)  # eleven models
    assert rejected.between(low, high).all()
