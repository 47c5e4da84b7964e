"""Every statistic against R: pROC, psych, nortest and base R (r_statistics_make.R made the values)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from radstudy import statistics
from radstudy.statistics.exact import freeman_halton

HERE = Path(__file__).parent
TOLERANCE = 1e-9
# R's beta quantiles are iterative
LOOSER = {"exact_low": 1e-7, "exact_high": 1e-7}


def _read() -> tuple[dict[str, dict[str, np.ndarray]], dict[str, dict[str, float]]]:
    inputs: dict[str, dict[str, np.ndarray]] = {}
    with (HERE / "r_statistics_inputs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            inputs.setdefault(row["case"], {})[row["name"]] = np.array(row["values"].split(), dtype=float)
    expected: dict[str, dict[str, float]] = {}
    with (HERE / "r_statistics.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            expected.setdefault(row["case"], {})[row["name"]] = float(row["value"])
    return inputs, expected


INPUTS, EXPECTED = _read()


def _cases(prefix: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in INPUTS if case.startswith(prefix)])


def _compare(case: str, found: dict[str, float]) -> None:
    expected = EXPECTED[case]
    assert set(found) == set(expected), case
    for name, value in found.items():
        tolerance = LOOSER.get(name, TOLERANCE)
        assert value == pytest.approx(expected[name], rel=tolerance, abs=tolerance), f"{case} {name}"


@_cases("roc")
def test_auc_and_delong(case: str) -> None:
    data = INPUTS[case]
    y, a, b, y2, c = (data[name] for name in ("y", "a", "b", "y2", "c"))
    area, area90 = statistics.auc_ci(y, a, method="delong"), statistics.auc_ci(y, a, method="delong", level=0.9)
    paired, unpaired = statistics.delong_test(y, a, b), statistics.delong_unpaired(y, a, y2, c)
    assert statistics.delong_all_pairs(y, np.column_stack([a, b])).p_value[0, 1] == pytest.approx(paired.p_value)
    _compare(
        case,
        {
            "auc": area.auc,
            "low": area.ci[0],
            "high": area.ci[1],
            "low90": area90.ci[0],
            "high90": area90.ci[1],
            "paired_z": paired.z,
            "paired_p": paired.p_value,
            "paired_low": paired.ci[0],
            "paired_high": paired.ci[1],
            "unpaired_t": unpaired.z,
            "unpaired_dof": unpaired.dof,
            "unpaired_p": unpaired.p_value,
            "youden": statistics.youden_cutoff(y, a).youden,
        },
    )


@_cases("icc")
def test_icc_of_all_forms(case: str) -> None:
    k = int(INPUTS[case]["k"][0])
    ratings = INPUTS[case]["ratings"].reshape(k, -1).T
    found = {}
    for form in ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"):
        result = statistics.icc(ratings, form)
        parts = {"": result.value, "_low": result.ci[0], "_high": result.ci[1], "_f": result.f, "_p": result.p_value}
        found |= {form + part: value for part, value in parts.items()}
    _compare(case, found)


@_cases("kappa")
def test_kappa(case: str) -> None:
    data = INPUTS[case]
    levels = list(range(1, int(data["levels"][0]) + 1))
    table = np.zeros((len(levels), len(levels)))
    np.add.at(table, (data["a"].astype(int) - 1, data["b"].astype(int) - 1), 1)
    found = {}
    for name, weights in (("plain", None), ("linear", "linear"), ("quadratic", "quadratic")):
        result = statistics.cohen_kappa(data["a"], data["b"], weights=weights, levels=levels)
        found[name] = result.value
        # psych 2.2.9 adds the readers' mean weights the wrong way round in the weighted variance; statsmodels does not
        assert result.se == pytest.approx(cohens_kappa(table, wt=weights).std_kappa, rel=1e-9)
        if weights is None:
            found["plain_se"] = result.se
    _compare(case, found)


@_cases("table")
def test_fisher_and_chi_square(case: str) -> None:
    rows = int(INPUTS[case]["rows"][0])
    counts = INPUTS[case]["counts"].reshape(-1, rows).T.astype(np.int64)
    expected = EXPECTED[case]
    # R's own exact p-values come from hashed paths with a tolerance of 1e-7
    assert freeman_halton(counts) == pytest.approx(expected["fisher"], rel=1e-7)
    result = statistics.categorical_test(counts)
    assert result.min_expected == pytest.approx(expected["min_expected"])
    by_chi_square = counts.sum() >= 40 and expected["min_expected"] >= 5
    assert result.test.startswith("Pearson" if by_chi_square else "Fisher")
    if by_chi_square:
        assert result.statistic == pytest.approx(expected["chi_square"])
        assert result.p_value == pytest.approx(expected["chi_p"])


@_cases("groups")
def test_continuous_tests(case: str) -> None:
    a, b = INPUTS[case]["a"], INPUTS[case]["b"]
    student, welch = statistics.continuous_test(a, b), statistics.continuous_test(a, b, method="welch")
    u = statistics.continuous_test(a, b, method="mann-whitney")
    column, y = np.concatenate([a, b])[:, None], np.repeat([1, 0], [a.size, b.size])
    assert statistics.student_columns(column, y)[0] == pytest.approx(student.p_value)
    assert statistics.student_columns(column, y, equal_variance=False)[0] == pytest.approx(welch.p_value)
    assert statistics.mann_whitney_columns(column, y)[0] == pytest.approx(u.p_value)
    found = {
        "student_t": student.statistic,
        "student_p": student.p_value,
        "welch_t": welch.statistic,
        "welch_dof": welch.dof,
        "welch_p": welch.p_value,
        "u": u.statistic,
        "u_p": u.p_value,
        "u_continuity_p": statistics.mann_whitney_columns(column, y, continuity=True)[0],
        "lilliefors_a": student.normality[0],
        "lilliefors_b": student.normality[1],
        "levene_p": student.levene,
    }
    exact = statistics.continuous_test(a, b, method="mann-whitney-exact")
    if "u_exact_p" in EXPECTED[case]:
        found["u_exact_p"] = exact.p_value
    _compare(case, found)


@_cases("glm")
def test_logistic_regression(case: str) -> None:
    data = INPUTS[case]
    y, f = data["y"], data["f"]
    pair = np.column_stack([data["x1"], data["x2"]])
    indicators = np.column_stack([f == 1, f == 2])
    fit = statistics.logistic(pair, y, ["x1", "x2"])
    calibration = statistics.calibration_intercept_slope(y, data["p"])
    z = 1.959963984540054
    _compare(
        case,
        {
            "b0": fit.intercept,
            "b1": fit.coefficients[0],
            "b2": fit.coefficients[1],
            "se0": fit.intercept_se,
            "se1": fit.se[0],
            "se2": fit.se[1],
            "p1": fit.p_values[0],
            "p2": fit.p_values[1],
            "log_likelihood": fit.log_likelihood,
            "factor_p": statistics.likelihood_ratio_test(indicators, y).p_value,
            "added_p": statistics.likelihood_ratio_test(indicators, y, base=pair).p_value,
            "slope": calibration.slope,
            "slope_se": (calibration.slope_ci[1] - calibration.slope) / z,
            "intercept": calibration.intercept,
            "intercept_se": (calibration.intercept_ci[1] - calibration.intercept) / z,
        },
    )


@_cases("proportion")
def test_intervals_of_proportions(case: str) -> None:
    x, n = int(INPUTS[case]["x"][0]), int(INPUTS[case]["n"][0])
    wilson, exact = statistics.wilson_interval(x, n), statistics.clopper_pearson_interval(x, n)
    _compare(
        case,
        {"wilson_low": wilson[0], "wilson_high": wilson[1], "exact_low": exact[0], "exact_high": exact[1]},
    )


@_cases("adjust")
def test_adjusted_p_values(case: str) -> None:
    p = INPUTS[case]["p"]
    found = {f"holm{i}": value for i, value in enumerate(statistics.holm(p))}
    _compare(case, found | {f"bh{i}": value for i, value in enumerate(statistics.benjamini_hochberg(p))})
