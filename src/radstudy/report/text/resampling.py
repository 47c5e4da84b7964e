"""The methods text of what chance reaches, of the baselines, and of the same recipe on other rows."""

from __future__ import annotations

import pandas as pd

from radstudy.protocol.words import listed
from radstudy.report.baselines import baselines
from radstudy.report.chance import INCREMENTAL, NULL, family, floor_text, named
from radstudy.report.display import plural, plural_span, span
from radstudy.report.facts import TESTING, Facts
from radstudy.report.resampled import FOLDER
from radstudy.report.text.evidence import RESAMPLED, agreement_tested, chance_rows, left_out, rows, shows
from radstudy.report.text.sentence import Sentence

MOVED, CORRECTIONS = "evaluate/other_reader/moved.csv", f"{FOLDER}/corrections.csv"


def _without(found: dict[str, list[str]]) -> str:
    """Which models were left out, and why: "Not for A and B: why.", one sentence a reason."""
    return " ".join(f"Not for {listed(names)}: {why}." for why, names in found.items())


# --- chance ------------------------------------------------------------------------------------------------------


def _models_of(frame: pd.DataFrame, facts: Facts) -> str:
    """Which models have rows: "every model", or their names."""
    return named(facts, [name for name in facts.models if name in set(frame["model"])])


def _chance(facts: Facts) -> str:
    frame = chance_rows(facts)
    both = "training and within the testing" if (frame["measure"] == TESTING).any() else "training"
    return (
        f"For {_models_of(frame, facts)} the outcome was permuted {span(frame['permutations'])} times within the "
        f"{both} set, and everything that sees an outcome was done again; p is (1 + the number "
        "of AUCs at least as large) / (permutations + 1) (Phipson and Smyth 2010)."
    )


def _incremental(facts: Facts) -> str:
    frame = chance_rows(facts, INCREMENTAL)
    return (
        f"For {listed([name for name in facts.models if name in set(frame['model'])])} the radiomics features were "
        f"also permuted against outcome and clinical variables, {span(frame['permutations'])} times: what radiomics "
        "adds to them."
    )


CHANCE = (
    Sentence("chance", lambda facts: bool(len(chance_rows(facts))), _chance),
    Sentence(
        "chance_floor",
        lambda facts: bool(len(chance_rows(facts))),
        lambda facts: f"So {floor_text(chance_rows(facts)['permutations'])}.",
    ),
    Sentence(
        "chance_max_t",
        lambda facts: bool(family(facts)),
        lambda facts: (
            f"The p-value of {named(facts, family(facts))} was also corrected for having tried "
            f"{plural(len(family(facts)), 'model')}, by single-step max-T on the same permutations (Westfall and Young "
            "1993)."
        ),
    ),
    Sentence("chance_incremental", lambda facts: bool(len(chance_rows(facts, INCREMENTAL))), _incremental),
    Sentence(
        "chance_left_out",
        lambda facts: bool(left_out(facts, NULL, "permutations")),
        lambda facts: _without(left_out(facts, NULL, "permutations")),
    ),
    Sentence(
        "no_chance",
        lambda facts: facts.finished("evaluate") and not len(chance_rows(facts)),
        lambda _: "No outcome was permuted, so what chance alone reaches is not known.",
    ),
)


# --- baselines and other readers ---------------------------------------------------------------------------------

_ALONE = {"volume": "the logarithm of the lesion's volume", "age": "age"}


def _kinds(facts: Facts) -> set[str]:
    """The kinds of baselines that have an AUC."""
    frame = baselines(facts)
    return set(frame[frame["auc"].notna()]["kind"]) if {"kind", "auc"} <= set(frame.columns) else set()


def _alone(facts: Facts) -> list[str]:
    return [words for kind, words in _ALONE.items() if kind in _kinds(facts)]


def _moved(facts: Facts) -> str:
    readers = listed(list(dict.fromkeys(rows(facts, MOVED, "reader")["reader"])))
    return (
        f"The fitted models were applied unchanged to the features of {readers}; the differences of the predicted "
        "probabilities were described by limits of agreement (Bland and Altman)."
    )


BASELINES = (
    Sentence(
        "baselines",
        lambda facts: bool(_alone(facts)),
        lambda facts: (
            "As baselines, logistic regressions on one variable were fitted on the training set: on "
            f"{listed(_alone(facts))}."
        ),
    ),
    Sentence(
        "shuffled",
        lambda facts: "shuffled" in _kinds(facts),
        lambda _: (
            "Every model with images was also selected and fitted on lesions whose voxels were put in random order."
        ),
    ),
    Sentence("other_reader", lambda facts: shows(facts, MOVED, "reader"), _moved),
)


# --- other rows --------------------------------------------------------------------------------------------------


def _nested(facts: Facts) -> str:
    frame = rows(facts, RESAMPLED, "nested_auc", "repeats", "folds")
    inside = "every data-dependent step"
    if agreement_tested(facts):
        inside += " but the readers' agreement"
    return (
        f"The whole pipeline of {_models_of(frame, facts)} was cross-validated on all {facts.case_word} "
        f"({span(frame['repeats'])} x {span(frame['folds'])} folds stratified by outcome, {inside} inside, patients "
        "undivided); the AUC is the mean over the folds, its interval "
        "from the corrected-resampled variance (Nadeau and Bengio 2003), which is approximate for an AUC."
    )


def _splits(facts: Facts) -> str:
    frame = rows(facts, RESAMPLED, "splits", "split_median")
    return (
        f"The whole pipeline of {_models_of(frame, facts)} was fitted and tested on {span(frame['splits'])} other "
        "random splits with as many patients of each class in training."
    )


def _bootstrap(facts: Facts) -> str:
    frame = rows(facts, RESAMPLED, "resamples", "out_of_bag_auc")
    return (
        f"On {span(frame['resamples'])} bootstrap samples of patients (copies of a patient in one inner fold) AUC, "
        f"Brier score and calibration slope of {_models_of(frame, facts)} were those of the patients not drawn."
    )


def _corrections(facts: Facts) -> str:
    frame = rows(facts, CORRECTIONS, "auc")
    names = {"harrell": "Harrell's", "632": ".632", "632+": ".632+"}
    made = [words for name, words in names.items() if name in set(frame["correction"].astype(str))]
    outcomes = plural_span(rows(facts, CORRECTIONS, "noise_outcomes")["noise_outcomes"], "permuted outcome")
    return (
        f"The corrections of optimism ({listed(made)}) stay optimistic after a selection of features, and are given "
        f"beside their values on {outcomes}."
    )


def _resampled(facts: Facts) -> bool:
    return any(shows(facts, RESAMPLED, column) for column in ("nested_auc", "split_median", "out_of_bag_auc"))


RESAMPLING = (
    Sentence("nested", lambda facts: shows(facts, RESAMPLED, "nested_auc", "repeats", "folds"), _nested),
    Sentence("other_splits", lambda facts: shows(facts, RESAMPLED, "splits", "split_median"), _splits),
    Sentence("bootstrap", lambda facts: shows(facts, RESAMPLED, "resamples", "out_of_bag_auc"), _bootstrap),
    Sentence(
        "selection_stability",
        lambda facts: shows(facts, RESAMPLED, "stability"),
        lambda _: "The stability of the selection is Nogueira's index (Nogueira, Sechidis and Brown 2018).",
    ),
    Sentence("corrections", lambda facts: shows(facts, CORRECTIONS, "auc", "noise_outcomes"), _corrections),
    Sentence(
        "resampling_left_out",
        lambda facts: bool(left_out(facts, RESAMPLED, "training_auc")),
        lambda facts: _without(left_out(facts, RESAMPLED, "training_auc")),
    ),
    Sentence(
        "no_resampling",
        lambda facts: facts.finished("evaluate") and not _resampled(facts),
        lambda _: "Nothing was resampled, so what the same recipe reaches inside the folds is not known.",
    ),
)
