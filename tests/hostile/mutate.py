"""Damage a file, by a seeded generator: what disks, transfers and bad exports do, and what an attacker would write.

A mutator takes a generator and the bytes and gives other bytes. `gzip:` and `zip:` before a name damage what is inside
and pack it again, so that the damage comes past the checksum.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Mutator = Callable[[np.random.Generator, bytes], bytes]

INTEGERS = (0, 1, -1, 2, 7, 127, -128, 255, 32767, -32768, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1)
FLOATS = (0.0, -0.0, 1e-300, 1e300, -1e300, 1e38, 1e-38, float("nan"), float("inf"), float("-inf"), -1.0, 0.5)
WORDS = ("", " ", "-1", "0", "1e308", "-1e-320", "nan", "inf", "99999999999999999999", "2147483648", "[]", "{}", "null",
         "true", "'", '"', "\\", "\x00", "\ufeff", "\u202e", "é", "*a", "&a [*a]", "!!binary aGk=", "? a", "a: b", "#",
         "%s", "..", "/etc/passwd", "\n", "\t", ",", ";", "-", "x" * 5000)  # fmt: skip


def by_bytes(random: np.random.Generator, raw: bytes) -> bytes:
    """Flip, set, delete, duplicate, insert, cut, or set a number of some bytes to an extreme."""
    if not raw:
        return bytes(random.integers(0, 256, 8, dtype=np.uint8))
    content = bytearray(raw)
    start = _place(random, len(content))
    length = int(random.choice([1, 2, 4, 16, 64, 256]))
    what = int(random.integers(0, 9))
    if what == 0:
        content[start] ^= 1 << int(random.integers(0, 8))
    elif what == 1:
        content[start : start + length] = random.integers(0, 256, length, dtype=np.uint8).tobytes()
    elif what == 2:
        del content[start : start + length]
    elif what == 3:
        content[start:start] = content[start : start + length]
    elif what == 4:
        content[start:start] = random.integers(0, 256, length, dtype=np.uint8).tobytes()
    elif what == 5:
        del content[start:]
    elif what == 6:
        content[start : start + length] = bytes(length)
    elif what == 7:
        content = _number(random, content, start)
    else:
        other = _place(random, len(content))
        content[start : start + length] = content[other : other + length]
    return bytes(content)


def _place(random: np.random.Generator, size: int) -> int:
    """Half the time within the first 400 bytes, where headers are; some of it at the end, where footers are."""
    zone = random.random()
    if zone < 0.5:
        return int(random.integers(0, min(400, size)))
    if zone < 0.65:
        return int(random.integers(max(size - 400, 0), size))
    return int(random.integers(0, size))


def _number(random: np.random.Generator, content: bytearray, start: int) -> bytearray:
    order = random.choice(["<", ">"])
    if random.random() < 0.5:
        code = str(random.choice(["b", "h", "i", "q"]))
        bits = 8 * struct.calcsize(code)
        packed = struct.pack(order + code.upper(), _integer(random) % 2**bits)
    else:
        code = str(random.choice(["f", "d"]))
        value = FLOATS[int(random.integers(0, len(FLOATS)))]
        packed = struct.pack(order + code, float(np.clip(value, -3e38, 3e38)) if code == "f" else value)
    content[start : start + len(packed)] = packed
    return content


def _integer(random: np.random.Generator) -> int:
    return INTEGERS[int(random.integers(0, len(INTEGERS)))]


_NIFTI = {  # offset and type of the header's fields
    0: "i", 40: "h", 42: "h", 44: "h", 46: "h", 48: "h", 70: "h", 72: "h", 76: "f", 80: "f", 84: "f", 88: "f",
    108: "f", 112: "f", 116: "f", 123: "b", 252: "h", 254: "h", 256: "f", 260: "f", 264: "f", 268: "f", 272: "f",
    280: "f", 284: "f", 288: "f", 292: "f", 300: "f", 304: "f", 344: "i",
}  # fmt: skip


def by_nifti(random: np.random.Generator, raw: bytes) -> bytes:
    """Set one or two fields of a NIfTI header to an extreme."""
    content = bytearray(raw)
    for _ in range(int(random.integers(1, 3))):
        offset = int(random.choice(list(_NIFTI)))
        code = _NIFTI[offset]
        if code == "f":
            value = FLOATS[int(random.integers(0, len(FLOATS)))]
            packed = struct.pack("<f", np.float32(np.clip(value, -3e38, 3e38)))
        else:
            packed = struct.pack("<" + code.upper(), _integer(random) % 2 ** (8 * struct.calcsize(code)))
        content[offset : offset + len(packed)] = packed
    return bytes(content)


def by_header(random: np.random.Generator, raw: bytes) -> bytes:
    """Damage the text before the voxels of an NRRD or MetaImage."""
    ended = re.search(rb"\n\r?\n|ElementDataFile[^\n]*\n", raw)
    end = ended.end() if ended else len(raw)
    return by_text(random, raw[:end]) + raw[end:]


def by_text(random: np.random.Generator, raw: bytes) -> bytes:
    """Replace, delete, double or swap a word or line."""
    text = raw.decode("utf-8", "surrogateescape")
    what = int(random.integers(0, 5))
    if what <= 1:
        found = [part.span() for part in re.finditer(r"[\w.+-]+", text)]
        if not found:
            return by_bytes(random, raw)
        low, high = found[int(random.integers(0, len(found)))]
        text = text[:low] + WORDS[int(random.integers(0, len(WORDS)))] + text[high:]
    else:
        lines = text.splitlines(keepends=True)
        if not lines:
            return by_bytes(random, raw)
        number, other = (int(random.integers(0, len(lines))) for _ in range(2))
        if what == 2:
            del lines[number]
        elif what == 3:
            lines.insert(other, lines[number])
        else:
            lines[number], lines[other] = lines[other], lines[number]
        text = "".join(lines)
    return text.encode("utf-8", "surrogateescape")


_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**70,
    "",
    "x",
    [],
    {},
    [None],
    {"a": 1},
    [[[[]]]],
    "$\\frac{$",
    -0.0,
)


def by_json(random: np.random.Generator, raw: bytes) -> bytes:
    """Replace, delete or rename a part of a JSON document."""
    document = json.loads(raw)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        for key in keys:
            places.append((node, key))
            walk(node[key])

    walk(document)
    node, key = places[int(random.integers(0, len(places)))]
    what = int(random.integers(0, 4))
    if what == 0:
        del node[key]
    elif what == 1 and isinstance(node, dict):
        node[str(WORDS[int(random.integers(0, len(WORDS)))])] = node.pop(key)
    else:
        node[key] = _VALUES[int(random.integers(0, len(_VALUES)))]
    return json.dumps(document).encode()


def _within_gzip(inner: Mutator) -> Mutator:
    def mutate(random: np.random.Generator, raw: bytes) -> bytes:
        return gzip.compress(inner(random, gzip.decompress(raw)), 1, mtime=0)

    return mutate


def _within_zip(inner: Mutator) -> Mutator:
    def mutate(random: np.random.Generator, raw: bytes) -> bytes:
        memory = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            chosen = int(random.integers(0, len(names)))
            for number, name in enumerate(names):
                content = old.read(name)
                new.writestr(name, inner(random, content) if number == chosen else content)
        return memory.getvalue()

    return mutate


_PLAIN: dict[str, Mutator] = {
    "bytes": by_bytes,
    "nifti": by_nifti,
    "header": by_header,
    "text": by_text,
    "json": by_json,
}


def mutated(random: np.random.Generator, raw: bytes, names: tuple[str, ...]) -> bytes:
    """The bytes damaged once to three times by mutators of these names."""
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        name = names[int(random.integers(0, len(names)))]
        packing, _, plain = name.rpartition(":")
        mutator = _PLAIN[plain]
        wrapped = {"gzip": _within_gzip, "zip": _within_zip}[packing](mutator) if packing else mutator
        try:
            raw = wrapped(random, raw)
        except (ValueError, OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile, NotImplementedError):
            raw = by_bytes(random, raw)  # it is too damaged already to be unpacked
    return raw
