"""Step 1, cohort: read the table, count the exclusions, split, find the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.case_files import Case, Transfer
from radstudy.cohort.manifest import Cohort, read_cohort
from radstudy.cohort.rows import ROW
from radstudy.errors import CohortError, grouped
from radstudy.formats.reading import Reading, recorded
from radstudy.protocol import Protocol
from radstudy.steps.copied import copied_features, stops
from radstudy.steps.doubly_read import doubly_read
from radstudy.steps.opening import open_files, sets_of
from radstudy.steps.run import Run, read_failures, write_failures
from radstudy.store import content_hash, file_hash, read_csv, read_json, write_csv, write_json

STEP = "cohort"
OPENED, UNUSABLE = "opened.json", "unusable.csv"


def do_cohort(run: Run) -> None:
    """Read the cohort, open its masks, and write it as the steps after it use it.

    Raises
    ------
    CohortError : no lesion has its files; too few lesions are doubly read for the filter that the study file asks for;
        one file, or one content, stands for two readers, sequences, lesions or patients.
    """
    with recorded() as read:
        cohort = read_cohort(run.protocol, run.data)
    if not cohort.cases and run.protocol.features is None:
        raise CohortError("no lesion has its files:", grouped(cohort.failures))
    opened = open_files(run.protocol, cohort.cases, kept_in=run.path(STEP, OPENED), jobs=run.jobs, bar=run.bar)
    doubles = opened.doubled(sets_of(cohort)) + copied_features(run.protocol, cohort.features)
    reading = doubly_read(run.protocol, cohort, run.extraction if run.protocol.features is None else None)
    serious = [double for double in doubles if stops(run.protocol, double)]
    noted = [str(double) for double in doubles if double not in serious]
    cohort = replace(cohort, notes=tuple(dict.fromkeys((*cohort.notes, *reading.notes, *noted))))
    for note in cohort.notes:
        run.say(note)
    run.tell((*cohort.failures, *opened.failures))
    if problems := [*([reading.problem] if reading.problem else []), *map(str, serious)]:
        raise CohortError("nothing is computed before this is settled:", problems)
    settings = {
        "cohort": run.protocol.cohort.model_dump(mode="json"),
        "sequences": run.protocol.sequences,
        "seed": run.protocol.seed,
    }
    inputs = {
        "table": _hash(run.data / run.protocol.cohort.table, read),
        "cases": content_hash(_cases_plain(cohort)),
        "notes": content_hash([*cohort.notes, *map(str, opened.failures)]),
    }
    if run.protocol.features is not None:
        settings["features"] = run.protocol.features.model_dump(mode="json")
        inputs |= {file: _hash(run.data / file, read) for file in run.protocol.features.files()}
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            _write(run, cohort)
            write_failures(run.path(STEP, UNUSABLE), opened.failures)


def _hash(file: Path, reading: Reading) -> str:
    """The hash of a table as it was read."""
    return reading.digests.get(file) or file_hash(file)


def lost_of(out: Path) -> int:
    """How many cases a cohort, checked alone, has lost: without files, or with files that cannot be used."""
    return sum(len(read_failures(out / STEP / name)) for name in ("failures.csv", UNUSABLE))


def _write(run: Run, cohort: Cohort) -> None:
    folder = run.out / STEP
    write_csv(folder / "rows.csv", cohort.rows.reset_index())
    write_csv(folder / "excluded.csv", cohort.excluded)
    write_csv(folder / "absent.csv", pd.DataFrame(list(cohort.absent), columns=["patient", "lesion", "sequence"]))
    write_json(folder / "flow.json", cohort.flow())
    write_json(folder / "notes.json", list(cohort.notes))
    write_json(folder / "cases.json", _cases_plain(cohort))
    write_failures(folder / "failures.csv", cohort.failures)


def _cases_plain(cohort: Cohort) -> list[dict[str, object]]:
    return [
        {
            "patient": case.patient,
            "lesion": case.lesion,
            "sequence": case.sequence,
            "image": str(case.image),
            "masks": {reader: str(path) for reader, path in case.masks},
            "reference": str(case.reference) if case.reference else None,
            "transfer": case.transfer and {name: str(value) for name, value in vars(case.transfer).items()},
        }
        for case in cohort.cases
    ]


def read_cases(run: Run) -> list[Case]:
    """The cases that the step has written."""
    return [_case(item) for item in read_json(run.path(STEP, "cases.json"))]


def _case(item: dict[str, Any]) -> Case:
    masks = tuple((reader, Path(path)) for reader, path in item["masks"].items())
    reference = Path(item["reference"]) if item["reference"] else None
    found = item["transfer"]
    transfer = Transfer(found["sequence"], Path(found["image"]), Path(found["mask"])) if found else None
    return Case(
        item["patient"], item["lesion"], item["sequence"], Path(item["image"]), masks, reference, transfer
    )  # fmt: skip


def read_rows(run: Run) -> pd.DataFrame:
    """The rows of the cohort, indexed (patient, lesion), clinical variables coded as the codebook says."""
    return rows_from(run.path(STEP, "rows.csv"), run.protocol)


def rows_from(file: Path, protocol: Protocol) -> pd.DataFrame:
    """Read a rows.csv."""
    text = dict.fromkeys((*ROW, "side", "set"), str)
    levels = {name: str for name, variable in protocol.cohort.clinical.items() if variable.levels is not None}
    frame = read_csv(file, dtype={**text, **levels}, keep_default_na=False, na_values={
        name: [""] for name in protocol.cohort.clinical})  # fmt: skip
    for name, variable in protocol.cohort.clinical.items():
        if variable.levels is not None:
            frame[name] = pd.Categorical(frame[name], categories=list(variable.levels), ordered=True)
        else:
            frame[name] = frame[name].astype(float)
    return frame.set_index(list(ROW))
