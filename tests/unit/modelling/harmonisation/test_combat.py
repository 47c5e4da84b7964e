"""ComBat: parameters on training rows, new rows, refusals, and the outcome that must not leak."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from radstudy.errors import DataError
from radstudy.modelling.harmonisation import ComBat, NotHarmonisedError, calibrated, fit_combat, refuse_outcome_among
from radstudy.modelling.harmonisation.site_effect import eta_squared, kruskal_p
from radstudy.modelling.selection.harmonise import Harmoniser
from radstudy.statistics import auc_columns


def _table(seed=0, sizes=(30, 20, 25), features=6):
    rng = np.random.default_rng(seed)
    sites = np.repeat(list("ABC")[: len(sizes)], sizes)
    values = rng.normal(size=(len(sites), features))
    for site in np.unique(sites):
        here = sites == site
        values[here] = values[here] * rng.uniform(0.5, 2, features) + rng.normal(0, 2, features)
    return values, sites, rng


def test_each_site_has_one_location_and_scale_without_shrinkage():
    values, sites, _ = _table()
    adjusted = fit_combat(values, sites, empirical_bayes=False).adjust(values, sites)
    groups = [adjusted[sites == site] for site in "ABC"]
    assert np.allclose([group.mean(axis=0) for group in groups], adjusted.mean(axis=0))
    assert np.allclose(np.ptp([group.std(axis=0, ddof=1) for group in groups], axis=0), 0)


def test_the_location_alone_leaves_the_scale():
    values, sites, _ = _table()
    adjusted = fit_combat(values, sites, mean_only=True).adjust(values, sites)
    for site in "ABC":
        assert np.allclose(adjusted[sites == site].std(axis=0), values[sites == site].std(axis=0))


def test_the_reference_site_stays_bit_for_bit():
    values, sites, _ = _table()
    adjusted = fit_combat(values, sites, reference="B").adjust(values, sites)
    assert np.array_equal(adjusted[sites == "B"], values[sites == "B"])
    assert not np.allclose(adjusted[sites == "A"], values[sites == "A"])


def test_the_effect_of_a_kept_covariate_stays():
    values, sites, rng = _table(sizes=(150, 150))
    age = rng.normal(50, 10, 300) + 12 * (sites == "A")
    moved = values + 0.2 * age[:, None]
    kept = fit_combat(moved, sites, age[:, None], empirical_bayes=False).adjust(moved, sites, age[:, None])
    lost = fit_combat(moved, sites, empirical_bayes=False).adjust(moved, sites)
    slopes = [np.polyfit(age, table, 1)[0].mean() for table in (kept, lost)]
    assert slopes[0] == pytest.approx(0.2, abs=0.02) and slopes[1] < 0.17


def test_new_rows_do_not_depend_on_the_rows_beside_them_and_json_is_exact():
    values, sites, _ = _table()
    fitted = fit_combat(values, sites)
    stored = ComBat.from_json(json.loads(json.dumps(fitted.as_json())))
    one_by_one = np.vstack([stored.adjust(values[[row]], [sites[row]]) for row in range(len(sites))])
    assert np.array_equal(one_by_one, fitted.adjust(values, sites))


def test_parameters_that_do_not_fit_together_are_refused():
    record = fit_combat(*_table()[:2]).as_json()
    for name, value in (("format", "combat/2"), ("mean", record["mean"][:-1]), ("spread", [[0.0] * 6] * 3)):
        with pytest.raises(ValueError, match=r"format|mean|spread"):
            ComBat.from_json({**record, name: value})


def test_a_missing_value_stays_missing_and_takes_no_part():
    values, sites, _ = _table()
    gaps = values.copy()
    gaps[[1, 40], 2] = np.nan
    complete = np.isfinite(gaps[:, 2])
    adjusted = fit_combat(gaps, sites, empirical_bayes=False).adjust(gaps, sites)
    alone = gaps[complete][:, [2]]
    assert np.array_equal(np.isnan(adjusted), np.isnan(gaps))
    spread = [adjusted[complete & (sites == site), 2].std(ddof=1) for site in "ABC"]
    assert np.ptp(spread) < 1e-12
    own = fit_combat(alone, sites[complete], empirical_bayes=False).adjust(alone, sites[complete])[:, 0]
    assert adjusted[complete, 2].std() == pytest.approx(own.std(), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda v, s: (v[s == "A"], s[s == "A"]), {}, "one site"),
        (lambda v, s: (v[29:51], s[29:51]), {}, "'A' has one training row"),
        (lambda v, s: (np.where((s == "B")[:, None], 1.0, v), s), {}, "constant in the training rows of some site"),
        (lambda v, s: (np.searchsorted(list("ABC"), s)[:, None] * np.ones(2), s), {"mean_only": True}, "no variance"),
        (lambda v, s: (np.where((s == "B")[:, None], np.nan, v), s), {}, "no training row of some site"),
        (lambda v, s: (v, s), {"reference": "Z"}, "reference site 'Z'"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change, settings, message):
    values, sites, _ = _table()
    with pytest.raises(NotHarmonisedError, match=message):
        fit_combat(*change(values, sites), **settings)


def test_one_patient_of_a_site_is_enough_for_its_location():
    values, sites, _ = _table()
    rows = np.r_[29:75]
    fitted = fit_combat(values[rows], sites[rows], mean_only=True)
    assert fitted.rows == (1, 20, 25) and np.isfinite(fitted.adjust(values[rows], sites[rows])).all()


def test_a_covariate_that_the_sites_determine_is_refused_by_name():
    values, sites, rng = _table()
    covariates = np.column_stack([rng.normal(size=75), sites == "A"]).astype(float)
    with pytest.raises(NotHarmonisedError, match="'field' is confounded with the site"):
        fit_combat(values, sites, covariates, kept=["age", "field"])


def test_an_unseen_site_is_refused_and_can_be_calibrated_on_other_patients():
    values, sites, rng = _table()
    fitted = fit_combat(values, sites)
    fresh = rng.normal(5, 3, (60, 6))
    patients = [f"P{number}" for number in range(60)]
    with pytest.raises(NotHarmonisedError, match="'D'"):
        fitted.adjust(fresh, ["D"] * 60)
    calibration = calibrated(fitted, "D", fresh[:30], patients[:30])
    assert calibration.n == 30 and calibration.combat.sites[-1] == "D"
    moved = calibration.adjust(fresh[30:], ["D"] * 30, patients[30:])
    assert abs(moved.mean() - fitted.mean.mean()) < 0.5 and abs(fresh[30:].mean() - fitted.mean.mean()) > 3
    assert np.array_equal(calibration.combat.adjust(values, sites), fitted.adjust(values, sites))
    with pytest.raises(NotHarmonisedError, match="cannot do both"):
        calibration.adjust(fresh[29:], ["D"] * 31, patients[29:])
    with pytest.raises(NotHarmonisedError, match="at least 5"):
        calibrated(fitted, "D", fresh[:4], patients[:4])
    with pytest.raises(NotHarmonisedError, match="needs no calibration"):
        calibrated(fitted, "A", fresh, patients)


def test_the_outcome_is_refused_as_a_covariate_under_any_name_and_coding():
    outcome = np.tile([0, 1], 20)
    age = np.random.default_rng(1).normal(size=40)
    refuse_outcome_among(age[:, None], ["age"], outcome)
    for coded in (outcome, 1 - outcome, np.where(outcome, 7.5, -2)):
        with pytest.raises(DataError, match=r"'result' is the outcome.*leaks"):
            refuse_outcome_among(np.column_stack([age, coded]), ["age", "result"], outcome)


def _noise_study(seed):
    """Testing AUC within the sites, of noise in two sites with 10 and 90 percent positive: ours, and forced."""
    rng = np.random.default_rng(seed)
    sites = np.repeat(["A", "B"], 40)
    outcome = np.concatenate([np.arange(40) < 4, np.arange(40) < 36]).astype(int)
    values = rng.normal(size=(80, 30))
    values[sites == "B"] = values[sites == "B"] * 1.5 + rng.normal(size=30)
    training = np.arange(80) % 2 == 0
    label = outcome[:, None].astype(float)
    leaking = fit_combat(values, sites, label).adjust(values, sites, label)  # all rows, and the outcome kept
    ours = fit_combat(values[training], sites[training]).adjust(values, sites)
    return [_auc_within(table, outcome, sites, training) for table in (ours, leaking)]


def _auc_within(values, outcome, sites, training):
    score = LogisticRegression(C=0.1).fit(values[training], outcome[training]).decision_function(values)
    return np.mean([
        auc_columns(score[~training & (sites == site), None], outcome[~training & (sites == site)])[0] for site in "AB"
    ])  # fmt: skip


def test_noise_stays_noise_and_the_outcome_as_a_covariate_would_raise_its_auc():
    ours, leaking = np.array([_noise_study(seed) for seed in range(60)]).T
    half = 2.58 / np.sqrt(60)
    assert abs(ours.mean() - 0.5) < half * ours.std(ddof=1)
    assert leaking.mean() - half * leaking.std(ddof=1) > 0.6


def test_the_step_takes_sites_and_covariates_out_and_drops_what_it_cannot_scale():
    values, sites, rng = _table()
    values[sites == "B", 1] = 3.0
    table = pd.DataFrame(values, columns=[f"DWI:f{number}" for number in range(6)])
    for site in "ABC":
        table[f"site={site}"] = (sites == site).astype(float)
    table["clinical:age"] = rng.normal(50, 10, 75)
    step = Harmoniser(keep=("age",)).set_output(transform="pandas").fit(table)
    adjusted = step.transform(table)
    assert list(adjusted) == ["DWI:f0", "DWI:f2", "DWI:f3", "DWI:f4", "DWI:f5"]
    assert step.dropped_ == {"DWI:f1": "constant in the training rows of some site: no scale"}
    kept = [0, 2, 3, 4, 5]
    expected = fit_combat(values[:, kept], sites, table[["clinical:age"]])
    assert np.allclose(adjusted, expected.adjust(values[:, kept], sites, table[["clinical:age"]]), rtol=1e-12)
    unseen = table[sites != "C"]
    with pytest.raises(NotHarmonisedError, match="'C'"):
        Harmoniser(keep=("age",)).fit(unseen).transform(table)


def test_the_site_effect_is_that_of_scipy_and_falls():
    values, sites, _ = _table()
    groups = [values[sites == site] for site in "ABC"]
    statistic = stats.f_oneway(*groups).statistic
    assert np.allclose(eta_squared(values, sites), 2 * statistic / (2 * statistic + 72))
    assert np.allclose(kruskal_p(values, sites), stats.kruskal(*groups).pvalue)
    after = fit_combat(values, sites).adjust(values, sites)
    assert eta_squared(after, sites).max() < 0.01
