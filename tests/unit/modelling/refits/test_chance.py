"""Chance calibration: what is exchanged, what stays, and that neither cores nor stops move a number."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from sklearn.metrics import roc_curve

from radstudy.errors import DataError, UsageError
from radstudy.modelling.design import usable_rows
from radstudy.modelling.models import CLASSIFIER, build
from radstudy.modelling.refits import chunks
from radstudy.modelling.refits.chance import (
    GRID,
    MEASURES,
    ChanceCalibration,
    calibrate,
    exchanged_rows,
    permuted,
    roc_heights,
    usable_by,
)
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.load import parse_protocol
from radstudy.steps.chance import summary_of
from unit.modelling.refits.engine import cohorts

TRAINING, TESTING = np.arange(42), np.arange(42, 60)


@pytest.fixture(scope="module")
def study():
    table, outcome = cohorts.design(np.random.default_rng(1), features=16)
    protocol = cohorts.protocol()
    return Engine(protocol, table, {name: np.ones(60, dtype=bool) for name in protocol.model.models}), outcome


def test_each_set_keeps_its_counts_and_its_rows(study):
    engine, outcome = study
    seen = set()
    for number in range(30):
        source = exchanged_rows(engine.patients, (TRAINING, TESTING), seed=7, number=number)
        assert sorted(source[TRAINING]) == list(TRAINING)
        assert sorted(source[TESTING]) == list(TESTING)
        labels = permuted(outcome, engine.patients, (TRAINING, TESTING), seed=7, number=number)
        assert labels[TRAINING].sum() == outcome[TRAINING].sum()
        seen.add(labels.tobytes())
    assert len(seen) == 30


def test_whole_patients_are_exchanged_among_those_with_as_many_lesions():
    patients = np.array([0, 0, 1, 1, 2, 3, 4, 5, 5, 5])
    for number in range(50):
        source = exchanged_rows(patients, (np.arange(10),), seed=1, number=number)
        assert sorted(source) == list(range(10))
        assert sorted([tuple(source[:2]), tuple(source[2:4])]) == [(0, 1), (2, 3)]
        assert set(source[4:7]) == {4, 5, 6}
        assert tuple(source[7:]) == (7, 8, 9)  # the only patient with three lesions


def test_permuted_aucs_are_those_of_pipelines_refitted_on_permuted_labels(study):
    engine, outcome = study
    result = calibrate(engine, outcome, TRAINING, TESTING, permutations=3)
    for number in range(3):
        labels = permuted(outcome, engine.patients, (TRAINING, TESTING), seed=7, number=number)
        for name in ("both", "all"):
            pipeline = build(engine.protocol, name)
            pipeline.fit(engine.design.iloc[TRAINING], labels[TRAINING], **{f"{CLASSIFIER}__groups": TRAINING})
            scores = pipeline.decision_function(engine.design.iloc[TESTING])
            y = labels[TESTING]
            wins = np.sign(np.round(scores[y == 1][:, None] - scores[y == 0][None, :], 9))
            assert result.permuted[name]["testing"][number] == pytest.approx(wins.mean() / 2 + 0.5, abs=1e-9)


def test_the_incremental_permutation_leaves_outcome_and_clinical_variables_together(study):
    engine, outcome = study
    incremental = calibrate(engine, outcome, TRAINING, TESTING, permutations=3, kind="incremental")
    observed = engine.fit(outcome, TRAINING, TESTING)["clinical"]
    # a model of clinical variables alone sees the same pairs in another order
    same = incremental.permuted["clinical"]["testing"]
    assert (np.abs(same - observed.testing_auc) < 0.1).all()
    assert not np.allclose(
        incremental.permuted["T2"]["testing"], engine.fit(outcome, TRAINING, TESTING)["T2"].testing_auc
    )


@pytest.fixture(scope="module")
def gaps():
    """Seven patients without an age, five without DWI, one of these alone in having two lesions."""
    table, outcome = cohorts.design(np.random.default_rng(1), features=12, lesions=2)
    patients = table.index.get_level_values("patient")
    protocol = cohorts.protocol()
    table.loc[patients.isin(["p01", "p04", "p07", "p09", "p12", "p49", "p50"]), "clinical:age"] = np.nan
    there = {"T2": table.index, "DWI": table.index[~patients.isin(["p02", "p03", "p05", "p08", "p20"])]}
    usable = {name: usable_rows(protocol, name, table, there).to_numpy() for name in protocol.model.models}
    first = table.index.get_level_values("patient") < "p42"
    return Engine(protocol, table, usable), outcome, np.flatnonzero(first), np.flatnonzero(~first)


def test_every_model_keeps_its_counts_where_values_are_missing(gaps):
    engine, outcome, training, testing = gaps
    moved = 0
    for number in range(20):
        source = exchanged_rows(engine.patients, (training, testing), seed=7, number=number, like=usable_by(engine))
        assert sorted(source[training]) == list(training)
        for name, usable in engine.usable.items():
            assert (usable[source] == usable).all(), name
            for rows in (training, testing):
                assert outcome[source][rows[usable[rows]]].sum() == outcome[rows[usable[rows]]].sum(), name
        moved += int((source != np.arange(len(outcome))).sum())
    assert moved > 20 * 0.8 * len(outcome)


@pytest.mark.parametrize("kind", ["outcome", "incremental"])
def test_missing_clinical_values_and_sequences_stop_no_permutation(gaps, kind):
    engine, outcome, training, testing = gaps
    result = calibrate(engine, outcome, training, testing, permutations=3, kind=kind)
    for name in engine.models:
        assert np.isfinite(result.permuted[name]["training"]).all()
    if kind == "incremental":  # the clinical model has the same pairs of outcome and values, in another order
        clinical = result.permuted["clinical"]
        np.testing.assert_allclose(clinical["training"], result.observed["clinical"]["training"], atol=1e-12)
        np.testing.assert_allclose(clinical["testing"], result.observed["clinical"]["testing"], atol=1e-12)
    assert result.note.startswith("1 patients have")


def test_the_numbers_do_not_depend_on_processes_or_chunks(study, monkeypatch):
    engine, outcome = study
    one = calibrate(engine, outcome, TRAINING, TESTING, permutations=6)
    monkeypatch.setattr(chunks, "CHUNK", 2)
    two = calibrate(engine, outcome, TRAINING, TESTING, permutations=6, chunks=chunks.Chunks(jobs=2))
    for name in engine.models:
        for measure in MEASURES:
            np.testing.assert_array_equal(one.permuted[name][measure], two.permuted[name][measure])


def test_a_run_that_was_stopped_goes_on(study, tmp_path, monkeypatch):
    engine, outcome = study
    monkeypatch.setattr(chunks, "CHUNK", 2)
    whole = calibrate(engine, outcome, TRAINING, TESTING, permutations=6)

    def stop(done, total, left):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(engine, outcome, TRAINING, TESTING, permutations=6, chunks=chunks.Chunks(1, tmp_path, progress=stop))
    assert len(list(tmp_path.glob("*.npz"))) == 2
    seen = []
    kept = chunks.Chunks(folder=tmp_path, progress=lambda *now: seen.append(now))
    again = calibrate(engine, outcome, TRAINING, TESTING, permutations=6, chunks=kept)
    assert [done for done, _, _ in seen] == [4, 6]
    assert seen[-1] == (6, 6, 0.0)
    np.testing.assert_array_equal(again.permuted["both"]["training"], whole.permuted["both"]["training"])


def test_chunks_of_other_data_or_damaged_ones_are_not_used(tmp_path):
    def work(numbers):
        return {"square": np.array([number**2 for number in numbers])}

    def other(numbers):
        return {"square": np.array([-(number**2) for number in numbers])}

    a, b = (chunks.Chunks(folder=tmp_path, key=key) for key in "ab")
    first = chunks.in_chunks(work, 60, a)["square"]
    np.testing.assert_array_equal(first, np.arange(60) ** 2)
    np.testing.assert_array_equal(chunks.in_chunks(other, 60, a)["square"], first)
    np.testing.assert_array_equal(chunks.in_chunks(other, 60, b)["square"], -first)
    next(iter(tmp_path.glob("*.npz"))).write_bytes(b"half a file")
    np.testing.assert_array_equal(chunks.in_chunks(other, 60, b)["square"], -first)
    with pytest.raises(UsageError, match="0 repeats on 1"):
        chunks.in_chunks(work, 0)


def test_chunks_of_a_study_with_other_candidates_are_not_used(study, tmp_path):
    """The clinical model's variables are those of the codebook that are for models: no setting of the model says so."""
    engine, outcome = study
    plain = cohorts.STUDY.replace("SELECT", cohorts.PAPER.strip("\n"))
    fewer = Engine(
        parse_protocol(plain.replace("    age:\n", "    age: {model: false}\n")), engine.design, engine.usable,
        models=["clinical"],
    )  # fmt: skip
    whole = Engine(engine.protocol, engine.design, engine.usable, models=["clinical"])
    calibrate(whole, outcome, TRAINING, TESTING, permutations=4, chunks=chunks.Chunks(folder=tmp_path))
    found = calibrate(
        fewer, outcome, TRAINING, TESTING, permutations=4, chunks=chunks.Chunks(folder=tmp_path)
    ).permuted["clinical"]["training"]
    expected = calibrate(fewer, outcome, TRAINING, TESTING, permutations=4).permuted["clinical"]["training"]
    np.testing.assert_array_equal(found, expected)


def test_p_value_and_excess_by_hand():
    permuted = {"m": {"testing": np.array([0.4, 0.5, 0.6, 0.7, np.nan])}}
    result = ChanceCalibration("outcome", 5, {"m": {"testing": 0.6}}, permuted, {"m": np.zeros(5, dtype=int)})
    assert result.p_value("m", "testing") == (1 + 3) / 6  # 0.6, 0.7 and the one that could not be computed
    assert result.excess("m", "testing") == pytest.approx(0.05)
    assert result.band("m", "testing", 0.5) == pytest.approx((0.475, 0.625))


def test_noise_reaches_in_training_what_an_effect_would():
    table, outcome = cohorts.design(np.random.default_rng(2), features=40)
    outcome = np.random.default_rng(3).permutation(outcome)
    protocol = cohorts.protocol()
    engine = Engine(protocol, table, {"T2": np.ones(60, dtype=bool)}, models=["T2"])
    result = calibrate(engine, outcome, TRAINING, TESTING, permutations=40)
    assert np.median(result.permuted["T2"]["training"]) > 0.65  # selected on the same rows
    assert abs(np.mean(result.permuted["T2"]["testing"]) - 0.5) < 3.5 * np.std(
        result.permuted["T2"]["testing"]
    ) / np.sqrt(40)


def test_rows_in_both_sets_are_refused(study):
    engine, outcome = study
    with pytest.raises(DataError, match="appears twice"):
        calibrate(engine, outcome, TRAINING, np.arange(41, 60), permutations=2)


def test_roc_heights_are_scikit_learns_curve(study):
    rng = np.random.default_rng(0)
    for _ in range(100):
        outcome = rng.permutation(np.repeat([0, 1], rng.integers(2, 30, 2)))
        scores = np.round(rng.normal(size=len(outcome)), rng.integers(0, 3))  # with ties and without
        false, true, _ = roc_curve(outcome, scores, drop_intermediate=False)
        for rate, height in zip(GRID, roc_heights(scores, outcome), strict=True):
            at = np.flatnonzero(false <= rate + 1e-9)[-1]  # the upper end where the curve rises
            step = 0 if at == len(false) - 1 else (rate - false[at]) / (false[at + 1] - false[at])
            slope = 0 if at == len(false) - 1 else true[at + 1] - true[at]
            assert height == pytest.approx(true[at] + step * slope, abs=1e-9)


def test_constant_scores_are_the_diagonal_and_one_class_has_no_curve():
    np.testing.assert_allclose(roc_heights(np.zeros(9), np.array([0, 1] * 4 + [1])), GRID, atol=1e-12)
    assert np.isnan(roc_heights(np.arange(3.0), np.ones(3, dtype=int))).all()


def test_the_band_holds_the_share_of_curves_that_it_says(study):
    engine, outcome = study
    result = calibrate(engine, outcome, TRAINING, TESTING, permutations=40)
    for which in ("training", "testing"):
        low, median, high = result.roc_band("T2", which, 0.9)
        curves = result.roc["T2"][which]
        assert curves.shape == (40, len(GRID))
        assert (low <= median).all() and (median <= high).all() and high[-1] == 1
        inside = ((curves >= low - 1e-6) & (curves <= high + 1e-6)).mean(axis=0)
        assert (inside >= 0.9 - 0.05).all()
        areas = trapezoid(curves, GRID, axis=1)
        assert np.abs(areas - result.permuted["T2"][which]).max() < 0.03  # the grid cuts corners of steps only


def test_scores_without_end_tie_like_any_others():
    """Nearest neighbours give probabilities of 0 and 1, log-odds without end."""
    probability = np.array([1.0, 1.0, 1.0, 0.6, 0.6, 0.2, 0.0, 0.0, 0.0, 0.0])
    outcome = np.array([0, 1, 1, 0, 1, 1, 0, 0, 1, 0])
    with np.errstate(divide="ignore"):
        log_odds = np.log(probability / (1 - probability))
    expected = roc_heights(probability, outcome)
    for order in (np.arange(10), np.arange(10)[::-1]):
        np.testing.assert_allclose(roc_heights(log_odds[order], outcome[order]), expected, atol=1e-12)


def test_a_study_without_a_testing_set_has_no_testing_calibration_and_no_warning(study):
    engine, outcome = study
    calibration = calibrate(engine, outcome, np.arange(60), np.empty(0, dtype=int), permutations=2)
    rows = {(row["model"], row["measure"]): row for row in summary_of(calibration, 0.95, calibration)}
    for name in engine.models:
        assert 0 < rows[name, "training"]["p_value"] <= 1
        for column in ("observed", "p_value", "chance_median", "chance_low", "chance_high", "excess"):
            assert np.isnan(rows[name, "testing"][column])
        assert np.isnan(calibration.roc_band(name, "testing")).all()
