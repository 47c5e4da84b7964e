"""Presets, defaults and lists of features by version: YAML files that always stay in the program and never change.

A study file names the versions that it was written with; one without a version means version 1. A new version of the
program thus never changes what an existing study computes. A new version is a new file, next to the old ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import Field
from ruamel.yaml import YAML

from radstudy.protocol.yaml_text import plain

FIRST = 1  # the version if a study file names none
SHIPPED = Path(__file__).parents[1]  # of presets/, defaults/ and feature_sets/
_IN_FORCE: ContextVar[int] = ContextVar("defaults", default=FIRST)


@dataclass(frozen=True)
class Preset:
    """One version of a preset; its text is that of a study file: ``her2-ihc2plus/1``."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @classmethod
    def of(cls, word: object) -> Preset:
        """The preset that a study file names; a bare name means version 1.

        Raises
        ------
        KeyError : the preset or version does not exist; the message names the nearest one.
        """
        name, _, version = str(word).partition("/")
        known = presets()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
            hint = f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(known)}"
            raise KeyError(f"there is no preset '{word}'; {hint}")
        versions = versions_of_preset(name)
        preset = cls(name, int(version or FIRST) if (version or "1").isdecimal() else 0)
        if preset.version not in versions:
            raise KeyError(
                f"there is no version '{version}' of the preset '{name}'; choose from "
                f"{', '.join(map(str, versions))}. A later one needs a newer radstudy"
            )
        return preset

    @property
    def latest(self) -> Preset:
        """Its newest version."""
        return Preset(self.name, max(versions_of_preset(self.name)))

    def text(self) -> str:
        """Its YAML text."""
        return _file("presets", self.name, self.version).read_text(encoding="utf-8")

    def settings(self) -> dict[str, Any]:
        """Its settings, in the form of a study file."""
        return deepcopy(_preset(_file("presets", self.name, self.version)))


def presets() -> tuple[str, ...]:
    """The names of all presets."""
    return tuple(sorted(item.name for item in (SHIPPED / "presets").iterdir() if item.is_dir()))


def versions_of_preset(name: str) -> tuple[int, ...]:
    """The versions of a preset that are shipped, oldest first."""
    return _versions(SHIPPED / "presets" / name)


def versions_of_defaults() -> tuple[int, ...]:
    """The versions of the defaults that are shipped, oldest first."""
    return _versions(SHIPPED / "defaults")


def feature_set(name: str) -> Mapping[str, tuple[str, ...]]:
    """A list of features that study files refer to by name: class to features, in order."""
    listed: Mapping[str, tuple[str, ...]] = _values(SHIPPED / "feature_sets" / f"{name}.yaml")
    return listed


@contextmanager
def defaults_in_force(version: int) -> Iterator[None]:
    """Fill the missing settings of sections created in this context from one version of the defaults."""
    token = _IN_FORCE.set(version)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def default(setting: str, description: str | None = None, **more: Any) -> Any:
    """A field of a section; if the study file has no value, it is taken from the defaults in force.

    Parameters
    ----------
    setting : dotted name in ``defaults/N.yaml``. A group of settings there yields the section with its own defaults.
    description : printed by the documentation.
    more : further arguments of `pydantic.Field`.
    """
    if description is not None:
        more["description"] = description
    return Field(default_factory=partial(_default, setting), validate_default=True, **more)


def default_group(setting: str, description: str | None = None) -> Any:
    """A field whose section is on by default, with its own defaults, or off (null in ``defaults/N.yaml``)."""
    return Field(default_factory=partial(_group, setting), validate_default=True, description=description)


def _default(setting: str) -> Any:
    value: Any = _values(_file("defaults", "", _IN_FORCE.get()))
    for part in setting.split("."):
        value = value[part]
    return value


def _group(setting: str) -> dict[str, Any] | None:
    return None if _default(setting) is None else {}


def _file(kind: str, name: str, version: int) -> Path:
    folder = SHIPPED / kind / name if name else SHIPPED / kind
    return folder / f"{version}.yaml"


def _versions(folder: Path) -> tuple[int, ...]:
    names = [item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")]
    return tuple(sorted(int(name) for name in names if name.isdecimal()))


@cache
def _preset(file: Path) -> dict[str, Any]:
    settings: dict[str, Any] = plain(YAML(typ="rt").load(file.read_text(encoding="utf-8")))
    return settings


@cache
def _values(file: Path) -> Any:
    return _frozen(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _frozen(item) for name, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
