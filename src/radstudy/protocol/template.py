"""`radstudy init`: a study.yaml to adapt and a cohort.csv to fill."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from radstudy.errors import UsageError
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.sections import Protocol
from radstudy.store import write_text


def write_template(folder: Path) -> tuple[Path, Path]:
    """Write study.yaml and cohort.csv into a folder.

    Raises
    ------
    UsageError : one of the two files is there already; nothing is overwritten.
    """
    study, table = folder / "study.yaml", folder / "cohort.csv"
    for file in (study, table):
        if file.exists():
            raise UsageError(f"{file} is there already; it is not overwritten. To do: choose another folder")
    text = template_text()
    write_text(study, text)
    write_text(table, ",".join(table_columns(parse_protocol(text, str(study)))) + "\n")
    return study, table


def template_text() -> str:
    """The study.yaml that `radstudy init` writes."""
    return (resources.files("radstudy") / "presets" / "study_template.yaml").read_text(encoding="utf-8")


def table_columns(protocol: Protocol) -> list[str]:
    """The columns that the cohort table of a protocol must have."""
    cohort = protocol.cohort
    named = [cohort.patient, cohort.lesion, cohort.side, cohort.exclude, cohort.visible, cohort.split.column]
    columns = [*named, cohort.outcome.column, *(v.column or name for name, v in cohort.clinical.items())]
    return [column for column in dict.fromkeys(columns) if column is not None]
