"""Step 1, cohort: read the table, count the exclusions, split, find the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.artefacts import ColumnKind
from radstudy.artefacts.cohort import ABSENT, CASES, EXCLUDED, FAILURES, FLOW, NOTES, OPENED, READING, ROWS, UNUSABLE
from radstudy.artefacts.records.case import CaseRecord, DrawnElsewhere
from radstudy.cohort.case_files import Case, MaskOrigin
from radstudy.cohort.manifest import Cohort, read_cohort
from radstudy.cohort.reading import read_summary, record_files
from radstudy.cohort.rows import ROW
from radstudy.cohort.sealed import without_testing_outcomes
from radstudy.errors import CohortError, grouped
from radstudy.formats.reading import Reading, recorded
from radstudy.protocol import Protocol
from radstudy.steps.copied import copied_features, stops
from radstudy.steps.doubly_read import doubly_read
from radstudy.steps.opening import open_files, sets_of
from radstudy.steps.run import Run, read_failures, write_failures
from radstudy.steps.volumes import clashing
from radstudy.store import content_hash, file_hash, ignores_case
from radstudy.table import SITE

STEP = "cohort"


def settings_of(protocol: Protocol) -> dict[str, Any]:
    """The settings that this step depends on."""
    settings: dict[str, Any] = {
        "cohort": protocol.cohort.model_dump(mode="json"),
        "sequences": protocol.sequences,
        "seed": protocol.seed,
    }
    if protocol.features is not None:
        settings["features"] = protocol.features.model_dump(mode="json")
    return settings


def do_cohort(run: Run) -> None:
    """Read the cohort, open its masks, and write it in the form that the later steps read.

    Raises
    ------
    CohortError : no lesion has its files; too few lesions are doubly read for the filter that the study file requires;
        one file, or the same content, is used for two readers, sequences, lesions or patients.
    """
    with recorded() as read:
        cohort = read_cohort(run.protocol, run.data)
        summary = read_summary(run.protocol, run.data)
    flow = cohort.flow()
    if run.sealed:  # nothing after this line knows a testing outcome
        cohort = replace(cohort, rows=without_testing_outcomes(cohort.rows))
    if not cohort.cases and run.protocol.features is None and run.protocol.sequences:
        raise CohortError("no lesion has its files:", grouped(cohort.failures))
    opened = open_files(run.protocol, cohort.cases, kept_in=OPENED.file(run.out), jobs=run.jobs, bar=run.bar)
    doubles = opened.doubled(sets_of(cohort)) + copied_features(run.protocol, cohort.features)
    reading = doubly_read(run.protocol, cohort, run.extraction if run.protocol.features is None else None)
    serious = [double for double in doubles if stops(run.protocol, double)]
    noted = [str(double) for double in doubles if double not in serious]
    cohort = replace(cohort, notes=tuple(dict.fromkeys((*cohort.notes, *reading.notes, *noted))))
    for note in cohort.notes:
        run.say(note)
    run.tell((*cohort.failures, *opened.failures))
    names = clashing(cohort.cases, ignoring_case=ignores_case(run.out))
    if problems := [*([reading.problem] if reading.problem else []), *map(str, serious), *names]:
        raise CohortError("nothing was computed; settle this first:", problems)
    inputs = {
        "table": _hash(run, run.data / run.protocol.cohort.table, read),
        "cases": content_hash(_cases_plain(cohort)),
        "notes": content_hash([*cohort.notes, *map(str, opened.failures)]),
    }
    if run.protocol.features is not None:
        inputs |= {file: _hash(run, run.data / file, read) for file in run.protocol.features.files()}
    if run.protocol.cohort.scanner_site is not None:
        inputs["sites"] = content_hash(cohort.rows[SITE].tolist())
    inputs |= {f"reading/{file.name}": _hash(run, file, read) for file in record_files(run.protocol, run.data)}
    if run.protocol.evaluate.sealed:  # the hash of the table does not have them
        known = cohort.rows[["outcome", "set"]].astype(str).to_numpy().tolist()
        inputs["outcomes"] = content_hash(
            [[*row, *values] for row, values in zip(cohort.rows.index, known, strict=True)]
        )
    with run.step(STEP, settings=settings_of(run.protocol) | run.seal, inputs=inputs) as due:
        if due:
            _write(run, cohort, flow)
            _write_reading(run, summary)
            write_failures(UNUSABLE.file(run.out), opened.failures)


def _hash(run: Run, file: Path, reading: Reading) -> str:
    """The hash of a table as it was read; see `Run.hash_of`."""
    return run.hash_of(file) if run.protocol.evaluate.sealed else reading.digests.get(file) or file_hash(file)


def lost_of(out: Path) -> int:
    """Count the cases that a cohort, checked on its own, has lost: files are missing, or cannot be used."""
    return sum(len(read_failures(table.file(out))) for table in (FAILURES, UNUSABLE))


def _write(run: Run, cohort: Cohort, flow: dict[str, Any]) -> None:
    ROWS.write(run.out, cohort.rows.reset_index())
    EXCLUDED.write(run.out, cohort.excluded)
    ABSENT.write(run.out, [dict(zip(ABSENT.names, place, strict=True)) for place in cohort.absent])
    FLOW.write(run.out, flow)
    NOTES.write(run.out, list(cohort.notes))
    CASES.write(run.out, _cases_plain(cohort))
    write_failures(FAILURES.file(run.out), cohort.failures)


def _write_reading(run: Run, summary: dict[str, Any] | None) -> None:
    """Copy the summary of the reading room into the run; remove an earlier copy if there is none any more."""
    if summary is not None:
        READING.write(run.out, summary)
    else:
        READING.file(run.out).unlink(missing_ok=True)


def _cases_plain(cohort: Cohort) -> list[dict[str, object]]:
    return [_record(case).as_json() for case in cohort.cases]


def _record(case: Case) -> CaseRecord:
    drawn = case.transfer
    elsewhere = DrawnElsewhere(drawn.sequence, str(drawn.image), str(drawn.mask)) if drawn else None
    masks = {reader: str(path) for reader, path in case.masks}
    reference = str(case.reference) if case.reference else None
    return CaseRecord(case.patient, case.lesion, case.sequence, str(case.image), masks, reference, elsewhere)


def read_cases(run: Run) -> list[Case]:
    """The cases that the step wrote."""
    return cases_in(run.out)


def cases_in(out: Path) -> list[Case]:
    """The cases of a run's folder."""
    return [_case(CaseRecord.from_json(item)) for item in CASES.read(out)]


def _case(record: CaseRecord) -> Case:
    masks = tuple((reader, Path(path)) for reader, path in record.masks.items())
    reference = Path(record.reference) if record.reference else None
    elsewhere = record.transfer
    transfer = MaskOrigin(elsewhere.sequence, Path(elsewhere.image), Path(elsewhere.mask)) if elsewhere else None
    return Case(record.patient, record.lesion, record.sequence, Path(record.image), masks, reference, transfer)


def read_rows(run: Run) -> pd.DataFrame:
    """The rows of the cohort, indexed (patient, lesion), with clinical variables coded by the codebook."""
    return rows_from(run.out, run.protocol)


def kinds_of(protocol: Protocol) -> dict[str, ColumnKind]:
    """Clinical variable to the kind of its column in rows.csv: text if it has levels, else a number."""
    clinical = protocol.cohort.clinical
    site = {} if protocol.cohort.site is None else {SITE: ColumnKind.TEXT}
    return site | {name: ColumnKind.NUMBER if one.levels is None else ColumnKind.TEXT for name, one in clinical.items()}


def rows_from(out: Path, protocol: Protocol) -> pd.DataFrame:
    """Read the rows of a run's folder."""
    frame = ROWS.read(out, kinds_of(protocol))
    for name, variable in protocol.cohort.clinical.items():
        if variable.levels is not None:
            known = frame[name].mask(frame[name] == "")  # an empty cell is a missing value, not a level
            frame[name] = pd.Categorical(known, categories=list(variable.levels), ordered=True)
    if frame["outcome"].isna().any():  # of a sealed run
        frame["outcome"] = frame["outcome"].astype("Int64")
    return frame.set_index(list(ROW))
