"""Every setting of a study file as data: its place, the values it may have, its default, and what a form says of it.

Places, types, bounds, defaults and descriptions are those of the sections themselves (`sections.py`). `help.yaml` adds
for each a label, what the reference study did, and when to change it. `*` in a place is a name that the user gives,
`[]` an item of a list.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from radstudy.protocol.kinds import WHY, Kind, OneOf
from radstudy.protocol.sections import Protocol
from radstudy.protocol.selection.size import FoundSizeSection
from radstudy.protocol.shipped import FIRST, defaults_in_force
from radstudy.protocol.yaml_spot import StudyPlace

Pattern_ = tuple[str, ...]
FormKind = Literal[
    "switch", "choice", "integer", "number", "text", "list", "names", "group", "entries", "steps", "step"
]

NAME, ITEM = "*", "[]"
PARTS = ("study", "cohort", "prepare", "extract", "agree", "model", "evaluate", "report", "reading", "validate")
_PART = {
    "schema": "study", "study": "study", "preset": "study", "defaults": "study", "notice": "study", "seed": "study",
    "sequences": "cohort", "features": "extract",
}  # fmt: skip
_FILLED = frozenset({("cohort", "reader_files")})  # from another setting; no study file writes it
_BOUNDS = ("ge", "gt", "le", "lt")


@dataclass(frozen=True)
class ValueForm:
    """One form that a value may have; a setting has one or several.

    Parameters
    ----------
    kind : switch, choice, integer, number, text; list and names (name: value) of `items`; group: settings with names of
        their own; entries: groups under names that the user gives; steps: a list of kinds; step: one of several kinds.
    choices : the words of a choice, or of the kinds.
    bounds : of a number, such as ("ge", 1).
    items : forms of the items of a list, or of the values of names.
    length : of a list with a fixed number of items.
    """

    kind: FormKind
    choices: tuple[str, ...] = ()
    bounds: tuple[tuple[str, float], ...] = ()
    items: tuple[ValueForm, ...] = ()
    length: int | None = None


_SHORTER: Mapping[Pattern_, tuple[ValueForm, ...]] = {  # read before the section's own field
    ("cohort", "readers"): (ValueForm("names", items=(ValueForm("text"),)),),
}


@dataclass(frozen=True)
class SettingHelp:
    """The texts of a form about one setting.

    Parameters
    ----------
    label : in a word or two.
    what : one sentence: what it does.
    paper : what the reference study did; "" where it does not say, or where the question does not arise.
    when : when to change it.
    unit : of a number.
    """

    label: str = ""
    what: str = ""
    paper: str = ""
    when: str = ""
    unit: str = ""


@dataclass(frozen=True)
class SettingField:
    """One setting of a study file.

    Parameters
    ----------
    place : its names, with "*" for a name that the user gives and "[]" for an item of a list.
    forms : the values it may have; the first is the usual one.
    optional : True if it may be null.
    required : True if it has no default.
    help : what a form says of it.
    info : the field of its section; None for a kind's word.
    """

    place: Pattern_
    forms: tuple[ValueForm, ...]
    optional: bool
    required: bool
    help: SettingHelp
    info: FieldInfo | None = field(default=None, repr=False, compare=False)

    @property
    def part(self) -> str:
        """The step of the flow that it belongs to, or "study", "reading", "validate"."""
        return _PART.get(self.place[0], self.place[0])

    @property
    def kind(self) -> FormKind:
        """The usual form."""
        return self.forms[0].kind

    def __str__(self) -> str:
        return ".".join(self.place).replace(f".{ITEM}", ITEM)

    def default(self, version: int = FIRST) -> Any:
        """Its value where neither study file nor preset has one, as in a study file; None if it is required.

        Parameters
        ----------
        version : of the defaults.
        """
        if self.info is None or self.info.is_required():
            return None
        with defaults_in_force(version):
            return _plain(self.info.get_default(call_default_factory=True, validated_data={}))


def setting_fields() -> tuple[SettingField, ...]:
    """All settings, in the order of the schema; a group stands before its settings."""
    return _all()


def field_at(place: StudyPlace) -> SettingField | None:
    """The setting at a place of a study file; None if there is none. The only item of a list needs no number.

    Examples
    --------
    >>> field_at(("model", "select", 3, "univariate", "below")).help.label
    'Keep features with p below'
    """
    known = _by_place()
    pattern: Pattern_ = ()
    for part in place:
        choices = ((ITEM,),) if isinstance(part, int) else ((part,), (ITEM, part), (NAME,))
        inner = next((names for names in choices if (*pattern, *names) in known or _leads((*pattern, *names))), None)
        if inner is None:
            return None
        pattern = (*pattern, *inner)
    return known.get(pattern)


def order_at(place: StudyPlace) -> Sequence[str]:
    """The names of the settings of a group in the schema's order; none for a group of names that the user gives."""
    pattern = _pattern_of(place)
    if pattern is None:
        return ()
    return [one.place[-1] for one in _all() if one.place[:-1] == pattern and one.place[-1] not in (NAME, ITEM)]


def _pattern_of(place: StudyPlace) -> Pattern_ | None:
    if not place:
        return ()
    setting = field_at(place)
    if setting is not None:
        return setting.place
    parent = field_at(place[:-1])
    return None if parent is None else (*parent.place, ITEM if isinstance(place[-1], int) else NAME)


@cache
def _prefixes() -> frozenset[Pattern_]:
    return frozenset(one.place[:n] for one in _all() for n in range(len(one.place)))


def _leads(pattern: Pattern_) -> bool:
    return pattern in _prefixes()


@cache
def _by_place() -> dict[Pattern_, SettingField]:
    return {one.place: one for one in _all()}


@cache
def _all() -> tuple[SettingField, ...]:
    return tuple(_of_section(Protocol, ()))


def _of_section(section: type[BaseModel], at: Pattern_) -> Iterator[SettingField]:
    for name, info in section.model_fields.items():
        place = (*at, info.alias or name)
        if place not in _FILLED:
            yield from _of_field(place, info)


def _of_field(place: Pattern_, info: FieldInfo) -> Iterator[SettingField]:
    arms = list(_arms(info.annotation, info.metadata))
    optional = any(kind is types.NoneType for kind, _ in arms)
    arms = [(kind, metadata) for kind, metadata in arms if kind is not types.NoneType]
    forms = tuple(_form(kind, metadata) for kind, metadata in arms)
    forms = (*forms, *_SHORTER.get(place, ()))
    first = arms[0][0]
    description = info.description or _description_of(first)
    why = info.json_schema_extra.get(WHY, "") if isinstance(info.json_schema_extra, dict) else ""
    help_ = _help(place, description, str(why))
    yield SettingField(place, forms, optional, info.is_required(), help_, info)
    for kind, metadata in arms:
        yield from _inside(place, kind, metadata)


def _inside(place: Pattern_, kind: Any, metadata: Sequence[Any]) -> Iterator[SettingField]:
    """The settings below one form of a setting."""
    choice = next((one for one in metadata if isinstance(one, OneOf)), None)
    if choice is not None:
        for word in choice.kinds:
            yield from _of_kind((*place, word.word), word)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from _of_section(kind, place)
    elif get_origin(kind) is tuple:
        yield from _inside_items((*place, ITEM), get_args(kind)[0])
    elif get_origin(kind) is dict:
        yield from _inside_items((*place, NAME), get_args(kind)[1])


def _inside_items(place: Pattern_, annotation: Any) -> Iterator[SettingField]:
    for kind, metadata in _arms(annotation, ()):
        if kind is not FoundSizeSection:  # of a size per model: the same as of one for all
            yield from _inside(place, kind, metadata)


def _of_kind(place: Pattern_, kind: type[Kind]) -> Iterator[SettingField]:
    """The word of a step or classifier, and its settings."""
    info = kind.model_fields.get("root")
    if info is not None:
        why = kind.reasons()["root"]
        forms = tuple(_form(*arm) for arm in _arms(info.annotation, info.metadata))
        yield SettingField(place, forms, False, False, _help(place, _description_of(kind), why), info)
        return
    yield SettingField(place, (ValueForm("group"),), True, False, _help(place, _description_of(kind), ""))
    yield from _of_section(kind, place)


# --- forms -------------------------------------------------------------------------------------------------------


def _arms(annotation: Any, metadata: Sequence[Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The alternatives of an annotation, each with its own metadata."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from _arms(inner, (*metadata, *_unfolded(more)))
    elif get_origin(annotation) in (Union, types.UnionType):
        for arm in get_args(annotation):
            yield from _arms(arm, ())
    else:
        yield annotation, tuple(_unfolded(metadata))


def _unfolded(metadata: Sequence[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one


def _form(kind: Any, metadata: Sequence[Any]) -> ValueForm:
    choice = next((one for one in metadata if isinstance(one, OneOf)), None)
    origin, arguments = get_origin(kind), get_args(kind)
    if choice is not None:
        return ValueForm("step", choices=choice.words)
    if origin is Literal:
        return ValueForm("choice", choices=tuple(map(str, arguments)))
    if origin in (tuple, list):
        return _list_form(arguments)
    if origin is dict:
        items = tuple(_form(*arm) for arm in _arms(arguments[1], ()) if arm[0] is not types.NoneType)
        return ValueForm("entries" if any(item.kind == "group" for item in items[:1]) else "names", items=items)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return ValueForm("group")
    names: dict[Any, FormKind] = {bool: "switch", int: "integer", float: "number", str: "text"}
    bounds = tuple((name, value) for one in metadata for name in _BOUNDS
                   if (value := getattr(one, name, None)) is not None)  # fmt: skip
    return ValueForm(names[kind], bounds=bounds)


def _list_form(arguments: Sequence[Any]) -> ValueForm:
    items = tuple(_form(*arm) for arm in _arms(arguments[0], ()))
    if items[0].kind == "step":
        return replace(items[0], kind="steps")
    return ValueForm(
        "list", items=items, length=None if arguments[-1] is Ellipsis or len(arguments) == 1 else len(arguments)
    )


def _description_of(kind: Any) -> str:
    """The first line of a section's docstring."""
    text = (kind.__doc__ or "") if isinstance(kind, type) and issubclass(kind, BaseModel) else ""
    return text.strip().split("\n")[0]


# --- help --------------------------------------------------------------------------------------------------------


def help_key(place: Pattern_) -> str:
    """The name of a setting in help.yaml; settings that stand in several places have one.

    Examples
    --------
    >>> help_key(("model", "models", "*", "fit", "svm", "kernel"))
    'model.fit.svm.kernel'
    """
    if place[:3] == ("model", "models", NAME) and place[3:4] == ("fit",) and len(place) > 4:
        place = ("model", "fit", *place[4:])
    if place[:2] == ("model", "select") and "keep" in place[:-1]:
        place = ("model", "select", "size", place[-1])
    return ".".join(part for part in place if part != ITEM)


def _help(place: Pattern_, description: str, why: str) -> SettingHelp:
    texts = _texts().get(help_key(place), {})
    return SettingHelp(
        label=texts.get("label", ""), what=texts.get("what", description), paper=texts.get("paper", ""),
        when=texts.get("when", why), unit=texts.get("unit", ""),
    )  # fmt: skip


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    file = Path(__file__).with_name("help.yaml")
    read: Mapping[str, Mapping[str, str]] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    return read


def help_keys() -> tuple[str, ...]:
    """The names of the texts in help.yaml."""
    return tuple(_texts())


def _plain(value: Any) -> Any:
    """A default as a study file would hold it."""
    if isinstance(value, BaseModel):
        return {}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
