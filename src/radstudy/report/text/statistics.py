"""The methods text on the statistics: the comparison of groups and models, and the sidedness of the tests."""

from __future__ import annotations

import pandas as pd

from radstudy.modelling.assessment.measures import IntervalBy, with_interval_by
from radstudy.protocol.words import listed
from radstudy.report.analysed import lesions_note
from radstudy.report.chance import CHANCE_BASELINES, CHANCE_FILE
from radstudy.report.facts import TRAINING, RunFacts
from radstudy.report.tables.performance import INTERVALS, applied, cutoff_rule
from radstudy.report.tables.regression import estimated, p_of_interval
from radstudy.report.text.evidence import DELONG, TABLE3, rows, shows
from radstudy.report.text.sentence import Sentence

GROUPS = ("evaluate/table1.csv", "evaluate/table2.csv")
CALIBRATION, CURVES = "evaluate/calibration.csv", "evaluate/calibration_curves.csv"
DECISION, REGRESSION = "evaluate/decision_curves.csv", "evaluate/regression.csv"
MCNEMAR, INCREMENTAL = "evaluate/mcnemar.csv", "evaluate/incremental.csv"


# --- groups ------------------------------------------------------------------------------------------------------


def _tests(facts: RunFacts, kind: str) -> list[str]:
    """The tests used in Tables 1 and 2, as the tables name them."""
    parts = [rows(facts, name, "p_value", "test", "kind") for name in GROUPS]
    labels = [str(test) for part in parts for test in part.loc[part["kind"] == kind, "test"]]
    plain = (test if test in _NAMES else test.partition(" (")[0] for test in labels)
    return list(dict.fromkeys(plain))


_NAMES = {
    "Student's t": "Student's t-test",
    "Welch's t": "Welch's t-test",
    "Mann-Whitney U": "the Mann-Whitney U test",
    "Pearson chi-square": "Pearson's chi-square test without continuity correction (if n was at least 40 and every "
    "expected count at least 5, or if the exact test was not feasible)",
    "Fisher exact": "Fisher's exact test",
    "Fisher exact (Freeman-Halton)": "the Fisher-Freeman-Halton exact test",
}


def _named(tests: list[str]) -> str:
    return listed([_NAMES.get(test, f"{test} test") for test in tests])


def _continuous(facts: RunFacts) -> str:
    chosen = (
        ", depending on normality (Kolmogorov-Smirnov with Lilliefors' correction, per group) and equality of "
        "variances (Levene)"
        if facts.protocol.evaluate.continuous == "auto-spss"
        else ""
    )
    return f"Continuous variables were compared between the groups by {_named(_tests(facts, 'continuous'))}{chosen}."


def _categorical(facts: RunFacts) -> str:
    return (
        f"Categorical variables were compared between the groups by {_named(_tests(facts, 'categorical'))}; levels "
        "that did not occur were left out."
    )


# --- single models -----------------------------------------------------------------------------------------------


def _area_intervals(facts: RunFacts) -> str:
    frame = rows(facts, TABLE3, "auc_low")
    known = frame.get("interval", [facts.protocol.evaluate.interval.auc])
    used = listed([INTERVALS[name] for name in dict.fromkeys(known)])
    return f"The {facts.level} confidence intervals of the area under the ROC curve (AUC) are by {used}."


def _with_interval(facts: RunFacts, kind: IntervalBy) -> list[str]:
    """The names of the run's measures that have an interval of this kind."""
    return [measure.words for measure in with_interval_by(kind) if shows(facts, TABLE3, f"{measure.name}_low")]


def _bootstrap_intervals(facts: RunFacts) -> str:
    names = _with_interval(facts, "bootstrap")
    one = len(names) == 1
    intervals = "interval" if one else "intervals"
    return f"The confidence {intervals} of the {listed(names)} {'is' if one else 'are'} by stratified bootstrap."


# the intervals of F1 and balanced accuracy follow from those of proportions (docs/statistics.md): no sentence here
_SINGLE = (
    Sentence("auc_intervals", lambda facts: shows(facts, TABLE3, "auc_low"), _area_intervals),
    Sentence(
        "proportion_intervals",
        lambda facts: bool(_with_interval(facts, "proportion")),
        lambda facts: (
            f"The {facts.level} confidence intervals of proportions are by the "
            f"{facts.protocol.evaluate.interval.proportion.title()} method."
        ),
    ),
    Sentence(
        "precision_intervals",
        lambda facts: bool(_with_interval(facts, "bootstrap")),
        _bootstrap_intervals,
    ),
    Sentence(
        "cutoff",
        lambda facts: shows(facts, TABLE3, "cutoff"),
        lambda facts: f"The cut-off was {cutoff_rule(facts)}{applied(facts)}.",
    ),
    Sentence(
        "calibration",
        lambda facts: shows(facts, CALIBRATION, "slope"),
        lambda _: (
            "Calibration was described by the intercept and the slope of a logistic recalibration (Wald "
            "intervals) and by the Brier score."
        ),
    ),
    Sentence(
        "calibration_curves",
        lambda facts: shows(facts, CURVES, "observed"),
        lambda _: (
            "Flexible calibration curves are logistic regressions on a restricted cubic spline of the predicted "
            "log-odds."
        ),
    ),
    Sentence(
        "calibration_bands",
        lambda facts: shows(facts, CURVES, "observed", "low", "high"),
        lambda _: "The confidence bands of the calibration curves are pointwise.",
    ),
    Sentence(
        "decision_curves",
        lambda facts: shows(facts, DECISION, "net_benefit"),
        lambda _: "Decision curves show the net benefit.",
    ),
    Sentence(
        "decision_bands",
        lambda facts: shows(facts, DECISION, "low", "high"),
        lambda _: "The confidence bands of the decision curves are pointwise percentile-bootstrap bands.",
    ),
)


# --- regression --------------------------------------------------------------------------------------------------


def _regression(facts: RunFacts) -> str:
    interval = {"profile": "profile-likelihood", "wald": "Wald"}[facts.protocol.evaluate.regression.interval]
    return (
        "Odds ratios are from an unpenalised multivariable logistic regression on each model's features in the "
        f"training set ({interval} intervals); they ignore that the features were selected on the same rows."
    )


def _firth(facts: RunFacts) -> list[str]:
    frame = rows(facts, REGRESSION, "odds_ratio", "estimator")
    if not len(frame):
        return []
    return list(dict.fromkeys(frame[frame["estimator"].str.lower().str.contains("firth")]["model"]))


def _odds_ratios_tested(facts: RunFacts) -> bool:
    """True if some odds ratio is printed with its p-value."""
    frame = rows(facts, REGRESSION, "odds_ratio", "low", "high")
    return any(estimated(row) and not pd.isna(p_of_interval(facts, row)) for _, row in frame.iterrows())


def _p_of_odds_ratios(facts: RunFacts) -> str:
    profile = facts.protocol.evaluate.regression.interval == "profile"
    test = "the likelihood-ratio test" if profile else "Wald's test"
    test += "; for Firth's fit, the penalised likelihood-ratio test" if _firth(facts) else ""
    return f"The p-value of each odds ratio is from the test that matches its interval ({test})."


def _no_estimate(facts: RunFacts) -> list[str]:
    frame = rows(facts, REGRESSION, "note")
    if "odds_ratio" not in frame:
        return []
    return list(dict.fromkeys(frame[frame["odds_ratio"].isna()]["model"]))


_REGRESSION = (
    Sentence("regression", lambda facts: shows(facts, REGRESSION, "odds_ratio"), _regression),
    Sentence(
        "firth",
        lambda facts: bool(_firth(facts)),
        lambda facts: (
            f"Firth's penalised likelihood was used if features separated the groups ({listed(_firth(facts))})."
        ),
    ),
    Sentence("odds_ratios_tested", _odds_ratios_tested, _p_of_odds_ratios),
    Sentence(
        "regression_not_estimated",
        lambda facts: bool(_no_estimate(facts)),
        lambda facts: (
            f"Some odds ratios of {listed(_no_estimate(facts))} could not be estimated; the table gives the reasons."
        ),
    ),
)


# --- pairs -------------------------------------------------------------------------------------------------------


def _nested_in_training(facts: RunFacts) -> bool:
    frame = rows(facts, DELONG, "difference", "nested")
    return bool(len(frame) and ((frame["set"] == TRAINING) & frame["nested"].eq(True)).any())


_PAIRS = (
    Sentence(
        "delong",
        lambda facts: shows(facts, DELONG, "p_value"),
        lambda _: (
            "The AUCs of each pair of models were compared by DeLong's paired test, on the rows that both can use."
        ),
    ),
    Sentence(
        "nested_not_tested",
        _nested_in_training,
        lambda _: (
            "DeLong's test is not valid for nested models on the patients on whom they were fitted, and is not "
            "reported there."
        ),
    ),
    Sentence(
        "mcnemar",
        lambda facts: shows(facts, MCNEMAR, "p_value"),
        lambda _: (
            "The accuracy of each pair of models, each at its own cut-off, was compared by McNemar's exact test, on "
            "the rows that both can use."
        ),
    ),
    Sentence(
        "holm",
        lambda facts: any(shows(facts, name, "p_adjusted") for name in (DELONG, MCNEMAR)),
        lambda _: (
            "The p-values of these comparisons are reported uncorrected and with Holm's correction over all tested "
            "pairs of a set."
        ),
    ),
    Sentence(
        "not_adjusted",
        lambda facts: (
            any(shows(facts, name, "p_value") for name in (DELONG, MCNEMAR))
            and not any(shows(facts, name, "p_adjusted") for name in (DELONG, MCNEMAR))
        ),
        lambda _: "The p-values of these comparisons are not corrected for multiple testing.",
    ),
    Sentence(
        "incremental_value",
        lambda facts: shows(facts, INCREMENTAL, "idi"),
        lambda _: (
            "The gain of a model over one that it is built from was described by the difference in AUC, the "
            "integrated discrimination improvement and the continuous net reclassification improvement "
            "(percentile-bootstrap intervals)."
        ),
    ),
)

STATISTICS = (
    Sentence("continuous_groups", lambda facts: bool(_tests(facts, "continuous")), _continuous),
    Sentence("categorical_groups", lambda facts: bool(_tests(facts, "categorical")), _categorical),
    *_SINGLE,
    *_REGRESSION,
    *_PAIRS,
)


# --- tails -------------------------------------------------------------------------------------------------------


def _two_sided(facts: RunFacts) -> list[str]:
    """The two-sided tests that have a p-value."""
    known = {
        "those of the groups": any(shows(facts, name, "p_value") for name in GROUPS),
        "those of the odds ratios": _odds_ratios_tested(facts),
        "DeLong's": shows(facts, DELONG, "p_value"),
        "McNemar's": shows(facts, MCNEMAR, "p_value"),
    }
    return [name for name, tested in known.items() if tested]


def _takes_rows_as_independent(facts: RunFacts) -> bool:
    """True if some interval or test takes rows as independent."""
    return shows(facts, TABLE3, "auc_low") or bool(_two_sided(facts))


TAILS = (
    Sentence(
        "two_sided",
        lambda facts: bool(_two_sided(facts)),
        lambda facts: f"The following tests are two-sided: {listed(_two_sided(facts))}.",
    ),
    Sentence(
        "one_sided",
        lambda facts: any(shows(facts, name, "p_value") for name in (CHANCE_FILE, CHANCE_BASELINES)),
        lambda _: "Permutation p-values are one-sided (upper tail): only AUCs that are at least as large count.",
    ),
    Sentence(
        "lesions_as_independent",
        lambda facts: bool(lesions_note(facts)) and _takes_rows_as_independent(facts),
        lesions_note,
    ),
)
