"""Change single settings in the text of a study file; all else stays: comments, order, blank lines, quotes, line ends.

A file that is loaded and dumped loses its layout. Here the places of the nodes are looked up, and only the characters
of one setting are replaced. Every result is parsed again: it must be the wanted document, or the edit is refused.

A place is a tuple of names, and of numbers in lists: ``("model", "select", 2, "collinear", "above")``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode

from radstudy.errors import StudyFileError
from radstudy.protocol.yaml_spot import (
    EditRefusedError,
    Spot,
    StudyPlace,
    after_line,
    column_of,
    dash_line,
    deepest,
    line_end,
    line_stop,
    lines_of,
    require_own,
    shown,
    spot_at,
)
from radstudy.protocol.yaml_text import parse_yaml, plain
from radstudy.protocol.yaml_value import block, block_entry, entry, flow, is_wide, scalar

Order = Callable[[StudyPlace], Sequence[str]]

_BOM = "\ufeff"
_CONTINUED = re.compile(r"[ \t]*#[ \t]{8,}\S.*")  # the second line of a comment that stands beside a setting


@dataclass(frozen=True)
class LineChange:
    """Lines of a file that changed.

    Parameters
    ----------
    line : number of the first one in the new file, counted from 1; where lines were removed, the one that follows.
    before, after : the lines without their ends.
    """

    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def set_value(text: str, place: StudyPlace, value: Any, *, order: Order = lambda _: ()) -> str:
    """Give a setting a value; a missing one is inserted, with the groups that it stands in.

    Parameters
    ----------
    text : of the study file.
    place : of the setting.
    value : plain: text, number, boolean, None, list, dictionary.
    order : names of the settings of a group in the order in which a missing one is inserted among them.

    Raises
    ------
    EditRefusedError : this cannot be done surely; the message says why.
    """
    return _edited(text, partial(_with_value, place=place, value=value), partial(_set, place, value, order), free=True)


def remove(text: str, place: StudyPlace) -> str:
    """Remove a setting, or an item of a list, with its lines; a group that gets empty stays, as ``{}`` or ``[]``.

    Raises
    ------
    EditRefusedError : it does not exist, or cannot be removed surely.
    """
    return _edited(text, partial(_without, place=place), partial(_remove, place))


def insert(text: str, place: StudyPlace, value: Any) -> str:
    """Insert an item into a list; the last part of the place is its number (that of the list's length: at the end).

    Raises
    ------
    EditRefusedError : there is no list, or it cannot be edited surely.
    """
    return _edited(text, partial(_with_item, place=place, value=value), partial(_insert_item, place, value))


def move(text: str, place: StudyPlace, to: int) -> str:
    """Move an item of a list, or a setting within its group, to another position.

    Raises
    ------
    EditRefusedError : it does not exist, or cannot be moved surely.
    """
    return _edited(text, partial(_moved, place=place, to=to), partial(_move, place, to))


def rename(text: str, place: StudyPlace, name: str) -> str:
    """Give a named entry, such as a model, another name; what refers to it stays as it is.

    Raises
    ------
    EditRefusedError : it does not exist, or the name is taken.
    """
    return _edited(text, partial(_renamed, place=place, name=name), partial(_rename, place, name))


def changed_lines(before: str, after: str) -> tuple[LineChange, ...]:
    """The lines that differ between two texts."""
    old, new = (text.removeprefix(_BOM).splitlines() for text in (before, after))
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(
        LineChange(low + 1, tuple(old[start:end]), tuple(new[low:high]))
        for kind, start, end, low, high in codes
        if kind != "equal"
    )


@lru_cache(maxsize=16)
def settings_of(text: str) -> dict[str, Any]:
    """The settings of a study file's text, plain; shared by its callers, who do not change them.

    Raises
    ------
    StudyFileError : it is not YAML, or holds no settings.
    """
    settings = plain(parse_yaml(text.removeprefix(_BOM), "the study file"))
    if not isinstance(settings, dict):
        raise StudyFileError("the study file contains no settings such as 'study: My study'")
    return settings


def written_at(settings: Any, place: StudyPlace) -> Any:
    """The value at a place of plain settings.

    Raises
    ------
    KeyError : there is none.
    """
    for part in place:
        inside = (isinstance(settings, dict) and part in settings) or (
            isinstance(settings, list) and isinstance(part, int) and 0 <= part < len(settings)
        )
        if not inside:
            raise KeyError(place)
        settings = settings[part]
    return settings


def same(one: Any, other: Any) -> bool:
    """True if two plain values are equal: types and the order of names, too."""
    return _fingerprint(one) == _fingerprint(other)


def _fingerprint(value: Any) -> str:
    return json.dumps(value, default=str)


# --- the wanted documents ----------------------------------------------------------------------------------------


def _with_value(settings: Any, place: StudyPlace, value: Any) -> Any:
    if not place:
        return value
    part, rest = place[0], place[1:]
    if isinstance(settings, list):
        if not isinstance(part, int) or not 0 <= part < len(settings):
            raise EditRefusedError(f"the list has no item number {part}")
        return [_with_value(item, rest, value) if n == part else item for n, item in enumerate(settings)]
    if settings is not None and not isinstance(settings, dict):
        raise EditRefusedError(f"'{part}' cannot be set: the file has the value '{settings}' in place of its group")
    group = settings or {}
    return {**group, str(part): _with_value(group.get(part), rest, value)}


def _without(settings: Any, place: StudyPlace) -> Any:
    wanted = deepcopy(settings)
    _require(wanted, place)
    del written_at(wanted, place[:-1])[place[-1]]
    return wanted


def _with_item(settings: Any, place: StudyPlace, value: Any) -> Any:
    wanted = deepcopy(settings)
    items, number = _require(wanted, place[:-1]), place[-1]
    if not isinstance(items, list) or not isinstance(number, int) or not 0 <= number <= len(items):
        raise EditRefusedError(f"{shown(place[:-1])} is not a list with a position {number}")
    items.insert(number, value)
    return wanted


def _moved(settings: Any, place: StudyPlace, to: int) -> Any:
    wanted = deepcopy(settings)
    _require(wanted, place)
    group = written_at(wanted, place[:-1])
    keys = list(range(len(group))) if isinstance(group, list) else list(group)
    entries = [group[key] for key in _reordered(keys, keys.index(place[-1]), to)]
    if isinstance(group, list):
        return _with_value(wanted, place[:-1], entries)
    return _replaced(wanted, place[:-1], dict(zip(_reordered(keys, keys.index(place[-1]), to), entries, strict=True)))


def _reordered(items: list[Any], start: int, to: int) -> list[Any]:
    if not 0 <= to < len(items):
        raise EditRefusedError(f"there is no position {to + 1}: there are {len(items)}")
    others = items[:start] + items[start + 1 :]
    return [*others[:to], items[start], *others[to:]]


def _renamed(settings: Any, place: StudyPlace, name: str) -> Any:
    _require(settings, place)
    group = written_at(settings, place[:-1])
    if not isinstance(group, dict) or name in group or not name:
        raise EditRefusedError(f"'{place[-1]}' cannot be called '{name}': choose a name that is not taken")
    return _replaced(settings, place[:-1], {name if key == place[-1] else key: item for key, item in group.items()})


def _replaced(settings: Any, place: StudyPlace, value: Any) -> Any:
    return _with_value(deepcopy(settings), place, value)


def _require(settings: Any, place: StudyPlace) -> Any:
    try:
        return written_at(settings, place)
    except KeyError:
        raise EditRefusedError(f"{shown(place)} is not in the file") from None


# --- the text ----------------------------------------------------------------------------------------------------


def _edited(text: str, wanted: Callable[[Any], Any], edit: Callable[[str], str], *, free: bool = False) -> str:
    """The edited text, if it is the wanted document.

    Parameters
    ----------
    text : of the file.
    wanted : from the file's settings to the intended ones.
    edit : from the file's text, without a byte order mark, to the new one.
    free : True if a new setting may stand anywhere among those that were there.
    """
    bom = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM)
    if "\r" in body.replace("\r\n", ""):
        raise EditRefusedError("the line ends of this file are not edited here. To do: save it with usual line ends")
    before = settings_of(body)
    after = wanted(before)
    if same(before, after):
        return text
    new = edit(body)
    try:
        result = settings_of(new)
        surely = _alike_in_any_order(result, after) and _in_order_of(before, result) if free else same(result, after)
    except StudyFileError:
        surely = False
    if not surely:
        raise EditRefusedError("this place cannot be edited surely here. To do: change it in the text of the file")
    return bom + new


def _alike_in_any_order(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def _in_order_of(before: Any, result: Any) -> bool:
    """True if the names that were there before follow one another as before."""
    if isinstance(before, dict) and isinstance(result, dict):
        names = [name for name in result if name in before]
        if names != [name for name in before if name in result]:
            return False
        return all(_in_order_of(before[name], result[name]) for name in names)
    return True


def _set(place: StudyPlace, value: Any, order: Order, text: str) -> str:
    spot, missing = deepest(text, place)
    if not missing:
        return _set_node(text, place, value, order)
    nested = value
    for part in reversed(missing[1:]):
        nested = {str(part): nested}
    parent = place[: len(place) - len(missing)]
    if not isinstance(spot.node, MappingNode) or not spot.node.value:
        require_own(spot, inside=True)
        return _replace(spot, {str(missing[0]): nested})
    names = [child.key.value for child in spot.children() if child.key is not None]
    return _insert_key(spot, _position(str(missing[0]), names, order(parent)), str(missing[0]), nested)


def _position(name: str, present: Sequence[str], order: Sequence[str]) -> int:
    """The number of settings that come before a new one."""
    if name not in order:
        return len(present)
    before = set(order[: order.index(name)])
    last = max((number for number, other in enumerate(present) if other in before), default=None)
    if last is not None:
        return last + 1
    return 0 if any(other in order for other in present) else len(present)


def _set_node(text: str, place: StudyPlace, value: Any, order: Order) -> str:
    spot = spot_at(text, place)
    current = written_at(settings_of(text), place)
    if same(current, value):
        return text
    if isinstance(current, dict) and isinstance(value, dict) and current and value:
        return _set_group(text, place, current, value, order)
    if isinstance(current, list) and isinstance(value, list) and current and value:
        return _set_list(text, place, current, value, order)
    return _replace(spot, value)


def _set_group(text: str, place: StudyPlace, old: dict[str, Any], new: dict[str, Any], order: Order) -> str:
    kept = [name for name in new if name in old]
    if not kept or kept != [name for name in old if name in new]:
        return _replace(spot_at(text, place), new)
    for name in kept:
        text = _set_node(text, (*place, name), new[name], order)
    names = list(new)
    for name in [name for name in new if name not in old]:
        spot = spot_at(text, place)
        present = [child.key.value for child in spot.children() if child.key is not None]
        text = _insert_key(spot, _position(name, present, names), name, new[name])
    for name in [name for name in old if name not in new]:
        text = _remove((*place, name), text)
    return text


def _set_list(text: str, place: StudyPlace, old: list[Any], new: list[Any], order: Order) -> str:
    codes = difflib.SequenceMatcher(None, [*map(_fingerprint, old)], [*map(_fingerprint, new)], autojunk=False)
    for kind, start, end, low, high in reversed(codes.get_opcodes()):
        if kind == "equal":
            continue
        both = min(end - start, high - low)
        if not all(_alike(old[start + number], new[low + number]) for number in range(both)):
            both = 0
        for number in reversed(range(both, high - low)):
            text = _insert_item((*place, start + both), new[low + number], text)
        for number in reversed(range(start + both, end)):
            text = _remove((*place, number + high - low - both), text)
        for number in reversed(range(both)):
            text = _set_node(text, (*place, start + number), new[low + number], order)
    return text


def _alike(old: Any, new: Any) -> bool:
    """True if an item is the old one with another value; a step of another kind takes no comment of the old one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return list(old)[:1] == list(new)[:1]
    return type(old) is type(new)


# --- one splice --------------------------------------------------------------------------------------------------


def _replace(spot: Spot, value: Any) -> str:
    """Write a value in place of the old one."""
    text, node = spot.text, spot.node
    if spot.parent is None:
        raise EditRefusedError("the whole file cannot be replaced by an edit")
    is_block = not isinstance(node, ScalarNode) and not spot.is_flow
    on_next_line = spot.key is not None and "\n" in text[spot.key.end_mark.index : spot.start]
    if is_block and on_next_line and not spot.is_empty:
        return _replace_lines(spot, value)
    if is_block and spot.key is None and isinstance(value, dict) and len(value) == 1:
        written = entry(*next(iter(value.items())))
    else:
        old = node.style if isinstance(node, ScalarNode) else None
        written = flow(value, in_flow=spot.in_flow, quote=old)
    if spot.is_empty:
        written = f"{'' if spot.colon else ':'} {written}"
    return _aligned(text, spot.start, spot.end, written)


def _replace_lines(spot: Spot, value: Any) -> str:
    """Replace a value that stands on lines of its own, below its name; the name's line keeps its comment."""
    text, colon = spot.text, spot.colon or 0
    start = text.rfind("\n", 0, spot.start) + 1
    stop = after_line(text, spot.end)
    if is_wide(value):
        lines = block(value, column_of(text, spot.start), line_end(text))
        return text[:start] + lines + text[stop:]
    return f"{text[:colon]} {flow(value)}{text[colon:start]}{text[stop:]}"


def _aligned(text: str, start: int, end: int, written: str) -> str:
    """Replace a part of a line; a comment behind it keeps its column, if there is room."""
    rest = text[end : line_stop(text, end)]
    gap = re.match(r"([\]},]*)( {2,})#", rest)
    longer = len(written) - (end - start)
    if gap is None or "\n" in text[start:end]:
        return text[:start] + written + text[end:]
    spaces = max(len(gap[2]) - longer, 1)
    return text[:start] + written + gap[1] + " " * spaces + text[end + len(gap[1]) + len(gap[2]) :]


def _insert_key(parent: Spot, position: int, name: str, value: Any) -> str:
    """Insert a setting into a group that has some."""
    children = parent.children()
    if parent.is_flow:
        return _insert_in_flow(parent, position, entry(name, value, in_flow=True))
    first = children[0].first
    column = column_of(parent.text, first)
    alone = not parent.text[first - column : first].strip()
    if position == 0 and not alone:  # the first name stands behind a dash
        position = 1
    return _insert_lines(parent, position, block_entry(name, value, column, line_end(parent.text)), first - column)


def _insert_item(place: StudyPlace, value: Any, text: str) -> str:
    parent = spot_at(text, place[:-1])
    number = int(place[-1])
    if not parent.children():
        return _replace(parent, [value])
    if parent.is_flow:
        return _insert_in_flow(parent, number, flow(value, in_flow=True))
    line = dash_line(parent.children()[0])
    column = parent.text.index("-", line) - line
    is_step = isinstance(value, dict) and len(value) == 1
    written = entry(*next(iter(value.items()))) if is_step else flow(value)
    return _insert_lines(parent, number, f"{' ' * column}- {written}{line_end(text)}", line)


def _insert_lines(parent: Spot, position: int, lines: str, first: int) -> str:
    """Insert whole lines behind an item of a block, or at the block's first line."""
    text = parent.text
    if position == 0:
        return text[:first] + lines + text[first:]
    at = after_line(text, parent.children()[position - 1].end)
    while at < len(text) and _CONTINUED.fullmatch(text[at : line_stop(text, at)]):
        at = after_line(text, at)
    if at and text[at - 1] != "\n":  # the last line has no end
        end = line_end(text)
        return text + end + lines.removesuffix(end)
    return text[:at] + lines + text[at:]


def _insert_in_flow(parent: Spot, position: int, written: str) -> str:
    text, children = parent.text, parent.children()
    if position == 0:
        return f"{text[: children[0].first]}{written}, {text[children[0].first :]}"
    end = max(children[position - 1].end, children[position - 1].first)
    return f"{text[:end]}, {written}{text[end:]}"


def _remove(place: StudyPlace, text: str) -> str:
    spot = spot_at(text, place)
    parent, siblings = spot.parent, spot.siblings
    if parent is None or (len(siblings) == 1 and parent.parent is None):
        raise EditRefusedError("the last setting of the file cannot be removed")
    if len(siblings) == 1:
        return _replace(parent, {} if spot.key is not None else [])
    if parent.is_flow:
        return _remove_from_flow(spot)
    if spot.key is not None and text[spot.first - column_of(text, spot.first) : spot.first].strip():
        return text[: spot.first] + text[siblings[1].first :]  # behind a dash
    start, stop = lines_of(spot)
    return text[:start] + text[stop:]


def _remove_from_flow(spot: Spot) -> str:
    text, siblings, number = spot.text, spot.siblings, spot.number
    start, end = spot.first, spot.end
    if number + 1 < len(siblings):
        following = siblings[number + 1].first
        if "#" not in text[end:following]:
            return text[:start] + text[following:]
        comma = text.index(",", end)
        return text[:start] + text[comma + 1 :]
    before = siblings[number - 1].end
    if "#" not in text[before:start]:
        return text[:before] + text[end:]
    comma = text.index(",", before)
    return text[:comma] + text[comma + 1 : start] + text[end:]


def _move(place: StudyPlace, to: int, text: str) -> str:
    spot = spot_at(text, place)
    siblings = spot.siblings
    if spot.parent is None:
        raise EditRefusedError("the whole file cannot be moved")
    for sibling in siblings:
        require_own(sibling, inside=True)
    if spot.parent.is_flow:
        if "#" in text[siblings[0].first : siblings[-1].end]:
            raise EditRefusedError("comments stand between these items. To do: move it in the text of the file")
        spans = [(sibling.first, sibling.end) for sibling in siblings]
    else:
        spans = [lines_of(sibling, with_end=False) for sibling in siblings]
    contents = _reordered([text[start:end] for start, end in spans], spot.number, to)
    for (start, end), content in reversed(list(zip(spans, contents, strict=True))):
        text = text[:start] + content + text[end:]
    return text


def _rename(place: StudyPlace, name: str, text: str) -> str:
    spot = spot_at(text, place)
    if spot.key is None:
        raise EditRefusedError("an item of a list has no name")
    start, end = int(spot.key.start_mark.index), int(spot.key.end_mark.index)
    written = scalar(name, in_flow=spot.in_flow, quote=spot.key.style if isinstance(spot.key, ScalarNode) else None)
    return text[:start] + written + text[end:]
