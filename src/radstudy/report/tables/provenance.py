"""The choices made in the study, with reasons, and the software versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from operator import attrgetter
from typing import Any

import pandas as pd
from pydantic import BaseModel
from ruamel.yaml import YAML

from radstudy.artefacts import HISTORY
from radstudy.protocol import STEPS, Protocol
from radstudy.protocol.classifiers import CLASSIFIERS
from radstudy.protocol.kinds import Kind
from radstudy.protocol.prepare import PREPARATION_STEPS
from radstudy.protocol.selection import SELECTION_STEPS
from radstudy.provenance import PROVENANCE
from radstudy.report.cited import plain, quoted
from radstudy.report.display import number
from radstudy.report.facts import PROVENANCES, SEALED, SUMMARY, AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, numbers, words
from radstudy.report.text.seen import changed, history, seen, told

KINDS: Mapping[str, Sequence[type[Kind]]] = {
    "prepare": PREPARATION_STEPS,
    "model.select": SELECTION_STEPS,
    "model.fit": CLASSIFIERS,
}
"""Places of the study file that hold steps or classifiers, which declare the reasons for their settings."""


@dataclass(frozen=True)
class _Choice:
    """A setting in force: its dotted name, value, source and reason."""

    setting: str
    value: Any
    source: str
    why: str


@report_part("choices", reads=(), rows_independent=False)
def choices(facts: RunFacts) -> Table:
    """Every setting in force in the study, with its value, source and reason."""
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
    names = ["Step", "Setting", "Value", "Set by", "Reason, and alternatives"]
    frame = pd.DataFrame(records, columns=["step", "setting", "value", "set_by", "why"])
    return Table([words(names)], rows, frame)


def _of_file(facts: RunFacts) -> dict[str, Any]:
    """The settings of a PyRadiomics parameter file, under their names in the section `extract`."""
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
    """The settings described by one line of choices.yaml; those of a parameter file replace the study file's."""
    if "kinds" in entry:
        yield from _of_kinds(protocol, str(entry["kinds"]))
        return
    if entry["setting"] in of_file:
        yield _Choice(entry["setting"], of_file[entry["setting"]], "parameter file", entry["why"])
        return
    for setting, value, stated in _settings_at(protocol, str(entry["setting"]).split(".")):
        if not (entry.get("unset") and value is not None):  # printed only if the study file has none
            yield _Choice(setting, value, _source(stated), entry["why"])


def _of_kinds(protocol: Protocol, place: str) -> Iterator[_Choice]:
    """The settings in effect of the steps or classifiers at a place, kind by kind."""
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


def _idle(facts: RunFacts) -> tuple[str, ...]:
    """Settings without effect in this study, such as those of images not read or of a rule not used."""
    protocol = facts.protocol
    images, several = protocol.features is None, len(protocol.cohort.readers) > 1
    by_file = images and protocol.extract.params is not None  # which replaces these settings by its own
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


def _settings_at(section: Any, path: list[str], at: str = "") -> list[tuple[str, Any, bool]]:
    """The settings with a value that a dotted path names.

    A setting without a value does not apply to the study: of two alternatives, the other one is used.
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
    return _settings_at(value, rest, here)


_NONE = {
    "agree.icc": "no filter",
    "evaluate.chance": "no outcome is permuted",
    "evaluate.baselines": "no baselines",
    "evaluate.resampling": "nothing is resampled",
    "evaluate.resampling.nested": "no nested cross-validation",
    "extract.spacing_mm": "as acquired",
    "model.signature": "not named: the last model that is a formula",
}  # the meaning of a missing value, for settings where that is a choice


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, BaseModel):
        return _shown({field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()})
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value) or "none"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


@report_part("testing_history", reads=(HISTORY.path,), rows_independent=False)
def testing_history(facts: RunFacts) -> Table:
    """Every protocol, and every change of the data, under which testing results were seen."""
    if not seen(facts):
        raise AbsentError(SEALED if facts.sealed else "This run folder does not record when testing results were seen.")
    rows = told(facts)
    if len(rows) < 2 and not changed(facts):
        raise AbsentError("Testing results were seen under one protocol, with the same data.")
    names = ["First seen", "Protocol", "Changed since testing results were first seen"]
    if history(facts).get("unsealed"):
        names[2] = "Changed since the testing results were unsealed"
    notes = [
        "A row per protocol and state of the data (history.json). Settings that change no testing result, such as "
        "those of the report, do not count."
    ]
    frame = pd.DataFrame([[plain(cell) for cell in row] for row in rows], columns=names)
    return Table([words(names)], [words(row) for row in rows], frame, notes)


@report_part("versions", reads=PROVENANCES, rows_independent=False)
def versions(facts: RunFacts) -> Table:
    """Time, duration and software versions of each step."""
    records = [(step, facts.documents.get(f"{step}/{PROVENANCE}")) for step in STEPS]
    done = [(step, record) for step, record in records if record]
    if not done:
        raise AbsentError("No step has finished.")
    rows = [
        [Cell(step), Cell(quoted(record["finished"])), Cell(number(record["seconds"], 1), kind="number"),
         Cell(quoted(record["code"])), Cell(quoted(record["key"]))]
        for step, record in done
    ]  # fmt: skip
    rows += [[Cell(step), Cell("has not finished", span=4, kind="quiet")] for step, record in records
             if not record and step != "report"]  # fmt: skip
    header = [[*words(["Step", "Finished"]), *numbers(["Seconds"]), *words(["Program", "Key"])]]
    used = {tuple(sorted(record["versions"].items())) for _, record in done}
    notes = ["; ".join(f"{name} {quoted(version)}" for name, version in item) + "." for item in sorted(used)]
    if len(used) > 1:
        notes.insert(0, "The steps ran with different versions:")
    told = ("finished", "seconds", "code", "key")
    frame = pd.DataFrame([{"step": s, **{k: r[k] for k in told}, **r["versions"]} for s, r in done])
    return Table(header, rows, frame, notes)
