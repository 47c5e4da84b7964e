"""One of several kinds of section, written as ``word: settings``: steps of the selection, classifiers, preparation.

A kind is one class: its settings, each with the reason to choose it, and the facts that the rest of the program needs.
`OneOf` turns a tuple of kinds into what the study file may hold, so a new kind is its class and its place in the tuple.
"""

from __future__ import annotations

import difflib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, SerializationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

WHY = "why"  # in a field's json_schema_extra: the reason to choose a value, and the alternatives


class Kind(BaseModel):
    """A section under its own word, where the study file offers a choice of several.

    Attributes
    ----------
    word : in the study file.
    bare : the settings if the word stands alone (``- lasso:``).
    """

    model_config = ConfigDict(frozen=True)

    word: ClassVar[str]
    bare: ClassVar[Any] = {}

    @abstractmethod
    def told(self) -> str:
        """Describe the step or classifier, with its settings, for the report's methods text."""

    def idle(self) -> frozenset[str]:
        """The settings (fields) that have no effect, given the values of the others."""
        return frozenset()

    @classmethod
    def reasons(cls) -> dict[str, str]:
        """Field to the reason to choose its value.

        Raises
        ------
        TypeError : a setting has no reason.
        """
        reasons = {}
        for name, field in cls.model_fields.items():
            extra = field.json_schema_extra
            if not isinstance(extra, dict) or not extra.get(WHY):
                raise TypeError(f"the setting '{name}' of {cls.__name__} has no reason (json_schema_extra: {WHY})")
            reasons[name] = str(extra[WHY])
        return reasons


@dataclass(frozen=True)
class OneOf:
    """A place in the study file that holds one of several kinds, ``{word: settings}``.

    As an annotation (``Annotated[SelectionStep, OneOf(...)]``) it makes pydantic read and write that form.

    Parameters
    ----------
    what : its name in errors, such as "a step of 'select'".
    kinds : the classes, each with its own word.
    as_text : True if the word may stand alone, not in a mapping.
    example : an example for errors; empty: the words are listed.
    noted_when_absent : words that a dump names even if they are not used. Keys of finished steps and
        provenance.json have held these from the beginning; a newer word changes no study that does not use it.

    Raises
    ------
    TypeError : two kinds have the same word, or a kind lacks a fact that the program needs.
    """

    what: str
    kinds: Sequence[type[Kind]]
    as_text: bool = False
    example: str = ""
    noted_when_absent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind in self.kinds:
            missing = {*_facts_of(kind), *getattr(kind, "__abstractmethods__", ())}
            if missing:
                raise TypeError(f"{kind.__name__} does not define: {', '.join(sorted(missing))}")
        words = [kind.word for kind in self.kinds]
        if len(set(words)) != len(words):
            raise TypeError(f"two kinds have the same word: {', '.join(words)}")

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the study file."""
        return tuple(kind.word for kind in self.kinds)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema: check the form, then the kind that the word names. The path of an error holds the word."""
        choices = {
            kind.word: core_schema.no_info_before_validator_function(
                partial(_settings_in, kind), handler.generate_schema(kind)
            )
            for kind in self.kinds
        }
        return core_schema.no_info_before_validator_function(
            self._checked,
            core_schema.tagged_union_schema(dict(choices), discriminator=_word_of),
            serialization=core_schema.plain_serializer_function_ser_schema(self._written, info_arg=True),
        )

    def _checked(self, given: Any) -> Any:
        """Return the given value if it has the form of one kind."""
        if isinstance(given, tuple(self.kinds)):
            return given
        if self.as_text and isinstance(given, str):
            given = {given: None}
        if not isinstance(given, dict):
            example = self.example or f", each written as 'name: value'; the names are {', '.join(self.words)}"
            raise PydanticCustomError(
                "kind_type", "this takes settings with their values{example}", {"example": example}
            )  # fmt: skip
        for key in given:
            if key not in self.words:
                near = difflib.get_close_matches(str(key), self.words, n=1, cutoff=0.5)
                hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(self.words)}"
                raise PydanticCustomError(
                    "unknown_setting", "there is no setting '{key}' here; {hint}", {"key": str(key), "hint": hint}
                )
        if len(given) != 1:
            raise PydanticCustomError(
                "one_of", "{what} takes exactly one of {names}; given: {given}",
                {"what": self.what, "names": ", ".join(self.words), "given": ", ".join(given) or "none"},
            )  # fmt: skip
        return given

    def _written(self, section: Kind, info: SerializationInfo) -> dict[str, Any]:
        """``{word: settings}``, as in the study file."""
        settings = section.model_dump(
            mode=info.mode, by_alias=bool(info.by_alias), exclude_none=info.exclude_none,
            exclude_defaults=info.exclude_defaults, exclude_unset=info.exclude_unset,
        )  # fmt: skip
        if info.exclude_none or info.exclude_defaults or info.exclude_unset:
            return {section.word: settings}
        return {**dict.fromkeys(self.noted_when_absent), section.word: settings}


def _facts_of(kind: type[Kind]) -> set[str]:
    """The facts that a kind must define and does not."""
    return {name for base in kind.__mro__ for name in getattr(base, "__class_vars__", ()) if not hasattr(kind, name)}


def _word_of(given: Any) -> str:
    return given.word if isinstance(given, Kind) else str(next(iter(given)))


def _settings_in(kind: type[Kind], given: Any) -> Any:
    """The settings below the word; if the word stands alone, its bare settings."""
    if isinstance(given, Kind):
        return given
    value = given[kind.word]
    return kind.bare if value is None else value
