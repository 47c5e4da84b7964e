"""The methods text on chance, the baselines and resampling."""

from __future__ import annotations

import pandas as pd

from radstudy.protocol.words import listed
from radstudy.report.baselines import baselines
from radstudy.report.chance import CHANCE_FILE, INCREMENTAL, family, family_size, floor_text, named
from radstudy.report.display import plural, plural_span, span
from radstudy.report.facts import TESTING, RunFacts
from radstudy.report.resampled import FOLDER
from radstudy.report.text.evidence import RESAMPLED, agreement_tested, chance_rows, left_out, rows, shows
from radstudy.report.text.sentence import Sentence

MOVED, CORRECTIONS = "evaluate/other_reader/moved.csv", f"{FOLDER}/corrections.csv"


def _without(reasons: dict[str, list[str]]) -> str:
    """The models that were left out, one sentence per reason: "Not for A and B: why."."""
    return " ".join(f"Not for {listed(names)}: {why}." for why, names in reasons.items())


# --- chance ------------------------------------------------------------------------------------------------------


def _models_of(frame: pd.DataFrame, facts: RunFacts) -> str:
    """The models that have rows: "every model", or their names."""
    return named(facts, [name for name in facts.models if name in set(frame["model"])])


def _chance(facts: RunFacts) -> str:
    frame = chance_rows(facts)
    both = "training and the testing" if (frame["measure"] == TESTING).any() else "training"
    return (
        f"For {_models_of(frame, facts)}, the outcome was permuted {span(frame['permutations'])} times within the "
        f"{both} set, and every step that uses the outcome was repeated; p is (1 + the number of AUCs at least as "
        "large) / (permutations + 1) (Phipson and Smyth 2010)."
    )


def _incremental(facts: RunFacts) -> str:
    frame = chance_rows(facts, INCREMENTAL)
    return (
        f"For {listed([name for name in facts.models if name in set(frame['model'])])}, the radiomics features were "
        f"also permuted against outcome and clinical variables, {span(frame['permutations'])} times, to test what "
        "radiomics adds to the clinical variables."
    )


CHANCE = (
    Sentence("chance", lambda facts: bool(len(chance_rows(facts))), _chance),
    Sentence(
        "chance_floor",
        lambda facts: bool(len(chance_rows(facts))),
        lambda facts: f"Therefore, {floor_text(chance_rows(facts)['permutations'])}.",
    ),
    Sentence(
        "chance_max_t",
        lambda facts: bool(family(facts)),
        lambda facts: (
            f"The p-value of {named(facts, family(facts))} was also corrected for having tried "
            f"{plural(family_size(facts), 'model')}, by single-step max-T on the same permutations (Westfall and Young "
            "1993)."
        ),
    ),
    Sentence("chance_incremental", lambda facts: bool(len(chance_rows(facts, INCREMENTAL))), _incremental),
    Sentence(
        "chance_left_out",
        lambda facts: bool(left_out(facts, CHANCE_FILE, "permutations")),
        lambda facts: _without(left_out(facts, CHANCE_FILE, "permutations")),
    ),
    Sentence(
        "no_chance",
        lambda facts: facts.finished("evaluate") and not len(chance_rows(facts)),
        lambda _: "The outcome was not permuted, so the AUC that chance alone reaches is not known.",
    ),
)


# --- baselines and other readers ---------------------------------------------------------------------------------

_ALONE = {"volume": "the logarithm of the lesion's volume", "age": "age"}


def _kinds(facts: RunFacts) -> set[str]:
    """The kinds of baselines that have an AUC."""
    frame = baselines(facts)
    return set(frame[frame["auc"].notna()]["kind"]) if {"kind", "auc"} <= set(frame.columns) else set()


def _alone(facts: RunFacts) -> list[str]:
    return [words for kind, words in _ALONE.items() if kind in _kinds(facts)]


def _moved(facts: RunFacts) -> str:
    readers = listed(list(dict.fromkeys(rows(facts, MOVED, "reader")["reader"])))
    return (
        f"The fitted models were applied unchanged to features from the masks of {readers}; differences in the "
        "predicted probabilities were described with limits of agreement (Bland and Altman)."
    )


BASELINES = (
    Sentence(
        "baselines",
        lambda facts: bool(_alone(facts)),
        lambda facts: (
            "As baselines, logistic regressions on a single variable were fitted on the training set: "
            f"{listed(_alone(facts))}."
        ),
    ),
    Sentence(
        "shuffled",
        lambda facts: "shuffled" in _kinds(facts),
        lambda _: (
            "Every image-based model was also selected and fitted on lesions whose voxels had been put in random order."
        ),
    ),
    Sentence("other_reader", lambda facts: shows(facts, MOVED, "reader"), _moved),
)


# --- other rows --------------------------------------------------------------------------------------------------


def _nested(facts: RunFacts) -> str:
    frame = rows(facts, RESAMPLED, "nested_auc", "repeats", "folds")
    inside = "every data-dependent step"
    if agreement_tested(facts):
        inside += " except the filter by the readers' agreement"
    return (
        f"The whole pipeline of {_models_of(frame, facts)} was cross-validated on all {facts.case_word} "
        f"({span(frame['repeats'])} x {span(frame['folds'])} folds stratified by outcome, with {inside} inside the "
        "folds and all lesions of a patient in one fold); the AUC is the mean over the folds, with an interval from "
        "the corrected resampled variance (Nadeau and Bengio 2003), which is approximate for an AUC."
    )


def _splits(facts: RunFacts) -> str:
    frame = rows(facts, RESAMPLED, "splits", "split_median")
    return (
        f"The whole pipeline of {_models_of(frame, facts)} was fitted and tested on {span(frame['splits'])} other "
        "random splits with the same number of training patients in each class."
    )


def _bootstrap(facts: RunFacts) -> str:
    frame = rows(facts, RESAMPLED, "resamples", "out_of_bag_auc")
    return (
        f"The whole pipeline of {_models_of(frame, facts)} was refitted on {span(frame['resamples'])} bootstrap "
        "samples of patients (copies of a patient in one inner fold); AUC, Brier score and calibration slope were "
        "measured on the patients not drawn."
    )


def _corrections(facts: RunFacts) -> str:
    frame = rows(facts, CORRECTIONS, "auc")
    names = {"harrell": "Harrell's", "632": ".632", "632+": ".632+"}
    computed = [words for name, words in names.items() if name in set(frame["correction"].astype(str))]
    outcomes = plural_span(rows(facts, CORRECTIONS, "noise_outcomes")["noise_outcomes"], "permuted outcome")
    return (
        f"The optimism corrections ({listed(computed)}) remain optimistic after feature selection and are reported "
        f"alongside their values on {outcomes}."
    )


def _resampled(facts: RunFacts) -> bool:
    return any(shows(facts, RESAMPLED, column) for column in ("nested_auc", "split_median", "out_of_bag_auc"))


RESAMPLING = (
    Sentence("nested", lambda facts: shows(facts, RESAMPLED, "nested_auc", "repeats", "folds"), _nested),
    Sentence("other_splits", lambda facts: shows(facts, RESAMPLED, "splits", "split_median"), _splits),
    Sentence("bootstrap", lambda facts: shows(facts, RESAMPLED, "resamples", "out_of_bag_auc"), _bootstrap),
    Sentence(
        "selection_stability",
        lambda facts: shows(facts, RESAMPLED, "stability"),
        lambda _: (
            "The stability of the selection was measured by Nogueira's index (Nogueira, Sechidis and Brown 2018)."
        ),
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
        lambda _: "Nothing was resampled, so the AUC of the same pipeline inside the folds is not known.",
    ),
)
