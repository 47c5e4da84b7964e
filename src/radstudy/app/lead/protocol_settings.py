"""The settings of a study file as a form shows them: as written, in force, by the preset; and its errors at each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from radstudy.errors import FileProblem
from radstudy.protocol.edit import written_at
from radstudy.protocol.fields import ITEM, NAME, SettingField, ValueForm, field_at, setting_fields
from radstudy.protocol.load import over_preset
from radstudy.protocol.shipped import FIRST, Preset, presets, versions_of_defaults, versions_of_preset
from radstudy.protocol.yaml_spot import StudyPlace
from radstudy.protocol.yaml_value import flow

STEP_LISTS: tuple[StudyPlace, ...] = (("prepare",), ("model", "select"), ("model", "fit"))
_NAMES_OF = {  # settings that name something that the study file has
    "cohort.optional_sequences": "sequences", "cohort.transfer.from": "sequences", "cohort.transfer.to": "sequences",
    "cohort.site.sequence": "sequences",
    "model.models.*.sequences": "sequences", "model.models.*.pool": "models", "model.models.*.add": "models",
    "model.models.*.like": "models", "model.models.*.clinical.variables": "variables", "model.signature": "models",
    "model.select.harmonise.keep": "variables", "evaluate.primary.model": "models",
    "evaluate.primary.against": "models",
    "evaluate.baselines.age": "variables", "reading.characteristics.readers": "readers",
    "reading.characteristics.items": "variables",
}  # fmt: skip
_MISSING: Any = object()


@dataclass(frozen=True)
class FormField:
    """One setting of a study file at its place.

    Parameters
    ----------
    place : in the study file; items of lists have numbers.
    setting : what it may be, and its help.
    value : in force; None if it has none.
    is_written : True if the study file itself has it.
    beneath : the preset's value, or the default; what holds without the study file's own.
    source : "preset" or "default": where `beneath` comes from; "" if nothing has one.
    differs : True if the value in force is not the one beneath.
    options : names to choose from; empty where any may be written.
    problems : the loader's messages about it.
    fields : the settings in it, if it is a group; the items of a list of steps; the entries of a table of names.
    """

    place: StudyPlace
    setting: SettingField
    value: Any
    is_written: bool
    beneath: Any
    source: str
    differs: bool
    options: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()

    @property
    def id(self) -> str:
        """A name for its control."""
        return "f-" + "-".join(str(part) for part in self.place).encode("utf-8").hex()

    @property
    def name(self) -> str:
        """The last part of its place."""
        return str(self.place[-1])

    @property
    def control(self) -> str:
        """The way to show it: group, steps, entries, items, switch, choice, pick (several of a choice), or line."""
        forms = self.setting.forms
        if forms[0].kind in ("group", "steps", "entries", "step"):
            return "entries" if forms[0].kind == "entries" else forms[0].kind
        if self.place in (("sequences",), ("cohort", "readers")):
            return "items"
        if len(forms) > 1:
            return "line"
        if forms[0].kind == "switch":
            return "switch"
        if forms[0].kind == "choice" or (forms[0].kind == "text" and self.options):
            return "choice"
        is_pick = forms[0].kind == "list" and forms[0].length is None and self.choices
        return "pick" if is_pick and self._values_are_choices else "line"

    @property
    def choices(self) -> tuple[str, ...]:
        """The words to choose from."""
        form = self.setting.forms[0]
        return self.options or form.choices or (form.items[0].choices if form.items else ())

    @property
    def kinds(self) -> tuple[tuple[str, str, Any], ...]:
        """Kinds that may be added to a list of steps: its label, what it does, and how it begins in the study file."""
        offered = []
        for word in self.setting.forms[0].choices:
            kind = field_at((*self.place, 0, word))
            if kind is not None:
                begun = word if self.place == ("model", "fit") else {word: {} if kind.info is None else kind.default()}
                offered.append((kind.help.label, kind.help.what, begun))
        return tuple(offered)

    @property
    def _values_are_choices(self) -> bool:
        return self.value is None or (isinstance(self.value, list) and set(map(str, self.value)) <= set(self.choices))

    @property
    def line(self) -> str:
        """Its value as a line of text to edit."""
        return line_of(self.setting.forms, self.value)

    @property
    def beneath_line(self) -> str:
        """The value beneath as a line of text."""
        return line_of(self.setting.forms, self.beneath)

    @property
    def is_number(self) -> bool:
        """True if a number alone may be written."""
        return len(self.setting.forms) == 1 and self.setting.kind in ("integer", "number")

    @property
    def bounds(self) -> Mapping[str, float]:
        """Of a number: ge, gt, le, lt."""
        return dict(self.setting.forms[0].bounds)

    @property
    def is_on(self) -> bool:
        """True for a group that is not switched off."""
        return self.value is not None

    @property
    def all_problems(self) -> int:
        """The number of messages about it and about what is in it."""
        return len(self.problems) + sum(inner.all_problems for inner in self.fields)

    def walk(self) -> Iterator[FormField]:
        """It, and all that is in it."""
        yield self
        for inner in self.fields:
            yield from inner.walk()


def line_of(forms: Sequence[ValueForm], value: Any) -> str:
    """A value as one line of text, which `edits.value_of` reads again.

    Parameters
    ----------
    forms : that a setting may have.
    value : plain.
    """
    if value is None:
        return ""
    if isinstance(value, str) and (forms[0].kind == "text" or len(forms) > 1):
        return value
    if isinstance(value, list | dict):
        return flow(value)[1:-1] if len(forms) == 1 else flow(value)
    return flow(value)


@dataclass(frozen=True)
class StudySettings:
    """The settings of a study file, whether it loads or not.

    Parameters
    ----------
    own : as the file has them, plain.
    problems : of the loader.
    """

    own: Mapping[str, Any]
    problems: tuple[FileProblem, ...] = ()

    @cached_property
    def preset(self) -> dict[str, Any]:
        """The settings of the preset that the file names; empty if it names none that exists."""
        try:
            return {} if self.own.get("preset") is None else Preset.of(self.own["preset"]).settings()
        except KeyError:
            return {}

    @cached_property
    def in_force(self) -> dict[str, Any]:
        """The file's settings over those of its preset, each in its full form."""
        return full_form(over_preset(self.preset, dict(self.own)) if self.preset else dict(self.own))

    @cached_property
    def beneath(self) -> dict[str, Any]:
        """The preset's settings in their full form."""
        return full_form(self.preset)

    @cached_property
    def written(self) -> dict[str, Any]:
        """The file's settings in their full form."""
        return full_form(self.own)

    @property
    def defaults(self) -> int:
        """The version of the defaults in force."""
        version = self.own.get("defaults", FIRST)
        return version if version in versions_of_defaults() else FIRST

    def fields(self) -> tuple[FormField, ...]:
        """All settings that the file could have at this time, groups with theirs in them."""
        return tuple(self._fields((), ()))

    def _fields(self, place: StudyPlace, pattern: tuple[str, ...]) -> Iterator[FormField]:
        for setting in _children().get(pattern, ()):
            yield self._field((*place, setting.place[-1]), setting)

    def _field(self, place: StudyPlace, setting: SettingField, default: Any = _MISSING) -> FormField:
        """A setting; `default` is its value if neither file nor preset has the list that it stands in."""
        beneath, source = self._beneath(place, setting)
        value = _at(self.in_force, place)
        if value is _MISSING:
            value = beneath if default is _MISSING else default
        is_named_group = setting.kind == "group" and ITEM not in setting.place[-2:]  # its settings differ, one by one
        differs = (value is None) != (beneath is None) if is_named_group else not _equal(value, beneath)
        inner = tuple(self._inside(place, setting, value))
        return FormField(
            place, setting, value, _at(self.written, place) is not _MISSING, beneath, source,
            differs, self._options(setting, place), self._problems_at(place, inner), inner,
        )  # fmt: skip

    def _beneath(self, place: StudyPlace, setting: SettingField) -> tuple[Any, str]:
        value = _at(self.beneath, self._place_beneath(place))
        if value is not _MISSING:
            return value, "preset"
        if setting.required:
            return None, ""
        default = setting.default(self.defaults)
        return _classifiers(default) if place == ("model", "fit") else default, "default"

    def beneath_at(self, place: StudyPlace) -> Any:
        """The value of a setting without the file's own; None if there is none."""
        setting = field_at(place)
        return None if setting is None else self._beneath(place, setting)[0]

    def _place_beneath(self, place: StudyPlace) -> StudyPlace:
        """The place of the preset's step of the same kind."""
        for start in STEP_LISTS:
            number = len(start)
            if place[:number] == start and len(place) > number + 1:
                steps = _at(self.beneath, start)
                same = (
                    n for n, step in enumerate(steps if isinstance(steps, list) else ()) if place[number + 1] in step
                )
                return (*start, next(same, -1), *place[number + 1 :])
        return place

    def _inside(self, place: StudyPlace, setting: SettingField, value: Any) -> Iterator[FormField]:
        kind = setting.kind
        if kind == "group" and (value is not None or not setting.optional):
            yield from self._fields(place, setting.place)
        elif kind == "steps":
            for number, step in enumerate(value if isinstance(value, list) else ()):
                yield from self._of_step((*place, number), (*setting.place, ITEM), step)
        elif kind == "step" and isinstance(value, dict):
            yield from self._of_step(place, setting.place, value)
        elif kind == "entries":
            for name in value if isinstance(value, dict) else ():
                yield self._entry((*place, name), setting)
        elif isinstance(value, dict) and any(form.kind == "group" for form in setting.forms):
            inner = _children().get(setting.place, ())
            if set(value) <= {one.place[-1] for one in inner}:
                yield from (self._field((*place, one.place[-1]), one) for one in inner)

    def _of_step(self, place: StudyPlace, pattern: tuple[str, ...], step: Any) -> Iterator[FormField]:
        for word, value in step.items() if isinstance(step, dict) else ():
            known = next((one for one in _children().get(pattern, ()) if one.place[-1] == word), None)
            if known is not None:
                yield self._field((*place, word), known, value)

    def _entry(self, place: StudyPlace, table: SettingField) -> FormField:
        """One of the groups under names that the user gives."""
        value, beneath = _at(self.in_force, place), _at(self.beneath, place)
        known = SettingField((*table.place, NAME), (ValueForm("group"),), False, False, table.help)
        inner = tuple(self._fields(place, known.place))
        return FormField(
            place, known, value, _at(self.written, place) is not _MISSING, None if beneath is _MISSING else beneath,
            "preset" if beneath is not _MISSING else "", not _equal(value, beneath), (),
            self._problems_at(place, inner), inner,
        )  # fmt: skip

    def _options(self, setting: SettingField, place: StudyPlace) -> tuple[str, ...]:
        name = ".".join(part for part in setting.place if part != ITEM)
        if name == "preset":
            return tuple(f"{one}/{version}" for one in presets() for version in versions_of_preset(one))
        places: Mapping[str, StudyPlace] = {
            "sequences": ("sequences",), "readers": ("cohort", "readers"), "models": ("model", "models"),
            "variables": ("cohort", "clinical"),
        }  # fmt: skip
        known = _at(self.in_force, places[_NAMES_OF[name]]) if name in _NAMES_OF else ()
        names = map(str, known if isinstance(known, list | dict) else ())
        own = place[2] if place[:2] == ("model", "models") and len(place) > 2 else None  # no model is built from itself
        return tuple(name for name in names if name != own or name in self._sequences)

    @property
    def _sequences(self) -> Sequence[str]:
        sequences = self.in_force.get("sequences")
        return sequences if isinstance(sequences, list) else ()

    @cached_property
    def _placed(self) -> dict[StudyPlace, list[str]]:
        placed: dict[StudyPlace, list[str]] = {}
        for problem in self.problems:
            placed.setdefault(problem.place, []).append(problem.message)
        return placed

    def _problems_at(self, place: StudyPlace, inner: Sequence[FormField]) -> tuple[str, ...]:
        """The messages about a setting, and about parts of its value that are no settings shown in it."""
        shown = [one.place for one in inner]
        messages = [
            text for at, texts in self._placed.items() for text in texts
            if at[: len(place)] == place and not any(at[: len(other)] == other for other in shown)
        ]  # fmt: skip
        return tuple(messages)


def full_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A study file's settings with its short forms written out; what has a wrong type stays as it is.

    Parameters
    ----------
    settings : plain.
    """
    model, cohort, features = (_group(settings, name) for name in ("model", "cohort", "features"))
    full = dict(settings)
    if model:
        full["model"] = {**model, **_present(model, "select", _steps), **_present(model, "fit", _classifiers),
                         **_present(model, "models", _models)}  # fmt: skip
    if cohort:
        full["cohort"] = {**cohort, **_present(cohort, "clinical", _entries)}
    if features:
        full["features"] = {**features, **_present(features, "columns", _columns)}
    return {**full, **_present(full, "prepare", _steps)}


def _present(group: Mapping[str, Any], name: str, change: Any) -> dict[str, Any]:
    return {name: change(group[name])} if name in group else {}


def _group(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    group = settings.get(name)
    return group if isinstance(group, dict) else {}


def _steps(steps: Any) -> Any:
    bare = {"impute": "median", "standardise": "zscore"}
    if not isinstance(steps, list):
        return steps
    return [{word: bare.get(word, {}) if value is None else value for word, value in step.items()}
            if isinstance(step, dict) else step for step in steps]  # fmt: skip


def _classifiers(fit: Any) -> Any:
    given = (
        [fit]
        if isinstance(fit, str)
        else [{word: value} for word, value in fit.items()]
        if isinstance(fit, dict)
        else fit
    )
    return [_classifier(one) for one in given] if isinstance(given, list | tuple) else given


def _classifier(fit: Any) -> Any:
    if isinstance(fit, str):
        return {fit: {}}
    return {word: {} if value is None else value for word, value in fit.items()} if isinstance(fit, dict) else fit


def _models(models: Any) -> Any:
    return {name: _model(model) for name, model in models.items()} if isinstance(models, dict) else models


def _model(model: Any) -> Any:
    if isinstance(model, list):
        return {"sequences": model}
    if not isinstance(model, dict):
        return model
    clinical: dict[str, Any] = {"clinical": {}} if "clinical" in model and model["clinical"] is None else {}
    return {**model, **clinical, **_present(model, "fit", _classifier)}


def _columns(columns: Any) -> Any:
    if not isinstance(columns, dict):
        return columns
    return {name: {"prefix": one} if isinstance(one, str) else one for name, one in columns.items()}


def _entries(entries: Any) -> Any:
    if not isinstance(entries, dict):
        return entries
    return {name: {} if one is None else one for name, one in entries.items()}


@cache
def _children() -> Mapping[tuple[str, ...], list[SettingField]]:
    children: dict[tuple[str, ...], list[SettingField]] = {}
    for setting in setting_fields():
        children.setdefault(setting.place[:-1], []).append(setting)
    return children


def _at(settings: Any, place: StudyPlace) -> Any:
    try:
        return written_at(settings, place)
    except KeyError:
        return _MISSING


def _equal(one: Any, other: Any) -> bool:
    return json.dumps(_comparable(one), sort_keys=True, default=str) == json.dumps(
        _comparable(other), sort_keys=True, default=str
    )


def _comparable(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(name): _comparable(item) for name, item in value.items()}
    return [_comparable(item) for item in value] if isinstance(value, list | tuple) else value
