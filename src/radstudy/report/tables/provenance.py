"""What was chosen and why, with which versions the numbers were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from operator import attrgetter
from typing import Any

import pandas as pd
from pydantic import BaseModel
from ruamel.yaml import YAML

from radstudy.protocol import STEPS, Protocol
from radstudy.protocol.classifiers import CLASSIFIERS
from radstudy.protocol.kinds import Kind
from radstudy.protocol.prepare import PREPARATION_STEPS
from radstudy.protocol.selection import SELECTION_STEPS
from radstudy.provenance import PROVENANCE
from radstudy.report.facts import PROVENANCES, SUMMARY, AbsentError, Facts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, numbers, words

KINDS: Mapping[str, Sequence[type[Kind]]] = {
    "prepare": PREPARATION_STEPS,
    "model.select": SELECTION_STEPS,
    "model.fit": CLASSIFIERS,
}
"""Places of the study file that hold steps or classifiers: the reasons for their settings stand beside these."""


@dataclass(frozen=True)
class _Choice:
    """A setting that was in force: its dotted name, value, who set it, and why one would."""

    setting: str
    value: Any
    source: str
    why: str


@report_part("choices", reads=(), rows_independent=False)
def choices(facts: Facts) -> Table:
    """Every choice that was in force in the study, with its value, who made it, and why one would."""
    rows, records = [], []
    idle, of_file = _idle(facts), _of_file(facts)
    for entry in YAML(typ="safe").load((resources.files("radstudy.report") / "choices.yaml").read_text("utf-8")):
        for choice in _choices(facts.protocol, entry, of_file):
            if choice.setting not in of_file and choice.setting.startswith(idle):
                continue
            shown = _NONE[choice.setting] if choice.value is None else _shown(choice.value)
            record = [entry["step"], choice.setting, shown, choice.source, choice.why]
            records.append(record)
            rows.append([*words(record[:2]), Cell(record[2], kind="strong"), *words(record[3:])])
    names = ["Step", "Setting", "Value", "Set by", "Why, and what else there is"]
    frame = pd.DataFrame(records, columns=["step", "setting", "value", "set_by", "why"])
    return Table([words(names)], rows, frame)


def _of_file(facts: Facts) -> dict[str, Any]:
    """The settings of a PyRadiomics parameter file, by the names that they have in the section `extract`."""
    if facts.protocol.features is not None or facts.protocol.extract.params is None or SUMMARY not in facts.documents:
        return {}
    settings = facts.extraction
    own = {image.name: settings.for_image_type(image) for image in settings.image_types}
    resampled = settings.interpolator is not None
    told: dict[str, Any] = {"extract.spacing_mm": settings.resampled_spacing_mm if resampled else None}
    told["extract.pad_voxels"] = settings.pad_distance
    if settings.bin_count is None:
        told["extract.bin_width"] = settings.bin_width
    else:
        told["extract.bin_count"] = settings.bin_count
    if "LoG" in own:
        told["extract.images.log_sigma_mm"] = own["LoG"].sigma
    if "Wavelet" in own:
        told["extract.images.wavelet"] = own["Wavelet"].wavelet
    return told | {"extract.features": {family: len(names) for family, names in settings.feature_classes}}


def _choices(protocol: Protocol, entry: Mapping[str, Any], of_file: Mapping[str, Any]) -> Iterator[_Choice]:
    """What one line of choices.yaml tells of a study; a parameter file's settings are not the study file's."""
    if "kinds" in entry:
        yield from _of_kinds(protocol, str(entry["kinds"]))
        return
    if entry["setting"] in of_file:
        yield _Choice(entry["setting"], of_file[entry["setting"]], "parameter file", entry["why"])
        return
    for setting, value, stated in _found(protocol, str(entry["setting"]).split(".")):
        if not (entry.get("unset") and value is not None):  # told only where the study file has none
            yield _Choice(setting, value, _source(stated), entry["why"])


def _of_kinds(protocol: Protocol, place: str) -> Iterator[_Choice]:
    """The settings of the steps or classifiers of a place that decide something, kind by kind."""
    sections: Sequence[Kind] = attrgetter(place)(protocol)
    for kind in KINDS[place]:
        for name, why in kind.reasons().items():
            field = "" if name == "root" else f".{kind.model_fields[name].alias or name}"
            for section in sections:
                if type(section) is kind and getattr(section, name) is not None and name not in section.idle():
                    source = _source(name in section.model_fields_set)
                    yield _Choice(f"{place}.{kind.word}{field}", getattr(section, name), source, why)


def _source(stated: bool) -> str:
    return "study file or preset" if stated else "program's default"


def _idle(facts: Facts) -> tuple[str, ...]:
    """Settings that decided nothing in this study: of images that were not read, of a rule that was not taken."""
    protocol = facts.protocol
    images, several = protocol.features is None, len(protocol.cohort.readers) > 1
    by_file = images and protocol.extract.params is not None  # which has settings of its own in place of these
    rules = {name: f"evaluate.cutoff.{name}" for name in ("youden", "sensitivity", "specificity")}
    rules["cost"] = "evaluate.cutoff.cost_ratio"
    in_force = {
        "prepare.": images,
        "extract.": images,
        "cohort.transfer.": protocol.cohort.transfer is not None,
        "extract.maps.": protocol.extract.maps is not None,
        "agree.icc.": several and protocol.agree.icc is not None,
        "cohort.split.stratify": protocol.cohort.split.column is None,
        "evaluate.chance.": protocol.evaluate.chance is not None,
        "evaluate.baselines.": protocol.evaluate.baselines is not None,
        "evaluate.resampling.": protocol.evaluate.resampling is not None,
        **{setting: protocol.evaluate.cutoff.rule == rule for rule, setting in rules.items()},
    }
    replaced = ("spacing_mm", "bin_width", "bin_count", "pad_voxels", "images.", "features")
    in_force |= {f"extract.{name}": images and not by_file for name in replaced}
    return tuple(setting for setting, used in in_force.items() if not used)


def _found(section: Any, path: list[str], at: str = "") -> list[tuple[str, Any, bool]]:
    """The settings that a dotted path names and that have a value.

    A setting without a value is none of the study's: of two ways to do a thing it is the other one.
    """
    head, *rest = path
    if not isinstance(section, BaseModel):
        return []
    value = getattr(section, head)
    here = f"{at}.{head}" if at else head
    if value is None:
        return [(here, None, head in section.model_fields_set)] if here in _NONE and not rest else []
    if not rest:
        return [(here, value, head in section.model_fields_set)]
    return _found(value, rest, here)


_NONE = {
    "agree.icc": "no filter",
    "evaluate.chance": "no outcome is permuted",
    "evaluate.baselines": "no baselines",
    "evaluate.resampling": "nothing is resampled",
    "evaluate.resampling.nested": "no nested cross-validation",
    "extract.spacing_mm": "as acquired",
    "model.signature": "not named: the last model that is a formula",
}  # what a setting without a value means, of those for which that is a choice


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, BaseModel):
        return _shown(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


@report_part("versions", reads=PROVENANCES, rows_independent=False)
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
    return Table(header, rows, frame, notes)
