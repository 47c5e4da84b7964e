"""Recalibration: never evaluated on patients that it was estimated on, a patient's lesions together."""

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.folds import inner_folds
from radstudy.modelling.models import LinearForm, Term
from radstudy.modelling.recalibration import FOLDS, RECALIBRATIONS, cross_fitted, recalibrated

FORM = LinearForm(0.3, (Term("MR:a", None, 0.0, 1.0, 0.8, (-3, 3)), Term("MR:b", 0.0, 1.0, 2.0, -0.5, (-3, 3))))


def cohort(rows=120, lesions=1, seed=2):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_tuples(
        [(f"P{row // lesions}", str(row % lesions + 1)) for row in range(rows)], names=["patient", "lesion"]
    )
    design = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["MR:a", "MR:b"], index=index)
    return design, (rng.random(rows) < FORM.probability(design)).astype(int)


@pytest.mark.parametrize("method", RECALIBRATIONS, ids=lambda method: method.name)
def test_a_patient_s_probability_does_not_depend_on_the_patient_s_own_outcome(method):
    design, y = cohort(lesions=2)
    folds = inner_folds(y, design.index.get_level_values("patient"), FOLDS, 0)
    fitted = cross_fitted(method, FORM, y, design, seed=0)
    assert fitted.folds == len(folds) == FOLDS
    for others, left in folds:
        assert not set(design.index[others].get_level_values(0)) & set(design.index[left].get_level_values(0))
        own, _ = recalibrated(method, FORM, y[others], design.iloc[others])
        assert fitted.probability[left] == pytest.approx(own.probability(design.iloc[left]), abs=1e-12)


def test_terms_and_their_scales_stay():
    design, y = cohort()
    for method in RECALIBRATIONS:
        own, _ = recalibrated(method, FORM, y, design)
        assert [(term.name, term.centre, term.scale) for term in own.terms] == [
            (term.name, term.centre, term.scale) for term in FORM.terms
        ]
        assert own.probability(design).mean() == pytest.approx(y.mean(), abs=1e-6)


def test_a_formula_without_features_is_recalibrated_in_the_large_alone():
    design, y = cohort()
    empty = LinearForm(0.0, ())
    notes = {method.name: recalibrated(method, empty, y, design)[1] for method in RECALIBRATIONS}
    assert notes == {"in the large": "", "slope": "all log-odds are the same", "refit": "the formula has no feature"}
    fitted = cross_fitted(RECALIBRATIONS[1], empty, y, design, seed=0)
    assert np.isnan(fitted.probability).all()
    assert "all log-odds are the same" in fitted.note


def test_one_positive_patient_cannot_be_left_out():
    design, y = cohort()
    fitted = cross_fitted(RECALIBRATIONS[0], FORM, np.eye(1, len(y), dtype=int)[0], design, seed=0)
    assert fitted.note == "a class has fewer than two patients"
