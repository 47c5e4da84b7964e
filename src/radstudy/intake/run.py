"""`radstudy import`: read the headers, decide, write, list. READ FIRST of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from radstudy.bugs import LOG, hiding, logged_in
from radstudy.errors import CaseError, DataError, RadstudyError, StorageError
from radstudy.intake.beside import add_beside
from radstudy.intake.csv_rows import read_rows, write_rows
from radstudy.intake.decision import LEFT_OUT, REFUSED, REVIEW, ROLE
from radstudy.intake.drawings import keep_drawings
from radstudy.intake.faults import NOT_EXPECTED, REMEDY, unexpected
from radstudy.intake.index import Bar, Fault, ImportedPatient, Index, index_source
from radstudy.intake.masks import Masks, write_masks
from radstudy.intake.persons import compare_persons, split_nobodies, warnings_on, write_persons
from radstudy.intake.plan import Item, Plan, plan_patient
from radstudy.intake.private import private_folder
from radstudy.intake.pseudonyms import Pseudonyms
from radstudy.intake.readers import ReaderRule, read_rule
from radstudy.intake.review import Answers, check_matched, mark_of, read_answers, read_review
from radstudy.intake.rules import Rules, load_rules
from radstudy.intake.sources import Source
from radstudy.intake.subtractions import without_subtractions
from radstudy.intake.tables import EXAMINATIONS, read_cohort, write_cohort, write_tables
from radstudy.intake.volumes import ChangedError, marks_in, remove_stale, write_volume
from radstudy.kept import DamagedRecordError
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.template import table_columns, template_text
from radstudy.store import remove_parts, write_json
from radstudy.working import only_run

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """Options of an import.

    Parameters
    ----------
    out : folder for the volumes and tables.
    private : folder for what identifies patients: pseudonyms, pulled objects, names of skipped files.
    pseudonyms : the table of pseudonyms; by default in the private folder.
    rules : the user's rules file.
    examination : "first", "last" or "".
    dry_run : show everything, write nothing.
    readers : rules that assign masks to readers; see `radstudy.intake.readers.read_rule`.
    """

    out: Path
    private: Path
    pseudonyms: Path | None = None
    rules: Path | None = None
    examination: str = ""
    dry_run: bool = False
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportResult:
    """Result of an import: patients, volumes written and already present, failures as text, rows of masks.csv, number
    of drawings that need a reader's name, and warnings on the identity of patients.
    """

    plans: tuple[Plan, ...]
    written: int
    kept: int
    failures: tuple[str, ...]
    masks: tuple[Mapping[str, str], ...] = ()
    drawings_in_question: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def to_review(self) -> int:
        """Number of volumes and drawings that need a reader's decision."""
        return sum(len(plan.with_status(REVIEW)) for plan in self.plans) + self.drawings_in_question


def run_import(
    source: Source,
    options: Options,
    *,
    say: Say = lambda message: None,
    bar: Bar = lambda items, total, what: items,
) -> ImportResult:
    """Import all of a source.

    Parameters
    ----------
    source : holds the DICOM objects.
    options : options of the import.
    say, bar : print a message; draw progress.

    Raises
    ------
    DataError : the source holds no MR image at all.
    """
    rules = load_rules(options.rules)
    reader_rules = [read_rule(text) for text in options.readers]
    with nullcontext() if options.dry_run else only_run(options.out), hiding(lambda: None), ExitStack() as stack:
        if not options.dry_run:
            stack.enter_context(logged_in(options.out / LOG, say=say))
        table = options.pseudonyms or options.private / "pseudonyms.csv"
        pseudonyms = Pseudonyms(table)
        if options.dry_run and pseudonyms.is_new:
            say(
                "The pseudonyms shown are provisional: the import will create a secret key and give every patient a "
                f"different one. After the first import, {table} lists the pseudonym of each patient."
            )
        read_cohort(options.out, _cohort_columns()[0])  # before hours of work: fails if rows could not be added
        index = index_source(source, bar=bar)
        split_nobodies(index, pseudonyms.knows)
        source.problems.extend(add_beside(index, source))
        _report_files(index, options, say)
        answers = read_answers(options.out, options.private)
        plans = [
            _planned(patient, rules, pseudonyms, answers, options, source)
            for _, patient in sorted(index.patients.items())
            if patient.examinations or patient.drawings
        ]
        if not any(plan.items or plan.problem or _known(plan, options.out) for plan in plans) and not index.faults:
            raise DataError("\n  ".join([_no_image(index), *source.problems]))
        check_matched(answers, _known_marks(plans, answers, options), options.out)
        if not options.dry_run:
            remove_parts(options.out, untouched_s=0)  # no other run uses it: see `only_run`
            remove_parts(options.private)  # another import may be pulling into it
            private_folder(options.private, say)
            pseudonyms.save()
        patients = [plan.patient for plan in plans]
        persons = compare_persons(patients, pseudonyms, options.private, keep=not options.dry_run)
        warnings = tuple(warnings_on(persons, {plan.name for plan in plans}))
        if options.dry_run:
            problems = tuple(_problems(plans, index, source, options, pseudonyms))
            return ImportResult(tuple(plans), 0, 0, problems, warnings=warnings)
        write_persons(persons, options.out)
        done = _write(plans, index, source, options, pseudonyms, answers, reader_rules, say, bar)
        return replace(done, warnings=warnings)


def _planned(
    patient: ImportedPatient,
    rules: Rules,
    pseudonyms: Pseudonyms,
    answers: Answers,
    options: Options,
    source: Source,
) -> Plan:
    """Plan one patient; if that fails, the patient is reported and the others are imported."""
    name = pseudonyms.of(patient.identifier)
    existing = marks_in(options.out / name)
    try:
        return plan_patient(
            patient,
            rules,
            pseudonyms,
            answers=answers,
            examination=options.examination,
            existing=existing,
            look=partial(without_subtractions, source=source),
        )
    except RadstudyError:
        raise
    except Exception as error:  # one patient must not end the import of the others
        return Plan(patient, name, (), unexpected(error))


def _known_marks(plans: Sequence[Plan], answers: Answers, options: Options) -> set[str]:
    """The marks of everything that an answer may refer to, in this source or in those of earlier imports."""
    if not answers.places:
        return set()
    known = {item.mark for plan in plans for item in plan.items}
    known |= {mark for plan in plans if plan.choice for mark in (plan.choice.mark, *plan.choice.not_taken)}
    for plan in plans:
        known |= set(marks_in(options.out / plan.name).values())
    here = {plan.name for plan in plans if plan.items}
    known |= {mark_of(row["volume"]) for row in read_rows(options.out / "series.csv")}
    known |= {row["drawing"].split(".")[0] for row in read_rows(options.out / "masks.csv")}
    asked = [row for row in read_review(options.out) if row.get("kind") == EXAMINATIONS]
    return known | {mark_of(row["volume"]) for row in asked if row["patient"] not in here}


def _no_image(index: Index) -> str:
    if index.damaged:
        return (
            f"the source holds no readable MR image: {index.damaged} DICOM file(s) are damaged. "
            "To do: copy or export it again"
        )
    return "the source holds no MR image. To do: give the folder or server that holds the examinations"


def _write(
    plans: Sequence[Plan],
    index: Index,
    source: Source,
    options: Options,
    pseudonyms: Pseudonyms,
    answers: Answers,
    reader_rules: Sequence[ReaderRule],
    say: Say,
    bar: Bar,
) -> ImportResult:
    written, kept, failures = 0, 0, _problems(plans, index, source, options, pseudonyms)
    done = []
    todo = [(plan, item) for plan in plans for item in plan.items if item.file]
    unreadable: dict[int, str] = {}
    for plan in plans:
        for sentence in remove_stale(plan, options.out):
            say(sentence)
    for plan, item in bar(todo, len(todo), "volumes"):
        try:
            is_new = _written(item, plan, source, options.out)
        except ChangedError as error:  # the existing file stays in use
            failures.append(str(error))
            is_new = False
        except CaseError as error:
            failures.append(str(error))
            unreadable[id(item)] = error.problem
            continue
        written, kept = written + is_new, kept + (not is_new)
    for plan in plans:
        done.append(_without_unreadable(plan, unreadable))
    masks = _masks(done, source, options, pseudonyms, answers, reader_rules)
    failures += masks.failures
    for file in masks.removed:
        say(f"removed {file}: its drawing now has another place or name, or none")
    rows = write_tables(done, options.out, options.private, masks.rows, masks.questions)
    write_cohort(done, rows, options.out, _cohort_columns(), masks.rows, masks.questions)
    _say_masks(masks, say)
    write_rows(options.private / "skipped.csv", ["file", "reason"],
               [{"file": name, "reason": reason} for name, reason in index.skipped], private=True)  # fmt: skip
    write_json(options.private / "failures.json", failures, private=True)
    asked = sum(bool(row["reason"]) for row in masks.questions)
    return ImportResult(tuple(done), written, kept, tuple(failures), tuple(masks.rows), asked)


def _written(item: Item, plan: Plan, source: Source, out: Path) -> bool:
    """Write one volume; raise a CaseError if anything in its series prevents that."""
    try:
        return write_volume(item, plan, source, out)
    except RadstudyError:
        raise
    except Exception as error:  # one series must not end the import of the others
        series = item.decision.series.facts.series_number
        where = f"{item.decision.role} (series {series})" if item.decision.role else f"series {series}"
        raise CaseError(unexpected(error), REMEDY, patient=plan.name, sequence=where) from error


def _masks(
    plans: Sequence[Plan],
    source: Source,
    options: Options,
    pseudonyms: Pseudonyms,
    answers: Answers,
    reader_rules: Sequence[ReaderRule],
) -> Masks:
    """Write the masks of all drawings; the volumes are listed even if this fails."""
    try:
        drawings = keep_drawings(plans, source, options.private, pseudonyms)
        return write_masks(
            plans, drawings, options.out, options.private, pseudonyms, rules=reader_rules, answers=answers.readers
        )
    except StorageError:
        raise
    except DamagedRecordError as error:
        return Masks(read_rows(options.out / "masks.csv"), [str(error)])
    except Exception as error:
        problem = CaseError(
            f"segmentations and structure sets: {unexpected(error)}", "the volumes are imported; " + REMEDY
        )
        return Masks(read_rows(options.out / "masks.csv"), [str(problem)])


def _say_masks(masks: Masks, say: Say) -> None:
    if not masks.rows:
        return
    placed = sum(bool(row["file"]) for row in masks.rows)
    say(
        f"masks.csv lists {placed} mask(s) of segmentations and structure sets, and {len(masks.rows) - placed} "
        "region(s) that were not written"
    )
    asked = sum(bool(row["reason"]) for row in masks.questions)
    if asked:
        say(
            f"{asked} drawing(s) need a reader's name: the same region was drawn more than once, and it is not certain "
            "by whom. Name the readers in review.csv or review.xlsx, or give a rule such as --readers "
            "'annotations/{reader}/'"
        )


@cache
def _cohort_columns() -> list[str]:
    """Columns of the table that `radstudy init` writes, so that its study.yaml can read this one."""
    return table_columns(parse_protocol(template_text(), "study.yaml"))


def _without_unreadable(plan: Plan, unreadable: dict[int, str]) -> Plan:
    """Mark volumes whose pixels could not be read as refused."""

    def settled(item: Item) -> Item:
        if id(item) not in unreadable:
            return item
        decision = replace(item.decision, status=REFUSED, reason=unreadable[id(item)])
        return replace(item, decision=decision, file="")

    return replace(plan, items=tuple(settled(item) for item in plan.items))


def _problems(
    plans: Iterable[Plan], index: Index, source: Source, options: Options, pseudonyms: Pseudonyms
) -> list[str]:
    """Messages on what could not be imported, without anything that identifies a patient."""
    messages = [*source.problems, *_of_objects(index, options, pseudonyms)]
    for plan in plans:
        if plan.problem:
            remedy = plan.remedy or REMEDY
            messages.append(str(CaseError(plan.problem, remedy, patient=plan.name)))
        for item in plan.with_status(REFUSED):
            if not item.decision.kind:
                continue  # it costs no role; the tables list it
            facts = item.decision.series.facts
            where = (
                f"{item.decision.role} (series {facts.series_number})"
                if item.decision.role
                else f"series {facts.series_number}"
            )
            messages.append(str(CaseError(item.decision.reason, "export the series again; the others are imported",
                                       patient=plan.name, sequence=where)))  # fmt: skip
    if index.damaged:
        where = "" if options.dry_run else f"; {options.private / 'skipped.csv'} lists them"
        messages.append(f"{index.damaged} file(s) are damaged DICOM or contradict another file{where}")
    return messages


def _of_objects(index: Index, options: Options, pseudonyms: Pseudonyms) -> list[str]:
    """Messages on faulty objects, one per series; file names are not printed, since they may contain the patient's."""
    by_series: dict[tuple[tuple[str, str], int | None], list[Fault]] = {}
    for fault in index.faults:
        by_series.setdefault((fault.patient, fault.series), []).append(fault)
    where = "" if options.dry_run else f"; {options.private / 'skipped.csv'} lists the file(s)"
    return [
        str(
            CaseError(
                f"{len(faults)} object(s) cannot be interpreted; the first is instance {faults[0].instance}: "
                f"{faults[0].problem}{where}",
                REMEDY
                if NOT_EXPECTED in faults[0].problem
                else "copy or export the series again; the others are imported",
                patient=pseudonyms.of(patient),
                sequence=f"series {series}",
            )
        )
        for (patient, series), faults in by_series.items()
    ]


def _known(plan: Plan, out: Path) -> bool:
    """True if the source has drawings of a patient whose images were written by an earlier import."""
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


def describe(outcome: ImportResult) -> str:
    """Format the decisions as a text table, for --dry-run and for the end of an import."""
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
    lines += [f"Warning: {warning}." for warning in outcome.warnings]
    return "\n".join(lines)


def _drawings_of(plan: Plan, outcome: ImportResult) -> list[str]:
    """Lines on a patient's segmentations and structure sets, written or to be written."""
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
