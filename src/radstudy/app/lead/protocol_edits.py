"""Edits of a form, done to the text of the study file: short forms and lists of the preset are written out first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from radstudy.app.lead.protocol_settings import StudySettings, full_form
from radstudy.errors import StudyFileError
from radstudy.protocol import edit
from radstudy.protocol.base import as_text
from radstudy.protocol.edit import settings_of, written_at
from radstudy.protocol.fields import ITEM, NAME, SettingField, ValueForm, field_at, order_at
from radstudy.protocol.load import REPLACED_WHOLE
from radstudy.protocol.yaml_spot import EditRefusedError, StudyPlace
from radstudy.protocol.yaml_text import parse_yaml, plain

Deed = Literal["set", "reset", "insert", "remove", "move", "rename"]
_TABLES = tuple(place for place in REPLACED_WHOLE if place != ("cohort", "split"))


@dataclass(frozen=True)
class FormEdit:
    """One edit of a form.

    Parameters
    ----------
    deed : set (a value), reset (to the preset's), insert, remove, move (an item or entry), rename (an entry).
    place : of the setting or item.
    value : as the form has it: a text, True or False, a list of words; a value for insert; a name for rename.
    to : the new position, of move.
    """

    deed: Deed
    place: StudyPlace
    value: Any = None
    to: int = 0


def edited(text: str, edits: Sequence[FormEdit]) -> str:
    """The text of a study file after edits.

    Parameters
    ----------
    text : of the file.
    edits : in their order.

    Raises
    ------
    EditRefusedError : one of them cannot be done surely.
    """
    for one in edits:
        text = _done(text, one)
    return text


def value_of(setting: SettingField, given: Any) -> Any:
    """The value that a form's entry means; what cannot be read stays a text, which the loader then refuses.

    Parameters
    ----------
    setting : its possible forms.
    given : a text, True, False, None, or a list of words.
    """
    if not isinstance(given, str):
        return given
    text, form = given.strip(), setting.forms[0]
    if not text:
        return None if setting.optional else ([] if form.kind == "list" else {} if form.kind == "names" else "")
    if len(setting.forms) > 1:
        return _parsed(text, text) if text[:1] in "[{" else _word(text, setting.forms)
    if form.kind == "list":
        return _as_items(_parsed(f"[{text}]", text), form)
    if form.kind == "names":
        return _as_items(_parsed("{" + text + "}", text), form)
    return _parsed(text, text) if form.kind in ("integer", "number") else text


def _word(text: str, forms: Sequence[ValueForm]) -> Any:
    """A number or switch where one is possible, else the text."""
    kinds = {form.kind for form in forms}
    read = _parsed(text, text)
    if isinstance(read, bool):
        return read if "switch" in kinds else text
    if isinstance(read, int | float):
        return read if kinds & {"integer", "number"} else text
    bracketed = _parsed(f"[{text}]", text) if kinds & {"list"} and "," in text else read
    return bracketed if isinstance(bracketed, list) else text


def _parsed(text: str, otherwise: str) -> Any:
    try:
        return plain(parse_yaml(text, "the entry"))
    except StudyFileError:
        return otherwise


def _as_items(read: Any, form: ValueForm) -> Any:
    """Words instead of numbers where words are wanted."""
    is_text = bool(form.items) and form.items[0].kind in ("text", "choice")
    if isinstance(read, list) and is_text:
        return [as_text(item) for item in read]
    if isinstance(read, dict) and is_text:
        return {name: "" if item is None else as_text(item) for name, item in read.items()}
    return read


# --- edits -------------------------------------------------------------------------------------------------------


def _done(text: str, one: FormEdit) -> str:
    place = one.place
    if not place:
        raise EditRefusedError("no setting was named")
    if one.deed == "reset":
        return _reset(text, place)
    if one.deed == "set":
        setting = field_at(place)
        if setting is None:
            raise EditRefusedError(f"there is no setting '{'.'.join(map(str, place))}'")
        text, value = _owned(text, place), value_of(setting, one.value)
        if value is None and StudySettings(settings_of(text)).beneath_at(place) is None:
            return _reset(text, place)  # an empty field is no line
        return edit.set_value(text, *_in_short(text, place, value), order=order_at)
    text = _owned(text, place)
    if one.deed == "insert":
        return _insert(text, place, one.value)
    text, place = _listed(text, place)
    if one.deed == "remove":
        return edit.remove(text, place)
    if one.deed == "move":
        return edit.move(text, place, one.to)
    return _rename(text, place, str(one.value))


def _insert(text: str, place: StudyPlace, value: Any) -> str:
    parent = field_at(place[:-1])
    if parent is not None and isinstance(place[-1], str):
        if place[-1] in _plain_at(settings_of(text), place[:-1], {}):
            raise EditRefusedError(f"'{place[-1]}' exists already: choose another name")
        return edit.set_value(text, place, value, order=order_at)
    text, place = _listed(text, place)
    if not isinstance(_plain_at(settings_of(text), place[:-1], None), list):
        return edit.set_value(text, place[:-1], [value], order=order_at)
    return edit.insert(text, place, value)


def _rename(text: str, place: StudyPlace, name: str) -> str:
    """Rename an entry; models that refer to a model, and the settings that name it, follow."""
    old, before = str(place[-1]), StudySettings(settings_of(text))
    text = edit.rename(text, place, name)
    if place[:-1] != ("model", "models"):
        return text
    for model, given in _plain_at(settings_of(text), place[:-1], {}).items():
        text = _renamed_in(text, (*place[:-1], model), given, ("pool", "add", "like"), old, name)
    for group, settings in ((("model",), ("signature",)), (("evaluate", "primary"), ("model", "against"))):
        text = _renamed_in(text, group, _plain_at(before.in_force, group, None), settings, old, name)
    for number, step in enumerate(_plain_at(before.in_force, ("model", "select"), [])):
        for word, given in step.items() if isinstance(step, dict) else ():
            sizes = given.get("keep") if isinstance(given, dict) else None
            if isinstance(sizes, dict) and old in sizes:
                at = ("model", "select", number, word, "keep", old)
                text = edit.rename(_owned(text, at), at, name)
    return text


def _renamed_in(text: str, place: StudyPlace, group: Any, settings: Sequence[str], old: str, name: str) -> str:
    for setting in settings if isinstance(group, dict) else ():
        value = group.get(setting)
        new = [name if item == old else item for item in value] if isinstance(value, list) else name
        if value == old or (isinstance(value, list) and old in value):
            text = edit.set_value(text, (*place, setting), new)
    return text


def _reset(text: str, place: StudyPlace) -> str:
    """Give a setting the value beneath it: its line is removed, or set to the preset's where the rest stays own."""
    own = settings_of(text)
    settings = StudySettings(own)
    if _plain_at(settings.written, place, _NONE) is _NONE:
        return text
    preset = _plain_at(settings.beneath, place, _NONE)
    at, value = _in_short(text, place, preset)
    if preset is not _NONE and any(place[: len(one)] == one and len(place) > len(one) for one in _TABLES):
        return edit.set_value(text, at, value, order=order_at)
    if len(at) < len(place):
        raise EditRefusedError(f"'{place[-1]}' is all that stands here: give it another value, or remove the entry")
    while len(at) > 1 and _is_prunable(at[:-1], settings) and len(_plain_at(own, at[:-1], {})) == 1:
        at = at[:-1]
    return edit.remove(text, at)


_NONE = object()
_IMAGES = ("extract", "images")


def _is_prunable(place: StudyPlace, settings: StudySettings) -> bool:
    """True if a group without settings means the same as no group."""
    setting = field_at(place)
    if setting is None or setting.kind != "group" or ITEM in setting.place or NAME in setting.place:
        return False
    return place != _IMAGES or _plain_at(settings.preset, place, _NONE) is not _NONE


def _owned(text: str, place: StudyPlace) -> str:
    """The text with the lists and tables on the way to a place written out, where the preset gives them."""
    for outer in (place[:length] for length in range(1, len(place))):
        settings = StudySettings(settings_of(text))
        if _plain_at(settings.own, outer, _NONE) is not _NONE:
            continue
        value, setting = _plain_at(settings.preset, outer, _NONE), field_at(outer)
        is_whole = isinstance(value, list) or outer in REPLACED_WHOLE or (outer == _IMAGES and value is _NONE)
        if value is _NONE and setting is not None and (setting.kind in ("steps", "entries") or outer == _IMAGES):
            value = setting.default(settings.defaults)
        if is_whole and value is not _NONE and value:
            text = edit.set_value(text, outer, value, order=order_at)
    return text


def _listed(text: str, place: StudyPlace) -> tuple[str, StudyPlace]:
    """A text in which an item of `model.fit` is an item of a list, whichever way it was written."""
    if place[:2] != ("model", "fit") or len(place) != 3:
        return text, place
    own = settings_of(text)
    fit = _plain_at(own, ("model", "fit"), None)
    if isinstance(fit, list):
        return text, place
    full = full_form(own)["model"]["fit"] if fit is not None else []
    short = [next(iter(one)) if not next(iter(one.values())) else one for one in full]
    return edit.set_value(text, ("model", "fit"), short, order=order_at), place


def _in_short(text: str, place: StudyPlace, value: Any) -> tuple[StudyPlace, Any]:
    """The place and value that mean the same where the file uses a short form."""
    own = settings_of(text)
    if place[:2] == ("model", "fit") and len(place) > 2:
        place = _of_fit(own, place)
    for length in range(len(place) - 1, 0, -1):
        outer, inner = place[:length], place[length:]
        given = _plain_at(own, outer, _NONE)
        if outer == ("model", "fit") and isinstance(given, str):
            return outer, _with({str(inner[0]): {}}, inner, value)
        if given is _NONE or isinstance(given, dict):
            continue
        if isinstance(given, list) and isinstance(inner[0], int):
            continue
        full = _plain_at(full_form(own), outer, _NONE)
        if given is None or not isinstance(full, dict):
            break
        if len(inner) == 1 and set(full) == set(inner):
            return outer, value if value is not None else given
        return outer, _with(full, inner, value)
    return place, value


def _of_fit(own: dict[str, Any], place: StudyPlace) -> StudyPlace:
    """The place of a classifier's setting where `fit` is a group and not a list."""
    fit = _plain_at(own, ("model", "fit"), None)
    if isinstance(fit, dict):
        return ("model", "fit", *place[3:])
    return ("model", "fit", *place[3:]) if isinstance(fit, str) and len(place) > 3 else place


def _with(full: dict[str, Any], inner: StudyPlace, value: Any) -> dict[str, Any]:
    name, rest = str(inner[0]), inner[1:]
    group = full.get(name)
    return {**full, name: _with(group if isinstance(group, dict) else {}, rest, value) if rest else value}


def _plain_at(settings: Any, place: StudyPlace, otherwise: Any) -> Any:
    try:
        return written_at(settings, place)
    except KeyError:
        return otherwise
