"""Places of single settings in the text of a study file: where a value begins and ends, and the lines it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from radstudy.errors import StudyFileError

StudyPlace = tuple[str | int, ...]
_MERGE = "tag:yaml.org,2002:merge"


class EditRefusedError(StudyFileError):
    """The text cannot be edited surely at this place; nothing was changed."""


def shown(place: StudyPlace) -> str:
    """A place as text: model.select[2].collinear.above; numbers are counted from 1."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


@lru_cache(maxsize=16)
def _root(text: str) -> MappingNode:
    root = YAML(typ="rt").compose(text)
    if not isinstance(root, MappingNode):
        raise EditRefusedError("the study file contains no settings such as 'study: My study'")
    return root


@dataclass(frozen=True)
class Spot:
    """A node in the text, with what it stands in.

    Parameters
    ----------
    text : of the file.
    node : the value.
    key : its name's node; None for an item of a list, and for the whole file.
    parent : the group or list; None for the whole file.
    number : its position in the parent.
    """

    text: str
    node: Node
    key: Node | None = None
    parent: Spot | None = None
    number: int = 0

    @property
    def is_flow(self) -> bool:
        """True if its items stand in brackets."""
        return isinstance(self.node, MappingNode | SequenceNode) and bool(self.node.flow_style)

    @property
    def in_flow(self) -> bool:
        """True if it stands in brackets itself."""
        return self.parent is not None and (self.parent.is_flow or self.parent.in_flow)

    @property
    def is_empty(self) -> bool:
        """True if no value is written after the name."""
        node = self.node
        return isinstance(node, ScalarNode) and node.value == "" and node.style is None

    @property
    def first(self) -> int:
        """Position of the first character of its name, or of the item."""
        return int((self.node if self.key is None else self.key).start_mark.index)

    @property
    def colon(self) -> int | None:
        """Just after the colon behind its name; None if there is no colon."""
        if self.key is None:
            return None
        match = re.compile(r"\s*:").match(self.text, self.key.end_mark.index)
        return match.end() if match else None

    @property
    def start(self) -> int:
        """Position of the first character of its value."""
        if not self.is_empty:
            return int(self.node.start_mark.index)
        if self.key is None:
            raise EditRefusedError("an empty item of a list cannot be edited here")
        return self.colon or int(self.key.end_mark.index)

    @property
    def end(self) -> int:
        """Just after its value's last character."""
        if self.is_empty:
            return self.start
        if isinstance(self.node, ScalarNode):
            end = int(self.node.end_mark.index)
            return self._end_of_block(end) if self.node.style in ("|", ">") else end
        if self.is_flow or not self.node.value:
            return int(self.node.end_mark.index)
        return self.children()[-1].end

    def _end_of_block(self, end: int) -> int:
        lines = self.text[self.node.start_mark.index : end].split("\n")
        column = self.text.rfind("\n", 0, self.first) + 1
        indent = self.first - column
        last = max((n for n, line in enumerate(lines) if n == 0 or _indent(line) > indent), default=0)
        return int(self.node.start_mark.index) + len("\n".join(lines[: last + 1]).rstrip("\r"))

    def children(self) -> list[Spot]:
        """The nodes in it."""
        if isinstance(self.node, MappingNode):
            return [Spot(self.text, v, k, self, n) for n, (k, v) in enumerate(self.node.value)]
        if isinstance(self.node, SequenceNode):
            return [Spot(self.text, item, None, self, n) for n, item in enumerate(self.node.value)]
        return []

    def child(self, part: str | int) -> Spot | None:
        """The one with a name or number."""
        for spot in self.children():
            if (spot.number if spot.key is None else spot.key.value) == (part if spot.key is None else str(part)):
                return spot
        return None

    @property
    def siblings(self) -> list[Spot]:
        """All nodes of its parent."""
        return [] if self.parent is None else self.parent.children()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" ")) if line.strip() else -1


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.value if isinstance(node, MappingNode | SequenceNode) else ():
        for part in child if isinstance(child, tuple) else (child,):
            yield from _nodes(part)


def deepest(text: str, place: StudyPlace) -> tuple[Spot, StudyPlace]:
    """The last node on the way to a place, and the parts that the file does not have."""
    spot = Spot(text, _root(text))
    for number, part in enumerate(place):
        require_own(spot, inside=False)
        inner = spot.child(part)
        if inner is None:
            return spot, place[number:]
        spot = inner
    require_own(spot, inside=True)
    return spot, ()


def spot_at(text: str, place: StudyPlace) -> Spot:
    """The node at a place.

    Raises
    ------
    EditRefusedError : the file does not have it, or shares it between several places.
    """
    spot, missing = deepest(text, place)
    if missing:
        raise EditRefusedError(f"{shown(place)} is not in the file")
    return spot


def require_own(spot: Spot, *, inside: bool) -> None:
    """Refuse a part of the file that is written once and used in several places."""
    nodes = _nodes(spot.node) if inside else [spot.node]
    merged = isinstance(spot.node, MappingNode) and any(str(key.tag) == _MERGE for key, _ in spot.node.value)
    if merged or any(node.anchor for node in nodes):
        raise EditRefusedError(
            "this part of the file is shared ('&', '*' or '<<'): an edit here would change other places. To do: write "
            "it out in the text of the file"
        )


# --- lines ---


def lines_of(spot: Spot, *, with_end: bool = True) -> tuple[int, int]:
    """The lines of an item of a block: from the first's beginning to the last's end."""
    text = spot.text
    start = dash_line(spot) if spot.key is None else spot.first - column_of(text, spot.first)
    if spot.key is not None and text[start : spot.first].strip():
        raise EditRefusedError("the first setting behind a dash cannot be moved here")
    if with_end:
        return start, after_line(text, spot.end)
    stop = line_stop(text, spot.end)
    return start, stop - 1 if text[stop - 1 : stop] == "\r" else stop


def dash_line(spot: Spot) -> int:
    """Position of the line with an item's dash."""
    start = spot.first - column_of(spot.text, spot.first)
    if not re.fullmatch(r"\s*-\s+", spot.text[start : spot.first]):
        raise EditRefusedError("this list's items do not stand on lines of their own, each behind one dash")
    return start


def line_stop(text: str, index: int) -> int:
    """The end of a position's line, before the line break."""
    stop = text.find("\n", index)
    return len(text) if stop < 0 else stop


def after_line(text: str, index: int) -> int:
    """The beginning of the next line."""
    return min(line_stop(text, index) + 1, len(text))


def line_end(text: str) -> str:
    """The characters that end its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def column_of(text: str, index: int) -> int:
    """The number of characters before a position in its line."""
    return index - (text.rfind("\n", 0, index) + 1)
