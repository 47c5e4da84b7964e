"""`radstudy init`: write a study.yaml to adapt and a cohort.csv to fill in."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from radstudy.protocol.load import parse_protocol
from radstudy.protocol.sections import SCHEMA, Protocol
from radstudy.protocol.shipped import Preset, versions_of_defaults
from radstudy.store import write_new

PRESET = "her2-ihc2plus"  # for new studies


def write_template(folder: Path, *, keep_table: bool = False) -> tuple[Path, Path]:
    """Write study.yaml and cohort.csv into a folder.

    Parameters
    ----------
    folder : of the two files.
    keep_table : leave a cohort.csv that exists as it is, and write the study file beside it.

    Raises
    ------
    UsageError : one of the two files already exists; nothing is overwritten, and nothing written.
    """
    study, table = folder / "study.yaml", folder / "cohort.csv"
    text = template_text()
    columns = ",".join(table_columns(parse_protocol(text, str(study)))) + "\n"
    files = [(table, columns.encode()), (study, text.encode())]
    write_new(*files[keep_table and table.exists() :])
    return study, table


def template_text() -> str:
    """The study.yaml that `radstudy init` writes: its versions, the study's own settings, and the rest as comments."""
    preset = Preset.of(PRESET).latest
    text = (resources.files("radstudy") / "presets" / "study_template.yaml").read_text(encoding="utf-8")
    filled = {name: str(value) for name, value in versions().items()}
    filled |= {name: _as_remark(preset, name) for name in ("sequences", "prepare", "extract", "agree", "reading")}
    for name, value in filled.items():
        text = text.replace(f"@{name}", value)
    return text


def versions() -> dict[str, str | int]:
    """The versions for a new study file: the newest."""
    return {"schema": SCHEMA, "preset": str(Preset.of(PRESET).latest), "defaults": max(versions_of_defaults())}


def _as_remark(preset: Preset, section: str) -> str:
    """A section of the preset's text, as comments for a study file."""
    lines = preset.text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{section}:"))
    last = next((number for number in range(first + 1, len(lines)) if lines[number][:1].isalpha()), len(lines))
    return "\n".join(f"# {line}" for line in lines[first:last] if line.strip())


def table_columns(protocol: Protocol) -> list[str]:
    """The columns that the cohort table of a protocol must have."""
    cohort = protocol.cohort
    named = [cohort.patient, cohort.lesion, cohort.side, cohort.exclude, cohort.visible, cohort.split.column]
    columns = [*named, cohort.outcome.column, *(v.column or name for name, v in cohort.clinical.items())]
    return [column for column in dict.fromkeys(columns) if column is not None]
