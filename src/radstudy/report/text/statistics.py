"""The methods text of the statistics."""

from __future__ import annotations

from radstudy.report.analysed import lesions_note
from radstudy.report.baselines import baselines
from radstudy.report.chance import family
from radstudy.report.display import listed
from radstudy.report.facts import Facts
from radstudy.report.tables.performance import INTERVALS, cutoff_rule

_CONTINUOUS = {
    "student": "Student's t-test",
    "welch": "Welch's t-test",
    "mann-whitney": "the Mann-Whitney U test",
    "auto-spss": "Student's t-test, Welch's t-test or the Mann-Whitney U test, as normality (Kolmogorov-Smirnov with "
    "Lilliefors' correction, per group) and equality of variances (Levene) allowed",
}


def statistics_method(facts: Facts) -> str:
    """How groups and models were compared, and what the models' probabilities are worth."""
    evaluate = facts.protocol.evaluate
    return " ".join(filter(None, [
        f"Groups were compared by {_CONTINUOUS[evaluate.continuous]} (continuous) and by Pearson's chi-square "
        "without continuity correction where n was at least 40 and every expected count at least 5, else by Fisher's "
        "exact test (Freeman-Halton for more than two columns); levels that nobody has were left out.",
        f"The area under the ROC curve (AUC) has {100 * evaluate.interval.level:g}% confidence intervals by "
        f"{INTERVALS[evaluate.interval.auc]}, proportions by {evaluate.interval.proportion.title()}, average precision "
        f"by the stratified bootstrap. The cut-off was {cutoff_rule(facts)}, applied unchanged to the testing set.",
        _calibration(),
        _regression(facts),
        _pairs(facts),
        _chance(facts),
        _baselines(facts),
        _resampling(facts),
        "All tests were two-sided.",
        lesions_note(facts),
    ]))  # fmt: skip


def _baselines(facts: Facts) -> str:
    frame = baselines(facts)
    said = []
    if len(frame):
        kinds = {"volume": "the logarithm of the lesion's volume", "age": "age"}
        alone = [words for kind, words in kinds.items() if kind in set(frame["kind"])]
        if alone:
            said.append(f"As baselines, logistic regressions of {listed(alone)} alone were fitted on the training set.")
        if "shuffled" in set(frame["kind"]):
            said.append(
                "Every model with images was also selected and fitted on lesions whose voxels were put in random order."
            )
    moved = facts.frames.get("evaluate/other_reader/moved.csv")
    if moved is not None and len(moved):
        readers = listed(list(dict.fromkeys(moved["reader"])))
        said.append(
            f"The fitted models were applied unchanged to the features of {readers}; "
            "the differences of the predicted probabilities were described by limits of agreement (Bland and Altman)."
        )
    return " ".join(said)


def _calibration() -> str:
    return (
        "Calibration was described by the intercept and the slope of a logistic recalibration (Wald intervals), the "
        "Brier score, and a flexible curve (logistic regression on a restricted cubic spline of the predicted "
        "log-odds, pointwise band). Decision curves show the net benefit with pointwise percentile-bootstrap bands."
    )


def _regression(facts: Facts) -> str:
    section = facts.protocol.evaluate.regression
    interval = {"profile": "profile-likelihood", "wald": "Wald"}[section.interval]
    separated = (
        "Firth's penalised likelihood where the groups were separated"
        if section.separation == "firth"
        else "no estimate where the groups were separated"
    )
    return (
        "Odds ratios are those of a multivariable logistic regression of each model's features without penalty on the "
        f"training set ({interval} intervals; {separated}), each with the p-value of the test that its interval "
        "belongs to; they ignore that the features were selected on the same rows."
    )


def _pairs(facts: Facts) -> str:
    adjusted = (
        "raw and with Holm's correction over all pairs of a set"
        if facts.protocol.evaluate.compare.adjust == "holm"
        else "without correction for their number"
    )
    return (
        "AUCs of two models were compared by DeLong's paired test, and who was classified correctly at the models' own "
        f"cut-offs by McNemar's exact test, on the rows that both can use, {adjusted}. What a model adds to one that "
        "it is built from was described by the difference in AUC, the integrated discrimination improvement and the "
        "continuous net reclassification improvement (percentile-bootstrap intervals)."
    )


def _chance(facts: Facts) -> str:
    section = facts.protocol.evaluate.chance
    if section is None:
        return "No null calibration was made."
    said = (
        f"For every model the outcome was permuted {section.permutations:,} times within the training and within the "
        "testing set, and everything that sees an outcome was done again; p is (1 + the number of AUCs at least as "
        "large) / (permutations + 1) (Phipson and Smyth 2010)."
    )
    if family(facts):
        said += (
            " It was corrected for the number of models by single-step max-T on the same permutations (Westfall and "
            "Young 1993)."
        )
    if section.incremental:
        said += (
            " For models of radiomics and clinical variables the radiomics features were also permuted against outcome "
            "and clinical variables."
        )
    return said


def _resampling(facts: Facts) -> str:
    section = facts.protocol.evaluate.resampling
    if section is None:
        return "No resampling was made."
    said = []
    if section.nested is not None:
        said.append(
            f"The whole pipeline was cross-validated on all {facts.case_word} ({section.nested.repeats} x "
            f"{section.nested.folds} folds stratified by outcome, every data-dependent step but the readers' agreement "
            "inside, patients undivided); the AUC is the mean over the folds, its interval from the "
            "corrected-resampled variance (Nadeau and Bengio 2003), which is approximate for an AUC."
        )
    if section.splits:
        said.append(
            f"It was also fitted and tested on {section.splits:,} other random splits with as many patients of each "
            "class in training."
        )
    if section.bootstrap:
        said.append(
            f"On {section.bootstrap:,} bootstrap samples of patients (copies of a patient in one inner fold) AUC, "
            "Brier score and calibration slope were those of the patients not drawn; the stability of the selection is "
            "Nogueira's index (Nogueira, Sechidis and Brown 2018)."
        )
    if section.optimism:
        names = {"harrell": "Harrell's", "632": ".632", "632+": ".632+"}
        said.append(
            f"The corrections of optimism ({listed([names[name] for name in section.optimism])}) stay optimistic after "
            f"a selection of features, and are given beside their values on {section.noise} permuted outcomes."
        )
    return " ".join(said) or "Nothing was resampled."


def agreement_method(facts: Facts) -> str:
    """How masks and characteristics of the readers were compared; "" where neither was."""
    said = ""
    if len(facts.protocol.cohort.readers) > 1 and facts.protocol.features is None:
        said += (
            " The readers' masks were compared by Dice and Jaccard coefficient, Hausdorff distance (largest and 95th "
            "percentile) and mean surface distance."
        )
    if named := list(facts.protocol.agree.kappa):
        said += (
            f" What two readers saw ({listed([facts.label_of(name) for name in named])}) was compared by Cohen's kappa."
        )
    return said
