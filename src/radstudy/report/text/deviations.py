"""Deviations of a study from its preset, setting by setting, and the choices that the preset leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from radstudy.protocol import Protocol
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.shipped import Preset
from radstudy.report.cited import cited_documents
from radstudy.report.cited.settings import SETTINGS_FILE, settings_document
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.outline import number_of
from radstudy.report.text.paragraph import Paragraph

PRESET_FILE = "report/preset.json"
_COMPARED = ("sequences", "prepare", "extract", "agree", "model", "evaluate")  # the rest names the study's own files
_OF_COHORT = ("split", "transfer", "optional_sequences")
_NO_METHOD = ("evaluate.sealed",)
_NOT_SET = "not set"


def preset_document(facts: RunFacts) -> dict[str, Any] | None:
    """All settings of the study's preset, as report/preset.json holds them; None if the study has none."""
    if facts.protocol.preset is None:
        return None
    return settings_document(parse_protocol(Preset.of(facts.protocol.preset).text()))


def differing_settings(protocol: Protocol) -> tuple[str, ...] | None:
    """The names of the settings that differ from the preset's, as `deviations` lists them; None without a preset."""
    if protocol.preset is None:
        return None
    theirs = dict(_settings(settings_document(parse_protocol(Preset.of(protocol.preset).text()))))
    ours = dict(_settings(settings_document(protocol)))
    return tuple(name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name))


def deviations(facts: RunFacts) -> list[Paragraph]:
    """The settings that differ from the preset's, each with a mark for the author's reason.

    Raises
    ------
    AbsentError : the study follows no preset.
    """
    preset = preset_document(facts)
    if preset is None:
        raise AbsentError("The study follows no preset, so there is nothing to deviate from.")
    theirs, ours = (
        dict(_settings(document))
        for document in cited_documents(
            {PRESET_FILE: preset, SETTINGS_FILE: settings_document(facts.protocol)}
        ).values()
    )
    differing = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    told = [
        f"{name}: {value_shown(ours.get(name))}, in the protocol {value_shown(theirs.get(name))} [AUTHOR: reason for "
        f"{name}.]"
        for name in differing
    ]
    said = "; ".join(told) + "." if told else "Every setting that the protocol fixes is as the protocol has it."
    open_ones = (
        "Choices that the protocol leaves open, with the values used and the reasons, are in "
        f"{number_of('table', 'choices')}."
    )
    return [Paragraph(f"{said} {open_ones}", f"Deviations from the protocol {facts.protocol.preset}")]


def _settings(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted name and value of the settings that a protocol fixes."""
    for section in _COMPARED:
        yield from (one for one in _leaves(document.get(section), section) if one[0] not in _NO_METHOD)
    for name in _OF_COHORT:
        yield from _leaves(document["cohort"].get(name), f"cohort.{name}")


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The single settings with their names; settings that are not in use are left out."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, f"{name}.{key}")
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value, 1):
            words = [key for key, inner in one.items() if inner is not None] if isinstance(one, Mapping) else []
            if len(words) == 1:
                yield from _leaves(one[words[0]], f"{name}.{words[0]}")
            else:
                yield from _leaves(one, f"{name}.{place}")
    elif value is not None:
        yield name, value


def value_shown(value: Any) -> str:
    """The value of a setting in words."""
    if value is None:
        return _NOT_SET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_shown(one) for one in value) or "none"
    return f"{value:g}" if isinstance(value, float) else f"{value}"
