"""The refitted formulas are those of the whole pipeline on the same patients, and do not depend on the chunks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.models import build, linear_form
from radstudy.modelling.refits import forms
from radstudy.modelling.refits.chunks import Chunks
from radstudy.modelling.refits.engine import Engine
from radstudy.protocol.load import parse_protocol

STUDY = """
study: forms
seed: 4
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  clinical: {age: {unit: years}}
sequences: [A, B]
features: {table: f.csv, columns: {A: A_, B: B_}}
agree: {icc: null}
model:
  select: [{impute: median}, {standardise: zscore}, {univariate: {test: mann-whitney, below: 0.5}}]
  models: {A: [A], B: [B], age: {clinical: {univariate_below: 1}}, all: {add: [A, B, age]}}
evaluate: {chance: null, resampling: null, baselines: null}
"""


@pytest.fixture(scope="module")
def engine():
    rng = np.random.default_rng(8)
    outcome = np.tile([0, 1, 1, 0, 0], 8)
    columns = {f"{sequence}:f{number}": rng.normal(5, 2, 40) for sequence in "AB" for number in range(4)}
    design = pd.DataFrame(columns)
    design["A:f0"] += 2.5 * outcome
    design["clinical:age"] = rng.integers(30, 80, 40).astype(float)
    design.iloc[[3, 11, 20], 0] = np.nan
    design.index = pd.MultiIndex.from_arrays([[f"p{i // 2}" for i in range(40)], list("12") * 20],
                                             names=["patient", "lesion"])  # fmt: skip
    usable = np.ones(40, bool)
    usable[7] = False
    return Engine(parse_protocol(STUDY), design, {"all": usable}, models=["all"]), outcome


ROWS = np.arange(30)


def log_odds(form, design):
    return np.array([form.log_odds(row) for row in design[list(form.names)].to_numpy(dtype=float)])


def test_each_formula_is_that_of_the_pipeline_on_the_same_rows(engine, monkeypatch):
    fits = []
    own = engine[0].fit
    monkeypatch.setattr(engine[0], "fit", lambda *given: fits.append(own(*given)) or fits[-1])
    refits = forms.refitted_forms(*engine, ROWS, resamples=4)
    assert len(refits) == len(fits) == 4 and len({form.names for form in refits}) > 1
    design, outcome = engine[0].design, engine[1]
    for form, fit in zip(refits, fits, strict=True):
        rows = fit["all"].training_rows
        assert len(np.unique(rows)) < len(rows) and 7 not in rows  # drawn with replacement, among the usable
        pipeline = build(engine[0].protocol, "all")
        pipeline.fit(design.iloc[rows], outcome[rows], classifier__groups=engine[0].patients[rows])
        expected = linear_form(pipeline, design.iloc[rows]).log_odds(design)
        np.testing.assert_allclose(log_odds(form, design), expected, atol=1e-9)


def test_lesions_of_a_patient_are_drawn_together(engine, monkeypatch):
    drawn = []
    own = engine[0].fit
    monkeypatch.setattr(engine[0], "fit", lambda *given: drawn.append(given[1]) or own(*given))
    forms.refitted_forms(*engine, ROWS, resamples=2)
    for sample in drawn:
        counts = np.bincount(sample, minlength=30)
        np.testing.assert_array_equal(counts[::2], counts[1::2])


def test_the_slow_way_gives_the_same(engine, monkeypatch):
    fast = forms.refitted_forms(*engine, ROWS, resamples=3)
    monkeypatch.setattr(forms, "_rebuilt", lambda *_: None)
    slow = forms.refitted_forms(*engine, ROWS, resamples=3)
    for one, other in zip(fast, slow, strict=True):
        assert one.names == other.names
        np.testing.assert_allclose(log_odds(one, engine[0].design), log_odds(other, engine[0].design), atol=1e-9)


def test_a_fit_whose_scores_differ_is_not_rebuilt(engine):
    (fit,) = engine[0].fit(engine[1], ROWS, ROWS).values()
    assert forms._rebuilt(engine[0], fit) is not None
    assert forms._rebuilt(engine[0], replace(fit, intercept=fit.intercept + 1e-6)) is None


def test_chunks_change_nothing(engine, tmp_path):
    whole = forms.refitted_forms(*engine, ROWS, resamples=7)
    for _ in range(2):
        parts = forms.refitted_forms(*engine, ROWS, resamples=7, chunks=Chunks(folder=tmp_path, size=3))
        assert [form.intercept for form in parts] == [form.intercept for form in whole]
        assert [form.slopes.tolist() for form in parts] == [form.slopes.tolist() for form in whole]


def test_a_resample_of_one_class_is_left_out(engine):
    outcome = np.zeros(40, np.int64)
    outcome[:2] = 1
    assert len(forms.refitted_forms(engine[0], outcome, ROWS, resamples=12)) < 12
