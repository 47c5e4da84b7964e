"""Read users' YAML within bounds: repetitions are counted before they are built, and non-plain values are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from radstudy import bounds
from radstudy.errors import FileProblem, RadstudyError, StudyFileError
from radstudy.printable import NOT_IN_XML

_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:^|\s)#.*")  # and comments
_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")
)


def read_yaml_text(path: Path) -> str:
    """Read the text of a settings file.

    Raises
    ------
    StudyFileError : it is missing, larger than `bounds.YAML`, or not UTF-8.
    """
    try:
        bounds.YAML.require_of(StudyFileError, path.stat().st_size, path)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise StudyFileError(f"{path} cannot be read: {error}. To do: correct the path, or save UTF-8 text.") from error


def parse_yaml(text: str, name: str, *, names_twice: bool = False) -> Any:
    """Parse YAML text; the parts know their lines (ruamel's CommentedMap and CommentedSeq).

    Parameters
    ----------
    text : YAML 1.2: no, yes, on and off stay words, as in a clinical table.
    name : the file, for errors.
    names_twice : True if a name may be given twice; the first one counts.

    Raises
    ------
    StudyFileError : it is not YAML, is larger than the bounds once its repetitions are written out, repeats itself
        without end, is nested too deeply, or has a name that is not a word or number, or a tag such as !!python/object.
    """
    bounds.YAML.require_of(StudyFileError, len(text), name)
    _require_flat(text, name)
    try:
        return _reader(names_twice, lambda root: _require_plain(root, name)).load(text)
    except RadstudyError:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = str(error.problem or error.context)
        tab = "; indent with spaces, not with tabs" if r"'\t'" in problem else ""
        place = FileProblem(mark.line + 1 if mark else None, (), f"this is not YAML: {problem}{tab}")
        raise StudyFileError(f"{name}{line}: {place.message}", (place,)) from None
    except YAMLError as error:
        raise StudyFileError(f"{name}: this is not YAML: {error}") from None
    except RecursionError:
        raise _too_deep(name) from None
    except Exception as error:  # ruamel raises any error at values that it cannot build, such as a date of month 99
        raise StudyFileError(f"{name}: this is not YAML: {error or type(error).__name__}") from None


def plain(node: Any) -> Any:
    """The result of `parse_yaml` as plain dictionaries, lists, numbers and texts, without lines and comments."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(item) for item in node]
    if isinstance(node, bool | int | float) or node is None:
        return node if isinstance(node, bool) or node is None else (int(node) if isinstance(node, int) else float(node))
    return str(node)


def _require_flat(text: str, name: str) -> None:
    """Refuse deeply nested brackets and dashes, for which ruamel's scanner takes quadratic time."""
    depth = 0
    for line in text.splitlines():
        bare = _QUOTED.sub("", line)
        if bare.count("- ") + bare.count("? ") > bounds.DEEPEST:
            raise _too_deep(name)
        for sign in _BRACKET.findall(bare):
            depth = depth + 1 if sign in "[{" else max(depth - 1, 0)
            if depth > bounds.DEEPEST:
                raise _too_deep(name)


def _too_deep(name: str) -> StudyFileError:
    return StudyFileError(f"{name}: this is not a settings file: it is nested more than {bounds.DEEPEST} levels deep")


def _reader(names_twice: bool, check: Callable[[Node], None]) -> YAML:
    """A reader that has its nodes checked before it builds anything of them."""

    class Checking(RoundTripConstructor):
        def construct_document(self, node: Node) -> Any:
            check(node)
            return super().construct_document(node)

    reader = YAML(typ="rt")
    reader.Constructor = Checking
    reader.allow_duplicate_keys = names_twice
    return reader


def _require_plain(root: Node, name: str) -> None:
    """Refuse content that does not belong in a settings file; count each part as often as it is repeated."""
    sizes: dict[int, int] = {}

    def size_of(node: Node, depth: int, above: frozenset[int]) -> int:
        line = f"{name}, line {node.start_mark.line + 1}"
        if id(node) in above:
            raise StudyFileError(f"{line}: this part contains itself ('&' and '*'). To do: write it out.")
        if depth > bounds.DEEPEST:
            raise RecursionError
        if id(node) in sizes:
            return sizes[id(node)]
        if isinstance(node, ScalarNode) and NOT_IN_XML.search(node.value):
            raise StudyFileError(f"{line}: a character of the value cannot be printed. To do: type it again.")
        if str(node.tag) not in _PLAIN_TAGS:
            raise StudyFileError(f"{line}: the tag '{node.tag}' is not supported. To do: write a plain value.")
        inside, total = above | {id(node)}, 1
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if not isinstance(key, ScalarNode):
                    raise StudyFileError(
                        f"{name}, line {key.start_mark.line + 1}: a setting's name is one word, not a list or a group. "
                        "To do: write 'name: value'."
                    )
                total += size_of(key, depth + 1, inside) + size_of(value, depth + 1, inside)
        elif isinstance(node, SequenceNode):
            total += sum(size_of(item, depth + 1, inside) for item in node.value)
        bounds.NODES.require_of(StudyFileError, total, line)
        sizes[id(node)] = total
        return total

    if root is not None:
        size_of(root, 0, frozenset())
