"""A study's settings whose numbers remember their places in report/settings.json."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import BaseModel, RootModel

from radstudy.protocol import Protocol
from radstudy.report.cited.expression import CellRange
from radstudy.report.cited.frames import escaped_key
from radstudy.report.cited.numbers import with_source

SETTINGS_FILE = "report/settings.json"
Section = TypeVar("Section", bound=BaseModel)


def settings_document(protocol: Protocol) -> dict[str, Any]:
    """All settings in force, defaults included, as report/settings.json holds them."""
    return protocol.model_dump(mode="json", by_alias=True, exclude={"reading"})


def cited_protocol(protocol: Protocol) -> Protocol:
    """A study's settings; each number remembers its place in `settings_document`."""
    return cast("Protocol", _cited(protocol, settings_document(protocol), "", ""))


def _cited(value: Any, document: Any, path: str, key: str) -> Any:
    """The value with sources, as far as the document has it at the same place."""
    inner = f"{path}/{escaped_key(key)}" if key else path
    if isinstance(value, BaseModel):
        return _section(value, document, inner, path, key)
    if isinstance(value, dict) and isinstance(document, dict):
        return {name: _cited(one, document.get(str(name)), inner, str(name)) for name, one in value.items()}
    if isinstance(value, list | tuple) and isinstance(document, list) and len(value) == len(document):
        kept = [_cited(one, document[place], inner, str(place)) for place, one in enumerate(value)]
        return kept if isinstance(value, list) else tuple(kept)
    if isinstance(value, bool) or value != document:
        return value
    return with_source(value, CellRange(SETTINGS_FILE, path or "/", key))


def _section(section: Section, document: Any, inner: str, path: str, key: str) -> Section:
    if isinstance(section, RootModel):
        values = {"root": _cited(section.root, document, path, key)}
    elif isinstance(document, dict):
        given = [name for name, one in document.items() if one is not None]
        if set(document) != set(_names(section)) and len(given) == 1:  # a kind under its word: {collinear: {...}}
            word = given[0]
            return _section(section, document[word], f"{inner}/{escaped_key(word)}", inner, word)
        values = {name: _cited(getattr(section, name), document.get(alias), inner, alias)
                  for alias, name in _names(section).items()}  # fmt: skip
    else:  # a kind with a single setting, printed as that setting
        return section
    copy = section.model_copy(update=values)
    copy.__pydantic_fields_set__.clear()
    copy.__pydantic_fields_set__.update(section.model_fields_set)
    return copy


def _names(section: BaseModel) -> dict[str, str]:
    """Name in the document to name of the field."""
    return {field.alias or name: name for name, field in type(section).model_fields.items()}
