"""What was chosen and why, with which versions the numbers were made."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import pandas as pd
from pydantic import BaseModel
from ruamel.yaml import YAML

from radstudy.protocol import STEPS
from radstudy.report.facts import AbsentError, Facts
from radstudy.report.tables.structure import Cell, Table, numbers, words
from radstudy.store import PROVENANCE


def choices(facts: Facts) -> Table:
    """Every choice of the study with its value, who made it, and why one would."""
    rows, records = [], []
    for entry in YAML(typ="safe").load((resources.files("radstudy.report") / "choices.yaml").read_text("utf-8")):
        for setting, value, stated in _found(facts.protocol, str(entry["setting"]).split(".")):
            source = "study file or preset" if stated else "program's default"
            record = [entry["step"], setting, _shown(value), source, entry["why"]]
            records.append(record)
            rows.append([*words(record[:2]), Cell(record[2], kind="strong"), *words(record[3:])])
    names = ["Step", "Setting", "Value", "Set by", "Why, and what else there is"]
    frame = pd.DataFrame(records, columns=["step", "setting", "value", "set_by", "why"])
    return Table("choices", [words(names)], rows, frame)


def _found(section: Any, path: list[str], at: str = "") -> list[tuple[str, Any, bool]]:
    """The settings that a dotted path names; a list of sections is gone through."""
    head, *rest = path
    if isinstance(section, tuple):
        return [item for part in section for item in _found(part, path, at)]
    if not isinstance(section, BaseModel):
        return []
    value = getattr(section, head)
    here = f"{at}.{head}" if at else head
    if value is None and rest:
        return []
    if not rest:
        return [(here, value, head in section.model_fields_set)]
    return _found(value, rest, here)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, BaseModel):
        return _shown(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def versions(facts: Facts) -> Table:
    """When each step ran, how long it took, with which versions."""
    found = [(step, facts.documents.get(f"{step}/{PROVENANCE}")) for step in STEPS]
    done = [(step, record) for step, record in found if record]
    if not done:
        raise AbsentError("No step has run to its end.")
    rows = [
        [Cell(step), Cell(record["finished"].replace("T", " ")), Cell(f"{record['seconds']:.1f}", kind="number"),
         Cell(record["code"]), Cell(record["key"])]
        for step, record in done
    ]  # fmt: skip
    rows += [[Cell(step), Cell("has not run to its end", span=4, kind="quiet")] for step, record in found
             if not record and step != "report"]  # fmt: skip
    header = [[*words(["Step", "Finished"]), *numbers(["Seconds"]), *words(["Program", "Key"])]]
    used = {tuple(sorted(record["versions"].items())) for _, record in done}
    notes = ["; ".join(f"{name} {version}" for name, version in item) + "." for item in sorted(used)]
    if len(used) > 1:
        notes.insert(0, "The steps ran with different versions:")
    told = ("finished", "seconds", "code", "key")
    frame = pd.DataFrame([{"step": s, **{k: r[k] for k in told}, **r["versions"]} for s, r in done])
    return Table("versions", header, rows, frame, notes)
