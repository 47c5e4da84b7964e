"""The methods text of the agreement between readers."""

from __future__ import annotations

from radstudy.protocol.words import listed
from radstudy.report.facts import Facts
from radstudy.report.text.evidence import agreement, agreement_tested, rows, shows
from radstudy.report.text.sentence import Sentence

_FORMS = {
    "ICC(1,1)": "one-way random effects",
    "ICC(2,1)": "two-way random effects, absolute agreement, single measure",
    "ICC(3,1)": "two-way mixed effects, consistency, single measure",
}
MASKS, KAPPA = "agree/masks.csv", "agree/kappa.csv"


def bound_of(found: dict[str, object]) -> str:
    """What had to be above the bound: the estimate, or the lower limit of its interval."""
    lower = found.get("by", "estimate") == "lower"
    return f"the lower 95% limit of an {found['form']}" if lower else f"an {found['form']}"


def _unfiltered(facts: Facts) -> str:
    why = "the study file asks for none" if facts.protocol.agree.icc is None else "there is one reader"
    return f"No feature was filtered by the agreement between readers: {why}."


def _filtered(facts: Facts) -> str:
    found = agreement(facts)
    who = (
        "all lesions that every reader drew; testing patients' features, never their outcomes, took part"
        if found.get("patients", "all") == "all"
        else "the training set's lesions that every reader drew"
    )
    return (
        f"Features with {bound_of(found)} ({_FORMS[str(found['form'])]}) above {found['above']:g} were kept, on {who}."
    )


def _kappa(facts: Facts) -> str:
    named = [facts.label_of(str(name)) for name in dict.fromkeys(rows(facts, KAPPA, "kappa")["variable"])]
    return f"What two readers saw ({listed(named)}) was compared by Cohen's kappa."


AGREEMENT = (
    Sentence("no_agreement_filter", lambda facts: bool(agreement(facts).get("note")), _unfiltered),
    Sentence("agreement_filter", agreement_tested, _filtered),
    Sentence(
        "agreement_not_computed",
        lambda facts: bool(agreement(facts)) and not agreement(facts)["note"] and not agreement_tested(facts),
        lambda _: (
            "No intraclass correlation could be computed (fewer than three lesions were drawn by every reader), "
            "so no feature was kept."
        ),
    ),
    Sentence(
        "mask_agreement",
        lambda facts: shows(facts, MASKS, "dice"),
        lambda _: (
            "The readers' masks were compared by Dice and Jaccard coefficient, Hausdorff distance (largest and "
            "95th percentile) and mean surface distance."
        ),
    ),
    Sentence("kappa", lambda facts: shows(facts, KAPPA, "kappa"), _kappa),
)
