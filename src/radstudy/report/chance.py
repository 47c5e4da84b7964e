"""The results of permuted outcomes, for the tables and figures that show an AUC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radstudy.protocol.words import listed
from radstudy.report.cited import applied, integer
from radstudy.report.display import ends_of, plural, span, thousands
from radstudy.report.facts import TESTING, TRAINING, RunFacts
from radstudy.statistics import fewest_for_share

CHANCE_FILE = "evaluate/chance/chance.csv"
CHANCE_BASELINES = "evaluate/baselines/chance.csv"
CHANCE_ROC = "evaluate/chance/roc.csv"
OUTCOME, INCREMENTAL = "outcome", "incremental"


@dataclass(frozen=True)
class ChanceOfModel:
    """The AUCs of one model and set on permuted outcomes.

    Parameters
    ----------
    median, low, high : median and central 95 % (or the study's level) of the permutations' AUCs; the limits are NaN if
        there are too few permutations.
    p_value : how often chance is as good, (1 + number) / (permutations + 1).
    permutations : number of permutations.
    p_max_t : the p-value corrected for the number of models; None for a baseline and in older runs without it.
    empty_percent : share of the permutations in which no feature survived; None if it is not known.
    """

    median: float
    low: float
    high: float
    p_value: float
    permutations: int
    p_max_t: float | None = None
    empty_percent: float | None = None

    @property
    def smallest_p_value(self) -> float:
        """The floor of the p-value, 1 / (permutations + 1)."""
        return 1 / (self.permutations + 1)


def chance_of(facts: RunFacts, model: str, which: str, kind: str = OUTCOME) -> ChanceOfModel | None:
    """The chance calibration of a model or baseline in a set; None if it has none."""
    for frame in (facts.frames.get(CHANCE_FILE), facts.frames.get(CHANCE_BASELINES)):
        if frame is None:
            continue
        wanted = {"kind": kind, "model": model, "measure": which}
        places = np.flatnonzero(np.logical_and.reduce([frame[name].to_numpy() == one for name, one in wanted.items()]))
        if places.size and not pd.isna((row := frame.iloc[places[0]])["chance_median"]):
            count = integer(row["permutations"])
            low, high = (row[end] if enough(facts, count) else float("nan") for end in ("chance_low", "chance_high"))
            return ChanceOfModel(
                row["chance_median"], low, high, row["p_value"], count,
                _known(row.get("p_max_t")), _known(row.get("empty_percent")),
            )  # fmt: skip
    return None


def enough(facts: RunFacts, permutations: int) -> bool:
    """True if there are enough permutations for a central share; with fewer it would be their range."""
    return permutations >= fewest_for_share(facts.protocol.evaluate.interval.level)


def _known(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else value


def has_kind(facts: RunFacts, kind: str) -> bool:
    """True if some model was calibrated by this kind of permutation."""
    return any(chance_of(facts, name, which, kind) for name in facts.models for which in (TESTING, TRAINING))


def family(facts: RunFacts, kind: str = OUTCOME) -> list[str]:
    """The models whose p-values are corrected together, in the study's order."""
    by_model = {name: [chance_of(facts, name, which, kind) for which in (TESTING, TRAINING)] for name in facts.models}
    return [name for name, both in by_model.items() if any(one and one.p_max_t is not None for one in both)]


def family_size(facts: RunFacts, kind: str = OUTCOME) -> int:
    """The number of models whose p-values are corrected together."""
    size = len(family(facts, kind))
    frame = facts.frames.get(CHANCE_FILE)
    if frame is None or not size:
        return size
    models = frame[(frame["kind"] == kind) & frame["p_max_t"].notna()]["model"]
    return models.nunique() if models.nunique() == size else size


def chance_note(facts: RunFacts) -> str:
    """`chance_notes` as one paragraph."""
    return " ".join(chance_notes(facts))


def chance_notes(facts: RunFacts, *, radiomics: str = "") -> list[str]:
    """An explanation of each column on chance, or of why they are empty.

    Parameters
    ----------
    facts : of the run.
    radiomics : place of the p-value of permuted radiomics features in the table that has these notes.
    """
    frame = facts.frames.get(CHANCE_FILE)
    if facts.protocol.evaluate.chance is None:
        return [
            "No chance calibration: the study file has switched it off, so the AUC that chance alone would reach is "
            "not known."
        ]
    if facts.sealed:
        return ["No chance calibration yet: it comes with the testing results, which are sealed."]
    if frame is None or not len(frame):
        return ["No chance calibration yet: the step 'evaluate' has not finished."]
    known = frame[(frame["kind"] == OUTCOME) & frame["permutations"].notna()]
    said = [*_outcome_notes(facts, known), _family_note(facts), _incremental_note(facts, radiomics)]
    left = frame[frame["permutations"].isna()]
    said += [
        f"Not for {', '.join(dict.fromkeys(part['model']))}: {why}." for why, part in left.groupby("note", sort=False)
    ]
    return [note for note in said if note]


def _outcome_notes(facts: RunFacts, known: pd.DataFrame) -> list[str]:
    if not len(known):
        return ["The outcome was not permuted, so the AUC that chance alone would reach is not known."]
    count = span(known["permutations"])
    below = f"; below the median or in brackets, the central {facts.level} of the AUCs" if _shares(facts, known) else ""
    return [
        f"Chance: the same selection and models on {count} permutations of the outcome within each set: median AUC; "
        "p, how often chance is at least as good (one-sided, upper tail; "
        f"{floor_text(known['permutations'])}){below}. It tests whether the model as a whole predicts better than "
        "chance."
    ]


def _shares(facts: RunFacts, known: pd.DataFrame) -> bool:
    return any(enough(facts, int(count)) for count in known["permutations"])


def floor_text(permutations: Iterable[float]) -> str:
    """The smallest p-value that this number of permutations can give, in words."""
    ends = ends_of(permutations)
    low, high = (integer(end) for end in ends)
    if low != high:
        return "the smallest possible p is 1 / (permutations + 1)"
    return f"the smallest possible p is 1 / ({low:,} + 1) = {1 / (low + 1):.2g}"


def _family_note(facts: RunFacts) -> str:
    models = family(facts)
    if not models:
        return ""
    alone = [name for name in facts.models if name not in models and chance_of(facts, name, TRAINING)]
    others = f" Not for {listed(alone)}, which had other or fewer permutations." if alone else ""
    return (
        "p, all models: the same p corrected for having tried "
        f"{plural(family_size(facts), 'model')} ({named(facts, models)}; not the baselines), separately for each "
        "set: how often the best of all models is as far above its own chance, (AUC - mean) / SD of the permutations "
        "and the observed AUC (max-T, Westfall and Young)."
        f"{others}"
    )


def named(facts: RunFacts, models: list[str]) -> str:
    """The models in words: "every model", or their names."""
    return "every model" if models == facts.models else listed(models)


def _incremental_note(facts: RunFacts, place: str) -> str:
    if not has_kind(facts, INCREMENTAL):
        return ""
    return (
        f"Radiomics permuted{f' ({place})' if place else ''}: the radiomics features of whole "
        "patients were permuted against outcome and clinical variables, which stay together. It tests whether "
        "radiomics adds to the clinical variables of the model; a strong clinical variable alone makes the p under "
        "Chance small, but not this one."
    )


def empty_note(facts: RunFacts) -> str:
    """The number of permutations that selected no feature, by model; "" if none did or it is not known."""
    said = []
    for name in facts.models:
        one = chance_of(facts, name, TRAINING) or chance_of(facts, name, TESTING)
        if one and one.empty_percent:
            share = one.empty_percent * one.permutations / 100
            count = applied("round", round(share), share)
            said.append(f"{name} {thousands(count)} of {thousands(one.permutations)}")
    if not said:
        return ""
    return f"Permutations in which no feature survived (AUC 0.5; they count): {', '.join(said)}."
