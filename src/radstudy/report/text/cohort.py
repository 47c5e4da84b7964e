"""The methods text on the patients: the outcome, the two sets and the exclusions."""

from __future__ import annotations

from radstudy.protocol.site import SCANNER_FIELDS
from radstudy.protocol.words import listed
from radstudy.report.cited import counted, quoted
from radstudy.report.display import plural
from radstudy.report.facts import TESTING, TRAINING, RunFacts
from radstudy.report.text.evidence import lesions_share_patients, rows, shows
from radstudy.report.text.reading import READING
from radstudy.report.text.sentence import Sentence
from radstudy.table import SITE

ROWS, EXCLUDED = "cohort/rows.csv", "cohort/excluded.csv"


def _outcome(facts: RunFacts) -> str:
    outcome = facts.protocol.cohort.outcome
    return f"The outcome was {outcome.label or outcome.column} ({facts.groups[1]} = positive)."


def _given(facts: RunFacts) -> str:
    return (
        "The split into training and testing sets was taken from the column "
        f"'{facts.protocol.cohort.split.column}' of the cohort table."
    )


def _random(facts: RunFacts) -> str:
    how = "stratified by outcome" if facts.protocol.cohort.split.stratify else "not stratified by outcome"
    frame = rows(facts, ROWS, "set")
    sizes = {which: frame.loc[frame["set"] == which, "patient"].nunique() for which in (TRAINING, TESTING)}
    return (
        f"Patients were split once at random, {how}: {plural(sizes[TRAINING], 'patient')} for training and "
        f"{sizes[TESTING]} for testing (seed {facts.protocol.seed})."
    )


def _sites(facts: RunFacts) -> str:
    section, frame = facts.protocol.cohort, rows(facts, ROWS, SITE)
    scanner = section.scanner_site
    what = (
        f"Sites were those of the column '{section.site_column}' of the cohort table"
        if scanner is None
        else f"Sites were scanners by {listed([SCANNER_FIELDS[name] for name in scanner.scanner])}, as the images' "
        f"headers name them{f' on {scanner.sequence}' if scanner.sequence else ''}"
    )
    each = []
    for name in sorted(set(frame[SITE].astype(str))):
        own = frame[frame[SITE].astype(str) == name]
        sizes = {which: own.loc[own["set"] == which, "patient"].nunique() for which in (TRAINING, TESTING)}
        training = plural(sizes[TRAINING], "patient")
        each.append(f"{quoted(own.iloc[0][SITE])}, {training} for training and {sizes[TESTING]} for testing")
    return f"{what}: {'; '.join(each)}."


def _left_out(facts: RunFacts) -> str:
    frame = rows(facts, EXCLUDED, "reason")
    starts = tuple(f"{sequence} not evaluable" for sequence in facts.protocol.sequences)  # radstudy.cohort.reading
    by_readers = frame["reason"].str.startswith(starts).sum() if READING in facts.documents else 0
    why = ["a reason for exclusion in the cohort table"] if by_readers < len(frame) else []
    why += ["a sequence that readers could not evaluate"] if by_readers else []
    return (
        f"Rows with {' or '.join(why)} were left out ({plural(counted(frame, 'reason'), 'row')} of "
        f"{plural(frame['patient'].nunique(), 'patient')})."
    )


COHORT = (
    Sentence("outcome", lambda facts: shows(facts, ROWS, "outcome"), _outcome),
    Sentence(
        "split_given",
        lambda facts: facts.protocol.cohort.split.column is not None and shows(facts, ROWS, "set"),
        _given,
    ),
    Sentence(
        "split_random", lambda facts: facts.protocol.cohort.split.column is None and shows(facts, ROWS, "set"), _random
    ),
    Sentence("sites", lambda facts: facts.protocol.cohort.site is not None and shows(facts, ROWS, SITE), _sites),
    Sentence(
        "patients_undivided",
        lambda facts: facts.protocol.cohort.split.column is None and lesions_share_patients(facts),
        lambda _: "All lesions of a patient went into the same set.",
    ),
    Sentence("exclusions", lambda facts: shows(facts, EXCLUDED, "reason"), _left_out),
)
