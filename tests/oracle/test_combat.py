"""ComBat agrees with sva, neuroCombat and combatlearn on random tables (combat_make.py)."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from radstudy.modelling.harmonisation import ComBat, fit_combat

with gzip.open(Path(__file__).parent / "combat.json.gz", "rt", encoding="utf-8") as _file:
    CASES = {case["name"]: case for case in json.load(_file)}
COMPLETE = [name for name, case in CASES.items() if not case["missing"]]
TOLERANCE = 1e-10  # in standard deviations of the feature


def _array(rows):
    return np.array(rows, dtype=float)


def _fitted(case, **settings):
    return fit_combat(
        _array(case["values"]), case["sites"], _array(case["covariates"]), reference=case["reference"],
        mean_only=case["mean_only"], **settings,
    )  # fmt: skip


def _difference(case, ours, theirs):
    return np.nanmax(np.abs(ours - _array(theirs)) / np.nanstd(_array(case["values"]), axis=0))


@pytest.mark.parametrize("name", CASES)
def test_shrunk_tables_are_those_of_sva(name):
    case = CASES[name]
    ours = _fitted(case).adjust(_array(case["values"]), case["sites"], _array(case["covariates"]))
    assert np.array_equal(np.isnan(ours), np.isnan(_array(case["sva"])))
    assert _difference(case, ours, case["sva"]) < TOLERANCE


@pytest.mark.parametrize("name", COMPLETE)
def test_shrunk_tables_are_those_of_neurocombat(name):
    case = CASES[name]
    ours = _fitted(case).adjust(_array(case["values"]), case["sites"], _array(case["covariates"]))
    assert _difference(case, ours, case["neuroCombat"]) < TOLERANCE


@pytest.mark.parametrize("name", COMPLETE)
def test_location_and_scale_alone_are_those_of_neurocombat_and_combatlearn(name):
    case = CASES[name]
    fitted = _fitted(case, empirical_bayes=False)
    ours = fitted.adjust(_array(case["values"]), case["sites"], _array(case["covariates"]))
    assert _difference(case, ours, case["neuroCombat eb=False"]) < TOLERANCE
    assert _difference(case, ours, case["combatlearn"]) < TOLERANCE


@pytest.mark.parametrize("name", COMPLETE)
def test_new_rows_by_stored_parameters_are_those_of_combatlearn(name):
    case = CASES[name]
    stored = ComBat.from_json(json.loads(json.dumps(_fitted(case, empirical_bayes=False).as_json())))
    ours = stored.adjust(_array(case["new_values"]), case["new_sites"], _array(case["new_covariates"]))
    assert _difference(case, ours, case["combatlearn new"]) < TOLERANCE


def test_the_tables_have_every_setting():
    cases = list(CASES.values())
    assert sum(not case["missing"] for case in cases) == 20
    assert {case["mean_only"] for case in cases} == {True, False}
    assert {case["reference"] for case in cases} == {"", "site B"}
    assert {len(set(case["sites"])) for case in cases} >= {2, 3, 4, 5}
    assert {len(case["covariates"][0]) for case in cases} == {0, 1, 2, 3}
    assert any(value is None for case in cases for row in case["values"] for value in row)
