"""Are two run folders the same study? File by file, but for what is declared to change with the time and the machine.

    python tests/compat/same_run.py ONE OTHER [--studies STUDY_OF_ONE STUDY_OF_OTHER] [--all]

Numbers, selections, words and pictures have to be equal. What may differ stands in this file: times and durations, the
keys under which a step is known to be finished (they hold a development version's source), versions, the processor, and
the folders in which run and study lie. ``--all`` also lists the files that are equal. Ends with 1 where something
differs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

VOLATILE_KEYS = {
    "key", "hash", "finished", "seconds", "code", "versions", "machine", "inputs", "files", "checksum", "created",
    "written", "testing_first_predicted", "declared", "time", "peak_mib",
}  # fmt: skip
VOLATILE_ARRAYS = {"key"}  # of NPZ files: as of JSON's
VOLATILE_FILES = {
    ".lock",
    "run.log",
    "run.jsonl",
    "log.txt",
    "opened.json",
}  # the last is a cache, by where files lie and when they were written
VOLATILE_TABLES = {"versions"}  # of the report: the program's and the libraries' versions
VOLATILE_MEMBERS = ("docProps/core.xml",)  # of DOCX and XLSX: when it was made
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\+00:00|Z| UTC)?")
_KEY = re.compile(r"\b(0\.1\.0\S*\+[0-9a-f]{16}|[0-9a-f]{21,32})\b")  # code and step, as the page prints them
_CITED_TIME = re.compile(r'(data-source="[^"]*/(?:time|seconds|finished)">)[^<]*')  # on the page, with its source
_LISTED_TIME = re.compile(r",(time|seconds|finished|key),[^,]*$")  # in the listing of the report's numbers
_CLIP = re.compile(r"\bp[0-9a-f]{10}\b")  # Matplotlib numbers a clipped patch by its place in memory
_DURATION = re.compile(r"\b\d+(\.\d+)? (s|min|h)\b")


Folders = tuple[Path, ...]  # that a run names: its own, and its study's


def _json(content: bytes, folders: Folders) -> object:
    return _without_volatile(json.loads(_text(content, folders)))


def _without_volatile(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_volatile(item) for name, item in value.items() if name not in VOLATILE_KEYS}
    return [_without_volatile(item) for item in value] if isinstance(value, list) else value


def _text(content: bytes, folders: Folders) -> str:
    """The text without the folders."""
    text = content.decode("utf-8")
    for folder in folders:
        text = text.replace(folder.resolve().as_posix(), "FOLDER")
    return text


def _page(content: bytes, folders: Folders) -> str:
    """The page without times, durations and what is embedded: those files are compared by themselves."""
    text = re.sub(r"data:[a-z/+.-]+;base64,[A-Za-z0-9+/=]+", "EMBEDDED", _text(content, folders))
    text = _CITED_TIME.sub(r"\1TIME", text)
    for volatile, word in ((_TIME, "TIME"), (_DURATION, "DURATION"), (_KEY, "KEY"), (_CLIP, "CLIP")):
        text = volatile.sub(word, text)
    return re.sub(r'(<td>TIME</td><td class="number">)[0-9.]+', r"\1SECONDS", text)  # how long a step took


def _table(content: bytes, folders: Folders) -> list[str]:
    """The lines, without those that list a time or a duration of the report."""
    return [line for line in _text(content, folders).splitlines() if not _LISTED_TIME.search(line)]


def _arrays(content: bytes, _: Folders) -> dict[str, object]:
    with np.load(io.BytesIO(content)) as arrays:
        return {
            name: (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest())
            for name, array in arrays.items()
            if name not in VOLATILE_ARRAYS
        }


def _parquet(content: bytes, _: Folders) -> object:
    frame = pd.read_parquet(io.BytesIO(content))
    return frame.to_csv(float_format="%.17g").splitlines()


def _document(content: bytes, folders: Folders) -> dict[str, object]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name not in VOLATILE_MEMBERS}
    return {
        name: _text(part, folders) if name.endswith((".xml", ".rels")) else hashlib.sha256(part).hexdigest()
        for name, part in members.items()
    }


def _archive(content: bytes, folders: Folders) -> dict[str, object]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: READERS.get(Path(name).suffix, _bytes)(archive.read(name), folders)
                for name in archive.namelist() if Path(name).name not in VOLATILE_FILES}  # fmt: skip


def _bytes(content: bytes, _: Folders) -> str:
    return hashlib.sha256(content).hexdigest()


READERS: dict[str, Callable[[bytes, Folders], object]] = {
    ".json": _json,
    ".csv": _table,
    ".txt": lambda content, folders: _text(content, folders).splitlines(),
    ".yaml": lambda content, folders: _text(content, folders).splitlines(),
    ".svg": lambda content, folders: _CLIP.sub("CLIP", _text(content, folders)).splitlines(),
    ".html": lambda content, folders: _page(content, folders).splitlines(),
    ".npz": _arrays,
    ".parquet": _parquet,
    ".docx": _document,
    ".xlsx": _document,
    ".zip": _archive,
    ".gz": lambda content, _: hashlib.sha256(gzip.decompress(content)).hexdigest(),
}


def differences(one: Path, other: Path, studies: tuple[Path, Path] | None = None) -> Iterator[tuple[str, str]]:
    """Every file of both folders with what differs first; an empty text where it is the same.

    `studies`: the folders of the studies, which the runs name.
    """
    named = list(zip((one, other), studies or (one, other), strict=True))
    names = [
        {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} for folder in (one, other)
    ]
    for name in sorted(names[0] | names[1]):
        if Path(name).name in VOLATILE_FILES or Path(name).stem in VOLATILE_TABLES:
            continue
        if name not in names[0] or name not in names[1]:
            yield name, f"only in {one if name in names[0] else other}"
            continue
        read = READERS.get(Path(name).suffix, _bytes)
        first, second = (read((folders[0] / name).read_bytes(), folders) for folders in named)
        yield name, "" if first == second else _first(first, second)


def _first(one: object, other: object, where: str = "") -> str:
    """The first place where two values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if key not in one or key not in other:
                return f"{where}/{key}: only in the {'first' if key in one else 'second'}"
            if one[key] != other[key]:
                return _first(one[key], other[key], f"{where}/{key}")
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if left != right:
                return _first(left, right, f"{where}[{index}]")
        return f"{where}: {len(one)} and {len(other)} entries"
    return f"{where}: {one!s:.120} | {other!s:.120}"


def main() -> int:
    """Compare, and say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--studies", type=Path, nargs=2, help="the folders of their studies, which the runs name")
    parser.add_argument("--all", action="store_true", help="list the files that are the same too")
    asked = parser.parse_args()
    files = different = 0
    for name, difference in differences(asked.one, asked.other, tuple(asked.studies) if asked.studies else None):
        files += 1
        different += bool(difference)
        if difference or asked.all:
            print(f"{'differs' if difference else 'same   '} {name} {difference}")
    print(f"{files} files compared, {different} differ")
    return 1 if different or not files else 0


if __name__ == "__main__":
    sys.exit(main())
