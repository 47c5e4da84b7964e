"""Step 7, report: write the one-page report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from radstudy.artefacts import HISTORY
from radstudy.artefacts.cohort import ABSENT, EXCLUDED, FAILURES, FLOW, NOTES, READING
from radstudy.artefacts.declaration import STEP_FOLDERS
from radstudy.artefacts.model import FEATURES
from radstudy.artefacts.report import ACQUISITION, CONTRIBUTIONS
from radstudy.modelling.contributions import contributions
from radstudy.owned import is_own
from radstudy.protocol import Protocol
from radstudy.provenance import PROVENANCE, source_key
from radstudy.report.pdf import EVIDENCE_PDF, PDF
from radstudy.steps.acquisitions import acquisitions
from radstudy.steps.bundle import write_bundle
from radstudy.steps.design import read_design
from radstudy.steps.model import fitted_models, read_predictions
from radstudy.steps.run import Run
from radstudy.store import content_hash, file_hash

STEP = "report"
_PARTS = ("figures/", "tables/", "pictures/")
_TOLD = (ABSENT, EXCLUDED, FAILURES, FLOW, NOTES, READING, HISTORY)  # no later step depends on what they say


def require_outline(protocol: Protocol) -> None:
    """Refuse a study that leaves out or moves parts that its report does not have, before any work.

    Raises
    ------
    StudyFileError : names the part or section, and those that exist.
    """
    if protocol.report.leave_out or protocol.report.move:
        from radstudy.report.outline import outline_of

        with outline_of(protocol.report):
            pass


def settings_of(protocol: Protocol) -> dict[str, Any]:
    """The settings that this step depends on."""
    return {
        "report": protocol.report.model_dump(mode="json"),
        "study": protocol.study,
        "notice": protocol.notice,
        "program": source_key(),  # the page is quickly made again, with the words of this version
        "protocol": protocol.model_dump(mode="json", by_alias=True, exclude={"reading"}),
    }


def do_report(run: Run) -> None:
    """Write report.html, its tables and its figures."""
    earlier = {name: content for name, content in run.folder(STEP).recorded().items() if name.startswith(_PARTS)}
    told = {one.path: file_hash(file) for one in _TOLD if (file := one.file(run.out)).is_file()}
    records = (run.out / step / PROVENANCE for step in STEP_FOLDERS if step != STEP)  # the page prints them
    told |= {file.relative_to(run.out).as_posix(): file_hash(file) for file in records if file.is_file()}
    scanned = acquisitions(run)
    if scanned:
        told[ACQUISITION.path] = content_hash(scanned)
    with run.step(STEP, settings=settings_of(run.protocol), inputs={"evaluate": run.key_of("evaluate"), **told}) as due:
        if due:
            _write_acquisitions(run, scanned)
            for printed in (run.out / name for name in (PDF, EVIDENCE_PDF)):
                if is_own(printed):
                    printed.unlink()  # of the former page
            write_contributions(run)
            run.folder(STEP).remove(earlier)  # figures of an older version, or that this run does not have
            from radstudy.report.write import write_report  # draws with matplotlib: slow to import, needed only here

            write_report(run.protocol, run.out, jobs=run.jobs)
            if not run.sealed:  # it has the hash of all outcomes
                write_bundle(run)


def do_validation_report(run: Run) -> None:
    """Write report.html of an external validation, its tables and its figures."""
    settings = {
        "study": run.protocol.study,
        "notice": run.protocol.notice,
        "program": source_key(),
        "figures": run.protocol.report.figures,
    }
    told = {one.path: file_hash(file) for one in _TOLD if (file := one.file(run.out)).is_file()}
    records = (run.out / step / PROVENANCE for step in STEP_FOLDERS if step != STEP)
    told |= {file.relative_to(run.out).as_posix(): file_hash(file) for file in records if file.is_file()}
    earlier = {name: content for name, content in run.folder(STEP).recorded().items() if name.startswith(_PARTS)}
    with run.step(STEP, settings=settings, inputs=told) as due:
        if due:
            run.folder(STEP).remove(earlier)
            from radstudy.report.write import write_validation_report  # draws with matplotlib: slow to import

            write_validation_report(run.protocol, run.out, jobs=run.jobs)


def _write_acquisitions(run: Run, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table; remove an earlier one if no import has written the images any more."""
    if rows:
        ACQUISITION.write(run.out, rows)
    else:
        ACQUISITION.file(run.out).unlink(missing_ok=True)


def write_contributions(run: Run) -> None:
    """Write what each feature adds to each log-odds of the model that the report explains patient by patient."""
    from radstudy.report.facts import explained_model

    name = explained_model(run.protocol)
    if name not in fitted_models(run):
        CONTRIBUTIONS.file(run.out).unlink(missing_ok=True)
        return
    predicted = read_predictions(run)
    own = predicted[(predicted["model"] == name) & predicted["probability"].notna()]
    design = read_design(run).table.loc[pd.MultiIndex.from_frame(own[["patient", "lesion"]])]
    terms = FEATURES.read(run.out)
    frame = contributions(terms[terms["model"] == name], design, (own["set"] == "training").to_numpy())
    CONTRIBUTIONS.write(run.out, frame.assign(model=name)[list(CONTRIBUTIONS.names)])
