"""The cases lost, and the rows that each model could use."""

from __future__ import annotations

import pandas as pd

from radstudy.protocol.words import listed
from radstudy.report.analysed import reasons_unused, unused_rows
from radstudy.report.cited import counted, entries, quoted
from radstudy.report.display import plural, whole
from radstudy.report.facts import FAILURES, PROVENANCES, AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, heads, words


@report_part("exclusions", reads=("cohort/excluded.csv", "cohort/flow.json", "cohort/rows.csv"), rows_independent=False)
def exclusions(facts: RunFacts) -> Table:
    """Patients that the study excluded, by reason."""
    flow, frame = facts.document("cohort/flow.json"), facts.frames.get("cohort/excluded.csv")
    if frame is None or not len(frame):
        raise AbsentError("Nobody was excluded.")
    own = frame["patient"].isin(facts.frame("cohort/rows.csv")["patient"])  # another lesion of the patient is included
    gone = frame[~own].drop_duplicates("patient")
    patients = {str(reason): list(part["patient"]) for reason, part in gone.groupby("reason")}
    rows = [
        [
            Cell(quoted(one["reason"])),
            Cell(whole(one["patients"]), kind="number"),
            Cell(", ".join(patients.get(str(one["reason"]), ()))),
        ]
        for one in sorted(flow["excluded"], key=lambda one: -int(one["patients"]))
    ]
    header = [[Cell("Reason"), Cell("Patients", kind="number"), Cell("Who")]]
    notes = [f"Of {plural(flow['screened'], 'patient')} screened, {flow['kept']} were included."]
    if own.any():
        notes.append(f"Of the included, {plural(int(own.sum()), 'lesion')} more; the CSV file has the reasons.")
    return Table(header, rows, frame, notes)


@report_part("failures", reads=(*FAILURES, *PROVENANCES), rows_independent=False)
def lost(facts: RunFacts) -> Table:
    """Cases that failed, with the problem and the remedy."""
    frame = facts.failures()
    if not len(frame):
        if not facts.finished("cohort"):
            raise AbsentError("The step 'cohort' has not finished, so what was lost is not known yet.")
        raise AbsentError("No case failed in any step that has finished.")
    columns = ["step", "patient", "lesion", "sequence", "reader", "problem", "remedy"]
    rows = [words(quoted(row[name]) for name in columns) for _, row in frame.iterrows()]
    names = ["Step", "Patient", "Lesion", "Sequence", "Reader", "Problem", "What to do"]
    notes = [
        "A failed case is left out of every result that needs it; nothing was repaired or imputed. Failures of the "
        "second reader's masks affect only the agreement between readers.",
    ]
    return Table([words(names)], rows, frame, notes)


@report_part("absent_sequences", reads=("cohort/absent.csv",), rows_independent=False)
def absent(facts: RunFacts) -> Table:
    """Sequences that patients lack, or on which the lesion is not visible."""
    frame = facts.frame("cohort/absent.csv")
    if not len(frame):
        raise AbsentError(
            "All lesions of the cohort were declared visible on every sequence, and no sequence is missing."
        )
    counts = frame.groupby("sequence", sort=False)
    rows = [
        [
            Cell(str(name)),
            Cell(whole(counted(part, "patient")), kind="number"),
            Cell(", ".join(dict.fromkeys(part["patient"]))),
        ]
        for name, part in counts
    ]
    header = [[Cell("Sequence"), Cell("Lesions without it", kind="number"), Cell("Patients")]]
    return Table(header, rows, frame)


@report_part(
    "rows_per_model",
    reads=("cohort/rows.csv", "cohort/absent.csv", "model/models.json", "model/predictions.csv", *FAILURES),
    rows_independent=False,
)
def usable(facts: RunFacts) -> Table:
    """The number of rows on which each model was trained and tested."""
    models = facts.document("model/models.json")
    rows, records = [], []
    for name in facts.models:
        model = models.get(name, {})
        clinical = [facts.label_of(variable) for variable in model.get("clinical", [])]
        sequences = list(model.get("sequences", []))
        needs = [*sequences, plural(entries(model["clinical"]), "clinical variable")] if clinical else sequences
        shown = [f"{model.get(key, '–')}" for key in ("training_rows", "testing_rows", "not_used")]
        note = model.get("note", "") or (_unused(facts, name) if model else "not reached")
        rows.append(
            [
                Cell(name, kind="name"),
                *(Cell(text, kind="number") for text in shown),
                Cell(listed(needs) if needs else ""),
                Cell(note),
            ]
        )
        records.append([name, *shown, "; ".join([*sequences, *clinical]), note])
    names = ["Model", "Training", "Testing", "Not used", "Needs", "Note"]
    header = [[*heads(names[:4]), Cell(names[4]), Cell(names[5])]]
    if not any(record[-1] for record in records):
        header, rows = [header[0][:-1]], [row[:-1] for row in rows]
    note = [
        f"Numbers are {facts.case_word}. A model leaves out {facts.case_word} that lack one of its sequences or one of "
        "its candidate clinical variables; neither is ever imputed."
    ]
    return Table(header, rows, pd.DataFrame(records, columns=names), note)


def _unused(facts: RunFacts, name: str) -> str:
    """The reasons why a fitted model could not use some rows; "" if it used all."""
    reasons = reasons_unused(facts, name)  # looked up, needed or not, so that what is read does not depend on the run
    return f"Not used: {'; '.join(reasons)}" if reasons and name in unused_rows(facts) else ""


@report_part("undefined_features", reads=("extract/missing.csv",), rows_independent=False)
def undefined(facts: RunFacts) -> Table:
    """Feature values that are not defined, with the reason."""
    frame = facts.frame("extract/missing.csv")
    if not len(frame):
        raise AbsentError("Every feature of every lesion is defined.")
    grouped = frame.groupby(["sequence", "feature", "reason"], sort=False)
    rows = [
        [*words([str(s), str(f)]), Cell(whole(counted(part, "patient")), kind="number"), Cell(str(reason))]
        for (s, f, reason), part in sorted(grouped, key=lambda item: -len(item[1]))[:40]
    ]
    header = [[*words(["Sequence", "Feature"]), Cell("Lesions", kind="number"), Cell("Reason")]]
    notes = [f"The 40 most frequent of {len(grouped)}."] if len(grouped) > 40 else []
    return Table(header, rows, frame, notes)


@report_part("identical_lesions", reads=("extract/identical.csv",), rows_independent=False)
def identical(facts: RunFacts) -> Table:
    """Lesions with identical features, most often from a file copied under two names."""
    frame = facts.frame("extract/identical.csv")
    if not len(frame):
        raise AbsentError("No two lesions of a sequence have the same features.")
    columns = ["group", "patient", "lesion", "sequence", "reader"]
    rows = [words(str(row[name]) for name in columns) for _, row in frame.iterrows()]
    notes = ["Lesions of one group have identical features: check whether a file was copied under two names."]
    return Table([words(["Group", "Patient", "Lesion", "Sequence", "Reader"])], rows, frame, notes)
