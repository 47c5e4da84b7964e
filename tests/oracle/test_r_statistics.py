"""Every statistic against R and other programs, 200 data sets each (r_statistics_make.R, py_statistics_make.py)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import average_precision_score, precision_recall_curve
from statsmodels.stats.inter_rater import cohens_kappa

from oracle import r_statistics_found
from radstudy import statistics
from radstudy.protocol.evaluate import Interval

HERE = Path(__file__).parent
TOLERANCE = 1e-8
LOOSER = {
    ("proportion", "exact_low"): 1e-7,  # R's beta quantiles are iterative
    ("proportion", "exact_high"): 1e-7,
    ("table", "fisher"): 1e-7,  # R's hashed paths have a tolerance of their own
    ("risk", "slope"): 1e-6,  # val.prob stops early
}


INPUTS = r_statistics_found.inputs()
OF_R = list(r_statistics_found.references("r_statistics.csv.gz"))
OF_PYTHON = list(r_statistics_found.references("py_statistics.csv.gz"))
FIRTH_EVERY = 8  # profiles of Firth's likelihood take a while; r_table.py compares all


def _apart(references: list, makers: dict, kind: str, tolerance: float) -> tuple[int, list[str]]:  # type: ignore[type-arg]
    cases: dict[str, list] = {}  # type: ignore[type-arg]
    for reference in references:
        if reference.kind == kind:
            cases.setdefault(reference.case, []).append(reference)
    chosen = list(cases)[:: FIRTH_EVERY if kind == "firth" else 1]
    wrong, compared = [], 0
    for case in chosen:
        found = makers[kind](INPUTS[case])
        for reference in cases[case]:
            if r_statistics_found.is_excused(reference) or reference.name not in found:
                continue
            compared += 1
            allowed = LOOSER.get((kind, reference.name), tolerance)
            if found[reference.name] != pytest.approx(reference.value, rel=allowed, abs=allowed):
                wrong.append(f"{case} {reference.name}: {found[reference.name]}, {reference.source}: {reference.value}")
    return compared, wrong


@pytest.mark.parametrize("kind", sorted(r_statistics_found.OF_R))
def test_r_agrees(kind: str) -> None:
    compared, wrong = _apart(OF_R, r_statistics_found.OF_R, kind, TOLERANCE)
    assert compared >= (100 if kind == "firth" else 199)
    assert wrong == []


@pytest.mark.parametrize("kind", sorted(r_statistics_found.OF_PYTHON))
def test_other_python_programs_agree(kind: str) -> None:
    compared, wrong = _apart(OF_PYTHON, r_statistics_found.OF_PYTHON, kind, 1e-5 if kind == "firth" else TOLERANCE)
    assert compared >= 80
    assert wrong == []


def test_nothing_that_r_gives_is_left_uncompared() -> None:
    """But chi-squares of thin tables, which the rule does not take, and what is excused by name."""
    for kind in r_statistics_found.OF_R:
        first = next(r.case for r in OF_R if r.kind == kind)
        names = {r.name for r in OF_R if r.kind == kind}
        found = set(r_statistics_found.OF_R[kind](INPUTS[first]))
        assert names - found <= {"chi_square", "chi_p", "u_exact_p", "u_permutation_p"}
    assert sum(r_statistics_found.is_excused(reference) for reference in [*OF_R, *OF_PYTHON]) < 20


def _cases(kind: str, count: int) -> list[str]:
    return [case for case in INPUTS if case.rstrip("0123456789") == kind][:count]


@pytest.mark.parametrize("case", _cases("kappa", 40))
def test_weighted_kappas_standard_error(case: str) -> None:
    """psych 2.2.9 adds the readers' mean weights the wrong way round in the weighted variance; statsmodels does not."""
    data = INPUTS[case]
    levels = list(range(1, int(data["levels"][0]) + 1))
    table = np.zeros((len(levels), len(levels)))
    np.add.at(table, (data["a"].astype(int) - 1, data["b"].astype(int) - 1), 1)
    for weights in (None, "linear", "quadratic"):
        result = statistics.cohen_kappa(data["a"], data["b"], weights=weights, levels=levels)
        assert result.se == pytest.approx(cohens_kappa(table, wt=weights).std_kappa, rel=1e-9)


@pytest.mark.parametrize("case", _cases("groups", 40))
def test_whole_columns_give_the_same_p_values(case: str) -> None:
    a, b = INPUTS[case]["a"], INPUTS[case]["b"]
    column, y = np.concatenate([a, b])[:, None], np.repeat([1, 0], [a.size, b.size])
    p_of = {method: statistics.continuous_test(a, b, method=method).p_value for method in ("student", "welch")}
    assert statistics.student_columns(column, y)[0] == pytest.approx(p_of["student"])
    assert statistics.student_columns(column, y, equal_variance=False)[0] == pytest.approx(p_of["welch"])
    u = statistics.continuous_test(a, b, method="mann-whitney").p_value
    assert statistics.mann_whitney_columns(column, y)[0] == pytest.approx(u)


@pytest.mark.parametrize("case", _cases("roc", 200))
def test_scikit_learn_agrees_on_precision_and_recall(case: str) -> None:
    y, a = INPUTS[case]["y"], INPUTS[case]["a"]
    assert statistics.average_precision(y, a, method="logit").value == pytest.approx(average_precision_score(y, a))
    precision, recall, _ = precision_recall_curve(y, a)
    ours = statistics.precision_recall_curve(y, a)
    assert ours.precision[::-1] == pytest.approx(precision[:-1])
    assert ours.recall[::-1] == pytest.approx(recall[:-1])


@pytest.mark.parametrize("method", ["bootstrap", "bca"])
@pytest.mark.parametrize("case", _cases("roc", 12))
def test_scipys_bootstrap_gives_the_same_limits_of_the_same_resamples(case: str, method: str) -> None:
    """Its BCa computes the acceleration by leaving cases out one by one; ours is a formula."""
    from radstudy.statistics.auc_interval import bootstrap_areas

    y, a = INPUTS[case]["y"] == 1, INPUTS[case]["a"]

    def area(cases: np.ndarray, controls: np.ndarray) -> float:
        return float((np.sign(cases[:, None] - controls) / 2 + 0.5).mean())

    class Drawn:
        bootstrap_distribution = bootstrap_areas(y, a, 500, np.random.default_rng(3))

    expected = bootstrap(
        (a[y], a[~y]), area, n_resamples=0, bootstrap_result=Drawn, vectorized=False,
        method="percentile" if method == "bootstrap" else "BCa",
    ).confidence_interval  # fmt: skip
    found = statistics.auc_ci(y, a, method=method, resamples=500, rng=np.random.default_rng(3))  # type: ignore[arg-type]
    assert found.ci == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_interval_of_a_study_covers() -> None:
    """auc_coverage.csv: binormal scores, 33 and 74 patients, areas 0.6 to 0.95."""
    method = Interval().auc
    with (HERE / "auc_coverage.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["shape"] == "binormal" and row["method"] == method]
    coverage = [float(row["coverage_percent"]) for row in rows]
    assert len(coverage) == 10 and min(int(row["simulations"]) for row in rows) >= 2000
    assert min(coverage) >= 93 and max(coverage) < 98 and 94.5 < np.mean(coverage) < 97
