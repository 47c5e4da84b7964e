"""`radstudy import`: read the headers, decide, write, list. READ FIRST of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from radstudy.errors import CaseError, DataError
from radstudy.intake.decision import LEFT_OUT, REFUSED, REVIEW, ROLE
from radstudy.intake.drawings import keep_drawings
from radstudy.intake.index import Bar, Index, index_source
from radstudy.intake.masks import write_masks
from radstudy.intake.plan import Item, Plan, plan_patient
from radstudy.intake.pseudonyms import Pseudonyms, private_folder
from radstudy.intake.rules import load_rules
from radstudy.intake.sources import Source
from radstudy.intake.tables import read_answers, write_cohort, write_rows, write_tables
from radstudy.intake.volumes import marks_in, remove_stale, write_volume
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.template import table_columns, template_text
from radstudy.store import only_run, write_json

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to import.

    Parameters
    ----------
    out : folder for the volumes and tables.
    private : folder for what identifies patients: pseudonyms, pulled objects, names of skipped files.
    pseudonyms : the table of pseudonyms; by default in the private folder.
    rules : a rules file of the user's.
    examination : "first", "last" or "".
    dry_run : show all, write nothing.
    """

    out: Path
    private: Path
    pseudonyms: Path | None = None
    rules: Path | None = None
    examination: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an import did: patients, volumes written and there already, failures as text, rows of masks.csv."""

    plans: tuple[Plan, ...]
    written: int
    kept: int
    failures: tuple[str, ...]
    masks: tuple[Mapping[str, str], ...] = ()

    @property
    def to_review(self) -> int:
        """Volumes that need a reader's decision."""
        return sum(len(plan.with_status(REVIEW)) for plan in self.plans)


def run_import(
    source: Source,
    options: Options,
    *,
    say: Say = lambda message: None,
    bar: Bar = lambda items, total, what: items,
) -> Outcome:
    """Import all of a source.

    Parameters
    ----------
    source : where the DICOM objects lie.
    options : how to import.
    say, bar : print a message; draw progress.

    Raises
    ------
    DataError : the source holds no MR image at all.
    """
    rules = load_rules(options.rules)
    with nullcontext() if options.dry_run else only_run(options.out):
        table = options.pseudonyms or options.private / "pseudonyms.csv"
        pseudonyms = Pseudonyms(table)
        if options.dry_run and pseudonyms.is_new:
            say(
                "The pseudonyms shown are provisional: the import makes a secret key, and gives every patient another "
                f"one. After the first import {table} says who is who."
            )
        index = index_source(source, bar=bar)
        _report_files(index, options, say)
        answers = read_answers(options.out / "review.csv")
        plans = [
            plan_patient(
                patient,
                rules,
                pseudonyms,
                answers=answers,
                examination=options.examination,
                existing=marks_in(options.out / pseudonyms.of(patient.identifier)),
            )
            for _, patient in sorted(index.patients.items())
            if patient.examinations or patient.drawings
        ]
        if not any(plan.items or plan.problem or _known(plan, options.out) for plan in plans):
            raise DataError(
                "the source holds no MR image. To do: give the folder or server that holds the examinations"
            )
        if options.dry_run:
            return Outcome(tuple(plans), 0, 0, tuple(_problems(plans, index, source)))
        private_folder(options.private)
        pseudonyms.save()
        return _write(plans, index, source, options, pseudonyms, say, bar)


def _write(
    plans: Sequence[Plan],
    index: Index,
    source: Source,
    options: Options,
    pseudonyms: Pseudonyms,
    say: Say,
    bar: Bar,
) -> Outcome:
    written, kept, failures = 0, 0, _problems(plans, index, source)
    done = []
    todo = [(plan, item) for plan in plans for item in plan.items if item.file]
    unreadable: dict[int, str] = {}
    for plan in plans:
        for file in remove_stale(plan, options.out):
            say(f"removed {file}: the volume has another name now, or none")
    for plan, item in bar(todo, len(todo), "volumes"):
        try:
            made = write_volume(item, plan, source, options.out)
        except CaseError as error:
            failures.append(str(error))
            unreadable[id(item)] = error.problem
            continue
        written, kept = written + made, kept + (not made)
    for plan in plans:
        done.append(_without_unreadable(plan, unreadable))
    drawings = keep_drawings(done, source, options.private, pseudonyms)
    masks = write_masks(done, drawings, options.out, options.private, pseudonyms)
    failures += masks.failures
    for file in masks.removed:
        say(f"removed {file}: its drawing has another place now, or none")
    rows = write_tables(done, options.out, masks.rows)
    write_cohort(done, rows, options.out, _cohort_columns(), masks.rows)
    _say_masks(masks.rows, say)
    write_rows(options.private / "skipped.csv", ["file", "reason"],
               [{"file": name, "reason": reason} for name, reason in index.skipped])  # fmt: skip
    write_json(options.private / "failures.json", failures)
    return Outcome(tuple(done), written, kept, tuple(failures), tuple(masks.rows))


def _say_masks(rows: Sequence[Mapping[str, str]], say: Say) -> None:
    if rows:
        placed = sum(bool(row["file"]) for row in rows)
        say(
            f"masks.csv lists {placed} mask(s) of segmentations and structure sets, and {len(rows) - placed} region(s) "
            "that were not placed"
        )


@cache
def _cohort_columns() -> list[str]:
    """The columns of the table that `radstudy init` writes, so that its study.yaml reads this one."""
    return table_columns(parse_protocol(template_text(), "study.yaml"))


def _without_unreadable(plan: Plan, unreadable: dict[int, str]) -> Plan:
    """The plan with volumes whose pixels could not be read as refused."""

    def settled(item: Item) -> Item:
        if id(item) not in unreadable:
            return item
        decision = replace(item.decision, status=REFUSED, reason=unreadable[id(item)])
        return replace(item, decision=decision, file="")

    return replace(plan, items=tuple(settled(item) for item in plan.items))


def _problems(plans: Iterable[Plan], index: Index, source: Source) -> list[str]:
    """What could not be imported, without anything that identifies a patient."""
    found = [*source.problems]
    for plan in plans:
        if plan.problem:
            remedy = "correct the PatientID of one of them in the PACS; nothing of this patient is written"
            found.append(str(CaseError(plan.problem, remedy, patient=plan.name)))
        for item in plan.with_status(REFUSED):
            if not item.decision.kind:
                continue  # no role is lost with it; the tables list it
            facts = item.decision.series.facts
            where = (
                f"{item.decision.role} (series {facts.series_number})"
                if item.decision.role
                else f"series {facts.series_number}"
            )
            found.append(str(CaseError(item.decision.reason, "export the series again; the others are imported",
                                       patient=plan.name, sequence=where)))  # fmt: skip
    if index.damaged:
        found.append(f"{index.damaged} file(s) are damaged DICOM or contradict another file")
    return found


def _known(plan: Plan, out: Path) -> bool:
    """Whether the source has drawings of a patient whose images an earlier import has written."""
    return bool(plan.patient.drawings) and bool(marks_in(out / plan.name))


def _report_files(index: Index, options: Options, say: Say) -> None:
    foreign = sum(reason == "not DICOM" for _, reason in index.skipped)
    copies = sum(reason.startswith("a copy of") for _, reason in index.skipped)
    say(f"{index.files} files, {len(index.patients)} patient(s)")
    parts = [(foreign, "not DICOM"), (copies, "exact copies"), (index.damaged, "damaged")]
    parts += [(count, name) for name, count in index.other.items()]
    listed = ", ".join(f"{count} {what}" for count, what in parts if count)
    if listed:
        say(f"not used: {listed}" + ("" if options.dry_run else f"; listed in {options.private / 'skipped.csv'}"))


def describe(outcome: Outcome) -> str:
    """The decisions as a text table, for --dry-run and for the end of an import."""
    lines = []
    for plan in outcome.plans:
        lines.append(f"{plan.name}" + (f": {plan.problem}" if plan.problem else ""))
        for item in plan.items:
            decision = item.decision
            match decision.status:
                case "role":
                    what = decision.role
                case "left out":
                    what = f"left out: {decision.kind}"
                case "review":
                    what = f"review: {decision.reason}"
                case _:
                    what = f"refused: {decision.reason}"
            number = "?" if decision.series.facts.series_number is None else decision.series.facts.series_number
            later = "" if decision.seconds is None else f", {decision.seconds:.0f} s"
            lines.append(
                f"  {number!s:>6}  {item.description[:40]:40}  {len(decision.stack.frames):>4} images{later}  -> {what}"
            )
            if decision.evidence:
                lines.append(f"          {'; '.join(decision.evidence)}")
        lines += _drawings_of(plan, outcome)
    counts = {
        status: sum(len(plan.with_status(status)) for plan in outcome.plans)
        for status in (ROLE, REVIEW, REFUSED, LEFT_OUT)
    }
    lines.append(
        f"{counts[ROLE]} volumes with a role, {counts[REVIEW]} for review, {counts[REFUSED]} refused, "
        f"{counts[LEFT_OUT]} left out"
    )
    return "\n".join(lines)


def _drawings_of(plan: Plan, outcome: Outcome) -> list[str]:
    """What became, or will become, of a patient's segmentations and structure sets."""
    rows = [row for row in outcome.masks if row["patient"] == plan.name]
    if not rows:
        kinds = sorted({drawing.kind for drawing in plan.patient.drawings})
        count = len(plan.patient.drawings)
        return [f"    mask  {count} file(s) of regions ({', '.join(kinds)})"] if count else []
    regions: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        what = f"{row['name'] or row['label'] or '(the whole file)'} ({row['kind']})"
        where = f"{row['voxels']} voxels, {row['placed']}" if row["file"] else row["reason"]
        regions.setdefault((row["drawing"], row["label"], what, where, row["note"]), []).append(row["role"])
    return [
        f"    mask  {what} -> {', '.join(filter(None, roles))}{': ' if roles[0] else ''}{where}"
        + (f" ({note})" if note else "")
        for (_, _, what, where, note), roles in regions.items()
    ]
