"""Read what the study's import knows of who is who: only the import has seen names and birth dates."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from radstudy.intake.persons import FILE, Persons, read_persons
from radstudy.modelling.leaks import LeakFinding
from radstudy.modelling.leaks.duplicates import CHECK
from radstudy.protocol import Protocol


@dataclass(frozen=True)
class Identities:
    """The comparison of the patients' names and birth dates, by pseudonyms.

    Parameters
    ----------
    files : identities.json of every import that the study reads.
    compared : patients whose name and birth date were compared.
    same_person : pairs with the same name and birth date under two PatientIDs.
    problems : files that could not be read.
    """

    files: tuple[Path, ...]
    compared: frozenset[str]
    same_person: frozenset[tuple[str, str]]
    problems: tuple[LeakFinding, ...]


def read_identities(protocol: Protocol, data: Path) -> Identities:
    """Read identities.json next to the cohort's table or the images.

    Parameters
    ----------
    protocol : the study's protocol.
    data : folder that its paths start from.
    """
    files = tuple(dict.fromkeys(file for folder in _folders(protocol, data) if (file := folder / FILE).is_file()))
    read: list[Persons] = []
    problems: list[LeakFinding] = []
    for file in files:
        try:
            read.append(read_persons(file))
        except (OSError, ValueError, TypeError) as error:
            problems.append(_unreadable(file, error))
    compared = frozenset(name for persons in read for name in persons.compared)
    pairs = frozenset(pair for persons in read for pair in persons.same_person)
    return Identities(files, compared, pairs, tuple(problems))


def _folders(protocol: Protocol, data: Path) -> Iterator[Path]:
    """The folders that may hold an import: the cohort table's, and those in which the file patterns begin."""
    cohort = protocol.cohort
    yield (data / cohort.table).resolve().parent
    for pattern in filter(None, (cohort.images, cohort.masks)):
        before = ""
        for literal, name, _, _ in string.Formatter().parse(pattern):  # a doubled brace ends a literal, too
            before += literal
            if name is not None:
                break
        yield (data / f"{before}x").resolve().parent


def _unreadable(file: Path, error: Exception) -> LeakFinding:
    return LeakFinding(
        "warning", CHECK, f"{file.name} of the import cannot be read, so names and birth dates were not compared",
        str(error) or type(error).__name__, str(file), "run the import again to write it anew",
    )  # fmt: skip
