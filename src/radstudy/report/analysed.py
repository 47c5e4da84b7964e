"""The patients analysed: those with a lesion that some model could use, and those with several lesions."""

from __future__ import annotations

import pandas as pd

from radstudy.protocol.words import listed
from radstudy.report.chance import CHANCE_FILE
from radstudy.report.cited import applied, keeping_rows
from radstudy.report.display import plural
from radstudy.report.facts import RunFacts
from radstudy.report.resampled import FOLDER

LESION = ["patient", "lesion"]


def analysed_rows(facts: RunFacts) -> pd.DataFrame:
    """The rows of the cohort that at least one fitted model used; all rows if no model has been fitted yet."""
    rows = facts.frame("cohort/rows.csv")
    used = facts.frames.get("model/predictions.csv")
    if used is None or not len(used):
        return rows
    kept = rows.merge(used[LESION].drop_duplicates(), on=LESION)
    return keeping_rows(rows, kept, LESION)


def by_patient(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per patient, with ``set`` and ``outcome``: a patient is positive if one of the lesions is."""
    return rows.groupby("patient", sort=False).agg(set=("set", "first"), outcome=("outcome", "max"))


def counts(rows: pd.DataFrame, which: str) -> tuple[int, int]:
    """Negative and positive patients of a set ("all": of every set)."""
    patients = by_patient(rows)
    part = patients if which == "all" else patients[patients["set"] == which]
    negative, positive = int((part["outcome"] == 0).sum()), int((part["outcome"] == 1).sum())
    chosen = rows if which == "all" else rows[rows["set"] == which]
    cells = (chosen["patient"], chosen["outcome"])
    return applied("patients", negative, *cells, 0), applied("patients", positive, *cells, 1)


def not_analysed(facts: RunFacts) -> dict[str, int]:
    """Reason to number of patients without a lesion that any model could use; each patient counts once."""
    rows = facts.frame("cohort/rows.csv")
    lost = set(rows["patient"]) - set(analysed_rows(facts)["patient"])
    absent = facts.frames.get("cohort/absent.csv")
    failed = set(facts.failures()["patient"])
    without = set(absent["patient"]) if absent is not None and len(absent) else set()
    reasons = {
        "a file, a mask or a feature is missing or failed": lost & failed,
        "a sequence was not acquired or does not show the lesion": (lost & without) - failed,
        "a value that every model needs is missing": lost - failed - without,
    }
    return {reason: len(patients) for reason, patients in reasons.items() if patients}


def in_no_model(facts: RunFacts) -> int:
    """The number of included patients without a lesion that any model could use."""
    patients: int = facts.frame("cohort/rows.csv")["patient"].nunique() - analysed_rows(facts)["patient"].nunique()
    return patients


def unused_rows(facts: RunFacts) -> dict[str, int]:
    """Fitted model to the number of the cohort's rows that it could not use; models that used all are left out."""
    models = facts.documents.get("model/models.json") or {}
    known = {name: models[name].get("not_used") for name in facts.models if models.get(name, {}).get("fitted")}
    return {name: count for name, count in known.items() if count}


def most_unused(facts: RunFacts) -> int:
    """The largest number of rows that a fitted model could not use; it remembers its cell."""
    return max(unused_rows(facts).values(), default=0)


def reasons_unused(facts: RunFacts, model: str) -> list[str]:
    """The reasons why a model could not use some rows, in words; none if the run's files do not tell.

    Parameters
    ----------
    facts : of the run.
    model : a fitted model.
    """
    used, absent, failures = (
        facts.frames.get("model/predictions.csv"), facts.frames.get("cohort/absent.csv"), facts.failures()
    )  # fmt: skip
    if used is None or "cohort/rows.csv" not in facts.frames:
        return []
    unused = _places(facts.frames["cohort/rows.csv"]) - _places(used[used["model"] == model])
    record = facts.document("model/models.json")[model]
    reasons = []
    for sequence in record.get("sequences", ()):
        own = _places(absent[absent["sequence"] == sequence]) if absent is not None and len(absent) else set()
        if own & unused:
            reasons.append(f"{sequence} not acquired, or lesion not visible on it")
            unused = unused - own
    failed = {place for place in unused if place[0] in set(failures["patient"])}
    if failed:
        reasons.append("a file, a mask or a feature is missing or failed")
    if unused - failed:
        clinical = bool(record.get("clinical"))
        reasons.append("a clinical variable is missing" if clinical else "a value that the model needs is missing")
    return reasons


def _places(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """The lesions of a table, as (patient, lesion)."""
    return set(zip(rows["patient"], rows["lesion"].astype(str), strict=True))


def lesions_note(facts: RunFacts) -> str:
    """The note on what several lesions per patient do to intervals and tests; "" if every patient has one."""
    if "cohort/rows.csv" not in facts.frames:
        return ""
    lesions = analysed_rows(facts)["patient"].value_counts()
    several = int((lesions > 1).sum())
    if not several:
        return ""
    together = _keeping_together(facts)
    but = f" Only {listed(together)} keep the lesions of a patient together." if together else ""
    return (
        f"{several} of {plural(len(lesions), 'patient')} {'has' if several == 1 else 'have'} several lesions "
        f"({int(lesions.sum()):,} in all): the intervals treat them as independent and are too narrow, and the "
        f"p-values are too small.{but}"
    )


def _keeping_together(facts: RunFacts) -> list[str]:
    """The analyses of this run that keep a patient's lesions together."""
    chance, resampled = facts.frames.get(CHANCE_FILE), facts.frames.get(f"{FOLDER}/summary.csv")
    permuted = chance is not None and len(chance) and chance["permutations"].notna().any()
    refitted = resampled is not None and len(resampled) and resampled["training_auc"].notna().any()
    return [
        *(["the permutations of Chance"] if permuted else []),
        *(["the resampled values (nested cross-validation, other splits, bootstrap)"] if refitted else []),
    ]
