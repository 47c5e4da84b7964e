"""The methods text of the statistics: how groups and models were compared, and which tests are two-sided."""

from __future__ import annotations

import pandas as pd

from radstudy.modelling.assessment.measures import IntervalBy, with_interval_by
from radstudy.protocol.words import listed
from radstudy.report.analysed import lesions_note
from radstudy.report.chance import NULL, NULL_BASELINES
from radstudy.report.facts import TRAINING, Facts
from radstudy.report.tables.performance import INTERVALS, applied, cutoff_rule
from radstudy.report.tables.regression import estimated, p_of_interval
from radstudy.report.text.evidence import DELONG, TABLE3, rows, shows
from radstudy.report.text.sentence import Sentence

GROUPS = ("evaluate/table1.csv", "evaluate/table2.csv")
CALIBRATION, CURVES = "evaluate/calibration.csv", "evaluate/calibration_curves.csv"
DECISION, REGRESSION = "evaluate/decision_curves.csv", "evaluate/regression.csv"
MCNEMAR, INCREMENTAL = "evaluate/mcnemar.csv", "evaluate/incremental.csv"


# --- groups ------------------------------------------------------------------------------------------------------


def _tests(facts: Facts, kind: str) -> list[str]:
    """The tests that Tables 1 and 2 were made with, as the tables call them."""
    parts = [rows(facts, name, "p_value", "test", "kind") for name in GROUPS]
    found = [str(test) for part in parts for test in part.loc[part["kind"] == kind, "test"]]
    plain = (test if test in _NAMES else test.partition(" (")[0] for test in found)
    return list(dict.fromkeys(plain))


_NAMES = {
    "Student's t": "Student's t-test",
    "Welch's t": "Welch's t-test",
    "Mann-Whitney U": "the Mann-Whitney U test",
    "Pearson chi-square": "Pearson's chi-square test without continuity correction (where n was at least 40 and every "
    "expected count at least 5, or the exact test not feasible)",
    "Fisher exact": "Fisher's exact test",
    "Fisher exact (Freeman-Halton)": "the Fisher-Freeman-Halton exact test",
}


def _named(tests: list[str]) -> str:
    return listed([_NAMES.get(test, f"{test} test") for test in tests])


def _continuous(facts: Facts) -> str:
    chosen = (
        ", as normality (Kolmogorov-Smirnov with Lilliefors' correction, per group) and equality of variances (Levene) "
        "allowed"
        if facts.protocol.evaluate.continuous == "auto-spss"
        else ""
    )
    return f"Continuous variables of the groups were compared by {_named(_tests(facts, 'continuous'))}{chosen}."


def _categorical(facts: Facts) -> str:
    return (
        f"Categorical variables of the groups were compared by {_named(_tests(facts, 'categorical'))}; levels that "
        "nobody has were left out."
    )


# --- single models -----------------------------------------------------------------------------------------------


def _area_intervals(facts: Facts) -> str:
    frame = rows(facts, TABLE3, "auc_low")
    known = frame.get("interval", [facts.protocol.evaluate.interval.auc])
    used = listed([INTERVALS[name] for name in dict.fromkeys(known)])
    return f"The area under the ROC curve (AUC) has {facts.level} confidence intervals by {used}."


def _with_interval(facts: Facts, kind: IntervalBy) -> list[str]:
    """The measures of the run that have an interval of this kind, in words."""
    return [measure.words for measure in with_interval_by(kind) if shows(facts, TABLE3, f"{measure.name}_low")]


def _bootstrap_intervals(facts: Facts) -> str:
    names = _with_interval(facts, "bootstrap")
    one = len(names) == 1
    intervals = "interval" if one else "intervals"
    return f"The {intervals} of the {listed(names)} {'is that' if one else 'are those'} of the stratified bootstrap."


# F1 and balanced accuracy have theirs from those of proportions (docs/statistics.md): no sentence of its own
_SINGLE = (
    Sentence("auc_intervals", lambda facts: shows(facts, TABLE3, "auc_low"), _area_intervals),
    Sentence(
        "proportion_intervals",
        lambda facts: bool(_with_interval(facts, "proportion")),
        lambda facts: (
            f"Proportions have {facts.level} intervals by {facts.protocol.evaluate.interval.proportion.title()}."
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
            "intervals) and the Brier score."
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
        lambda _: "Bands of the calibration curves are pointwise.",
    ),
    Sentence(
        "decision_curves",
        lambda facts: shows(facts, DECISION, "net_benefit"),
        lambda _: "Decision curves show the net benefit.",
    ),
    Sentence(
        "decision_bands",
        lambda facts: shows(facts, DECISION, "low", "high"),
        lambda _: "Bands of the decision curves are pointwise percentile-bootstrap bands.",
    ),
)


# --- regression --------------------------------------------------------------------------------------------------


def _regression(facts: Facts) -> str:
    interval = {"profile": "profile-likelihood", "wald": "Wald"}[facts.protocol.evaluate.regression.interval]
    return (
        "Odds ratios are those of a multivariable logistic regression of each model's features without penalty on the "
        f"training set ({interval} intervals); they ignore that the features were selected on the same rows."
    )


def _firth(facts: Facts) -> list[str]:
    frame = rows(facts, REGRESSION, "odds_ratio", "estimator")
    if not len(frame):
        return []
    return list(dict.fromkeys(frame[frame["estimator"].str.lower().str.contains("firth")]["model"]))


def _odds_ratios_tested(facts: Facts) -> bool:
    """Whether some odds ratio has the p-value that is printed beside it."""
    frame = rows(facts, REGRESSION, "odds_ratio", "low", "high")
    return any(estimated(row) and not pd.isna(p_of_interval(facts, row)) for _, row in frame.iterrows())


def _p_of_odds_ratios(facts: Facts) -> str:
    profile = facts.protocol.evaluate.regression.interval == "profile"
    test = "the likelihood-ratio test" if profile else "Wald's test"
    test += "; Firth's fit has that of its penalised likelihood ratio" if _firth(facts) else ""
    return f"Each odds ratio has the p-value of the test that its interval belongs to ({test})."


def _no_estimate(facts: Facts) -> list[str]:
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
            f"Firth's penalised likelihood was used where the groups were separated ({listed(_firth(facts))})."
        ),
    ),
    Sentence("odds_ratios_tested", _odds_ratios_tested, _p_of_odds_ratios),
    Sentence(
        "regression_not_estimated",
        lambda facts: bool(_no_estimate(facts)),
        lambda facts: f"Some odds ratios of {listed(_no_estimate(facts))} could not be estimated; the table says why.",
    ),
)


# --- pairs -------------------------------------------------------------------------------------------------------


def _nested_in_training(facts: Facts) -> bool:
    frame = rows(facts, DELONG, "difference", "nested")
    return bool(len(frame) and ((frame["set"] == TRAINING) & frame["nested"].eq(True)).any())


_PAIRS = (
    Sentence(
        "delong",
        lambda facts: shows(facts, DELONG, "p_value"),
        lambda _: "AUCs of two models were compared by DeLong's paired test, on the rows that both can use.",
    ),
    Sentence(
        "nested_not_tested",
        _nested_in_training,
        lambda _: (
            "DeLong's test is not valid for nested models on the patients that they were fitted on, and is not given "
            "there."
        ),
    ),
    Sentence(
        "mcnemar",
        lambda facts: shows(facts, MCNEMAR, "p_value"),
        lambda _: (
            "Who was classified correctly at the models' own cut-offs was compared by McNemar's exact test, on "
            "the rows that both can use."
        ),
    ),
    Sentence(
        "holm",
        lambda facts: any(shows(facts, name, "p_adjusted") for name in (DELONG, MCNEMAR)),
        lambda _: (
            "The p-values of these comparisons are given raw and with Holm's correction over all tested pairs of a set."
        ),
    ),
    Sentence(
        "not_adjusted",
        lambda facts: (
            any(shows(facts, name, "p_value") for name in (DELONG, MCNEMAR))
            and not any(shows(facts, name, "p_adjusted") for name in (DELONG, MCNEMAR))
        ),
        lambda _: "The p-values of these comparisons are not corrected for their number.",
    ),
    Sentence(
        "incremental_value",
        lambda facts: shows(facts, INCREMENTAL, "idi"),
        lambda _: (
            "What a model adds to one that it is built from was described by the difference in AUC, the "
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


def _two_sided(facts: Facts) -> list[str]:
    """The tests with two tails that gave a p-value."""
    known = {
        "of the groups": any(shows(facts, name, "p_value") for name in GROUPS),
        "of the odds ratios": _odds_ratios_tested(facts),
        "DeLong's": shows(facts, DELONG, "p_value"),
        "McNemar's": shows(facts, MCNEMAR, "p_value"),
    }
    return [name for name, there in known.items() if there]


def _takes_rows_as_independent(facts: Facts) -> bool:
    """Whether there is an interval or a test that does."""
    return shows(facts, TABLE3, "auc_low") or bool(_two_sided(facts))


TAILS = (
    Sentence(
        "two_sided",
        lambda facts: bool(_two_sided(facts)),
        lambda facts: f"Two-sided are the tests {listed(_two_sided(facts))}.",
    ),
    Sentence(
        "one_sided",
        lambda facts: any(shows(facts, name, "p_value") for name in (NULL, NULL_BASELINES)),
        lambda _: (
            "The p-values of permutations are one-sided (upper tail): only an AUC that is at least as large counts."
        ),
    ),
    Sentence(
        "lesions_as_independent",
        lambda facts: bool(lesions_note(facts)) and _takes_rows_as_independent(facts),
        lesions_note,
    ),
)
