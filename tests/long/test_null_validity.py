"""On tables of pure noise the null calibration rejects as often as it should, and nested validation says 0.5.

200 tables of the reference study's size with 99 permutations each take an hour or two on two cores; `.ci/long` runs it.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from radstudy.modelling.engine import Engine
from radstudy.modelling.null import calibrate
from radstudy.modelling.resampling import nested_validation

pytestmark = pytest.mark.long
SEEDS, PERMUTATIONS, JOBS = 200, 99, 2
MODELS = {"DCE7": "outcome", "mpMRI C": "outcome", "combined C": "incremental"}  # single, pooled, combined

_spec = importlib.util.spec_from_file_location(
    "permutations_benchmark", Path(__file__).parents[2] / "benchmarks" / "permutations.py"
)
_benchmark = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_benchmark)


def rejections(seeds, permutations, features):
    """Model to the testing-set p-values of tables of noise, and its nested AUCs (one repeat)."""
    p_values, nested = {name: [] for name in MODELS}, {name: [] for name in MODELS}
    for seed in range(seeds):
        protocol, design, outcome, training, testing = _benchmark.noise_table(1000 + seed, features)
        usable = {name: np.ones(len(design), dtype=bool) for name in MODELS}
        engine = Engine(protocol, design, usable, models=list(MODELS))
        for kind in ("outcome", "incremental"):
            mine = [name for name in MODELS if MODELS[name] == kind]
            part = Engine(protocol, design, usable, models=mine)
            result = calibrate(part, outcome, training, testing, permutations=permutations, kind=kind, jobs=JOBS)
            for name in mine:
                p_values[name].append(result.p_value(name, "testing"))
        found = nested_validation(engine, outcome, np.arange(len(design)), repeats=1)
        for name in MODELS:
            nested[name].append(found.mean_auc(name))
    return p_values, nested


@pytest.fixture(scope="module")
def noise():
    return rejections(SEEDS, PERMUTATIONS, _benchmark.FEATURES)


@pytest.mark.parametrize("model", MODELS)
def test_rejections_at_five_per_cent_are_five_per_cent(noise, model):
    rejected = int((np.array(noise[0][model]) <= 0.05).sum())
    low, high = stats.binom.interval(0.99, SEEDS, 0.05)
    print(f"{model}: {rejected} of {SEEDS} rejected")
    assert low <= rejected <= high


@pytest.mark.parametrize("model", MODELS)
def test_nested_validation_says_chance(noise, model):
    values = np.array(noise[1][model])
    error = values.std(ddof=1) / np.sqrt(len(values))
    print(f"{model}: nested mean of folds {values.mean():.3f}, SD of one table {values.std(ddof=1):.3f}")
    assert abs(values.mean() - 0.5) < 3.5 * error
