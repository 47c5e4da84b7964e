"""What radstudy finds for every reference of r_statistics.csv.gz and py_statistics.csv.gz, by the same names.

The test compares the two, and `r_table.py` tabulates how far they lie apart.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radstudy import statistics
from radstudy.statistics.exact import freeman_halton

HERE = Path(__file__).parent
Z = 1.959963984540054
THRESHOLDS = (0.1, 0.25, 0.4, 0.6)
EPI_TESTS = {
    "se": "sensitivity", "sp": "specificity", "diag.ac": "accuracy", "pv.pos": "ppv", "pv.neg": "npv",
    "lr.pos": "lr_positive", "lr.neg": "lr_negative",
}  # fmt: skip
Data = dict[str, np.ndarray]
Values = dict[str, float]


@dataclass(frozen=True)
class Reference:
    """A value by another program."""

    case: str
    kind: str
    name: str
    value: float
    source: str


def inputs() -> dict[str, Data]:
    """The arrays of every case."""
    found: dict[str, Data] = {}
    with gzip.open(HERE / "r_statistics_inputs.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["case"], {})[row["name"]] = np.array(row["values"].split(), dtype=float)
    return found


def references(name: str) -> Iterator[Reference]:
    """Every value of a file; the kind is the case without its number."""
    with gzip.open(HERE / name, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kind = row["case"].rstrip("0123456789")
            yield Reference(row["case"], kind, row["name"], float(row["value"]), row["source"])


def is_excused(reference: Reference) -> bool:
    """Values of the other program that are wrong or mean something else, by name and with the reason.

    - psych maps a negative limit of the single measure past the pole of Spearman and Brown's formula: a "lower limit"
      above 1. Ours is minus infinity.
    - firthmodels steps to the limit of the other side, or to a point where the profile has not fallen by the quantile;
      or the profile has several maxima (separated, n < 20), of which we take the highest.
    """
    if reference.kind == "icc":
        return reference.name.endswith("k_low") and reference.value > 1
    return (reference.source, reference.case, reference.name) in _OTHER_PROFILE


_OTHER_PROFILE = {
    ("firthmodels", case, name)
    for case, name in (
        ("firth029", "high1"), ("firth191", "high1"), ("firth056", "low2"), ("firth095", "high1"),
        ("firth171", "high1"), ("firth191", "high2"), ("firth199", "high1"), ("firth203", "high2"),
    )
}  # fmt: skip


def _limits(name: str, pair: tuple[float, float]) -> Values:
    return {f"{name}_low": pair[0], f"{name}_high": pair[1]}


def roc(data: Data) -> Values:
    """AUC, its intervals, DeLong's tests, Youden's index."""
    y, a, b, y2, c = (data[name] for name in ("y", "a", "b", "y2", "c"))
    intervals = {
        method: statistics.auc_ci(y, a, method=method)  # type: ignore[arg-type]
        for method in ("delong", "logit-delong", "hanley-mcneil", "newcombe")
    }
    area = intervals["delong"]
    area90 = statistics.auc_ci(y, a, method="delong", level=0.9)
    paired, unpaired = statistics.delong_test(y, a, b), statistics.delong_unpaired(y, a, y2, c)
    return {
        "auc": area.auc, "low": area.ci[0], "high": area.ci[1], "low90": area90.ci[0], "high90": area90.ci[1],
        **_limits("logit", intervals["logit-delong"].ci), **_limits("hanley", intervals["hanley-mcneil"].ci),
        **_limits("newcombe", intervals["newcombe"].ci),
        "paired_z": paired.z, "paired_p": paired.p_value, "paired_low": paired.ci[0], "paired_high": paired.ci[1],
        "unpaired_t": unpaired.z, "unpaired_dof": unpaired.dof, "unpaired_p": unpaired.p_value,
        "youden": statistics.youden_cutoff(y, a).youden,
    }  # fmt: skip


def icc(data: Data) -> Values:
    """All six forms."""
    ratings = data["ratings"].reshape(int(data["k"][0]), -1).T
    found = {}
    for form in ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"):
        result = statistics.icc(ratings, form)
        found |= {form: result.value, **_limits(form, result.ci), f"{form}_f": result.f, f"{form}_p": result.p_value}
    return found


def kappa(data: Data) -> Values:
    """Plain and weighted."""
    levels = list(range(1, int(data["levels"][0]) + 1))
    found = {
        name: statistics.cohen_kappa(data["a"], data["b"], weights=weights, levels=levels)  # type: ignore[arg-type]
        for name, weights in (("plain", None), ("linear", "linear"), ("quadratic", "quadratic"))
    }
    return {name: result.value for name, result in found.items()} | {"plain_se": found["plain"].se}


def counts_of(data: Data) -> np.ndarray:
    """The table (rows, columns)."""
    return data["counts"].reshape(-1, int(data["rows"][0])).T.astype(np.int64)


def table(data: Data) -> Values:
    """The exact test, and chi-square where the rule takes it."""
    counts = counts_of(data)
    result = statistics.categorical_test(counts)
    found = {"fisher": freeman_halton(counts), "min_expected": result.min_expected}
    if result.test.startswith("Pearson"):
        found |= {"chi_square": result.statistic, "chi_p": result.p_value}
    return found


def chi(data: Data) -> Values:
    """Chi-square of a table that is thick enough."""
    result = statistics.categorical_test(counts_of(data))
    return {"chi_square": result.statistic, "chi_p": result.p_value}


def ranks(data: Data) -> Values:
    """The exact rank test without ties."""
    return {"u_exact_p": statistics.continuous_test(data["a"], data["b"], method="mann-whitney-exact").p_value}


def groups(data: Data) -> Values:
    """Two groups of a measurement."""
    a, b = data["a"], data["b"]
    student, welch = statistics.continuous_test(a, b), statistics.continuous_test(a, b, method="welch")
    u = statistics.continuous_test(a, b, method="mann-whitney")
    exact = statistics.continuous_test(a, b, method="mann-whitney-exact")
    column, y = np.concatenate([a, b])[:, None], np.repeat([1, 0], [a.size, b.size])
    shapiro = statistics.continuous_test(a, b, normality="shapiro-wilk").normality
    found = {
        "student_t": student.statistic, "student_p": student.p_value, "welch_t": welch.statistic,
        "welch_dof": welch.dof, "welch_p": welch.p_value, "u": u.statistic, "u_p": u.p_value,
        "u_continuity_p": statistics.mann_whitney_columns(column, y, continuity=True)[0],
        "lilliefors_a": student.normality[0], "lilliefors_b": student.normality[1], "levene_p": student.levene,
        "shapiro_a": shapiro[0], "shapiro_b": shapiro[1], "median_a": student.median[0],
        "q1_a": student.quartiles[0][0], "q3_b": student.quartiles[1][1],
    }  # fmt: skip
    if exact.test.endswith("(exact)"):
        found |= {"u_exact_p": exact.p_value, "u_permutation_p": exact.p_value}
    return found


def glm(data: Data) -> Values:
    """Logistic regression, calibration in the large and slope."""
    y, f = data["y"], data["f"]
    pair, indicators = np.column_stack([data["x1"], data["x2"]]), np.column_stack([f == 1, f == 2])
    fit = statistics.logistic(pair, y, ["x1", "x2"])
    low, high = np.log(statistics.logistic(pair, y, interval="profile").ci)
    calibration = statistics.calibration_intercept_slope(y, data["p"])
    return {
        "b0": fit.intercept, "b1": fit.coefficients[0], "b2": fit.coefficients[1],
        "se0": fit.intercept_se, "se1": fit.se[0], "se2": fit.se[1], "p1": fit.p_values[0], "p2": fit.p_values[1],
        "log_likelihood": fit.log_likelihood, "profile_low": low[0], "profile_high": high[0],
        "lr_p1": fit.lr_p_values[0], "lr_p2": fit.lr_p_values[1], "aic": fit.aic,
        "vif1": fit.vif[0], "vif2": fit.vif[1], "nagelkerke": fit.r2_nagelkerke,
        "factor_p": statistics.likelihood_ratio_test(indicators, y).p_value,
        "added_p": statistics.likelihood_ratio_test(indicators, y, base=pair).p_value,
        "slope": calibration.slope, "slope_se": (calibration.slope_ci[1] - calibration.slope) / Z,
        "intercept": calibration.intercept, "intercept_se": (calibration.intercept_ci[1] - calibration.intercept) / Z,
    }  # fmt: skip


def firth(data: Data) -> Values:
    """Firth's regression."""
    fit = statistics.firth(np.column_stack([data["x1"], data["x2"]]), data["y"])
    low, high = np.log(fit.ci)
    return {
        "b0": fit.intercept, "b1": fit.coefficients[0], "b2": fit.coefficients[1], "se1": fit.se[0], "se2": fit.se[1],
        "low1": low[0], "high1": high[0], "low2": low[1], "high2": high[1],
        "p1": fit.p_values[0], "p2": fit.p_values[1],
    }  # fmt: skip


def diagnostic(data: Data) -> Values:
    """A classification, and another of the same patients."""
    y, called, other = data["y"], data["called"], data["other"]
    found = {}
    for name, method in (("wilson", "wilson"), ("exact", "clopper-pearson")):
        measures = statistics.diagnostic_measures(y, called, method=method)  # type: ignore[arg-type]
        for theirs, measure in EPI_TESTS.items():
            result = getattr(measures, measure)
            found |= {f"{name}_{theirs}_est": result.value, **_limits(f"{name}_{theirs}", result.ci)}
    right, right_too = called == y, other == y
    tests = {"mcnemar": "uncorrected", "mcnemar_corrected": "corrected", "mcnemar_exact": "exact"}
    for name, method in tests.items():
        found[name] = statistics.mcnemar(right, right_too, method=method).p_value  # type: ignore[arg-type]
    return found


def risk(data: Data) -> Values:
    """Calibration curve, Brier score, reclassification."""
    y, p, q = data["y"], data["p"], data["q"]
    curve = statistics.calibration_curve(y, p, points=11)
    gain = statistics.incremental_value(y, p, q, cutoffs=(0.3, 0.6), resamples=100)
    assert gain.categorical_nri is not None
    found = {
        "ici": curve.ici, "e50": curve.e50, "e90": curve.e90, "e_max": curve.e_max,
        "brier": statistics.brier(y, p), "slope": statistics.calibration_intercept_slope(y, p).slope,
        "idi": gain.idi.value, "nri": gain.continuous_nri.value, "nri_events": gain.continuous_nri.events,
        "nri_nonevents": gain.continuous_nri.nonevents, "categorical_nri": gain.categorical_nri.value,
        "categorical_events": gain.categorical_nri.events, "categorical_nonevents": gain.categorical_nri.nonevents,
    }  # fmt: skip
    for number, place in enumerate((1, 5, 8), 1):
        found |= {f"curve{number}": curve.observed[place]}
        found |= {f"low{number}": curve.low[place], f"high{number}": curve.high[place]}
    return found


def net_benefit(data: Data) -> Values:
    """Of the model and of treating all."""
    curve = statistics.decision_curve(data["y"], data["p"], THRESHOLDS, resamples=0)
    return {f"model{t}": v for t, v in zip(THRESHOLDS, curve.net_benefit, strict=True)} | {
        f"all{t}": v for t, v in zip(THRESHOLDS, curve.treat_all, strict=True)
    }


def continuous_smd(data: Data) -> Values:
    """Standardised difference of a measurement, from tableone's variances (divided by n, not n - 1)."""
    a, b = data["a"], data["b"]
    ours = statistics.smd_continuous(a, b).value
    return {"smd": ours * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / (a.var() + b.var()))}


def categorical_smd(data: Data) -> Values:
    """Standardised difference of a category."""
    return {"smd": statistics.smd_categorical(counts_of(data)[:2]).value}


def proportion(data: Data) -> Values:
    """Both intervals."""
    x, n = int(data["x"][0]), int(data["n"][0])
    return _limits("wilson", statistics.wilson_interval(x, n)) | _limits(
        "exact", statistics.clopper_pearson_interval(x, n)
    )


def adjust(data: Data) -> Values:
    """Adjusted p-values."""
    holm, bh = statistics.holm(data["p"]), statistics.benjamini_hochberg(data["p"])
    return {f"holm{i}": v for i, v in enumerate(holm)} | {f"bh{i}": v for i, v in enumerate(bh)}


OF_R: dict[str, Callable[[Data], Values]] = {
    "roc": roc, "chi": chi, "ranks": ranks, "icc": icc, "kappa": kappa, "table": table, "groups": groups, "glm": glm,
    "firth": firth, "diagnostic": diagnostic, "risk": risk, "proportion": proportion, "adjust": adjust,
}  # fmt: skip
OF_PYTHON: dict[str, Callable[[Data], Values]] = {
    "firth": firth, "risk": net_benefit, "groups": continuous_smd, "table": categorical_smd, "chi": categorical_smd,
}  # fmt: skip
