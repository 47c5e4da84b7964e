"""The sentences of a validation, each with its condition on the files of the validation."""

from __future__ import annotations

from typing import Any

from radstudy.artefacts import validate as files
from radstudy.modelling.recalibration import FORMULA, RECALIBRATIONS
from radstudy.protocol.words import listed
from radstudy.report.cited import counted, quoted, tally
from radstudy.report.display import number, plural, whole
from radstudy.report.facts import RunFacts
from radstudy.report.text.answer import with_interval
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.sentence import Sentence, said
from radstudy.report.validation.measured import (
    ALL,
    CASE_MIX,
    DEVELOPMENT,
    FINDINGS,
    INSIDE,
    MISSING,
    PERFORMANCE,
    PREDICTIONS,
    known,
    line_of,
    of_set,
)

Group = tuple[str, tuple[Sentence, ...]]


def _told(facts: RunFacts, groups: tuple[Group, ...]) -> list[Paragraph]:
    told = [Paragraph(said(facts, sentences), lead) for lead, sentences in groups]
    return [paragraph for paragraph in told if paragraph.text]


def asked(facts: RunFacts) -> list[Paragraph]:
    """The question, the model, and the patients."""
    return _told(facts, _ASKED)


def answer(facts: RunFacts) -> list[Paragraph]:
    """Discrimination, calibration, benefit, applicability, and what is not known."""
    return _told(facts, _ANSWER)


def methods(facts: RunFacts) -> list[Paragraph]:
    """The methods, as they were applied."""
    return _told(facts, _METHODS)


def results(facts: RunFacts) -> list[Paragraph]:
    """The results, all patients first."""
    return _told(facts, _RESULTS)


def notes(facts: RunFacts) -> list[Paragraph]:
    """Decisions made instead of the study file, limits of what could be verified, and remarks on the cohort."""
    developed = facts.documents.get(DEVELOPMENT) or {}
    told = [quoted(line) for name in ("notes", "not_checked") for line in developed.get(name, ())]
    told += [quoted(line) for line in facts.documents.get("cohort/notes.json") or ()]
    return [Paragraph(line) for line in told]


def alarms(facts: RunFacts) -> list[str]:
    """The errors that have to be read before anything else."""
    developed = facts.documents.get(DEVELOPMENT) or {}
    told = [quoted(line) for line in developed.get("notes", ()) if str(line).startswith("THESE ARE")]
    if facts.unreadable:
        each = "; ".join(f"{name} ({why})" for name, why in facts.unreadable.items())
        told.append(f"{plural(len(facts.unreadable), 'file')} of the validation cannot be read: {each}.")
    return told


# --- the answer --------------------------------------------------------------------------------------------------


def _has(name: str, column: str = "", which: str = ALL) -> Any:
    def shown(facts: RunFacts) -> bool:
        if name not in facts.frames:
            return False
        row = of_set(facts, name, which)
        return known(row, column) if column else bool(len(row))

    return shown


def _question(facts: RunFacts) -> str:
    developed = facts.document(DEVELOPMENT)
    return (
        f"Does the model '{quoted(developed['model'])}' of the study '{quoted(developed['study'])}', trained on "
        f"{whole(developed['rows'])} {facts.case_word} ({whole(developed['positives'])} with the outcome), tell "
        f"{facts.groups_told_apart('patients')} of another cohort, and are its probabilities right?"
    )


def _of_whom(facts: RunFacts) -> str:
    flow, predicted = facts.document("cohort/flow.json"), facts.frame(PREDICTIONS)
    outside = tally(predicted, inside=False)
    return (
        f"{plural(flow['screened'], 'patient')} screened, {whole(flow['kept'])} included; "
        f"{whole(counted(predicted, 'patient'))} {facts.case_word} predicted, {whole(tally(predicted, outcome=1))} of "
        f"them {facts.of_group(1)}. {whole(outside)} "
        f"{'lies' if int(outside) == 1 else 'lie'} outside the range in which the signature applies."
    )


def _estimate(facts: RunFacts, row: Any, name: str, digits: int = 3) -> str:
    """A value of a row with its interval."""
    return with_interval(facts, row[name], row[f"{name}_low"], row[f"{name}_high"], digits)


def _discrimination(facts: RunFacts) -> str:
    row = of_set(facts, PERFORMANCE, ALL)
    return f"In all patients the AUC is {_estimate(facts, row, 'auc')}; {_beyond_chance(row)}."


def _expected(facts: RunFacts) -> str:
    mix = of_set(facts, CASE_MIX, ALL)
    return f"If the formula were right, the case mix would give {number(mix['expected_auc'])}."


def _beyond_chance(row: Any) -> str:
    if row["auc_low"] > 0.5:
        return "the interval lies above 0.5, which is chance"
    return "the interval lies below 0.5" if row["auc_high"] < 0.5 else "the interval includes 0.5, which is chance"


def _calibrated(facts: RunFacts) -> str:
    row = line_of(facts)
    risks = "too low" if row["intercept"] > 0 else "too high"
    off = row["intercept_low"] > 0 or row["intercept_high"] < 0
    large = f"on average the probabilities are {risks}" if off else "no error of the average probability is seen"
    spread = "too extreme" if row["slope"] < 1 else "not extreme enough"
    bent = row["slope_high"] < 1 or row["slope_low"] > 1
    steep = f"{'they' if off else 'the probabilities'} are {spread}" if bent else "the interval of the slope includes 1"
    return (
        f"Calibration in the large is {_estimate(facts, row, 'intercept', 2)} and the slope "
        f"{_estimate(facts, row, 'slope', 2)}: {large}, and {steep}. {number(row['oe'], 2)} times as many "
        f"{facts.patients_of_group(1)} were observed as predicted."
    )


def _recalibrated(facts: RunFacts) -> str:
    told = []
    for method in RECALIBRATIONS:
        row = line_of(facts, method.name)
        if known(row, "slope"):
            told.append(
                f"{method.name}: intercept {number(row['intercept'], 2)}, slope {number(row['slope'], 2)}, Brier score "
                f"{number(row['brier'])}"
            )
    return (
        f"Recalibrated on other patients of this cohort (cross-fitted), {'; '.join(told)}; as published: Brier score "
        f"{number(line_of(facts)['brier'])}. No other result here is recalibrated."
    )


def _some_recalibrated(facts: RunFacts) -> bool:
    return any(known(line_of(facts, method.name), "slope") for method in RECALIBRATIONS)


def _benefit(facts: RunFacts) -> str:
    frame = facts.frame(files.DECISION.path)
    own = frame[(frame["set"] == ALL) & (frame["version"] == FORMULA)]
    better = own[own["low"] > own[["treat_all", "treat_none"]].max(axis=1)]
    if not len(better):
        return (
            "At no threshold does the band of the formula's net benefit lie above both treating all and treating none: "
            "a benefit for decisions is not demonstrated."
        )
    low, high = number(better["threshold"].min(), 2), number(better["threshold"].max(), 2)
    return (
        f"At {len(better)} of {len(own)} thresholds, between {low} and {high}, the band of the formula's net benefit "
        "lies above both treating all and treating none."
    )


def _inside(facts: RunFacts) -> str:
    row, line = of_set(facts, PERFORMANCE, INSIDE), line_of(facts, which=INSIDE)
    return (
        f"In the {whole(row['rows'])} {facts.case_word} inside the range the AUC is "
        f"{with_interval(facts, row['auc'], row['auc_low'], row['auc_high'])}, calibration in the large "
        f"{number(line['intercept'], 2)} and the slope {number(line['slope'], 2)}."
    )


def _outside_why(facts: RunFacts) -> str:
    frame = facts.frame(FINDINGS)
    own = frame[frame["refuses"]]
    kinds = own.groupby("kind")["patient"].nunique().sort_values(ascending=False)
    each = ", ".join(f"{kind} ({count})" for kind, count in kinds.items())
    return f"Reasons for being outside, in patients: {each}."


def _any_outside(facts: RunFacts) -> bool:
    frame = facts.frames.get(FINDINGS)
    return frame is not None and bool(len(frame)) and bool(frame["refuses"].any())


_PRECISE = {
    "observed over expected": "the ratio of observed to expected events", "calibration slope": "the calibration slope",
    "AUC": "the AUC",
}  # fmt: skip


def _unknown(facts: RunFacts) -> str:
    size = facts.frame(files.SAMPLE_SIZE.path)
    few = size[size["needed"] > size["rows"]]
    if not len(few):
        text = "By Riley's criteria there are enough patients for precise estimates."
    else:
        names = listed([_PRECISE[str(name)] for name in few["criterion"]])
        text = (
            f"By Riley's criteria there are too few patients for a precise estimate of {names} "
            f"({whole(few['needed'].max())} needed)."
        )
    return f"{text} One cohort says nothing about a third hospital."


_ASKED: tuple[Group, ...] = (
    ("Question", (Sentence("question", lambda facts: DEVELOPMENT in facts.documents, _question),)),
    ("Patients", (Sentence("of_whom", lambda facts: PREDICTIONS in facts.frames, _of_whom),)),
)
_AREA = Sentence("discrimination", _has(PERFORMANCE, "auc"), _discrimination)
_LINE = Sentence("calibrated", lambda facts: known(line_of(facts), "slope"), _calibrated)
_NET = Sentence("benefit", lambda facts: bool(len(facts.frame(files.DECISION.path))), _benefit)
_RANGE = Sentence(
    "inside", lambda facts: _any_outside(facts) and known(of_set(facts, PERFORMANCE, INSIDE), "auc"), _inside
)  # fmt: skip
_ANSWER: tuple[Group, ...] = (
    ("Discrimination", (_AREA, Sentence("expected", _has(CASE_MIX, "expected_auc"), _expected))),
    ("Calibration", (_LINE,)),
    ("Benefit", (_NET,)),
    ("Applicability", (_RANGE, Sentence("why_outside", _any_outside, _outside_why))),
    ("Not known", (Sentence("unknown", lambda facts: bool(len(facts.frame(files.SAMPLE_SIZE.path))), _unknown),)),
)


# --- methods and results -----------------------------------------------------------------------------------------


def _signature(facts: RunFacts) -> str:
    developed = facts.document(DEVELOPMENT)
    cut = developed["cutoff"]
    fixed = f", and its cut-off of {number(cut)} on the probability was fixed in development" if cut is not None else ""
    return (
        f"The signature '{quoted(developed['model'])}' ({plural(developed['terms'], 'term')}) was applied unchanged: "
        f"nothing was selected, scaled or estimated in this cohort{fixed}."
    )


def _of_images(facts: RunFacts) -> bool:
    return facts.protocol.features is None and bool(facts.protocol.sequences)


def _extracted(facts: RunFacts) -> str:
    return (
        "Images were prepared and features extracted with the signature's own settings, from the masks of "
        f"{facts.protocol.reader}."
    )


def _tabled(facts: RunFacts) -> str:
    features = facts.protocol.features
    named = ", ".join(features.files()) if features is not None else ""
    return f"Features were read from {named}; they were not computed here."


def _predicted(facts: RunFacts) -> str:
    missing = facts.frame(MISSING)
    gaps = facts.frame(PREDICTIONS)
    imputed = gaps[gaps["imputed"] > 0]
    text = ""
    if len(missing):
        text = (
            f"{plural(len(missing), 'row')} without a value or sequence that the model needs could not be predicted. "
        )
    if len(imputed):
        text += (
            f"In {plural(len(imputed), 'row')} a feature without a value was replaced by its training median, as the "
            "signature says. "
        )
    return (
        f"{text}Each patient was compared with the training patients (docs/predict.md); results are given for all "
        "patients first, then for those inside the range."
    )


def _intervals(facts: RunFacts) -> str:
    section = facts.protocol.evaluate.interval
    return (
        f"The AUC has an interval by the method '{section.auc}', proportions by '{section.proportion}', calibration "
        f"intercept and slope Wald's intervals, observed over expected events one on the logarithm ({facts.level}). "
        "The calibration curve is a logistic regression on a restricted cubic spline of the log-odds. Net benefit has "
        "a pointwise bootstrap band of 1,000 resamples."
    )


def _how_recalibrated(facts: RunFacts) -> str:
    row = next(row for method in RECALIBRATIONS if known(row := line_of(facts, method.name), "folds"))
    ways = "; ".join(f"{method.name} ({method.words})" for method in RECALIBRATIONS)
    return (
        f"The formula was recalibrated in the following ways: {ways}. Each was cross-fitted in {whole(row['folds'])} "
        "folds stratified by the outcome, with the lesions of a patient together: every patient was predicted by a "
        "formula that was recalibrated on the others. Recalibration was not applied to any other result."
    )


def _how_case_mix(_: RunFacts) -> str:
    return (
        "The AUC expected from the case mix is the model-based concordance (van Klaveren and colleagues 2016), with a "
        "bootstrap interval. The patients needed for precise estimates follow Riley and colleagues (2021)."
    )


def _groups(facts: RunFacts) -> str:
    frame = facts.frame(files.SUBGROUPS.path)
    names = ", ".join(dict.fromkeys(str(name) for name in frame["column"]))
    return f"Subgroups were formed by {names}; they were not tested against each other."


def _at_cutoff(facts: RunFacts) -> str:
    row = of_set(facts, PERFORMANCE, ALL)
    return (
        f"At the cut-off, sensitivity is {_estimate(facts, row, 'sensitivity')} and specificity "
        f"{_estimate(facts, row, 'specificity')}."
    )


def _mix(facts: RunFacts) -> str:
    mix = of_set(facts, CASE_MIX, ALL)
    below = mix["auc_high"] < mix["expected_auc_low"]
    worse = ", and its interval lies below: the formula ranks these patients worse than it claims" if below else ""
    return (
        f"The case mix would give an AUC of {_estimate(facts, mix, 'expected_auc')} if the formula were right; the "
        f"observed one is {number(mix['auc'])}{worse}."
    )


_METHODS: tuple[Group, ...] = (
    ("Model", (Sentence("signature", lambda facts: DEVELOPMENT in facts.documents, _signature),)),
    ("Data", (
        Sentence("extracted", _of_images, _extracted),
        Sentence("tabled", lambda facts: facts.protocol.features is not None, _tabled),
        Sentence("predicted", lambda facts: PREDICTIONS in facts.frames, _predicted),
    )),
    ("Statistics", (
        Sentence("intervals", _has(PERFORMANCE, "auc"), _intervals),
        Sentence("how_recalibrated", _some_recalibrated, _how_recalibrated),
        Sentence("how_case_mix", _has(CASE_MIX, "expected_auc"), _how_case_mix),
        Sentence("groups", lambda facts: bool(len(facts.frame(files.SUBGROUPS.path))), _groups),
    )),
)  # fmt: skip
_RESULTS: tuple[Group, ...] = (
    ("Patients", (Sentence("of_whom", lambda facts: PREDICTIONS in facts.frames, _of_whom),)),
    ("Discrimination", (
        _AREA,
        Sentence("at_cutoff", _has(PERFORMANCE, "sensitivity"), _at_cutoff),
        Sentence("mix", _has(CASE_MIX, "expected_auc"), _mix),
    )),
    ("Calibration", (_LINE, Sentence("recalibrated", _some_recalibrated, _recalibrated))),
    ("Net benefit", (_NET,)),
    ("Inside the range", (_RANGE,)),
)  # fmt: skip
