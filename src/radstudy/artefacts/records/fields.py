"""The declaration of a record's fields, read from its dataclass, which states the type and description of each."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from radstudy.artefacts.declaration import Column, ColumnKind


@dataclasses.dataclass(frozen=True)
class Says:
    """The description of a field of a record: the metadata of its annotation.

    Parameters
    ----------
    text : one sentence.
    unit : unit of a number; "" if it has none.
    name : name on disk, if it differs from the field's.
    optional : True if it may be left out on disk.
    """

    text: str
    unit: str = ""
    name: str = ""
    optional: bool = False


def fields_of(record: type) -> tuple[Column, ...]:
    """The fields of a record, in order, as they are written.

    Parameters
    ----------
    record : dataclass whose fields are annotated as ``Annotated[type, Says(...)]``.
    """
    hints = get_type_hints(record, include_extras=True)
    return tuple(_column(field.name, hints[field.name]) for field in dataclasses.fields(record))


def _column(name: str, hint: Any) -> Column:
    if get_origin(hint) is not Annotated:
        raise AssertionError(f"the field {name} has no description")
    inner, says = get_args(hint)[:2]
    kind, record = _kind(inner)
    return Column(
        says.name or name, kind, says.text, says.unit, says.optional, fields_of(record) if record is not None else ()
    )


def _kind(hint: Any) -> tuple[ColumnKind, type | None]:
    """The kind of a type, and its record type or that of its entries."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _kind(next(one for one in inner if one is not type(None)))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return ColumnKind.OBJECT, hint
    if origin in (tuple, list, Sequence):
        record = inner[0] if inner and isinstance(inner[0], type) and dataclasses.is_dataclass(inner[0]) else None
        return ColumnKind.LIST, record
    if origin in (dict, Mapping):
        return ColumnKind.OBJECT, None
    simple = {str: ColumnKind.TEXT, bool: ColumnKind.BOOLEAN, int: ColumnKind.INTEGER, float: ColumnKind.NUMBER}
    return simple.get(hint, ColumnKind.TEXT if getattr(hint, "__name__", "") == "Path" else ColumnKind.ANY), None
