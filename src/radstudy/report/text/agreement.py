"""The methods text of the agreement between readers."""

from __future__ import annotations

from radstudy.protocol.words import listed
from radstudy.report.facts import RunFacts
from radstudy.report.text.evidence import agreement, agreement_tested, rows, shows
from radstudy.report.text.reading import readers_of
from radstudy.report.text.sentence import Sentence

_FORMS = {
    "ICC(1,1)": "one-way random effects",
    "ICC(2,1)": "two-way random effects, absolute agreement, single measure",
    "ICC(3,1)": "two-way mixed effects, consistency, single measure",
}
MASKS, KAPPA = "agree/masks.csv", "agree/kappa.csv"


def bound_of(summary: dict[str, object]) -> str:
    """The quantity that had to exceed the bound: the estimate, or the lower limit of its interval."""
    lower = summary.get("by", "estimate") == "lower"
    return f"the lower 95% limit of an {summary['form']}" if lower else f"an {summary['form']}"


def _unfiltered(facts: RunFacts) -> str:
    why = "the study file asks for no such filter" if facts.protocol.agree.icc is None else "there is only one reader"
    return f"Features were not filtered by the agreement between readers: {why}."


def _filtered(facts: RunFacts) -> str:
    summary = agreement(facts)
    who = (
        "all lesions drawn by every reader; this used the features of testing patients, but never their outcomes"
        if summary.get("patients", "all") == "all"
        else "the training-set lesions drawn by every reader"
    )
    return (
        f"Features with {bound_of(summary)} ({_FORMS[str(summary['form'])]}) above {summary['above']:g} were kept. It "
        f"was computed on {who}."
    )


def _kappa(facts: RunFacts) -> str:
    named = [facts.label_of(str(name)) for name in dict.fromkeys(rows(facts, KAPPA, "kappa")["variable"])]
    return f"Agreement between two readers on {listed(named)} was measured with Cohen's kappa."


def _numbers(facts: RunFacts) -> str:
    named = [facts.label_of(str(name)) for name in dict.fromkeys(rows(facts, KAPPA, "icc")["variable"])]
    return f"Agreement between two readers on {listed(named)} was measured with the ICC(2,1) ({_FORMS['ICC(2,1)']})."


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
            "The readers' masks were compared by the Dice and Jaccard coefficients, the Hausdorff distance (maximum "
            "and 95th percentile) and the mean surface distance."
        ),
    ),
    Sentence("kappa", lambda facts: shows(facts, KAPPA, "kappa"), _kappa),
    Sentence("icc_of_numbers", lambda facts: shows(facts, KAPPA, "icc"), _numbers),
    Sentence(
        "first_answers",
        lambda facts: (
            bool(readers_of(facts, "characteristics")) and (shows(facts, KAPPA, "kappa") or shows(facts, KAPPA, "icc"))
        ),
        lambda _: "Of characteristics read in the reading room, each reader's answers locked first were compared.",
    ),
)
