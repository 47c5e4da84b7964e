"""Selection steps against R: glmnet's coefficients and caret's nearZeroVar (r_selection_make.R made the values)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from radstudy.modelling.penalised import fit_path
from radstudy.modelling.selection.variance import VarianceFilter

HERE = Path(__file__).parent
TOLERANCE = 1e-5  # of the standardised coefficients; both programs iterate


def _read(name):
    found = {}
    with (HERE / name).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["case"], {})[row["name"]] = np.array(row["values"].split(), dtype=float)
    return found


INPUTS, EXPECTED = _read("r_selection_inputs.csv"), _read("r_selection.csv")


@pytest.mark.parametrize("case", [name for name in INPUTS if name.startswith("glmnet")])
def test_elastic_net_coefficients_are_glmnets(case):
    given, expected = INPUTS[case], EXPECTED[case]
    y = given["y"].astype(int)
    x = given["x"].reshape(len(y), -1)
    path = fit_path(x, y, float(given["mix"][0]), given["lambda"])
    coefficients = expected["coefficients"].reshape(x.shape[1], -1, order="F").T
    spread = x.std(axis=0)
    np.testing.assert_allclose(path.coefficients * spread, coefficients * spread, atol=TOLERANCE)
    np.testing.assert_allclose(path.intercepts, expected["intercepts"], atol=1e-4)
    assert (path.coefficients != 0).any()


@pytest.mark.parametrize("case", [name for name in INPUTS if name.startswith("caret")])
def test_near_zero_variance_is_carets(case):
    step = VarianceFilter().fit(INPUTS[case]["x"][:, None])
    assert (not step.kept_[0]) == bool(EXPECTED[case]["dropped"][0])


def test_both_answers_of_caret_are_among_the_cases():
    answers = {EXPECTED[case]["dropped"][0] for case in EXPECTED if case.startswith("caret")}
    assert answers == {0.0, 1.0}
