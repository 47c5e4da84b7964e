"""Fingerprints of what each algorithm computes from small inputs, in few enough numbers to be kept and read.

One row per column of a table (per family of columns of the feature table, per list of numbers of a JSON file, per
array): how many values, the sum of asinh(x), the same weighted by the place, and a hash of the texts. asinh keeps
large features from hiding small ones; the weights see an exchange of rows. Compare with `same`, which knows the
tolerance.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.algorithms import VERSIONS
from radstudy.artefacts import JsonFile, TableFile, artefact_of

# Columns and fields that may differ from run to run, or from machine to machine, without being a result.
VOLATILE = {
    "seconds", "finished", "created", "key", "hash", "checksum", "file", "image", "mask", "path", "files", "made",
    "code", "versions", "machine", "inputs", "exchanged", "digests", "radstudy", "image_hash", "mask_hash", "sha256",
}  # fmt: skip
PROSE = {  # texts that may be reworded
    "note", "notes", "warnings", "problem", "remedy", "stability_note", "explained", "engine_why_not", "looked_for",
}  # fmt: skip
NOT_RESULTS = (
    "history.json",
    "provenance.json",
    "opened.json",
    "run_folder.json",
    "history.json",
    "cohort/cases.json",
    "cohort/notes.json",
    "report/",
    "run.log",
    "data/",
)
LATER = (
    "hash",
    "use",
    "settings",
    "population",
    "cutoff_rule",
    "acquisition",
    "cohort",
    "performance",
    "refits",
    "test_vector",
)  # parts of signature.json since format 2
RELATIVE, ABSOLUTE = 1e-6, 1e-9


@dataclass(frozen=True)
class Fingerprint:
    """What a column, or an array, holds."""

    algorithm: str
    version: int
    file: str
    column: str
    values: int
    total: float
    weighted: float
    texts: str

    @property
    def place(self) -> tuple[str, str]:
        """Which file and column this is of."""
        return self.file, self.column


def of_run(run: Path) -> list[Fingerprint]:
    """The fingerprints of a run's folder, in the order of the files' names."""
    rows: list[Fingerprint] = []
    for file in sorted(file for file in run.rglob("*") if file.is_file()):
        name = file.relative_to(run).as_posix()
        declared = artefact_of(name)
        if declared is None or any(part in name for part in NOT_RESULTS):
            continue
        if isinstance(declared, TableFile):
            frame = pd.read_parquet(file).reset_index() if file.suffix == ".parquet" else declared.read_file(file)
            rows += of_table(declared.step, name, frame)
        elif name == "signature.json":
            rows += of_signature(json.loads(file.read_text(encoding="utf-8")))
        elif isinstance(declared, JsonFile) and "*" not in declared.path:
            rows += of_json(declared.step, name, json.loads(file.read_text(encoding="utf-8")))
    return rows


def of_arrays(step: str, name: str, arrays: Mapping[str, NDArray[Any]]) -> Fingerprint:
    """One fingerprint of all numbers of several arrays."""
    return of_values(step, name, "", [value for array in arrays.values() for value in array.ravel().tolist()])


def of_table(step: str, name: str, frame: pd.DataFrame) -> Iterator[Fingerprint]:
    """One fingerprint per column; of features, one per family of them."""
    families: dict[str, list[str]] = {}
    for column in map(str, frame.columns):
        if column not in VOLATILE | PROSE:
            families.setdefault(_family(column), []).append(column)
    for family, columns in families.items():
        values = [value for column in columns for value in frame[column]]
        yield of_values(step, name, family, values)


def of_json(step: str, name: str, content: object) -> Iterator[Fingerprint]:
    """One fingerprint of all numbers and texts of a document."""
    yield of_values(step, name, "", list(_flat(content)))


def of_signature(content: dict[str, Any]) -> Iterator[Fingerprint]:
    """One fingerprint of the formula, as format 1 had it, and one of what the step evaluate adds."""
    later = {name: content.pop(name) for name in LATER if name in content}
    content["format"] = "radstudy signature 1"
    for term in content["formula"]["terms"]:
        term.pop("definition", None)
    yield from of_json("model", "signature.json", content)
    added = {name: later.get(name) for name in ("cohort", "performance", "refits", "test_vector")}
    yield of_values("evaluate/signature", "signature.json", "added", list(_flat(added)))


def of_values(step: str, name: str, column: str, values: Iterable[object]) -> Fingerprint:
    """The fingerprint of numbers and texts; truth values count as texts, missing ones not at all."""
    numbers, texts = [], []
    for value in values:
        if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool | np.bool_):
            numbers.append(math.asinh(float(value)) if math.isfinite(value) else math.nan)
        elif value is not None:
            texts.append(str(value))
    known = np.array([number for number in numbers if not math.isnan(number)])
    weights = 1 + np.cos(np.arange(len(known)))
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12] if texts else ""
    return Fingerprint(
        step, VERSIONS[step], name, column, len(known), float(known.sum()), float(known @ weights), digest
    )


def _family(column: str) -> str:
    """The filter's kind and the feature class, such as "wavelet glcm"; another column is its own family."""
    filters, classes = "original|log-sigma|wavelet", "shape|firstorder|glcm|glrlm|glszm|gldm|ngtdm"
    match = re.fullmatch(rf"({filters})\S*?_({classes})_\w+", column)
    return f"{match[1]} {match[2]}" if match else column


def _flat(content: object) -> Iterator[object]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in VOLATILE | PROSE:
                yield str(key)
                yield from _flat(value)
    elif isinstance(content, list):
        for value in content:
            yield from _flat(value)
    else:
        yield content


def same(one: Fingerprint, other: Fingerprint) -> bool:
    """True if both are of the same values, but for the last digits that libraries and processors differ in."""
    scale = ABSOLUTE + RELATIVE * max(1.0, one.values)
    return (
        (one.version, one.values, one.texts) == (other.version, other.values, other.texts)
        and abs(one.total - other.total) <= scale + RELATIVE * abs(one.total)
        and abs(one.weighted - other.weighted) <= scale + RELATIVE * abs(one.weighted)
    )


def as_csv(rows: Iterable[Fingerprint]) -> str:
    """The rows as CSV, with a header."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([field.name for field in fields(Fingerprint)])
    for row in rows:
        writer.writerow([f"{cell:.9g}" if isinstance(cell, float) else cell for cell in astuple(row)])
    return stream.getvalue()


def from_csv(text: str) -> list[Fingerprint]:
    """The inverse of `as_csv`."""
    return [
        Fingerprint(row["algorithm"], int(row["version"]), row["file"], row["column"], int(row["values"]),
                    float(row["total"]), float(row["weighted"]), row["texts"])
        for row in csv.DictReader(io.StringIO(text))
    ]  # fmt: skip
