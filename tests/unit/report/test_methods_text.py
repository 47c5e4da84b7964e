"""The methods text of the statistics follows the study file."""

from typing import get_args

import pytest

from radstudy.protocol.evaluate import Interval
from radstudy.report.tables import TABLES
from radstudy.report.tables.performance import INTERVALS
from radstudy.report.text.methods import methods


def methods_text(facts):
    return " ".join(paragraph.text for paragraph in methods(facts))


def changed(facts, section, **settings):
    part = getattr(facts.protocol.evaluate, section).model_copy(update=settings)
    evaluate = facts.protocol.evaluate.model_copy(update={section: part})
    object.__setattr__(facts, "protocol", facts.protocol.model_copy(update={"evaluate": evaluate}))
    return facts


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "the probability with the largest Youden index in the training set (if tied, the lowest)"),
     ({"sensitivity": 0.9}, "the highest probability with a sensitivity of at least 90% in the training set"),
     ({"specificity": 0.85}, "the lowest probability with a specificity of at least 85% in the training set"),
     ({"cost_ratio": 4.0}, "if a false negative costs 4 times as much as a false positive")],
)  # fmt: skip
def test_the_rule_of_the_cut_off_is_the_study_files(facts, settings, words):
    assert words in methods_text(changed(facts, "cutoff", **settings))
    assert words in TABLES["performance"](facts).footnotes[0]


def test_every_interval_of_the_auc_has_a_name():
    assert set(INTERVALS) == set(get_args(Interval.model_fields["auc"].annotation))


def test_regression_and_comparisons_are_named(facts):
    text = methods_text(facts)
    assert "(profile-likelihood intervals)" in text
    assert "Firth's penalised likelihood was used if features separated the groups (combined)" in text
    assert "McNemar's exact test, on the rows that both can use" in text
    assert "reported uncorrected and with Holm's correction" in text
    assert "(Wald intervals)" in methods_text(changed(facts, "regression", interval="wald"))
    facts.frames["evaluate/mcnemar.csv"]["p_adjusted"] = None
    assert "not corrected for multiple testing" in methods_text(facts)


def test_the_readers_comparison_is_said_where_there_was_one(facts):
    assert "Hausdorff distance" in methods_text(facts)
    assert "Agreement between two readers on Margin was measured with Cohen's kappa" in methods_text(facts)
    for name in ("agree/masks.csv", "agree/kappa.csv"):
        del facts.frames[name]
    assert "Hausdorff" not in methods_text(facts)
    assert "kappa" not in methods_text(facts)
