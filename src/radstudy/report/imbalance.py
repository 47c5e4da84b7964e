"""The sizes of the classes in training, and what the models did about them."""

from __future__ import annotations

from radstudy.protocol.words import listed
from radstudy.report.facts import TRAINING, RunFacts

FLOW, MODELS = "cohort/flow.json", "model/models.json"


def _trained(facts: RunFacts) -> list[str]:
    """The fitted models with a classifier: all but those that are an intercept only."""
    records = facts.documents.get(MODELS) or {}
    known = [name for name in facts.models if name in records]
    return [name for name in known if records[name].get("fitted") and not records[name].get("empty")]


def imbalance_known(facts: RunFacts) -> bool:
    """True if the sizes of the classes and the classifiers that met them are known."""
    return FLOW in facts.documents and bool(_trained(facts))


def imbalance_handling(facts: RunFacts) -> str:
    """The sentences on the imbalance of the classes: class weights, or nothing; the program never resamples."""
    part = facts.document(FLOW)[TRAINING]
    names = _trained(facts)
    weighted = [name for name in names if getattr(facts.protocol.model.fit_of(name), "weights", "none") == "balanced"]
    negative, positive = (facts.patients_of_group(outcome, "patients") for outcome in (0, 1))
    sizes = f"The training set had {part['negative']} {negative} and {part['positive']} {positive}."
    nothing = "no patient was left out, repeated or synthesised to balance the classes"
    if not weighted:
        return f"{sizes} Nothing was done about the imbalance: every patient had the same weight, and {nothing}."
    whose = "The classifiers" if weighted == names else f"Those of {listed(weighted)}"
    alone = "" if weighted == names else "; in the other models every patient had the same weight"
    return f"{sizes} {whose} gave both classes the same total weight{alone}; {nothing}."
