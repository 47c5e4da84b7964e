"""Checks of a run that are more than the presence of a value, each with the places that it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from radstudy.report.checklists.place import EvidencePlace
from radstudy.report.facts import TESTING, TRAINING, RunFacts
from radstudy.report.imbalance import FLOW, imbalance_known
from radstudy.report.needed import patients_needed
from radstudy.report.outline import has_part

_MODELS = EvidencePlace("model/models.json", "clinical")
_DELONG = EvidencePlace("evaluate/delong.csv", "p_value")
_REGRESSIONS = EvidencePlace("evaluate/regression_models.csv", "rows")


@dataclass(frozen=True)
class EvidenceCheck:
    """A check of a run.

    Parameters
    ----------
    places : what it looks at.
    holds : True if the run passes it.
    """

    places: tuple[EvidencePlace, ...]
    holds: Callable[[RunFacts], bool]


def _tested_pairs(facts: RunFacts) -> pd.DataFrame:
    """Pairs of models with a p-value on the testing set."""
    pairs = facts.frames.get(_DELONG.file)
    if pairs is None or "p_value" not in pairs:
        return pd.DataFrame(columns=["model_a", "model_b"])
    return pairs[(pairs["set"] == TESTING) & pairs["p_value"].notna()]


def _pair_of(facts: RunFacts, first: set[str], second: set[str]) -> bool:
    pairs = _tested_pairs(facts)
    return any(
        (a in first and b in second) or (a in second and b in first)
        for a, b in zip(pairs["model_a"], pairs["model_b"], strict=True)
    )


def _clinical_compared(facts: RunFacts) -> bool:
    """True if a model of clinical variables alone was compared with one that uses images."""
    models = facts.documents.get(_MODELS.file) or {}
    clinical = {name for name, model in models.items() if model.get("clinical") and not model.get("sequences")}
    return _pair_of(facts, clinical, {name for name, model in models.items() if model.get("sequences")})


def _single_sequence_compared(facts: RunFacts) -> bool:
    """True if one sequence is used, or models of one sequence were compared with models of several."""
    models = facts.documents.get(_MODELS.file) or {}
    sequences = {name: set(model.get("sequences") or ()) for name, model in models.items()}
    pairs = _pair_of(
        facts,
        {name for name, own in sequences.items() if len(own) == 1},
        {name for name, own in sequences.items() if len(own) > 1},
    )
    used: set[str] = set().union(*sequences.values())
    return len(used) == 1 or pairs


def _enough_patients(facts: RunFacts) -> bool:
    """True if the study's model was trained on as many patients as Riley's criteria ask for its variables."""
    models = facts.frames.get(_REGRESSIONS.file)
    if models is None or not {"rows", "events", "lr_dof"} <= set(models):
        return False
    own = models[(models["model"] == facts.study_model) & models["lr_dof"].notna()]
    sizes = zip(own["lr_dof"].astype(int), own["events"].astype(int), own["rows"].astype(int), strict=True)
    needed = [patients_needed(*size) for size in sizes]
    return bool(needed) and all(
        least is not None and rows >= least for least, rows in zip(needed, own["rows"], strict=True)
    )


def _patients_apart(facts: RunFacts) -> bool:
    """True if both sets have patients, and no patient is in both."""
    rows = facts.frames.get("cohort/rows.csv")
    if rows is None or not {"patient", "set"} <= set(rows):
        return False
    return {TRAINING, TESTING} <= set(rows["set"]) and bool((rows.groupby("patient")["set"].nunique() == 1).all())


def _nothing_confounds(facts: RunFacts) -> bool:
    """True if the leak detector looked for confounders and reported no error and no warning."""
    looked = (facts.documents.get("evaluate/leaks/checked.json") or {}).get("looked_for")
    leaks = facts.frames.get("evaluate/leaks/leaks.csv")
    if not looked or leaks is None:
        return False
    return not leaks["severity"].isin(["error", "warning"]).any() if "severity" in leaks else False


def _columns_dropped(facts: RunFacts) -> bool:
    """True if a step of the selection kept fewer columns than entered it."""
    funnel = facts.frames.get("model/funnel.csv")
    return (
        funnel is not None and {"entered", "kept"} <= set(funnel) and bool((funnel["kept"] < funnel["entered"]).any())
    )


def _one_reader_tested(facts: RunFacts) -> bool:
    """True if the models were tested on the masks of the first reader alone."""
    lesions = facts.frames.get("prepare/lesions.csv")
    tested = facts.frames.get("model/predictions.csv")
    if lesions is None or tested is None or "reader" not in lesions or "set" not in tested:
        return False
    return facts.protocol.reader in set(lesions["reader"]) and TESTING in set(tested["set"])


def _workflow_drawn(facts: RunFacts) -> bool:
    """True if the report has the figure of the workflow, and some model whose selection it draws."""
    models = facts.documents.get(_MODELS.file) or {}
    return has_part("figure", "workflow") and any(model.get("fitted") for model in models.values())


CHECKS: dict[str, EvidenceCheck] = {
    "workflow_drawn": EvidenceCheck(
        (EvidencePlace(part="figure workflow"), EvidencePlace(_MODELS.file, "fitted")), _workflow_drawn
    ),
    "imbalance_told": EvidenceCheck(
        (EvidencePlace(part="text methods"), EvidencePlace(FLOW, "training.positive"), EvidencePlace(_MODELS.file)),
        imbalance_known,
    ),
    "clinical_model_compared": EvidenceCheck((_MODELS, _DELONG), _clinical_compared),
    "single_sequence_compared": EvidenceCheck(
        (EvidencePlace(_MODELS.file, "sequences"), _DELONG), _single_sequence_compared
    ),
    "enough_patients": EvidenceCheck((_REGRESSIONS,), _enough_patients),
    "patients_apart": EvidenceCheck((EvidencePlace("cohort/rows.csv", "set"),), _patients_apart),
    "nothing_confounds": EvidenceCheck(
        (
            EvidencePlace("evaluate/leaks/checked.json", "looked_for"),
            EvidencePlace("evaluate/leaks/leaks.csv", "severity"),
        ),
        _nothing_confounds,
    ),
    "columns_dropped": EvidenceCheck((EvidencePlace("model/funnel.csv", "kept"),), _columns_dropped),
    "one_reader_tested": EvidenceCheck(
        (EvidencePlace("prepare/lesions.csv", "reader"), EvidencePlace("model/predictions.csv", "set")),
        _one_reader_tested,
    ),
    "never_in_radstudy": EvidenceCheck((), lambda _: False),  # automated masks, deep learning, updating of a model
}
