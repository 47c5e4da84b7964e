"""The tables of an import: series.csv (all volumes), review.csv (for a reader to decide), cohort.csv, review.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from radstudy.errors import DataError
from radstudy.intake.csv_rows import read_rows, require_columns_of_all, write_listing, write_rows
from radstudy.intake.decision import REFUSED, REVIEW, ROLE
from radstudy.intake.plan import ExaminationChoice, Item, Plan
from radstudy.intake.review import EXAMINATION, VOLUME, key_of, mark_of, read_review, write_review
from radstudy.intake.sidecar import plane_of, warnings_of
from radstudy.intake.volumes import marks_in
from radstudy.store import write_text

SERIES_COLUMNS = [
    "patient", "examination", "series", "description", "status", "role", "kind", "points", "reason", "evidence",
    "images", "plane", "b_value", "seconds", "warnings", "file", "volume",
]  # fmt: skip
MASKS, EXAMINATIONS = ASKED_OF_PATIENTS = ("mask", "examination")  # kinds of rows in review.csv that are not volumes
FILLED_BY_IMPORT = ("sequences", "masks", "to_review")


def write_tables(
    plans: Sequence[Plan],
    out: Path,
    private: Path,
    masks: Sequence[Mapping[str, str]],
    asked_of: Sequence[Mapping[str, str]],
) -> list[dict[str, str]]:
    """Write series.csv, review.csv, review.xlsx and review.html; rows of earlier imports into the same folder are kept.

    Rows of review.csv that can no longer be answered are removed: those of an examination that is not taken, or of a
    volume that no longer exists.

    Parameters
    ----------
    plans : the patients of this import.
    out, private : folders of the import.
    masks : the rows of masks.csv; the page lists those that could not be placed.
    asked_of : the rows of review.csv for masks whose reader must be named.

    Returns
    -------
    The rows of series.csv.
    """
    here = {plan.name for plan in plans}
    marks = {item.mark for plan in plans for item in plan.items}
    gone = {mark for plan in plans if plan.choice for mark in plan.choice.not_taken}
    written = {plan.name: set(marks_in(out / plan.name).values()) for plan in plans}

    def of_other_sources(row: Mapping[str, str]) -> bool:
        mark = mark_of(row["volume"])
        return row["patient"] not in here or bool(mark and mark not in marks and mark not in gone)

    def can_be_answered(row: Mapping[str, str]) -> bool:
        if row["patient"] not in here:
            return True
        there = not row["file"] or mark_of(row["volume"]) in written[row["patient"]]
        return row["kind"] not in ASKED_OF_PATIENTS and of_other_sources(row) and there

    rows = [_row(plan, item) for plan in plans for item in plan.items]
    rows += [_problem_row(plan) for plan in plans if plan.problem]
    earlier = [row for row in read_rows(out / "series.csv") if of_other_sources(row)]
    everything = sorted([*earlier, *rows], key=lambda row: row["patient"])
    write_listing(out / "series.csv", SERIES_COLUMNS, everything)
    asked = [
        _review_row(plan, item) for plan in plans for item in plan.items
        if item.decision.status in (REVIEW, REFUSED) or item.answer
    ]  # fmt: skip
    asked += [{"patient": plan.name, "reason": plan.problem} for plan in plans if plan.problem]
    asked += [_choice_row(plan, plan.choice) for plan in plans if plan.choice]
    asked += [dict(row) for row in asked_of]
    asked += [row for row in read_review(out) if can_be_answered(row)]
    write_review(sorted(asked, key=lambda row: row["patient"]), out, private)
    write_text(out / "review.html", _page(everything, asked, masks, out))
    return everything


def write_cohort(
    plans: Sequence[Plan],
    volumes: Sequence[Mapping[str, str]],
    out: Path,
    columns: Sequence[str],
    masks: Sequence[Mapping[str, str]],
    asked_of: Sequence[Mapping[str, str]] = (),
) -> None:
    """Add the patients to cohort.csv, a row for each that has a volume; what others have filled in is kept.

    Parameters
    ----------
    plans : the patients of this import.
    volumes : the rows of series.csv.
    out : folder of the import.
    columns : columns of a new table, the patient's identifier first.
    masks : the rows of masks.csv.
    asked_of : the rows of review.csv for masks whose reader must be named.

    Raises
    ------
    DataError : see `read_cohort`.
    """
    identifier = columns[0]
    rows = read_cohort(out, identifier)
    names = list(dict.fromkeys([*(rows[0] if rows else columns), *FILLED_BY_IMPORT]))
    for plan in plans:
        of_patient = [row for row in volumes if row["patient"] == plan.name]
        cells = {
            "sequences": ";".join(row["role"] for row in of_patient if row["status"] == ROLE),
            "masks": ";".join(
                Path(row["file"]).name.removesuffix(".nii.gz")
                for row in masks
                if row["patient"] == plan.name and row["file"]
            ),
            "to_review": str(
                sum(row["status"] in (REVIEW, REFUSED) for row in of_patient)
                + sum(row["patient"] == plan.name and bool(row["reason"]) for row in asked_of)
                or ""
            ),
        }
        own = [row for row in rows if row[identifier] == plan.name]
        for row in own:
            row.update(cells)
        if not own and not plan.problem and any(item.file for item in plan.items):
            rows.append({identifier: plan.name, "lesion": "1", **cells})
    write_rows(out / "cohort.csv", names, rows)


def read_cohort(out: Path, identifier: str) -> list[dict[str, str]]:
    """Read the rows of cohort.csv, as written by an import and filled in by others; none if it does not exist.

    Raises
    ------
    DataError : it lacks the patient's column, or has cells that could not be written back unchanged.
    """
    file = out / "cohort.csv"
    require_columns_of_all(file)
    rows = read_rows(file)
    if rows and identifier not in rows[0]:
        raise DataError(f"{file}: it has no column '{identifier}'. To do: import into another folder, or rename it")
    return rows


def _row(plan: Plan, item: Item) -> dict[str, str]:
    decision, stack = item.decision, item.decision.stack
    return {
        "patient": plan.name,
        "examination": str(item.examination),
        "series": str(decision.series.facts.series_number or ""),
        "description": item.description,
        "status": decision.status,
        "role": decision.role,
        "kind": decision.kind,
        "points": str(decision.points or ""),
        "reason": decision.reason,
        "evidence": "; ".join(decision.evidence),
        "images": str(len(stack.frames)),
        "plane": "" if stack.grid is None else plane_of(stack.grid.affine),
        "b_value": "" if stack.b_value is None else f"{stack.b_value:g}",
        "seconds": "" if decision.seconds is None else f"{decision.seconds:.1f}",
        "warnings": "; ".join(warnings_of(item)),
        "file": f"{plan.name}/{item.file}" if item.file else "",
        "volume": key_of(VOLUME, item.mark),
    }


def _review_row(plan: Plan, item: Item) -> dict[str, str]:
    suggested = item.decision.suggested if item.decision.status == REVIEW else ""
    return {**_row(plan, item), "role": item.answer, "suggested": suggested}


def _choice_row(plan: Plan, choice: ExaminationChoice) -> dict[str, str]:
    """The row in which a reader chooses between a patient's examinations."""
    reason = "write the number of the examination to take, or first or last, into the column role"
    if choice.taken is not None:
        reason = f"examination {choice.taken} is taken; to take another one, {reason}"
    return {
        "patient": plan.name,
        "role": choice.answer,
        "kind": EXAMINATIONS,
        "description": choice.described,
        "reason": reason,
        "volume": key_of(EXAMINATION, choice.mark),
    }


def _problem_row(plan: Plan) -> dict[str, str]:
    return {"patient": plan.name, "status": REFUSED, "reason": plan.problem}


def _page(
    rows: Sequence[Mapping[str, str]],
    asked: Sequence[Mapping[str, str]],
    masks: Sequence[Mapping[str, str]],
    out: Path,
) -> str:
    from jinja2 import Environment

    from radstudy.intake.thumbnails import thumbnail

    pictures = {row["file"]: thumbnail(out / row["file"]) for row in rows if row["status"] == REVIEW and row["file"]}

    text = (resources.files("radstudy.intake") / "review.html").read_text(encoding="utf-8")
    patients: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        patients.setdefault(row["patient"], []).append(row)
    return (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(text)
        .render(
            patients=patients,
            pictures=pictures,
            unplaced=[row for row in masks if not row["file"]],
            suggested={row["volume"]: row.get("suggested", "") for row in asked if row.get("volume")},
            readers=sum(row.get("kind") == MASKS and bool(row.get("reason")) for row in asked),
            examinations=sum(row.get("kind") == EXAMINATIONS and not row.get("role") for row in asked),
            asked=sum(row["status"] == REVIEW for row in rows),
            refused=sum(row["status"] == REFUSED for row in rows),
        )
    )
