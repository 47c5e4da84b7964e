"""Step 7, report: write the one-page report."""

from __future__ import annotations

from radstudy.artefacts.cohort import ABSENT, EXCLUDED, FAILURES, FLOW, NOTES, READING
from radstudy.provenance import source_key
from radstudy.steps.bundle import write_bundle
from radstudy.steps.run import Run
from radstudy.store import file_hash

STEP = "report"
_PARTS = ("figures/", "tables/")
_TOLD = (ABSENT, EXCLUDED, FAILURES, FLOW, NOTES, READING)  # no later step depends on what the cohort says in them


def do_report(run: Run) -> None:
    """Write report.html, its tables and its figures."""
    settings = {
        "report": run.protocol.report.model_dump(mode="json"),
        "study": run.protocol.study,
        "notice": run.protocol.notice,
        "program": source_key(),  # the page is quickly made again, with the words of this version
        "protocol": run.protocol.model_dump(mode="json", by_alias=True, exclude={"reading"}),
    }
    earlier = {name: content for name, content in run.folder(STEP).recorded().items() if name.startswith(_PARTS)}
    told = {one.path: file_hash(file) for one in _TOLD if (file := one.file(run.out)).is_file()}
    with run.step(STEP, settings=settings, inputs={"evaluate": run.key_of("evaluate"), **told}) as due:
        if due:
            run.folder(STEP).remove(earlier)  # figures of an older version, or that this run does not have
            from radstudy.report.write import write_report  # draws with matplotlib: slow to import, needed only here

            write_report(run.protocol, run.out, jobs=run.jobs)
            write_bundle(run)
