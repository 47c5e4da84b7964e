"""Reading a provenance bundle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from radstudy.algorithms import VERSIONS
from radstudy.errors import StudyFileError
from radstudy.protocol import Protocol
from radstudy.protocol.load import parse_protocol
from radstudy.steps.bundle.data import DataHashes
from radstudy.steps.bundle.paths import OUTSIDE
from radstudy.steps.bundle.write import ALGORITHMS, DATA, STUDY

_LARGEST = 200_000_000  # bytes of a file in the bundle; a larger one is no bundle of this program


@dataclass(frozen=True)
class StudyBundle:
    """A study as a bundle holds it.

    Parameters
    ----------
    written : text of the study file.
    protocol : the study file.
    data : hashes of the data that it was run on.
    algorithms : versions of the algorithms that it was run with.
    """

    written: str
    protocol: Protocol
    data: DataHashes
    algorithms: Mapping[str, int]

    def other_versions(self) -> list[str]:
        """Algorithms of this program with another version than the bundle's, in words."""
        names = dict.fromkeys([*self.algorithms, *VERSIONS])
        pairs = [(name, self.algorithms.get(name), VERSIONS.get(name)) for name in names]
        return [
            f"{name}: {old or 'none'} in the bundle, {new or 'none'} here" for name, old, new in pairs if old != new
        ]


def read_bundle(file: Path) -> StudyBundle:
    """Read a bundle.

    Raises
    ------
    StudyFileError : it is no bundle, is damaged, or its study file cannot be used.
    """
    try:
        with zipfile.ZipFile(file) as source:
            written, data, versions = (_text(source, name) for name in (STUDY, DATA, ALGORITHMS))
        hashes = DataHashes.from_json(json.loads(data))
        algorithms = {str(name): int(one) for name, one in json.loads(versions)["algorithms"].items()}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise StudyFileError(
            f"{file} is not a bundle that radstudy wrote, or it is damaged ({type(error).__name__}: {error}). To do: "
            "give the study_bundle.zip of a finished run"
        ) from None
    protocol = parse_protocol(written, f"{file}/{STUDY}")
    if OUTSIDE in written:
        raise StudyFileError(
            f"{file}: the study read files from outside its folder of data; the bundle does not hold where they were. "
            f"To do: take {STUDY} out of the bundle, put your own paths where it says {OUTSIDE}, and run that file"
        )
    return StudyBundle(written, protocol, hashes, algorithms)


def _text(source: zipfile.ZipFile, name: str) -> str:
    if source.getinfo(name).file_size > _LARGEST:
        raise ValueError(f"{name} is too large")
    return source.read(name).decode("utf-8")
