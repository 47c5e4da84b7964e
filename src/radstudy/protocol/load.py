"""Read study.yaml, fill it from its preset, and report every mistake with a line number and a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from radstudy._version import __version__
from radstudy.errors import FileProblem, StudyFileError
from radstudy.protocol.base import Section
from radstudy.protocol.sections import SCHEMA, Protocol
from radstudy.protocol.shipped import Preset
from radstudy.protocol.yaml_text import parse_yaml, plain, read_yaml_text

# A study that names its own variables or models uses these alone, without those of the preset.
REPLACED_WHOLE = (
    ("cohort", "clinical"),
    ("cohort", "split"),
    ("model", "models"),
    ("model", "fit"),
    ("extract", "features"),
)

Path_ = tuple[str | int, ...]
Kind = TypeVar("Kind", bound=Section)


def load_protocol(path: str | Path, *, beneath: Mapping[str, Any] | None = None) -> Protocol:
    """Read a study file.

    Parameters
    ----------
    path : the study.yaml.
    beneath : settings that count where neither the file nor its preset has any.

    Raises
    ------
    StudyFileError : every problem of the file at once, each with its line and, for a misspelt name, the nearest one.
    """
    file = Path(path)
    _refuse_folder(file)
    if not file.exists():
        raise StudyFileError(f"{file} does not exist. To do: 'radstudy init FOLDER' writes a study.yaml.")
    text = read_yaml_text(file)
    return parse_protocol(text, str(file), beneath=beneath)


def load_section(path: str | Path, kind: type[Kind]) -> Kind:
    """Read a settings file of one section, with the same messages as for a study file.

    Parameters
    ----------
    path : a YAML file.
    kind : its section.

    Raises
    ------
    StudyFileError : every problem of the file at once, each with its line.
    """
    file = Path(path)
    _refuse_folder(file)
    written = _parse_yaml(read_yaml_text(file), str(file))
    try:
        return kind.model_validate(plain(written))
    except ValidationError as error:
        raise _refused(error, written, str(file)) from None


def _refuse_folder(path: Path) -> None:
    """Refuse a folder, and name the file in it that was probably meant."""
    if not path.is_dir():
        return
    files = sorted(item.name for item in path.iterdir() if item.suffix.lower() in (".yaml", ".yml") and item.is_file())
    remedy = (
        f"give the file in it: {' or '.join(str(path / name) for name in files[:4])}"
        if files
        else f"give a .yaml file; this folder has none ('radstudy init {path}' writes a study.yaml there)"
    )
    raise StudyFileError(f"{path} is a folder, not a file. To do: {remedy}.")


def parse_protocol(
    text: str, name: str = "study.yaml", *, beneath: Mapping[str, Any] | None = None
) -> Protocol:  # fmt: skip
    """Build a protocol from the text of a study file; errors call it `name`. For `beneath` see `load_protocol`."""
    written = _parse_yaml(text, name)
    _refuse_newer(written, name)
    settings = plain(written)
    if settings.get("preset") is not None:
        settings = over_preset(_preset_of(written, name).settings(), settings)
    if beneath is not None:
        settings = _overlay(dict(beneath), settings)
    try:
        return Protocol.model_validate(settings)
    except ValidationError as error:
        raise _refused(error, written, name) from None


def _parse_yaml(text: str, name: str) -> CommentedMap:
    written = parse_yaml(text, name)
    if not isinstance(written, CommentedMap):
        raise StudyFileError(f"{name}: the file must contain settings such as 'study: My study'; it contains none")
    return written


def _preset_of(written: CommentedMap, name: str) -> Preset:
    try:
        return Preset.of(written["preset"])
    except KeyError as error:
        problem = FileProblem(_line(written, ("preset",)), ("preset",), str(error.args[0]))
        raise StudyFileError(f"{name}, line {problem.line}: {problem.message}", (problem,)) from None


def _refuse_newer(written: CommentedMap, name: str) -> None:
    """Refuse a study file of a newer version of the program, before its settings are reported as unknown."""
    version = written.get("schema", SCHEMA)
    if isinstance(version, int) and version > SCHEMA:
        raise StudyFileError(
            f"{name}, line {_line(written, ('schema',))}: this study file has the layout 'schema: {version}'; this "
            f"radstudy ({__version__}) reads layouts up to {SCHEMA}. To do: install a newer radstudy"
        )


def over_preset(preset: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A study's settings over those of its preset; a different outcome does not take the label of the preset's."""
    theirs, ours = (_outcome_of(settings) for settings in (preset, own))
    if ours.get("column", theirs.get("column")) != theirs.get("column"):
        renamed = {key: value for key, value in theirs.items() if key not in ("label", "labels")}
        preset = {**preset, "cohort": {**preset["cohort"], "outcome": renamed}}
    return _overlay(_without_other_items(preset, own), own)


def _without_other_items(preset: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The preset without what it says of items of the form that a study with items of its own does not ask."""
    reading = preset.get("reading", {})
    form = reading.get("characteristics", {})
    if "differs_above" not in form:
        return preset
    clinical = _inside(own, "cohort").get("clinical", preset["cohort"]["clinical"])
    items = _inside(_inside(own, "reading"), "characteristics").get("items")
    numbers = {
        name for name, variable in (clinical.items() if isinstance(clinical, dict) else ())
        if isinstance(variable, dict) and not variable.get("levels")
        and (variable.get("table") == "imaging" if items is None else isinstance(items, list) and name in items)
    }  # fmt: skip
    kept = {name: above for name, above in form["differs_above"].items() if name in numbers}
    return {**preset, "reading": {**reading, "characteristics": {**form, "differs_above": kept}}}


def _inside(settings: dict[str, Any], section: str) -> dict[str, Any]:
    """A section as it is written; empty where there is none, or something else, which is refused later."""
    written = settings.get(section)
    return written if isinstance(written, dict) else {}


def _outcome_of(settings: dict[str, Any]) -> dict[str, Any]:
    return _inside(_inside(settings, "cohort"), "outcome")


def _overlay(base: dict[str, Any], over: dict[str, Any], at: tuple[str, ...] = ()) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        here = (*at, key)
        if isinstance(value, dict) and isinstance(base.get(key), dict) and here not in REPLACED_WHOLE:
            merged[key] = _overlay(base[key], value, here)
        else:
            merged[key] = value
    return merged


# --- errors with their line ------------------------------------------------------------------------------------


def _refused(error: ValidationError, written: CommentedMap, name: str) -> StudyFileError:
    """The error that lists every problem, in the order of their lines."""
    texts = {}
    for item in error.errors():
        problem = _problem(item, written)
        where = ".".join(str(part) for part in problem.place) or "the study file"
        line = f", line {problem.line}" if problem.line else ""
        texts[f"{name}{line}, {where}: {problem.message}"] = problem
    ordered = sorted(texts, key=lambda text: (texts[text].line or 0, text))
    return StudyFileError("\n".join(ordered), tuple(texts[text] for text in ordered))


def _problem(item: Any, written: CommentedMap) -> FileProblem:
    context = item.get("ctx", {})
    inside: Path_ = tuple(part for part in item["loc"] if not _is_internal(part))
    path = (*inside, *context.get("at", ()))
    key = context.get("key") if item["type"] == "unknown_setting" else None
    line = _line(written, (*path, key) if key is not None else path)
    message = _message(item)
    if hint := _of_preset(written, path):
        message = message.removesuffix(f"; {context.get('hint')}").rstrip(".?") + hint
    return FileProblem(line, path, message)


def _of_preset(written: CommentedMap, path: Path_) -> str:
    """Explain that a wrong setting comes from the preset, not from the user's file, and what to write instead."""
    preset, top = written.get("preset"), [str(part) for part in path[:2]]
    if preset is None or len(path) < 2 or _holds(written, path[:2]):
        return ""
    example = _OF_MODELS.get(".".join(top), "")
    if example and (sequences := plain(written.get("sequences", []))):
        names = ", ".join(f"{sequence}: [{sequence}]" for sequence in sequences)
        example = example.replace("NAMES", names).replace("FIRST", str(sequences[0]))
    return (
        f". This comes from the preset '{preset}', not from your file: write {'.'.join(top)} yourself to replace "
        f"it{example and ', such as '}{example}"
    )


_OF_MODELS = {  # what to write instead of the preset's own, in one line of YAML
    "model.models": "'model: {models: {NAMES}, signature: FIRST}'",
    "model.select": "'model: {select: [{impute: median}, {standardise: zscore}, {collinear: {above: 0.80}}, "
                    "{boosted_trees: {keep: 5}}]}'",
    "model.signature": "'model: {signature: null}' or the name of one of your models",
}  # fmt: skip


def _holds(written: CommentedMap, path: Path_) -> bool:
    """True if the file itself has the setting, or has a list or value in its place."""
    node: Any = written
    for part in path:
        if not isinstance(node, CommentedMap):
            return True
        if part not in node:
            return False
        node = node[part]
    return True


_INSTEAD = {  # of pydantic's words for a value of the wrong kind
    "tuple_type": "this is a list: write it in brackets, such as [T2WI, DWI] or [1, 1, 1]",
    "list_type": "this is a list: write it in brackets, such as [T2WI, DWI] or [1, 1, 1]",
    "dict_type": "this takes names with their values, such as {age: {unit: year}}",
    "string_type": "this is one word or text",
}


def _message(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "missing":
        return "this setting is missing"
    given = item.get("input")
    message = _INSTEAD.get(item["type"], message)
    if item["type"] in ("model_type", "model_attributes_type", "dataclass_type"):
        message = f"this takes settings with their values{_settings_of(item['ctx'].get('class_name', ''))}"
    message = re.sub(r"^Input should be", "this should be", message)
    if item["type"] != "unknown_setting" and isinstance(given, str | int | float):
        message = f"{message} (given: {given})"
    elif item["type"] in (*_INSTEAD, "model_type", "kind_type") and given is None:
        message = f"{message} (given: nothing)"
    return message


def _settings_of(kind: str) -> str:
    """List the settings of a section, for an error."""
    fields = next((section.model_fields for section in _sections(Section) if section.__name__ == kind), {})
    names = [field.alias or name for name, field in fields.items()]
    return f", each written as 'name: value'; the names are {', '.join(names)}" if names else ""


def _sections(base: type[Section]) -> Iterator[type[Section]]:
    """Iterate over all classes of sections."""
    for section in base.__subclasses__():
        yield section
        yield from _sections(section)


def _is_internal(part: object) -> bool:
    """True if a part of a pydantic location is the name of a type (in a union), not a key of the file."""
    return isinstance(part, str) and (
        part.startswith(
            ("literal[", "tuple[", "dict[", "function-", "constrained-", "list[", "lax-", "nullable[", "size-", "site-")
        )
        or part in ("str", "int", "float", "bool")
    )


def _line(written: CommentedMap, path: Path_) -> int | None:
    """The line, counted from 1, of the deepest part of the path that the file itself holds."""
    node: Any = written
    line: int | None = None
    for part in path:
        inside = isinstance(node, CommentedMap) and part in node
        if not inside and not (isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node)):
            break
        if (place := (node.lc.data or {}).get(part)) is not None:  # keys merged by '<<' have none
            line = place[0] + 1
        node = node[part]
    return line
