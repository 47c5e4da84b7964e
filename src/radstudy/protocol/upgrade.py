"""`radstudy upgrade`: find what newer versions of the preset and of the defaults would change in a study file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from radstudy.errors import StudyFileError
from radstudy.protocol.load import load_protocol, parse_protocol
from radstudy.protocol.sections import Protocol
from radstudy.protocol.shipped import Preset, versions_of_defaults
from radstudy.protocol.yaml_text import read_yaml_text
from radstudy.store import set_aside, write_text

_VERSIONS = ("schema", "preset", "defaults")


@dataclass(frozen=True)
class Change:
    """One setting that a newer version changes: its dotted name, its value before and after; "" if it has none."""

    setting: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.before or 'not set'} -> {self.after or 'not set'}"


@dataclass(frozen=True)
class Upgrade:
    """A study file and its content with the newest versions.

    Parameters
    ----------
    file : the study file.
    versions : those that it names, and the newest, such as "preset her2-ihc2plus/1 -> her2-ihc2plus/2".
    changes : settings that change, in the file's order; those set in the file itself stay as they are.
    text : the new file: the old one with newer versions, its comments and layout kept.
    """

    file: Path
    versions: tuple[str, ...]
    changes: tuple[Change, ...]
    text: str

    def write(self) -> Path:
        """Write the new file; keep the old one next to it, and return its path."""
        kept = set_aside(self.file)
        try:
            write_text(self.file, self.text)
        except BaseException:
            kept.replace(self.file)
            raise
        return kept


def upgrade_of(file: Path) -> Upgrade | None:
    """The upgrade of a study file to the newest versions in this radstudy; None if nothing is newer.

    Raises
    ------
    StudyFileError : the study file has problems, or would have some with the newer versions.
    """
    before = load_protocol(file)
    wanted: dict[str, str] = {}
    versions = []
    if before.preset is not None:
        preset = Preset.of(before.preset)
        if preset.latest != preset:
            wanted["preset"] = str(preset.latest)
            versions.append(f"preset {preset} -> {preset.latest}")
    if (latest := max(versions_of_defaults())) > before.defaults:
        wanted["defaults"] = str(latest)
        versions.append(f"defaults {before.defaults} -> {latest}")
    if not wanted:
        return None
    read_yaml_text(file)  # for its bounds and errors; below, the line ends stay as they are
    text = _with(file.read_bytes().decode("utf-8-sig"), wanted, str(file))
    try:
        after = parse_protocol(text, str(file))
    except StudyFileError as error:
        raise StudyFileError(
            f"{file} does not fit the newer versions ({'; '.join(versions)}); it is unchanged:\n{error}"
        ) from None
    return Upgrade(file, tuple(versions), _changes(before, after), text)


def _changes(before: Protocol, after: Protocol) -> tuple[Change, ...]:
    old, new = (dict(_flat(_settings(protocol))) for protocol in (before, after))
    names = list(dict.fromkeys((*old, *new)))
    return tuple(
        Change(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")
    )


def _settings(protocol: Protocol) -> dict[str, Any]:
    return protocol.model_dump(mode="json", by_alias=True, exclude=set(_VERSIONS) | {"schema_"})


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names with their values as text; the steps of a list are numbered from 1."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, 1):
            yield from _flat(item, f"{at}[{number}]")
    elif value is not None:
        yield at, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _with(text: str, wanted: dict[str, str], name: str) -> str:
    """The text with new values of top-level settings, in place of the old ones or after `preset`; all else stays.

    Only these characters are replaced: a file that is loaded and dumped loses its alignment.
    """
    for key, value in wanted.items():
        root = YAML(typ="rt").compose(text)
        if not isinstance(root, MappingNode):
            raise StudyFileError(f"{name}: the file must contain settings; it contains none")
        node = _value(root, key)
        if node is not None:
            text = text[: node.start_mark.index] + value + text[node.end_mark.index :]
        else:
            text = _inserted(text, root, f"{key}: {value}")
    return text


def _value(root: MappingNode, key: str) -> Node | None:
    return next((value for name, value in root.value if isinstance(name, ScalarNode) and name.value == key), None)


def _inserted(text: str, root: MappingNode, line: str) -> str:
    """The text with one more top-level setting."""
    if root.flow_style:
        start = root.start_mark.index + 1
        return f"{text[:start]}{line}, {text[start:]}"
    beside = next((name for name, _ in root.value if name.value == "preset"), None)
    end = "\r\n" if "\r\n" in text else "\n"
    if beside is None:
        start = root.value[0][0].start_mark.index
        return f"{text[:start]}{line}{end}{text[start:]}"
    start = text.find("\n", beside.start_mark.index) + 1
    if not start:
        return f"{text}{end}{line}{end}"
    return f"{text[:start]}{line}{end}{text[start:]}"
