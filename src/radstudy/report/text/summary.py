"""The results: the study's findings, those of the primary model first, and how far to trust them."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from radstudy.protocol.words import listed
from radstudy.provenance import PROVENANCE
from radstudy.report.analysed import analysed_rows, by_patient, lesions_note, not_analysed
from radstudy.report.cited import applied, counted, entries, quoted, tally
from radstudy.report.display import number, plural, span, thousands
from radstudy.report.facts import TESTING, TRAINING, RunFacts
from radstudy.report.text.agreement import bound_of
from radstudy.report.text.answer import AGAINST, ANSWER, CHANCE, INSIDE, SIMPLER
from radstudy.report.text.evidence import (
    DELONG,
    RESAMPLED,
    agreement,
    agreement_tested,
    areas,
    fitted,
    rows,
    shows,
)
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.sentence import Sentence, said

LEAKS = "evaluate/leaks/leaks.csv"
_STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate")


def summary(facts: RunFacts) -> list[Paragraph]:
    """The study in a few paragraphs, built from the sentences that the run's files show to be true."""
    told = [Paragraph(said(facts, sentences), lead) for lead, sentences in SUMMARY]
    return [paragraph for paragraph in told if paragraph.text]


def alarms(facts: RunFacts) -> list[str]:
    """The errors that have to be read before anything else."""
    return list(filter(None, (sentence.said(facts) for sentence in ALARMS)))


# --- above everything else ---------------------------------------------------------------------------------------


def _findings(facts: RunFacts, severity: str) -> list[str]:
    frame = rows(facts, LEAKS, "severity", "what")
    return [str(row["what"]) for _, row in frame[frame["severity"] == severity].iterrows()] if len(frame) else []


def _leak(facts: RunFacts) -> str:
    errors = _findings(facts, "error")
    return (
        f"No AUC in this study can be trusted until this is resolved. The leak detector found "
        f"{plural(len(errors), 'error')}: {'; '.join(errors)}. The section on leaks says where they are and what to do."
    )


ALARMS = (
    Sentence("leak_errors", lambda facts: bool(_findings(facts, "error")), _leak),
    Sentence(
        "unreadable_files",
        lambda facts: bool(facts.unreadable),
        lambda facts: (
            f"{plural(len(facts.unreadable), 'file')} of the run cannot be read: "
            f"{'; '.join(f'{name} ({why})' for name, why in facts.unreadable.items())}. What is made from "
            f"{'it' if len(facts.unreadable) == 1 else 'them'} is missing from this report."
        ),
    ),
)


# --- patients ----------------------------------------------------------------------------------------------------


def _patients(facts: RunFacts) -> str:
    flow = facts.document("cohort/flow.json")
    lesions = f" with {plural(flow['lesions'], 'lesion')}" if flow["lesions"] != flow["kept"] else ""
    parts = [
        f"{flow[which]['patients']} {which} patients ({flow[which]['positive']} {facts.of_group(1)})"
        for which in (TRAINING, TESTING)
    ]
    how = "split once into" if facts.protocol.cohort.split.column is None else "divided by the cohort table into"
    return (
        f"Of {plural(flow['screened'], 'patient')} screened, {flow['kept']} were included{lesions}: {flow['negative']} "
        f"{facts.of_group(0)} and {flow['positive']} {facts.of_group(1)}, {how} {listed(parts)}."
    )


def _analysed(facts: RunFacts) -> str:
    lost, patients = sum(not_analysed(facts).values()), by_patient(analysed_rows(facts))
    parts = [
        f"{len(part)} {which} patients ({int(part['outcome'].sum())} {facts.of_group(1)})"
        for which in (TRAINING, TESTING)
        for part in (patients[patients["set"] == which],)
    ]
    return (
        f"No model could use {plural(lost, 'patient')}, who {'contributes' if lost == 1 else 'contribute'} to no AUC; "
        f"{plural(len(patients), 'patient')} {'was' if len(patients) == 1 else 'were'} analysed: {listed(parts)}."
    )


def _lost(facts: RunFacts) -> str:
    frame = facts.failures()
    return (
        f"{plural(len(frame), 'case')} could not be used in the {listed(['step ' + s for s in frame['step'].unique()])}"
        "; the section on patients lost gives the reasons."
    )


_PATIENTS = (
    Sentence("patients", lambda facts: "cohort/flow.json" in facts.documents, _patients),
    Sentence(
        "not_analysed",
        lambda facts: bool(not_analysed(facts)),
        _analysed,
    ),
    Sentence("lost_cases", lambda facts: bool(len(facts.failures())), _lost),
)


# --- features ----------------------------------------------------------------------------------------------------


def _extracted(facts: RunFacts) -> str:
    extracted = facts.document("extract/summary.json")
    if facts.protocol.features is not None:
        explained = quoted(extracted["explained"], extracted["explained"].partition(";")[0])
        return f"Features were supplied as a table ({explained})."
    sequences = listed(list(facts.protocol.sequences))
    return f"From each usable lesion, {plural(extracted['features'], 'feature')} were computed on each of {sequences}."


def _reproduced(facts: RunFacts) -> str:
    agreed = agreement(facts)
    kept = {name: agreed["kept"].get(name, 0) for name in facts.protocol.sequences}
    lesions = sorted(set(agreed["lesions"].values()))
    count = f"{lesions[0]}" if len(lesions) == 1 else f"{lesions[0]} to {lesions[-1]}"
    went_on = listed([f"{thousands(number_kept)} ({name})" for name, number_kept in kept.items()])
    return (
        f"Between {entries(agreed['readers'])} readers on {count} lesions, {went_on} of the features had "
        f"{bound_of(agreed)} above {agreed['above']:g} and were kept."
    )


_FEATURES = (
    Sentence("features", lambda facts: "extract/summary.json" in facts.documents, _extracted),
    Sentence("features_reproduced", agreement_tested, _reproduced),
    Sentence(
        "nothing_reproduced",
        lambda facts: bool(agreement(facts)) and not any(agreement(facts)["kept"].values()),
        lambda _: "No feature passed, so no radiomics feature enters any model.",
    ),
    Sentence(
        "reproducibility_not_tested",
        lambda facts: bool(agreement(facts).get("note")),
        lambda _: "Reproducibility between readers was not tested.",
    ),
)


# --- all models --------------------------------------------------------------------------------------------------


def _specified(facts: RunFacts) -> int:
    """The number of models of the study; it remembers the file that lists them."""
    listed_models = entries(facts.documents.get("model/models.json") or {})
    return listed_models if listed_models == len(facts.models) else len(facts.models)


def _declared(facts: RunFacts) -> str:
    models = fitted(facts)
    empty = [name for name in models if models[name].get("empty")]
    missing = [name for name in facts.models if name not in models]
    text = f"{plural(_specified(facts), 'model')} {'was' if len(facts.models) == 1 else 'were'} specified"
    text += (
        f" and {len(models)} fitted" if missing else " and all were fitted" if len(facts.models) > 1 else " and fitted"
    )
    if missing:
        text += f" (not fitted: {listed(missing)})"
    if empty:
        text += (
            f"; in {listed(empty)} no feature survived the selection, so {'it is' if len(empty) == 1 else 'they are'} "
            "an intercept only (AUC 0.5)"
        )
    return text + "."


def _range(facts: RunFacts) -> str:
    """The range without names: the highest of several testing AUCs is too high by selection, so no model is named."""
    frame = areas(facts, TESTING)
    return (
        f"Their AUCs on the testing set ({span(frame['rows'])} {facts.case_word}, {span(frame['positives'])} "
        f"positive) ranged from {number(frame['auc'].min())} to {number(frame['auc'].max())}."
    )


def _pairs(facts: RunFacts) -> str:
    frame = rows(facts, DELONG, "p_value")
    tested = frame[frame["set"] == TESTING]
    raw = _below(frame, "p_value")
    text = (
        f"By DeLong's test on the testing set, {f'{raw}' if raw else 'none'} of "
        f"{plural(tally(frame, set=TESTING), 'comparison')} between two models had p < 0.05"
    )
    if raw and tested["p_adjusted"].notna().any():
        held = _below(frame, "p_adjusted")
        text += f", {f'{held}' if held else 'none'} after Holm's correction"
    return text + "."


def _below(frame: pd.DataFrame, column: str) -> int:
    """The number of tests of the testing set with a p-value below 0.05."""
    tested = frame[frame["set"] == TESTING]
    return cast("int", applied("below", int((tested[column] < 0.05).sum()), tested[column], 0.05))


def _tested_pairs(facts: RunFacts) -> bool:
    frame = rows(facts, DELONG, "p_value")
    return bool(len(frame) and (frame["set"] == TESTING).any())


_MODELS = (
    Sentence("models", lambda facts: bool(facts.documents.get("model/models.json")), _declared),
    Sentence("testing_range", lambda facts: len(areas(facts, TESTING)) > 1, _range),
    Sentence("pairs_of_models", _tested_pairs, _pairs),
)


# --- how far to trust it -----------------------------------------------------------------------------------------


def _apparent(facts: RunFacts) -> str:
    return (
        f"The training AUCs ({_between(areas(facts, TRAINING)['auc'])}) are apparent (selection ignored): features "
        "were chosen and models fitted on the same patients."
    )


def _one_split(facts: RunFacts) -> str:
    frame = areas(facts, TESTING)
    many = (
        f", and the highest of {counted(frame, 'model')} tends to be too high by chance alone" if len(frame) > 1 else ""
    )
    if facts.protocol.cohort.split.column is None:
        which = "one random split of one cohort"
        end = "; none of this has been validated on other patients"
    else:
        which, end = "the one testing set that the cohort table defines", ""
    positives = span(frame["positives"])
    return f"The testing AUCs come from {which}, with {positives} positive {facts.case_word}{many}{end}."


def _inside(facts: RunFacts) -> str:
    known = rows(facts, RESAMPLED, "nested_auc", "optimism")
    named = [name for name in facts.models if name in set(known["model"])]
    whose = "the same pipelines" if named == facts.models else f"the pipelines of {listed(named)}"
    if len(named) == 1:
        whose = f"the pipeline of {named[0]}"
    return (
        f"With every step inside the folds (nested cross-validation, all {facts.case_word}), {whose} reached "
        f"an AUC of {_between(known['nested_auc'])}, on average {number(known['optimism'].mean(), 2)} less than in "
        "training."
    )


def _not_run(facts: RunFacts) -> list[str]:
    wanted = [step for step in _STEPS if step != "prepare" or facts.protocol.features is None]
    return [step for step in wanted if f"{step}/{PROVENANCE}" not in facts.documents]


_TRUST = (
    Sentence("apparent", lambda facts: bool(len(areas(facts, TRAINING))), _apparent),
    Sentence("one_testing_set", lambda facts: bool(len(areas(facts, TESTING))), _one_split),
    Sentence("inside_the_folds", lambda facts: shows(facts, RESAMPLED, "nested_auc", "optimism"), _inside),
    Sentence(
        "several_lesions",
        lambda facts: bool(lesions_note(facts)) and bool(len(areas(facts, TESTING))),
        lesions_note,
    ),
    Sentence(
        "leak_warnings",
        lambda facts: bool(_findings(facts, "warning")),
        lambda facts: f"The leak detector warns: {'; '.join(_findings(facts, 'warning'))}.",
    ),
    Sentence(
        "steps_not_run",
        lambda facts: bool(_not_run(facts)),
        lambda facts: (
            f"The {'step' if len(_not_run(facts)) == 1 else 'steps'} {listed(_not_run(facts))} "
            f"{'has' if len(_not_run(facts)) == 1 else 'have'} not finished. To do: run 'radstudy run' again; it "
            "continues from there."
        ),
    ),
)

SUMMARY: tuple[tuple[str, tuple[Sentence, ...]], ...] = (
    ("Patients", _PATIENTS),
    ("The primary model", ANSWER),
    ("Compared with the model that it was declared against", AGAINST),
    ("Compared with chance", CHANCE),
    ("Compared with simpler baselines", SIMPLER),
    ("With every step inside the folds", INSIDE),
    ("All models", _MODELS),
    ("Features", _FEATURES),
    ("How far to trust it", _TRUST),
)


def _between(values: pd.Series[Any]) -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"
