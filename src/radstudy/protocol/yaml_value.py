"""Values as they are written into the text of a study file."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from radstudy.errors import StudyFileError
from radstudy.protocol.yaml_spot import EditRefusedError
from radstudy.protocol.yaml_text import parse_yaml, plain

_BARE = re.compile(r"[^\W\d]([\w ./()+%-]*[\w./()+%-])?")
_SIGNS = "\"'#&!|>%@`"  # quoted, though some of them mean nothing inside a text
_WORDS = frozenset(["yes", "no", "on", "off", "true", "false", "null", "y", "n", "~"])  # of YAML 1.1: quoted
_LONG_LIST, _LONG_GROUP = 60, 100  # characters of a value that is broken into lines


def is_wide(value: Any) -> bool:
    """True if a value is easier to read on several lines: a list of steps, the models, the codebook."""
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return (
        len(items) > 1
        and any(isinstance(item, dict | list) for item in items)
        and len(flow(value)) > (_LONG_LIST if isinstance(value, list) else _LONG_GROUP)
    )


def block_entry(name: str, value: Any, column: int, end: str) -> str:
    """A setting on lines of its own."""
    if is_wide(value):
        return f"{' ' * column}{scalar(name)}:{end}{block(value, column + 2, end)}"
    if isinstance(value, dict) and any(map(is_wide, value.values())):
        inner = "".join(block_entry(key, item, column + 2, end) for key, item in value.items())
        return f"{' ' * column}{scalar(name)}:{end}{inner}"
    return f"{' ' * column}{entry(name, value)}{end}"


def block(value: Any, column: int, end: str) -> str:
    """The lines of a list or group."""
    if isinstance(value, dict):
        return "".join(block_entry(str(name), item, column, end) for name, item in value.items())
    indent = " " * column
    return "".join(
        f"{indent}- {entry(*next(iter(item.items()))) if isinstance(item, dict) and len(item) == 1 else flow(item)}"
        f"{end}"
        for item in value
    )


def entry(name: str, value: Any, *, in_flow: bool = False) -> str:
    """A setting on one line."""
    return f"{scalar(name, in_flow=in_flow)}: {flow(value, in_flow=in_flow)}"


def flow(value: Any, *, in_flow: bool = False, quote: str | None = None) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(entry(str(key), item, in_flow=True) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, in_flow=True) for item in value) + "]"
    return scalar(value, in_flow=in_flow, quote=quote)


def scalar(value: Any, *, in_flow: bool = False, quote: str | None = None) -> str:
    """A text, number, boolean or None.

    Parameters
    ----------
    value : plain.
    in_flow : True if it stands in brackets.
    quote : the sign that the old value was quoted with, which a new text keeps.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    return _text(str(value), in_flow=in_flow, quote=quote)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise EditRefusedError(f"{value} is not a number that a study can be computed with")
    mantissa, sign, exponent = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}e{exponent}" if sign else mantissa


def _text(value: str, *, in_flow: bool, quote: str | None) -> str:
    """A text in the old one's quotes; without quotes where it had none and needs none."""
    double, single = json.dumps(value, ensure_ascii=False), "'" + value.replace("'", "''") + "'"
    if quote == "'" and "\n" not in value and _means(single, value, in_flow):
        return single
    if quote == '"' or value.lower() in _WORDS or "\n" in value:
        return double
    if _BARE.fullmatch(value):
        return value
    signs = _SIGNS + "{}[],*?" if in_flow else _SIGNS
    return double if set(value) & set(signs) or not _means(value, value, in_flow) else value


def _means(written: str, value: str, in_flow: bool) -> bool:
    """True if YAML reads a text so, as a value and as a name, and alone on its line."""
    if written != written.strip() or not written:
        return False
    try:
        probe = f"[{written}, {{{written}: 1}}]" if in_flow else f"{written}: 1\nv: {written} # c\n"
        read = plain(parse_yaml(probe, "it"))
    except StudyFileError:
        return False
    return bool(read == ([value, {value: 1}] if in_flow else {value: 1, "v": value}))
