"""`radstudy init DIR --from IMPORT`: write a study.yaml that fits an import, with outcomes from a table."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from radstudy.cohort.of_import import TABLE, Offer, read_offer
from radstudy.cohort.outcomes import Joined, join_outcomes
from radstudy.errors import UsageError
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.template import versions
from radstudy.store import csv_bytes, refuse_existing, write_new

JOINED = "cohort_with_outcomes.csv"
_FOUR = ("T2WI", "DWI", "DCE3", "DCE7")  # of the preset
_FEW_VALUES = 6  # a text column with more is neither an outcome nor a category


@dataclass(frozen=True)
class OutcomeTable:
    """The table that the outcomes come from.

    Parameters
    ----------
    file : CSV or XLSX, with PatientIDs.
    identifier : its column with the PatientID.
    private : the import's private folder.
    outcome : its column with the outcome; None: the only one with two values.
    positive : the outcome's positive value; None: the later one in alphabetical order.
    clinical : further columns to take.
    """

    file: Path
    identifier: str
    private: Path
    outcome: str | None = None
    positive: str | None = None
    clinical: Sequence[str] = ()


@dataclass(frozen=True)
class Started:
    """The files that were written, and notes on them for the user."""

    files: tuple[Path, ...]
    table: Path
    notes: tuple[str, ...]


def start_from_import(folder: Path, source: Path, outcomes: OutcomeTable | None = None) -> Started:
    """Write a study.yaml that fits an import; nothing is overwritten.

    Parameters
    ----------
    folder : for study.yaml; created if needed.
    source : folder that `radstudy import` wrote.
    outcomes : a table to join by PatientID; None: the outcome is filled into the import's own cohort.csv by hand.

    Raises
    ------
    UsageError, DataError : a file already exists, or the tables do not fit together.
    """
    study, table = folder / "study.yaml", source / TABLE
    written = [study] if outcomes is None else [study, folder / JOINED]
    refuse_existing(study)
    offer = read_offer(source)
    joined = None
    if outcomes is not None:
        joined = join_outcomes(
            table, outcomes.file, outcomes.private / "pseudonyms.csv", identifier=outcomes.identifier,
            outcome=outcomes.outcome, clinical=outcomes.clinical,
        )  # fmt: skip
        table = folder / JOINED
    text = study_text(folder, source, table, offer, joined, outcomes)
    parse_protocol(text, str(study))
    beside = [] if joined is None else [(table, csv_bytes(joined.table))]
    write_new(*beside, (study, text.encode()))
    return Started(tuple(written), table, (*offer.notes, *(joined.notes if joined else ())))


def study_text(
    folder: Path, source: Path, table: Path, offer: Offer, joined: Joined | None, outcomes: OutcomeTable | None
) -> str:
    """The text of the study file, with comments on what was chosen."""
    from jinja2 import Environment

    where = _relative(source, folder)
    sequences = list(offer.sequences)
    optional = [role for role, count in offer.sequences.items() if count < offer.patients]
    template = (resources.files("radstudy") / "presets" / "study_of_import.yaml").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["q"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(template).render(
        source=where,
        **versions(),
        table=_relative(table, folder),
        offer=offer,
        joined=joined,
        preset_fits=set(_FOUR) <= set(offer.sequences),
        of_preset=", ".join(_FOUR),
        optional=optional,
        sequences=sequences,
        outcome=_outcome(offer, joined, outcomes),
        images=f"{_escaped(where)}/{{patient}}/{{sequence}}.nii.gz",
        masks=f"{_escaped(where)}/{{patient}}/masks/{{sequence}}_{{reader}}.nii.gz",
        clinical={} if joined is None else _codebook(joined),
        names=[_plain_name(sequence) for sequence in sequences],
    )


def _outcome(offer: Offer, joined: Joined | None, outcomes: OutcomeTable | None) -> dict[str, str]:
    if joined is None or outcomes is None:
        column = "fish" if "fish" in offer.columns else "outcome"
        return {"column": column, "positive": "positive", "negative": "negative"}
    if len(joined.values) > _FEW_VALUES:  # they may be names: do not print or write them
        raise UsageError(
            f"the outcome '{joined.outcome}' has {len(joined.values)} different values among the imported patients; it "
            "needs two. To do: name another column (--outcome)"
        )
    if len(joined.values) != 2 and outcomes.positive is None:
        raise UsageError(
            f"the outcome '{joined.outcome}' has {len(joined.values)} value(s) among the imported patients "
            f"({', '.join(joined.values)}); it needs two. To do: name another column (--outcome) or the positive value"
        )
    positive = outcomes.positive or joined.values[-1]
    if positive not in joined.values:
        raise UsageError(f"--positive is '{positive}'; the outcome's values are {', '.join(joined.values)}")
    others = [value for value in joined.values if value != positive]
    return {"column": joined.outcome, "positive": positive, **({"negative": others[0]} if len(others) == 1 else {})}


def _codebook(joined: Joined) -> dict[str, list[str] | None]:
    """Clinical variable to its levels; None for a number."""
    names = [name for name in joined.taken if name != joined.outcome]
    levels_of: dict[str, list[str] | None] = {}
    for name in names:
        values = joined.table[name].dropna()
        number = pd.to_numeric(values.str.replace(",", "."), errors="coerce").notna().all()
        levels = sorted(set(values))
        if not number and not 2 <= len(levels) <= _FEW_VALUES:
            raise UsageError(
                f"the clinical column '{name}' has {len(levels)} different texts: it is neither a number nor a "
                "category. To do: leave it out (--clinical), or correct the table"
            )
        levels_of[name] = None if number else levels
    return levels_of


def _relative(path: Path, folder: Path) -> str:
    """A path as written in the study file: relative to its own folder, unless it is on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _escaped(path: str) -> str:
    """Escape the braces in a folder's name, which a pattern would take for a placeholder."""
    return path.replace("{", "{{").replace("}", "}}")


def _plain_name(sequence: str) -> str:
    return re.sub(r"[^A-Za-z0-9_+.-]", "-", sequence)
