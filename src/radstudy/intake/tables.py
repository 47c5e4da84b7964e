"""The tables of an import: series.csv (all volumes), review.csv (for a reader to decide), cohort.csv, review.html."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

import pandas as pd

from radstudy.encoding import decoded
from radstudy.errors import DataError
from radstudy.intake.decision import REFUSED, REVIEW, ROLE
from radstudy.intake.plan import Item, Plan
from radstudy.intake.sidecar import plane_of, warnings_of
from radstudy.store import write_bytes, write_text
from radstudy.workbook import xlsx_bytes

SERIES_COLUMNS = [
    "patient", "examination", "series", "description", "status", "role", "kind", "points", "reason", "evidence",
    "images", "plane", "b_value", "seconds", "warnings", "file", "volume",
]  # fmt: skip
REVIEW_COLUMNS = [
    "patient", "role", "file", "description", "reason", "kind", "points", "evidence", "images", "plane", "b_value",
    "examination", "series", "warnings", "volume",
]  # fmt: skip
FILLED_BY_IMPORT = ("sequences", "masks", "to_review")


def write_tables(plans: Sequence[Plan], out: Path, masks: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Write series.csv, review.csv and review.html; rows of volumes of earlier imports into the same folder stay.

    Parameters
    ----------
    plans : the patients of this import.
    out : folder of the import.
    masks : the rows of masks.csv; the page lists what could not be placed.

    Returns
    -------
    The rows of series.csv.
    """
    here = {plan.name for plan in plans}
    marks = {item.mark for plan in plans for item in plan.items}

    def earlier(file: str) -> list[dict[str, str]]:
        return [
            row for row in read_rows(out / file)
            if row["patient"] not in here or (row["volume"] and row["volume"] not in marks)
        ]  # fmt: skip

    rows = [_row(plan, item) for plan in plans for item in plan.items]
    rows += [_problem_row(plan) for plan in plans if plan.problem]
    everything = sorted([*earlier("series.csv"), *rows], key=lambda row: row["patient"])
    write_listing(out / "series.csv", SERIES_COLUMNS, everything)
    asked = [
        _review_row(plan, item) for plan in plans for item in plan.items
        if item.decision.status in (REVIEW, REFUSED) or item.answer
    ]  # fmt: skip
    asked += [{"patient": plan.name, "reason": plan.problem} for plan in plans if plan.problem]
    review = sorted([*earlier("review.csv"), *asked], key=lambda row: row["patient"])
    write_rows(out / "review.csv", REVIEW_COLUMNS, review)
    write_text(out / "review.html", _page(everything, masks, out))
    return everything


def read_answers(file: Path) -> dict[str, str]:
    """The roles that a reader has filled in: volume to role.

    Raises
    ------
    DataError : the table has lost its columns `volume` or `role`.
    """
    rows = read_rows(file)
    if rows and not {"volume", "role"} <= set(rows[0]):
        raise DataError(f"{file}: the columns 'volume' and 'role' are gone. To do: delete the file and import again")
    return {row["volume"]: row["role"].strip() for row in rows if row.get("role", "").strip() and row.get("volume")}


def write_cohort(
    plans: Sequence[Plan],
    volumes: Sequence[Mapping[str, str]],
    out: Path,
    columns: Sequence[str],
    masks: Sequence[Mapping[str, str]],
) -> None:
    """Add the patients to cohort.csv: a row for each that has a volume, what others have filled in stays.

    Parameters
    ----------
    plans : the patients of this import.
    volumes : the rows of series.csv.
    out : folder of the import.
    columns : of a new table, the patient's identifier first.
    masks : the rows of masks.csv.

    Raises
    ------
    DataError : a cohort.csv is there that lacks the patient's column.
    """
    file = out / "cohort.csv"
    rows = read_rows(file)
    identifier = columns[0]
    if rows and identifier not in rows[0]:
        raise DataError(f"{file}: it has no column '{identifier}'. To do: import into another folder, or rename it")
    names = list(dict.fromkeys([*(rows[0] if rows else columns), *FILLED_BY_IMPORT]))
    for plan in plans:
        of_patient = [row for row in volumes if row["patient"] == plan.name]
        found = {
            "sequences": ";".join(row["role"] for row in of_patient if row["status"] == ROLE),
            "masks": ";".join(
                Path(row["file"]).name.removesuffix(".nii.gz")
                for row in masks
                if row["patient"] == plan.name and row["file"]
            ),
            "to_review": str(sum(row["status"] in (REVIEW, REFUSED) for row in of_patient) or ""),
        }
        own = [row for row in rows if row[identifier] == plan.name]
        for row in own:
            row.update(found)
        if not own and not plan.problem and any(item.file for item in plan.items):
            rows.append({identifier: plan.name, "lesion": "1", **found})
    write_rows(file, names, rows)


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a CSV atomically: comma, decimal point, UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(file, text.getvalue())


def write_listing(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a CSV, and beside it an XLSX that Excel opens with every identifier and letter as it is."""
    write_rows(file, columns, rows)
    write_bytes(file.with_suffix(".xlsx"), xlsx_bytes(pd.DataFrame(list(rows), columns=list(columns))))


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV, as text; comma, semicolon or tab, in any encoding that a spreadsheet may have saved it in."""
    if not file.is_file():
        return []
    text, _ = decoded(file, file.read_bytes())
    first = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    return [
        {key: value or "" for key, value in row.items() if key}
        for row in csv.DictReader(io.StringIO(text), delimiter=delimiter)
    ]


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
        "volume": item.mark,
    }


def _review_row(plan: Plan, item: Item) -> dict[str, str]:
    return {**_row(plan, item), "role": item.answer}


def _problem_row(plan: Plan) -> dict[str, str]:
    return {"patient": plan.name, "status": REFUSED, "reason": plan.problem}


def _page(rows: Sequence[Mapping[str, str]], masks: Sequence[Mapping[str, str]], out: Path) -> str:
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
            asked=sum(row["status"] == REVIEW for row in rows),
            refused=sum(row["status"] == REFUSED for row in rows),
        )
    )
